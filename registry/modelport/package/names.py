"""The source of a function or class, and the names that a source refers to."""

from __future__ import annotations

import ast
import inspect
import symtable
import textwrap
from typing import Any

__all__ = ["imported_modules", "names_of", "source_of"]


def source_of(value: Any) -> str | None:
    """Return the source of *value*, undented, or None where there is none or it is another object's."""
    try:
        text = textwrap.dedent(inspect.getsource(value))
        tree = ast.parse(text)
    except (OSError, TypeError, SyntaxError):
        return None
    wanted = ast.ClassDef if isinstance(value, type) else ast.FunctionDef | ast.AsyncFunctionDef
    first = tree.body[0] if len(tree.body) == 1 else None
    return text if isinstance(first, wanted) and first.name == value.__name__ else None


def names_of(text: str) -> list[str]:
    """Return the names that *text* refers to and does not define itself, sorted; quoted annotations count, too."""
    found = _free(symtable.symtable(text, "<packed>", "exec"), top=True)
    tree = ast.parse(text)
    defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    for annotation in _annotations(tree):
        for node in ast.walk(annotation):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= _names_in_text(node.value)
    return sorted(found - defined)


def imported_modules(text: str) -> set[str]:
    """Return the modules that *text* imports anywhere, lazily too; relative imports are left out."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module)
    return modules


def _free(table: symtable.SymbolTable, *, top: bool) -> set[str]:
    found = {
        s.get_name()
        for s in table.get_symbols()
        if s.is_referenced() and (s.is_global() or (top and not s.is_assigned() and not s.is_imported()))
    }
    for child in table.get_children():
        found |= _free(child, top=False)
    return found


def _annotations(tree: ast.AST) -> list[ast.expr]:
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            found.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            found.append(node.annotation)
    return found


def _names_in_text(text: str) -> set[str]:
    """Return the names in a quoted annotation; a string that is no expression (a dimension's name) has none."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return set()
    if isinstance(tree.body, ast.Name):
        return set() if len(text) < 2 or text.islower() else {text}  # noqa: PLR2004 - see the docstring
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
