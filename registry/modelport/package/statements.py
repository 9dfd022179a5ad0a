"""The import statements in a source, wherever they stand, and whether what they import may be missing."""

from __future__ import annotations

import ast
import importlib.util
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelport.package.conditions import dotted_name, truth
from modelport.package.modules import Origin, origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Imports", "imports_in"]

_MISSING = {"ImportError", "ModuleNotFoundError"}
_MISSING_IS_FINE = _MISSING | {"Exception", "BaseException"}
_IMPORTERS = {"import_module", "__import__"}
_SEARCHERS = {"iter_modules", "walk_packages"}


@dataclass(slots=True)
class Imports:
    """What a source imports; ``from a import b`` gives ``a.b``, whether that is a module or something in one.

    Attributes:
        required: What must be there.
        guarded: What must be there where a test says so that only running it would tell.
        optional: What may be missing, since the source catches that.
        packages: Packages of which everything is imported: ``from a import *``.
        is_open: Whether it imports modules whose names are not in the source.
    """

    required: set[str] = field(default_factory=set)
    guarded: set[str] = field(default_factory=set)
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
    tree = ast.parse(text)
    visitor = _Visitor(package, _IMPORTERS | _other_names(tree))
    visitor.visit(tree)
    found = visitor.found
    found.guarded -= found.required
    found.optional -= found.required | found.guarded
    return found


class _Visitor(ast.NodeVisitor):
    def __init__(self, package: str, importers: set[str]) -> None:
        self.package = package
        self.importers = importers
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
        name = dotted_name(node.func).rpartition(".")[2]
        if name in self.importers:
            self._import_by_name(node)
        self.found.is_open |= name in _SEARCHERS
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        self._visit_choice(node.test, node.body, node.orelse)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._visit_choice(node.test, [node.body], [node.orelse])

    def _visit_choice(self, test: ast.expr, body: Sequence[ast.AST], orelse: Sequence[ast.AST]) -> None:
        self.visit(test)
        known = truth(test)
        if known is None:
            part = self._part([*body, *orelse])
            part.guarded |= part.required
            part.required.clear()
            self._merge(part, caught=False)
        else:
            self._visit_all(body if known else orelse)

    def visit_With(self, node: ast.With) -> None:
        suppressed = {
            name
            for item in node.items
            if isinstance(item.context_expr, ast.Call) and dotted_name(item.context_expr.func).endswith("suppress")
            for one in item.context_expr.args
            for name in _names(one)
        }
        self._visit_all(node.items)
        self._merge(self._part(node.body), caught=bool(suppressed & _MISSING_IS_FINE))

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        first = next((h for h in node.handlers if h.type is None or _MISSING_IS_FINE & _names(h.type)), None)
        body = self._part(node.body)
        self._merge(body, caught=first is not None and not _always_raises(first.body))
        there = [_is_there(module) for module in body.required]
        for handler in node.handlers:
            if handler.type:
                self.visit(handler.type)
            if handler.type is None or not _names(handler.type) <= _MISSING or False in there:
                self._visit_all(handler.body)
            elif None in there:  # it may run, or not: what it imports goes along where it is installed
                self._merge(self._part(handler.body), caught=True)
        self._visit_all([*node.orelse, *node.finalbody])

    visit_TryStar = visit_Try  # noqa: N815 - the name that ast calls

    def _import_by_name(self, node: ast.Call) -> None:
        first = next((one.value for one in node.keywords if one.arg == "name"), node.args[0] if node.args else None)
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

    def _part(self, nodes: Iterable[ast.AST]) -> Imports:
        visitor = _Visitor(self.package, self.importers)
        visitor._visit_all(nodes)
        return visitor.found

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _merge(self, part: Imports, *, caught: bool) -> None:
        (self.found.optional if caught else self.found.required).update(part.required)
        (self.found.optional if caught else self.found.guarded).update(part.guarded)
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


def _always_raises(body: Iterable[ast.stmt]) -> bool:
    """Tell whether *body* comes to no other end than an error, whatever is in it."""
    return any(
        isinstance(one, ast.Raise)
        or (isinstance(one, ast.If) and _always_raises(one.body) and _always_raises(one.orelse))
        or (isinstance(one, ast.With) and _always_raises(one.body))
        for one in body
    )


def _other_names(tree: ast.AST) -> set[str]:
    """Return what a source calls a function that imports: ``from importlib import import_module as load``."""
    return {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in _IMPORTERS and alias.asname
    }


def _names(node: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
