"""What a package's code imports: the user's own modules, which go along, and those that distributions provide."""

from __future__ import annotations

import ast
import contextlib
from typing import TYPE_CHECKING

from modelport.model.kinds import TensorOf, single
from modelport.package.modules import Origin, local_files, origin

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.model.spec import ModelSpec

__all__ = ["follow_imports", "imported_modules", "modules_of_values"]

_MISSING_IS_FINE = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def follow_imports(source: str, files: dict[str, Path]) -> dict[str, set[str]]:
    """Return the modules that *source* and the user's own modules import, in turn and anywhere, but for their own.

    Args:
        source: The code, ``model.py``.
        files: The user's own modules by their path under ``code/``; those that are found are added.

    Returns:
        Module -> the paths of the files that import it.
    """
    found: dict[str, set[str]] = {}
    waiting, seen = [("model.py", source), *_texts(files)], set(files)
    while waiting:
        path, text = waiting.pop()
        required, optional = imported_modules(text)
        for module in required | optional:
            kind = origin(module)
            if kind is Origin.LOCAL:
                fresh = {path: file for path, file in local_files(module).items() if path not in seen}
                seen |= fresh.keys()
                files |= fresh
                waiting += _texts(fresh)
            elif kind is not Origin.MISSING or module in required:
                found.setdefault(module, set()).add(f"code/{path}")
    return found


def imported_modules(text: str) -> tuple[set[str], set[str]]:
    """Return the modules that *text* imports, lazily too, and those whose absence it catches.

    ``from a import b`` gives ``a.b``, whether that is a module or something in one. Relative imports, and what only
    type checkers import, are left out.
    """
    visitor = _Imports()
    visitor.visit(ast.parse(text))
    return visitor.required, visitor.optional - visitor.required


def modules_of_values(spec: ModelSpec) -> set[str]:
    """Return the modules that make the values of a signature: of its tensors, and of its tables."""
    kinds = {type(single(f.type)) for message in spec.messages for f in message.fields}
    tables = {"pandas"} if any(message.table for message in spec.messages) else set()
    return tables | ({"numpy"} if TensorOf in kinds else set())


class _Imports(ast.NodeVisitor):
    def __init__(self) -> None:
        self.required: set[str] = set()
        self.optional: set[str] = set()
        self._caught = 0

    def visit_Import(self, node: ast.Import) -> None:
        self._add(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module and not node.level:
            self._add(node.module if a.name == "*" else f"{node.module}.{a.name}" for a in node.names)

    def visit_If(self, node: ast.If) -> None:
        test = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", "")
        for child in node.orelse if test == "TYPE_CHECKING" else [*node.body, *node.orelse]:
            self.visit(child)

    def visit_Try(self, node: ast.Try) -> None:
        caught = any(h.type is None or _MISSING_IS_FINE & _names(h.type) for h in node.handlers)
        self._caught += caught
        for child in node.body:
            self.visit(child)
        self._caught -= caught
        for other in (*node.handlers, *node.orelse, *node.finalbody):
            self.visit(other)

    def _add(self, modules: object) -> None:
        (self.optional if self._caught else self.required).update(modules)  # type: ignore[arg-type]


def _names(node: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _texts(files: dict[str, Path]) -> list[tuple[str, str]]:
    """Return the sources among *files* by path; what is no Python (a template, say) can import nothing."""
    texts = []
    for path, file in files.items():
        if path.endswith(".py"):
            with contextlib.suppress(SyntaxError, ValueError):
                text = file.read_text("utf-8")
                ast.parse(text)
                texts.append((path, text))
    return texts
