"""The source of a function or class, and the names that a source refers to."""

from __future__ import annotations

import ast
import inspect
import symtable
from dataclasses import dataclass, field
from typing import Any

from modelport.package.cells import source_in_cells

__all__ = ["References", "names_from", "references", "source_of"]

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(slots=True)
class References:
    """The names that a source refers to and does not define itself.

    Attributes:
        eager: What is looked up while the source runs: bases, decorators, defaults, the body of a class.
        late: What is looked up when its functions are called.
        annotations: What annotations say, quoted ones too; they are not evaluated while the source runs.
        chains: Dotted uses, such as ``np.linalg.norm``.
    """

    eager: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)
    annotations: set[str] = field(default_factory=set)
    chains: set[str] = field(default_factory=set)

    @property
    def all(self) -> list[str]:
        """All the names, sorted."""
        return sorted(self.eager | self.late | self.annotations)


def source_of(value: Any) -> str | None:
    """Return the source of *value*, undented, or None where there is none or it is another object's."""
    try:
        text = _undented(_text_of(value))
        tree = ast.parse(text)
    except (OSError, TypeError, SyntaxError):
        return None
    wanted = ast.ClassDef if isinstance(value, type) else ast.FunctionDef | ast.AsyncFunctionDef
    first = tree.body[0] if len(tree.body) == 1 else None
    return text.rstrip() if isinstance(first, wanted) and first.name == value.__name__ else None


def _text_of(value: Any) -> str:
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        text = source_in_cells(value) if isinstance(value, type) else None
        if text is None:
            raise
        return text


def references(text: str) -> References:
    """Return the names that *text* refers to.

    Raises:
        SyntaxError: The source cannot stand alone; ``nonlocal`` names a variable around it.
    """
    tree, found = ast.parse(text), References()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (chain := _chain(node)):
            found.chains.add(chain)
    for annotation in _annotations(tree):
        found.annotations |= _names_in_type(annotation)
    bare = ast.fix_missing_locations(_Unannotated().visit(ast.parse(text)))
    _sort(symtable.symtable(ast.unparse(bare), "<packed>", "exec"), found, eager=True)
    own = {n.name for n in tree.body if isinstance(n, _Definition)}
    return References(found.eager - own, found.late - own, found.annotations - own, found.chains)


def names_from(text: str) -> dict[str, tuple[str, str]]:
    """Return the names that ``from MODULE import NAME`` binds anywhere in *text*: the module, and the name there."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
    }


def _undented(text: str) -> str:
    """Return *text* without the indentation of its first line; what lies inside of a text over many lines stays."""
    indent = len(text) - len(text.lstrip(" \t"))
    if not indent:
        return text
    inside = {
        line
        for node in ast.walk(ast.parse(f"if 1:\n{text}"))
        if isinstance(node, ast.JoinedStr | ast.Constant) and isinstance(getattr(node, "value", ""), str | bytes)
        for line in range(node.lineno, node.end_lineno or node.lineno)
    }
    lines = text.splitlines(keepends=True)
    prefix = text[:indent]
    return "".join(line if n in inside else line.removeprefix(prefix) for n, line in enumerate(lines, 1))


def _sort(table: symtable.SymbolTable, found: References, *, eager: bool) -> None:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (symbol.is_global() or (top and not symbol.is_assigned())):
            (found.eager if eager else found.late).add(symbol.get_name())
    for child in table.get_children():
        later = child.get_type() == "function" and not child.get_name().endswith(("comp", "genexpr"))
        _sort(child, found, eager=eager and not later)


class _Unannotated(ast.NodeTransformer):
    """Takes the annotations out of a source; a variable that is only annotated stays a variable."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        value = node.value or ast.Constant(None)
        return ast.copy_location(ast.Assign([node.target], value), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def _annotations(tree: ast.AST) -> list[ast.expr]:
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            found.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            found.append(node.annotation)
    return found


def _names_in_type(node: ast.AST) -> set[str]:
    """Return the names in an annotation; a text in it is one, too, but not a tensor's dimension or a literal."""
    if isinstance(node, ast.Constant):
        return _names_in_text(node.value) if isinstance(node.value, str) else set()
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Subscript):
        kind = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        if kind in {"Annotated", "Tensor", "Literal"}:
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            first = _names_in_type(parts[0]) if kind == "Annotated" else set()
            return first | _plain_names(node)
    return {name for child in ast.iter_child_nodes(node) for name in _names_in_type(child)}


def _names_in_text(text: str) -> set[str]:
    try:
        return _names_in_type(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError):
        return set()


def _plain_names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _chain(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    inner = _chain(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner and isinstance(node, ast.Attribute) else ""
