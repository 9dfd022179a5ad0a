"""Plain values and types as Python expressions."""

from __future__ import annotations

import logging
import math
import random
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from enum import Enum
from io import IOBase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from modelport.errors import PackError
from modelport.model.about import About
from modelport.model.document import Document
from modelport.model.frame import Frame
from modelport.model.tensor import Tensor
from modelport.package.calls import call_for
from modelport.package.modules import Origin, origin, shown_kind

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NotSpelledError", "spell"]

_DEEPEST = 64  # Python's parser stops at 200 brackets, and a table of tables rarely needs four
_LONGEST_DECIMAL = 10_000  # bits; Python refuses to read numbers of more than 4300 decimal digits

_HINTS: dict[type, str] = {
    random.Random: "make the generator inside the function, from a seed: the same call then has the same answer",
    IOBase: "read the file before, and keep what it holds in a variable",
    Iterator: "keep what it gives in a list",
    types.MethodType: "write a function that calls it",
    types.BuiltinMethodType: "write a function that calls it",
}


class NotSpelledError(PackError):
    """A value has no expression."""


def spell(value: Any, *, refer: Callable[[Any, str], str], keep: Callable[[object], str | None]) -> str:
    """Return an expression that gives *value* back.

    Args:
        value: Plain data, a type of a signature, or a container of these.
        refer: Gives a name for a class, importing or defining it.
        keep: Gives an expression for a trained object, or None.

    Raises:
        NotSpelledError: *value* is something else.
    """
    return _Speller(refer, keep).spell(value)


