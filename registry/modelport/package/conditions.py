"""Tests in a source that ask for the Python, the platform, what is installed, or a type checker."""

from __future__ import annotations

import ast
import operator
import os
import platform
import sys
from typing import TYPE_CHECKING, Any

from modelport.package.modules import Origin, origin

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["dotted_name", "truth"]

_HERE: dict[str, Any] = {
    "sys.version_info": tuple(sys.version_info), "sys.platform": sys.platform, "os.name": os.name,
    "sys.version_info.major": sys.version_info.major, "sys.version_info.minor": sys.version_info.minor,
    "sys.implementation.name": sys.implementation.name, "sys.byteorder": sys.byteorder, "sys.maxsize": sys.maxsize,
}  # fmt: skip
_ASKED: dict[str, Callable[..., Any]] = {
    "platform.system": platform.system, "platform.machine": platform.machine,
    "platform.python_implementation": platform.python_implementation,
}  # fmt: skip
_OF_TEXTS: dict[str, Callable[..., Any]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "lower": str.lower,
    "upper": str.upper,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not, ast.In: lambda one, all_: one in all_,
    ast.NotIn: lambda one, all_: one not in all_,
}  # fmt: skip


class _UnknownError(Exception):
    """Only running the test would tell."""


def truth(test: ast.expr) -> bool | None:
    """Return what *test* comes to here, or None where only running it would tell."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = truth(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        parts, deciding = [truth(one) for one in test.values], isinstance(test.op, ast.Or)
        return deciding if deciding in parts else None if None in parts else not deciding
    if dotted_name(test).rpartition(".")[2] == "TYPE_CHECKING":
        return False
    try:
        return bool(_value(test))
    except (_UnknownError, TypeError, ValueError, LookupError, AttributeError):
        return None


def dotted_name(node: ast.AST) -> str:
    """Return what *node* says, ``a.b.c``, or nothing where it is more than names."""
    if isinstance(node, ast.Name):
        return node.id
    inner = dotted_name(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner and isinstance(node, ast.Attribute) else ""


def _value(node: ast.expr | None) -> Any:
    """Return the value of an expression without running anything of it."""
    found: Any
    match node:
        case None:
            found = None
        case ast.Constant():
            found = node.value
        case ast.Tuple() | ast.List() | ast.Set():
            found = tuple(map(_value, node.elts))
        case ast.Subscript():
            found = _value(node.value)[_value(node.slice)]
        case ast.Slice():
            found = slice(_value(node.lower), _value(node.upper), _value(node.step))
        case ast.Compare(ops=[op], comparators=[right]):
            found = _COMPARISONS[type(op)](_value(node.left), _value(right))
        case ast.Call(keywords=[]):
            found = _called(node.func, [_value(one) for one in node.args])
        case ast.Name() | ast.Attribute():
            found = _HERE[dotted_name(node)]
        case _:
            raise _UnknownError
    return found


def _called(function: ast.expr, arguments: list[Any]) -> Any:
    name = dotted_name(function)
    if name in _ASKED:
        return _ASKED[name](*arguments)
    if name.rpartition(".")[2] == "find_spec":
        return None if origin(arguments[0]) is Origin.MISSING else name
    if isinstance(function, ast.Attribute) and function.attr in _OF_TEXTS:
        return _OF_TEXTS[function.attr](_value(function.value), *arguments)
    raise _UnknownError
