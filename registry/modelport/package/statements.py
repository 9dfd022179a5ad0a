"""The import statements in a source, wherever they stand, and whether what they import may be missing."""

from __future__ import annotations

import ast
import importlib.util
import operator
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.package.modules import Origin, origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Imports", "imports_in"]

_MISSING = {"ImportError", "ModuleNotFoundError"}
_MISSING_IS_FINE = _MISSING | {"Exception", "BaseException"}
_IMPORTERS = {"import_module", "__import__"}
_SEARCHERS = {"iter_modules", "walk_packages"}
_HERE = {"sys.version_info": sys.version_info, "sys.platform": sys.platform, "os.name": os.name}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip


@dataclass(slots=True)
class Imports:
    """What a source imports; ``from a import b`` gives ``a.b``, whether that is a module or something in one.

    Attributes:
        required: What must be there.
        optional: What may be missing, since the source catches that.
        packages: Packages of which everything is imported: ``from a import *``.
        is_open: Whether it imports modules whose names are not in the source.
    """

    required: set[str] = field(default_factory=set)
    optional: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    is_open: bool = False


def imports_in(text: str, package: str = "") -> Imports:
    """Return what *text* imports, lazily too, and by ``import_module("a.b")``.

    What only type checkers import is left out, what only other Pythons or platforms import as well, and what takes the
    place of a missing module that is not missing.

    Args:
        text: The source.
        package: The package that the source belongs to, for relative imports; without one these are left out.

    Raises:
        SyntaxError: It is not Python.
    """
    visitor = _Visitor(package)
    visitor.visit(ast.parse(text))
    found = visitor.found
    found.optional -= found.required
    return found


class _Visitor(ast.NodeVisitor):
    def __init__(self, package: str) -> None:
        self.package = package
        self.found = Imports()

    def visit_Import(self, node: ast.Import) -> None:
        self.found.required.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = self._absolute(node.level, node.module or "")
        if not module:
            return
        for alias in node.names:
            if alias.name == "*":
                self.found.packages.add(module)
            self.found.required.add(module if alias.name == "*" else f"{module}.{alias.name}")

    def visit_Call(self, node: ast.Call) -> None:
        name = _dotted(node.func).rpartition(".")[2]
        if name in _IMPORTERS and node.args:
            self._import_by_name(node)
        self.found.is_open |= name in _SEARCHERS
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        truth = _truth(node.test)
        self.visit(node.test)
        self._visit_all(node.body if truth is not False else ())
        self._visit_all(node.orelse if truth is not True else ())

    def visit_With(self, node: ast.With) -> None:
        suppressed = {
            name
            for item in node.items
            if isinstance(item.context_expr, ast.Call) and _dotted(item.context_expr.func).endswith("suppress")
            for one in item.context_expr.args
            for name in _names(one)
        }
        self._merge(self._part(node.body), caught=bool(suppressed & _MISSING_IS_FINE))

    def visit_Try(self, node: ast.Try) -> None:
        caught = any(h.type is None or _MISSING_IS_FINE & _names(h.type) for h in node.handlers)
        body = self._part(node.body)
        self._merge(body, caught=caught)
        there = [_is_there(module) for module in body.required]
        for handler in node.handlers:
            if handler.type is None or not _names(handler.type) <= _MISSING or False in there:
                self._visit_all(handler.body)
            elif None in there:  # it may run, or not: what it imports goes along where it is installed
                self._merge(self._part(handler.body), caught=True)
        self._visit_all([*node.orelse, *node.finalbody])

    def _import_by_name(self, node: ast.Call) -> None:
        first = node.args[0]
        text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
        bare = text.lstrip(".")
        module = self._absolute(len(text) - len(bare), bare)
        if module:
            self.found.required.add(module)
        else:
            self.found.is_open = True

    def _absolute(self, level: int, module: str) -> str:
        """Return the full name of a module; nothing where it lies outside of what is known."""
        if not level:
            return module
        parts = self.package.split(".") if self.package else []
        if level > len(parts):
            return ""
        return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])

    def _part(self, nodes: Sequence[ast.stmt]) -> Imports:
        visitor = _Visitor(self.package)
        visitor._visit_all(nodes)
        return visitor.found

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _merge(self, part: Imports, *, caught: bool) -> None:
        (self.found.optional if caught else self.found.required).update(part.required)
        self.found.optional |= part.optional
        self.found.packages |= part.packages
        self.found.is_open |= part.is_open


def _is_there(module: str) -> bool | None:
    """Tell whether *module*, or the name in a module, can be imported; None where only importing it would tell."""
    if origin(module) is Origin.MISSING:
        return False
    parts = module.split(".")
    if len(parts) == 1:
        return True
    if parts[0] not in sys.modules:
        return None
    inner: object = sys.modules[parts[0]]
    for end in range(2, len(parts) + 1):
        dotted = ".".join(parts[:end])
        if dotted in sys.modules or hasattr(inner, parts[end - 1]):
            inner = sys.modules.get(dotted) or getattr(inner, parts[end - 1], None)
        elif ".".join(parts[: end - 1]) in sys.modules:
            found = importlib.util.find_spec(dotted) if hasattr(inner, "__path__") else None
            return None if found is not None and end < len(parts) else found is not None
        else:
            return False
    return True


def _truth(test: ast.expr) -> bool | None:
    """Return what a test comes to that asks for the Python, the platform or a type checker; None for any other."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if _dotted(test).rpartition(".")[2] == "TYPE_CHECKING":
        return False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        truth = _truth(test.operand)
        return None if truth is None else not truth
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _compared(test)
    return None


def _compared(test: ast.Compare) -> bool | None:
    compare = _COMPARISONS.get(type(test.ops[0]))
    try:
        wanted = ast.literal_eval(test.comparators[0])
        return bool(compare(_HERE[_dotted(test.left)], wanted)) if compare else None
    except (KeyError, TypeError, ValueError):
        return None


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{_dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def _names(node: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
