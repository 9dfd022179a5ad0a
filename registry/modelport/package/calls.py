"""Values that one call makes again: of the standard library's own kinds, and of the user's records."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import functools
import pathlib
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass, field, fields, is_dataclass
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Call", "call_for", "is_named_tuple"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that makes a value again.

    Attributes:
        maker: The class or function that is called.
        arguments: What it is given by place.
        named: What it is given by name.
    """

    maker: Any
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


def call_for(value: Any) -> Call | None:
    """Return the call that makes *value* again, or None."""
    kind: Any = type(value)
    if kind in _CALLS:
        return _CALLS[kind](value)
    if is_named_tuple(value):
        return Call(kind, tuple(value))
    return Call(kind, (), _fields(value)) if _is_plain_record(value) else None


def is_named_tuple(value: Any) -> bool:
    """Tell whether *value* is of a NamedTuple, and not of a class that was made from one."""
    return type(value).__bases__ == (tuple,) and isinstance(getattr(value, "_fields", None), tuple)


def _is_plain_record(value: Any) -> bool:
    """Tell whether *value* is of a dataclass that only takes its fields, so that these are all that it holds."""
    if not is_dataclass(value) or isinstance(value, type) or hasattr(value, "__post_init__"):
        return False
    generated = getattr(getattr(type(value).__init__, "__code__", None), "co_filename", "") == "<string>"
    there = all(one.init and hasattr(value, one.name) for one in fields(value))
    return generated and there and getattr(value, "__dict__", {}).keys() <= _fields(value).keys()


def _fields(value: Any) -> dict[str, Any]:
    return {one.name: getattr(value, one.name, None) for one in fields(value)}


def _of_time(value: Any, *parts: str) -> Call:
    return Call(type(value), tuple(getattr(value, part) for part in parts), {"fold": 1} if value.fold else {})


def _of_partial(value: functools.partial[Any]) -> Call | None:
    plain = not vars(value) and all(name.isidentifier() and not iskeyword(name) for name in value.keywords)
    return Call(functools.partial, (value.func, *value.args), value.keywords) if plain else None


def _of_counts(value: Any) -> Call | None:
    """Return the call for a dict of another kind, unless it was given attributes."""
    first = (value.default_factory,) if isinstance(value, defaultdict) else ()
    return None if getattr(value, "__dict__", None) else Call(type(value), (*first, dict(value)))


_TIME = ("hour", "minute", "second", "microsecond", "tzinfo")
_CALLS: dict[type, Callable[[Any], Call | None]] = {
    dt.date: lambda v: Call(dt.date, (v.year, v.month, v.day)),
    dt.time: lambda v: _of_time(v, *_TIME),
    dt.datetime: lambda v: _of_time(v, "year", "month", "day", *_TIME),
    dt.timedelta: lambda v: Call(dt.timedelta, (v.days, v.seconds, v.microseconds)),
    dt.timezone: lambda v: Call(dt.timezone, v.__getinitargs__()),
    decimal.Decimal: lambda v: Call(decimal.Decimal, (str(v),)),
    fractions.Fraction: lambda v: Call(fractions.Fraction, (v.numerator, v.denominator)),
    type(pathlib.Path()): lambda v: Call(pathlib.Path, (str(v),)),
    pathlib.PurePosixPath: lambda v: Call(pathlib.PurePosixPath, (str(v),)),
    pathlib.PureWindowsPath: lambda v: Call(pathlib.PureWindowsPath, (str(v),)),
    bytearray: lambda v: Call(bytearray, (bytes(v),)),
    slice: lambda v: Call(slice, (v.start, v.stop, v.step)),
    deque: lambda v: Call(deque, (list(v), *(() if v.maxlen is None else (v.maxlen,)))),
    Counter: _of_counts,
    OrderedDict: _of_counts,
    defaultdict: _of_counts,
    functools.partial: _of_partial,
}
