"""The source of a class that a notebook's cell defines: its class has no file, but the cell's text is kept."""

from __future__ import annotations

import ast
import inspect
import linecache
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["source_in_cells"]

_UNKNOWN = object()


def source_in_cells(value: type) -> str | None:
    """Return the source of the class *value* from the cell that ran last and defines it so, or None.

    Functions know which cell they are from; a class does not before Python 3.13. So each cell that has a class of that
    name is compared with it: its methods' places, its annotated fields and their plain defaults.
    """
    for name, lines in _cells():
        try:
            tree = ast.parse("".join(lines))
        except (SyntaxError, ValueError):
            continue
        nodes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == value.__name__]
        for node in reversed(nodes):
            if _defines(node, value, name):
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                return "".join(lines[first - 1 : node.end_lineno])
    return None


def _cells() -> Iterator[tuple[str, list[str]]]:
    """Give the name and lines of each text that is kept and is no file's, the newest first."""
    for name, entry in reversed(list(linecache.cache.items())):
        if len(entry) > 1 and entry[1] is None:  # there is no time of change
            yield name, entry[2]


def _defines(node: ast.ClassDef, value: type, cell: str) -> bool:
    """Tell whether *node*, a part of *cell*, may be what defined *value*."""
    fields = {
        n.target.id: n.value for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
    }
    if set(fields) != set(inspect.get_annotations(value)):
        return False
    for code in _codes(value):
        if code.co_filename != cell or not node.lineno <= code.co_firstlineno <= (node.end_lineno or 0):
            return False
    return all(_has_default(value, name, said) for name, said in fields.items() if said is not None)


def _codes(value: type) -> Iterator[types.CodeType]:
    """Give the code of the functions that are written in the class; what a decorator made has no text."""
    for one in vars(value).values():
        inner = inspect.unwrap(getattr(one, "__func__", getattr(one, "fget", one)))
        own = isinstance(inner, types.FunctionType) and inner.__qualname__.startswith(f"{value.__qualname__}.")
        if own and inner.__code__.co_filename in linecache.cache:
            yield inner.__code__


def _has_default(value: type, field: str, said: ast.expr) -> bool:
    """Tell whether the class has the default that its text says, where both are plain."""
    try:
        wanted = ast.literal_eval(said)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return True
    found = _default(value, field)
    return found is _UNKNOWN or (type(found) is type(wanted) and found == wanted)


def _default(kind: Any, field: str) -> object:
    if field in getattr(kind, "_field_defaults", {}):  # of a NamedTuple
        return kind._field_defaults[field]
    for table in ("__dataclass_fields__", "__pydantic_fields__"):
        held = getattr(kind, table, None)
        if isinstance(held, dict) and field in held:
            return getattr(held[field], "default", _UNKNOWN)
    return _UNKNOWN