@dataclass(slots=True)
class _Speller:
    refer: Callable[[Any, str], str]
    keep: Callable[[object], str | None]
    depth: int = 0

    def spell(self, value: Any) -> str:
        if self.depth > _DEEPEST:
            raise NotSpelledError("a value is nested too deeply, or holds itself")
        self.depth += 1
        try:
            return (
                _plain(value)
                or self._container(value)
                or self._named(value)
                or self._type(value)
                or self._marker(value)
                or self._known(value)
            )
        finally:
            self.depth -= 1

    def _container(self, value: Any) -> str:
        kind = type(value)
        if kind is dict:
            return "{" + ", ".join(f"{self.spell(k)}: {self.spell(v)}" for k, v in value.items()) + "}"
        if kind in {set, frozenset}:
            items = ", ".join(sorted(self.spell(v) for v in value))  # a set has no order of its own
            made = "{" + items + "}" if items else "set()"
            return f"frozenset({made})" if kind is frozenset else made
        if kind is tuple:
            return f"({self.spell(value[0])},)" if len(value) == 1 else f"({self._all(value)})"
        return f"[{self._all(value)}]" if kind is list else ""

    def _named(self, value: Any) -> str:
        """Spell a type that was given a name."""
        if isinstance(value, typing.NewType):
            return f"{self.refer(typing.NewType, 'NewType')}({value.__name__!r}, {self.spell(value.__supertype__)})"
        return self.spell(value.__value__) if type(value).__name__ == "TypeAliasType" else ""

    def _type(self, value: Any) -> str:
        source, arguments = typing.get_origin(value), typing.get_args(value)
        if value is types.NoneType:
            return "None"
        if (isinstance(value, type) and not arguments) or isinstance(value, types.FunctionType):
            return self.refer(value, value.__name__)
        if source in {typing.Union, types.UnionType}:
            return " | ".join(self.spell(one) for one in arguments)
        if source is Annotated:
            return f"{self.refer(Annotated, 'Annotated')}[{self._all(arguments)}]"
        if source is Literal:
            return f"{self.refer(Literal, 'Literal')}[{self._all(arguments)}]"
        return f"{self.refer(source, source.__name__)}[{self._all(arguments)}]" if isinstance(source, type) else ""

    def _marker(self, value: Any) -> str:
        """Spell what stands in an ``Annotated`` of a signature."""
        if isinstance(value, Tensor):
            return f"{self.refer(Tensor, 'Tensor')}({self._all((value.type.dtype, *value.type.shape))})"
        if isinstance(value, About):
            said = ((name, getattr(value, name)) for name in value.to_json())
            return f"{self.refer(About, 'About')}({', '.join(f'{name}={self.spell(one)}' for name, one in said)})"
        if isinstance(value, Frame):
            return f"{self.refer(Frame, 'Frame')}({self._all((value.name, value.columns))})"
        if isinstance(value, Document):
            return f"{self.refer(Document, 'Document')}({self._all((value.name, value.doc))})"
        return ""

    def _known(self, value: Any) -> str:
        if isinstance(value, Enum):
            kind = self.refer(type(value), type(value).__name__)
            named = value.name in type(value).__members__  # a combination of flags has no name of its own
            return f"{kind}.{value.name}" if named else f"{kind}({self.spell(value.value)})"
        if isinstance(value, re.Pattern):
            return f"{self.refer(re, 're')}.compile({self._all((value.pattern, value.flags))})"
        if type(value) is range:
            return repr(value)
        if isinstance(value, types.BuiltinFunctionType) and _is_of_module(value):
            return self.refer(value, value.__name__)
        made = self.keep(value) or self._logger(value) or self._call(value)
        if not made:
            raise NotSpelledError(f"a {shown_kind(value)} cannot be packed without pickle", hint=_way_out(value))
        return made

    def _call(self, value: Any) -> str:
        """Spell what one call makes again."""
        if isinstance(value, Path) and value.is_absolute():
            hint = "read files before, and keep what they hold in a variable"
            raise NotSpelledError(f"the path {value} is of this machine, and a package lies somewhere else", hint=hint)
        call = call_for(value)
        if call is None:
            return ""
        named = [f"{name}={self.spell(one)}" for name, one in call.named.items()]
        arguments = [self.spell(one) for one in call.arguments]
        return f"{self.refer(call.maker, call.maker.__name__)}({', '.join([*arguments, *named])})"

    def _logger(self, value: Any) -> str:
        """Spell a logger by its name; one that has the packed file's own has the packed code's."""
        if not isinstance(value, logging.Logger) or logging.getLogger(value.name) is not value:
            return ""
        own, dot, inner = value.name.partition(".")
        name = (
            repr(value.name)
            if origin(own) is not Origin.SCRIPT
            else "__name__" + (f" + {dot + inner!r}" if dot else "")
        )
        return f"{self.refer(logging.getLogger, 'getLogger')}({name})"

    def _all(self, values: Any) -> str:
        return ", ".join(self.spell(one) for one in values)


def _is_of_module(value: types.BuiltinFunctionType) -> bool:
    """Tell whether a function that is not written in Python can be imported by its name, as ``math.sqrt`` can."""
    module = value.__self__
    named = isinstance(module, types.ModuleType) and module.__name__ == value.__module__
    return named and getattr(module, value.__name__, None) is value


def _way_out(value: object) -> str:
    """Return what to do instead of packing *value*; nothing where there is no more to say than for any other."""
    module = type(value).__module__
    if module.startswith("numpy.random"):
        return _HINTS[random.Random]
    known = next((hint for kind, hint in _HINTS.items() if isinstance(value, kind)), "")
    if known or origin(module) is not Origin.SCRIPT:
        return known
    if is_dataclass(value):
        return "let its class take its fields and nothing more, without __post_init__; or make it inside the function"
    return "make its class a dataclass or a NamedTuple of plain fields; or make the object inside the function"


def _plain(value: Any) -> str:
    kind = type(value)
    if value is None or value is Ellipsis or kind in {bool, str, bytes}:
        return repr(value)
    if kind is int:
        return repr(value) if value.bit_length() < _LONGEST_DECIMAL else hex(value)
    if kind is complex:
        return f"complex({_plain(value.real)}, {_plain(value.imag)})"
    if kind is float:
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    return ""
