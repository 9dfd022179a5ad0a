"""Hypothesis strategies made from a signature: native values, and whole signatures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelport.model.about import About
from modelport.model.names import is_reserved, map_entry, same_but_for_case
from modelport.model.ranges import range_of
from modelport.model.scalars import INTEGER_RANGES
from modelport.model.spec import (
    DTYPES,
    NO_DEFAULT,
    SCALARS,
    Enumeration,
    EnumRef,
    Field,
    FieldType,
    ListOf,
    MapOf,
    Message,
    MessageRef,
    MethodSpec,
    ModelSpec,
    OptionalOf,
    Scalar,
    TensorOf,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.model import Codec
    from modelport.model.ranges import Range

__all__ = ["json_documents", "natives", "same", "signatures"]

_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "double": st.floats(),
    "float": st.floats(width=32),
    "float16": st.floats(width=16),
    "bool": st.booleans(),
    "string": st.text(max_size=8),
    "bytes": st.binary(max_size=8),
} | {name: st.integers(*limits) for name, limits in INTEGER_RANGES.items()}

json_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("NaN") | st.just("AA=="),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def natives(codec: Codec, message: str) -> st.SearchStrategy[Any]:
    """Give native values of *message*; named dimensions have one size throughout."""

    # Hypothesis shows a strategy's arguments, and a codec would be long.
    @st.composite
    def native(draw: Callable[..., Any]) -> Any:
        return _Drawn(draw, codec).message(message)

    return native()


class _Drawn:
    """Draws the parts of one native value."""

    def __init__(self, draw: Callable[..., Any], codec: Codec) -> None:
        self.draw = draw
        self.codec = codec
        self.sizes: dict[object, int] = {}

    def message(self, name: str) -> Any:
        message = self.codec.spec.message(name)
        rows = self.draw(st.integers(0, 3)) if message.table else None
        return self.codec.records[name].make(**{f.name: self.field(f, rows) for f in message.fields})

    def field(self, field: Field, rows: int | None = None) -> Any:
        match field.type:
            case ListOf(item):
                count = self.draw(st.integers(0, 3)) if rows is None else rows
                return [self.single(item, field) for _ in range(count)]
            case MapOf(item):
                return {key: self.single(item, field) for key in self.draw(st.lists(st.text(max_size=4), max_size=3))}
            case OptionalOf(item):
                return None if self.draw(st.booleans()) else self.single(item, field)
            case inner:
                return self.single(inner, field)

    def single(self, kind: FieldType, field: Field) -> Any:
        limits = range_of(field.type, field.about)
        match kind:
            case Scalar(name):
                return self.draw(_within(_SCALARS[name], limits))
            case EnumRef(name):
                members = self.codec.spec.enum(name).members
                chosen = self.draw(st.sampled_from([member for member, _ in members]))
                return self.codec.enums[name][chosen] if name in self.codec.enums else chosen
            case MessageRef(name):
                return self.message(name)
            case TensorOf(dtype, shape):
                sides = tuple(
                    d if isinstance(d, int)
                    else self.draw(st.integers(0, 3)) if d is None
                    else self.sizes.setdefault(d, self.draw(st.integers(0, 3)))
                    for d in shape
                )  # fmt: skip
                elements = hnp.from_dtype(np.dtype(dtype))
                return self.draw(hnp.arrays(np.dtype(dtype), sides, elements=_within(elements, limits)))


def _within(values: st.SearchStrategy[Any], limits: Range | None) -> st.SearchStrategy[Any]:
    # Clipped, not filtered: hardly any float lies in a small range.
    if limits is None:
        return values
    low, high = limits.low, limits.high
    return values.map(lambda value: type(value)(min(max(value, low), high)) if value == value else type(value)(low))  # noqa: PLR0124 - NaN


def same(one: Any, other: Any, *, by_json: bool = False) -> bool:  # noqa: PLR0911 - one for each kind
    """Tell whether two native values are the same: NaN is NaN, 0.0 is not -0.0, arrays have one dtype and shape.

    JSON's nested lists cannot say the inner dimensions of an array without elements.
    """
    if isinstance(one, np.ndarray):
        shapes = one.shape == other.shape
        if by_json and not one.size:
            shapes = one.ndim == other.ndim and other.size == 0 and one.shape[:1] == other.shape[:1]
            return bool(shapes and one.dtype.name == other.dtype.name)
        equal = np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        signs = one.dtype.kind != "f" or np.array_equal(
            np.signbit(one)[~np.isnan(one)], np.signbit(other)[~np.isnan(other)]
        )
        return bool(shapes and one.dtype.name == other.dtype.name and equal and signs)
    if isinstance(one, float):
        return isinstance(other, float) and (
            (math.isnan(one) and math.isnan(other))
            or (one == other and math.copysign(1, one) == math.copysign(1, other))
        )
    if type(one).__name__ == "DataFrame":
        return (
            type(other) is type(one)
            and list(one.dtypes.items()) == list(other.dtypes.items())
            and all(same(one[c].tolist(), other[c].tolist()) for c in one.columns)
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(v, other[k], by_json=by_json) for k, v in one.items())
    if isinstance(one, list):
        return (
            isinstance(other, list)
            and len(one) == len(other)
            and all(same(a, b, by_json=by_json) for a, b in zip(one, other, strict=True))
        )
    names = getattr(one, "_fields", None) or getattr(one, "__dataclass_fields__", None)
    if names:
        return type(one) is type(other) and all(
            same(getattr(one, n), getattr(other, n), by_json=by_json) for n in names
        )
    return bool(type(one) is type(other) and one == other)


_identifiers = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,6}", fullmatch=True) | st.sampled_from(
    ["class", "from", "message", "stream", "double", "Clear", "HasField", "SerializeToString", "x__y_", "self", "count"]
)
_scalars = st.sampled_from(SCALARS).map(Scalar)
_tensors = st.builds(
    TensorOf,
    st.sampled_from(DTYPES),
    st.lists(st.none() | st.sampled_from(["n", "m"]) | st.integers(0, 3), max_size=3).map(tuple),
)


def _unlike(names: list[str]) -> bool:
    return same_but_for_case(names) is None


_RANGES = (About(), About(minimum=0), About(maximum=2.5), About(unit="cm\n", minimum=-3, maximum=1e300, doc="a\nb"))


@st.composite
def _enumerations(draw: Callable[..., Any], name: str) -> Enumeration:
    members = draw(st.lists(_identifiers, min_size=1, max_size=4).filter(_unlike).filter(_no_words))
    numbers = st.integers(-(2**31), 2**31 - 1) | st.integers(-1, 2)
    taken = draw(st.lists(numbers, min_size=len(members), max_size=len(members), unique=True))
    return Enumeration(name, tuple(zip(members, taken, strict=True)), draw(st.text(max_size=8)))


def _no_words(names: list[str]) -> bool:
    return not {"option", "reserved"} & set(names)


@st.composite
def signatures(draw: Callable[..., Any]) -> ModelSpec:
    """Give signatures that no function need have: as from another language, or from an importer."""
    names = [n for n in draw(st.lists(_identifiers, min_size=1, max_size=5, unique=True)) if not is_reserved(n)]
    names = names or ["Only"]
    chosen = draw(st.integers(0, len(names) - 1))
    enums = tuple(draw(_enumerations(name)) for name in names[:chosen])
    messages: list[Message] = []
    for name in names[chosen:]:
        columns = _scalars | st.sampled_from([e.name for e in enums]).map(EnumRef) if enums else _scalars
        plain: st.SearchStrategy[Any] = columns | _tensors
        if messages:
            plain |= st.sampled_from([m.name for m in messages]).map(MessageRef)
        table = draw(st.booleans()) and draw(st.booleans())
        kinds = st.builds(ListOf, columns) if table else plain | st.builds(draw(_holders), plain)
        fields = draw(st.lists(_identifiers, max_size=4).filter(_unlike))
        made = tuple(draw(_fields(n, kinds, enums)) for n in fields)
        messages.append(_right(Message(name, made, draw(st.text(max_size=8)), table)))
    of_message = st.sampled_from([m.name for m in messages])
    methods = draw(st.lists(_identifiers, min_size=1, max_size=3, unique=True))
    return ModelSpec(
        tuple(messages),
        tuple(
            MethodSpec(
                n,
                draw(of_message),
                draw(of_message),
                draw(st.text(max_size=8)),
                draw(st.booleans()),
                draw(st.booleans()),
            )
            for n in methods
        ),
        enums=enums,
    ).with_proto_package()


_holders = st.sampled_from([ListOf, MapOf, OptionalOf])


@st.composite
def _fields(
    draw: Callable[..., Any], name: str, kinds: st.SearchStrategy[Any], enums: tuple[Enumeration, ...]
) -> Field:
    kind = draw(kinds)
    about = draw(st.sampled_from(_RANGES)) if draw(st.booleans()) and range_of(kind, _RANGES[1]) else About()
    return Field(name, kind, about, draw(_defaults(kind, enums)) if draw(st.booleans()) else NO_DEFAULT)


def _defaults(  # noqa: PLR0911 - one for each kind
    kind: FieldType, enums: tuple[Enumeration, ...]
) -> st.SearchStrategy[Any]:
    """Give defaults that fit *kind*, also with any range above."""
    match kind:
        case Scalar("bool"):
            return st.booleans()
        case Scalar("string"):
            return st.text(max_size=3)
        case Scalar("bytes"):
            return st.just("AA==")
        case Scalar():
            return st.sampled_from([0, 1, 2])
        case EnumRef(name):
            return st.sampled_from([member for enum in enums if enum.name == name for member, _ in enum.members])
        case ListOf():
            return st.just([])
        case MapOf():
            return st.just({})
        case _:
            return st.just(NO_DEFAULT)


def _right(message: Message) -> Message:
    """Return *message* without maps whose entries' name is a field's."""
    taken = {f.name for f in message.fields}
    return replace(
        message,
        fields=tuple(f for f in message.fields if not (isinstance(f.type, MapOf) and map_entry(f.name) in taken)),
    )
