"""The variables around a source that its functions change when they are called.

What a call leaves behind in them would go along in the package: the words of an example in a table of what was asked
before, or a count of the calls so far. So such a function is refused.
"""

from __future__ import annotations

import ast
import types
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelport.errors import PackError
from modelport.package.calls import call_for
from modelport.package.state import backend_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.package.scope import Scope

__all__ = ["Mutated", "check_mutated", "mutated_in"]

_MUTABLE = (dict, list, set, bytearray, deque)
_NAMED = (type, types.FunctionType, types.ModuleType)
_CHANGING = {
    "__delitem__", "__setitem__", "add", "append", "appendleft", "clear", "difference_update", "discard", "extend",
    "extendleft", "insert", "intersection_update", "move_to_end", "pop", "popitem", "popleft", "remove", "reverse",
    "rotate", "setdefault", "sort", "subtract", "symmetric_difference_update", "update",
}  # fmt: skip


@dataclass(slots=True)
class Mutated:
    """Names that functions in a source use and do not define.

    Attributes:
        bound: What ``global`` lets them give another value.
        content: What they change inside: items, attributes, by methods that change lists, dicts and sets.
    """

    bound: set[str] = field(default_factory=set)
    content: set[str] = field(default_factory=set)


def check_mutated(text: str, used: set[str], scope: Scope) -> None:
    """Refuse the source *text* where its functions change plain values among the names that they have *used*.

    Raises:
        PackError: One does.
    """
    mutated = mutated_in(text)
    for name in sorted((mutated.bound | mutated.content) & used & scope.names.keys()):
        value = scope.names[name]
        plain = backend_for(value) is None and not isinstance(value, _NAMED)
        if plain and (name in mutated.bound or isinstance(value, _MUTABLE) or call_for(value)):
            raise PackError(
                f"{scope.user} changes {name!r} when it is called: what the examples left in it would go along",
                hint="keep what it changes inside the function; or let functools.cache remember answers, which begins"
                " empty in a package",
            )


def mutated_in(text: str) -> Mutated:
    """Return what the functions in *text* change of what is around it.

    Raises:
        SyntaxError: It is not Python.
    """
    found = Mutated()
    for function in _functions(ast.parse(text)):
        nodes = [one for part in function.body for one in ast.walk(part)]
        declared = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
        own = {name for node in (*nodes, *ast.walk(function.args)) for name in _bound(node)} - declared
        found.bound |= {name for node in nodes for name in _bound(node)} & declared
        found.content |= {name for node in nodes if (name := _changed(node))} - own
    return found


@dataclass(frozen=True, slots=True)
class _Function:
    args: ast.arguments
    body: list[ast.AST]


def _functions(node: ast.AST) -> Iterator[_Function]:
    """Yield the functions in *node* that are in no other function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Lambda):
            yield _Function(child.args, [child.body])
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield _Function(child.args, [*child.body])
        else:
            yield from _functions(child)


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names to which *node* gives a value, or from which it takes it."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias(name=name, asname=other):
            yield other or name.partition(".")[0]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name


def _changed(node: ast.AST) -> str:
    """Return the variable whose content *node* changes: ``table`` in ``table["a"].words.append(x)``; or nothing."""
    match node:
        case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
            inner: ast.AST = node.value
        case ast.Call(func=ast.Attribute(value=ast.expr() as inner, attr=name)) if name in _CHANGING:
            pass
        case _:
            return ""
    while isinstance(inner, ast.Subscript | ast.Attribute):
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) else ""
