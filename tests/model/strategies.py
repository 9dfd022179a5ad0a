"""Hypothesis strategies made from a signature: native values, and whole signatures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelport.model.names import is_reserved, same_but_for_case
from modelport.model.scalars import INTEGER_RANGES
from modelport.model.spec import (
    DTYPES,
    SCALARS,
    Field,
    FieldType,
    ListOf,
    Message,
    MessageRef,
    MethodSpec,
    ModelSpec,
    Scalar,
    TensorOf,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.model import Codec

__all__ = ["json_documents", "natives", "same", "signatures"]

_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "double": st.floats(),
    "float": st.floats(width=32),
    "bool": st.booleans(),
    "string": st.text(max_size=8),
    "bytes": st.binary(max_size=8),
} | {name: st.integers(*limits) for name, limits in INTEGER_RANGES.items()}

json_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("NaN") | st.just("AA=="),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def natives(draw: Callable[..., Any], codec: Codec, message: str) -> Any:
    """Give native values of *message*; named dimensions have one size throughout."""
    sizes: dict[object, int] = {}

    def value(kind: FieldType) -> Any:
        match kind:
            case Scalar(name):
                return draw(_SCALARS[name])
            case ListOf(item):
                return [value(item) for _ in range(draw(st.integers(0, 3)))]
            case MessageRef(name):
                return whole(name)
            case TensorOf(dtype, shape):
                sides = tuple(
                    d if isinstance(d, int)
                    else draw(st.integers(0, 3)) if d is None
                    else sizes.setdefault(d, draw(st.integers(0, 3)))
                    for d in shape
                )  # fmt: skip
                return draw(hnp.arrays(np.dtype(dtype), sides))

    def whole(name: str) -> Any:
        return codec.types[name](**{f.name: value(f.type) for f in codec.spec.message(name).fields})

    return whole(message)


def same(one: Any, other: Any, *, by_json: bool = False) -> bool:
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
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b, by_json=by_json) for a, b in zip(one, other, strict=True))
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


@st.composite
def signatures(draw: Callable[..., Any]) -> ModelSpec:
    """Give signatures that no function need have: as from another language, or from an importer."""
    names = [n for n in draw(st.lists(_identifiers, min_size=1, max_size=4, unique=True)) if not is_reserved(n)]
    messages: list[Message] = []
    for name in names or ["Only"]:
        earlier = st.sampled_from([m.name for m in messages]).map(MessageRef) if messages else _scalars
        plain = _scalars | _tensors | earlier
        fields = draw(st.lists(_identifiers, max_size=4).filter(_unlike))
        made = tuple(Field(n, draw(plain | st.builds(ListOf, plain))) for n in fields)
        messages.append(Message(name, made, draw(st.text(max_size=8))))
    of_message = st.sampled_from([m.name for m in messages])
    methods = draw(st.lists(_identifiers, min_size=1, max_size=3, unique=True))
    return ModelSpec(
        tuple(messages),
        tuple(MethodSpec(n, draw(of_message), draw(of_message), draw(st.text(max_size=8))) for n in methods),
    ).with_proto_package()
