"""What the names in the source of a function or class stand for."""

from __future__ import annotations

import ast
import inspect
import sys
import types
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.package.names import names_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelport.package.names import References

__all__ = ["Scope", "scope_of"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What can be seen from a place in a user's file.

    Attributes:
        user: Who looks, for messages.
        names: The objects by name.
        imported: The names that the file imports from modules: the module, and the name there.
    """

    user: str
    names: Mapping[str, object] = field(default_factory=dict)
    imported: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def imported_from(self, name: str) -> tuple[str, str] | None:
        """Return the module and the name in it from which the file imports *name*, if that is what it still means."""
        module, attribute = self.imported.get(name, ("", ""))
        found = getattr(sys.modules.get(module), attribute, None) if module else None
        return (module, attribute) if found is not None and found is self.names.get(name) else None

    def name_for(self, value: object, name: str) -> str:
        """Return *name* for *value*, or one like it where *name* means something else here, or *value* has that one."""
        other = f"_{name}"
        taken = name in self.names and self.names[name] is not value
        return other if taken or (name not in self.names and self.names.get(other) is value) else name


def scope_of(value: Any, text: str, found: References) -> Scope:
    """Return what the source *text* of *value*, which refers to *found*, can see.

    That is the module's names and, in a function, the variables around it. Defaults and annotations were evaluated
    when the function was made, and are seen as they were.
    """
    module = sys.modules[value.__module__]
    names: dict[str, object] = (
        dict(vars(module)) if isinstance(value, type) else dict(inspect.unwrap(value).__globals__)
    )
    for function in _functions(value):
        names |= _closure(function, besides=value)
    if not isinstance(value, type):
        given = _given(inspect.unwrap(value), ast.parse(text).body[0])
        names |= {name: one for name, one in given.items() if name not in names or name not in found.late}
    kind = "class" if isinstance(value, type) else "function"
    return Scope(f"{kind} {value.__name__!r}", names, _imported(getattr(module, "__file__", None)))


def _functions(value: Any) -> Iterator[types.FunctionType]:
    for one in vars(value).values() if isinstance(value, type) else (value,):
        inner = inspect.unwrap(getattr(one, "__func__", one))
        if isinstance(inner, types.FunctionType):
            yield inner


def _closure(function: types.FunctionType, *, besides: object) -> dict[str, object]:
    names = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            content = cell.cell_contents
        except ValueError:  # it has no value yet, or no more
            continue
        if name != "__class__" and content is not besides:
            names[name] = content
    return names


def _given(function: Any, node: ast.AST) -> dict[str, object]:
    """Return the objects of the names that are a function's defaults and annotations."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return {}
    arguments = node.args
    pairs: list[tuple[ast.expr | None, object]] = []
    defaults = function.__defaults__ or ()
    pairs += zip(arguments.defaults[-len(defaults) :] if defaults else [], defaults, strict=False)
    keywords = function.__kwdefaults__ or {}
    pairs += [
        (default, keywords[a.arg])
        for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if a.arg in keywords
    ]
    hints = {a.arg: a.annotation for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    hints["return"] = node.returns
    pairs += [(hints[name], hint) for name, hint in function.__annotations__.items() if name in hints]
    return {one.id: value for one, value in pairs if isinstance(one, ast.Name) and not isinstance(value, str)}


@lru_cache(maxsize=16)
def _imported(file: str | None) -> dict[str, tuple[str, str]]:
    try:
        return names_from(Path(file).read_text("utf-8")) if file else {}
    except (
        OSError,
        ValueError,
        SyntaxError,
    ):  # a notebook's or a compiled module: its objects tell where they are from
        return {}
