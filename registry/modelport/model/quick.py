"""The quick way through a call, for arguments and answers of which nothing needs to be said.

A call comes after a function that has filled the processor's caches with its own things, so what it costs is how much
code and how many objects it meets. The quick way meets few: it keeps no paths, collects no misfits and makes no plain
form in between. Besides a result it knows one word, None: *don't know*. Then the way that explains (`json_form`,
`native`, `wire`) begins anew, and tells what is wrong, or that nothing is. Where both give a result, it is the same.

Here is what JSON and protobuf (`quick_wire`) share, and JSON's part.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

from modelport.model.compiled import Step, compiled_bytes_reader, compiled_reader, compiled_writer
from modelport.model.json_form import all_at_once
from modelport.model.kinds import EnumRef, ListOf, Scalar, TensorOf
from modelport.model.ordinary import native_list, native_lister, ordinary_doubles, ordinary_list
from modelport.model.ranges import range_of
from modelport.model.scalars import INTEGER_RANGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelport.model.members import Members
    from modelport.model.ranges import Range
    from modelport.model.records import Record
    from modelport.model.spec import Field, Message

__all__ = ["Quick", "Sizes", "fits", "json_reader", "json_writer", "reader", "tensor_checker", "writer"]

Sizes: TypeAlias = dict[str, tuple[int, str]]
"""The size of each named dimension in this call, and where it was first met: `Exchange.sizes`."""

Quick: TypeAlias = Callable[[Any, Sizes], Any]
"""Turns a value into another form; None says that it is not known how, or whether it is right."""

_TYPES: dict[str, set[type]] = {"b": {bool}, "i": {int}, "u": {int}, "f": {int, float}}
"""What the elements of lists may be for each kind of dtype."""

_USUAL: dict[str, type] = {"b": bool, "i": int, "u": int, "f": float}
"""What they nearly always are."""

_FEW = 64  # elements, up to which setting up costs more than each element
_MANY = 2**16  # elements, from which on an argument for each costs more than it saves

_AS_THEY_ARE = {"bool", "string", *INTEGER_RANGES}
"""The scalars whose JSON form is their plain form."""


def json_reader(message: Message, record: Record, members: Mapping[str, Members]) -> Quick:
    """Return the quick way from a message's JSON form to its native value."""
    reads = {f.name: _from_json(f, members) for f in message.fields}
    return reader(message, record, reads)


def json_writer(message: Message, record: Record) -> Quick:
    """Return the quick way from a message's native value to its JSON form."""
    return writer(message, record, [_to_json(f) for f in message.fields])


def reader(
    message: Message,
    record: Record,
    reads: Mapping[Any, Step | None],
    split: Callable[[Any], dict[Any, Any] | None] | None = None,
    *,
    doubles: bool = False,
) -> Quick:
    """Return the quick way to a message's native value.

    Args:
        message: The message.
        record: Its Python side.
        reads: Each field's way, in order, by what the field is called in the message's parts.
        split: Makes the parts of what is given, which otherwise is them.
        doubles: Whether every field is a list of doubles of any value.
    """
    steps = [(key, f.name, step) for f, (key, step) in zip(message.fields, reads.items(), strict=True) if step]
    if message.table or len(steps) < len(reads):
        return _never
    make, kind, names = record.make, record.kind, tuple(f.name for f in message.fields)
    # All that calling such a class does, with less on the way.
    is_tuple = make is kind and kind.__bases__ == (tuple,) and getattr(kind, "_fields", None) == names
    tuple_of = kind if is_tuple else None
    read = compiled_reader(steps, make, tuple_of=tuple_of, split=split)
    return compiled_bytes_reader(steps, read, make, tuple_of, doubles=doubles) if split else read


def writer(
    message: Message,
    record: Record,
    writes: Sequence[Step | None],
    join: Callable[[Iterable[Any]], Any] | None = None,
) -> Quick:
    """Return the quick way from a message's native value: *writes* has each field's, *join* puts the parts together."""
    steps = [(f.name, step) for f, step in zip(message.fields, writes, strict=True) if step]
    if message.table or len(steps) < len(writes):
        return _never
    return compiled_writer(steps, record.kind, record.get, join)


def fits(shape: Sequence[int], dimensions: tuple[int | str | None, ...], path: str, sizes: Sizes) -> bool:
    """Tell whether *shape* is as the *dimensions* say, with elements; *sizes* learns the named ones."""
    if len(shape) != len(dimensions):
        return False
    for axis, wanted in enumerate(dimensions):
        size = shape[axis]
        known = sizes.setdefault(wanted, (size, path))[0] if isinstance(wanted, str) else wanted
        if not size or (known is not None and size != known):
            return False
    return True


def tensor_checker(field: str, kind: TensorOf) -> Callable[[Any, Sizes], bool]:
    """Return what tells whether a value is just the array that *kind* says, with elements."""
    import numpy as np

    dtype, dimensions, array_class = np.dtype(kind.dtype), kind.shape, np.ndarray

    def is_tensor(value: Any, sizes: Sizes) -> bool:
        return type(value) is array_class and value.dtype is dtype and fits(value.shape, dimensions, field, sizes)

    return is_tensor


def _never(_value: Any, _sizes: Sizes) -> None:
    """Know nothing."""


def _from_json(field: Field, members: Mapping[str, Members]) -> Step | None:
    limits = range_of(field.type, field.about)
    match field.type:
        case ListOf(Scalar(name)) if limits is None and name != "bytes":
            return Step(ordinary_doubles if name == "double" else ordinary_list, name, list)
        case ListOf(Scalar() | EnumRef() as inner) if inner != Scalar("bytes"):
            found = all_at_once(inner, members, limits)
            return Step(lambda value, _: found(value), only=list)
        case Scalar() | EnumRef() as inner if inner != Scalar("bytes"):
            found = all_at_once(inner, members, limits)
            return Step(lambda value, _: _only(found([value])))
        case TensorOf(_, shape) as kind if shape:
            return Step(_tensor_from_json(field.name, kind, limits), only=list)
        case _:
            return None


def _tensor_from_json(field: str, kind: TensorOf, limits: Range | None) -> Quick:
    import numpy as np

    dtype, dimensions = np.dtype(kind.dtype), kind.shape
    taken, usual, (low, high) = _TYPES[dtype.kind], _USUAL[dtype.kind], _bounds(dtype)
    is_double, array_class, pack = kind.dtype == "float64", np.ndarray, struct.pack

    def read(value: Any, sizes: Sizes) -> Any:
        found = _flat(value, len(dimensions))
        if found is None:
            return None
        flat, shape = found
        types = [*map(type, flat)]
        if types.count(usual) != len(flat) and not taken.issuperset(types):
            return None
        try:
            if is_double and len(flat) <= _MANY:
                # Less than half of NumPy's time; what a double cannot hold it does not take.
                data = bytearray(pack(f"{len(flat)}d", *flat)) if len(flat) > _FEW else array("d", flat)
                made = array_class(shape, dtype, data)
            elif is_double or (min(flat) >= low and max(flat) <= high):
                made = np.array(flat, dtype=dtype).reshape(shape)
            else:
                return None
        # A number of a thousand digits; more dimensions than an array may have.
        except (OverflowError, ValueError, struct.error):
            return None
        if limits is not None and not limits.holds_all(flat):
            return None
        return made if fits(shape, dimensions, field, sizes) else None

    return read


def _flat(value: list[Any], rank: int) -> tuple[list[Any], tuple[int, ...]] | None:
    """Return the elements of lists of lists, *rank* deep, and their shape, or None if it has none or is ragged."""
    flat, shape = value, [len(value)]
    for _ in range(1, rank):
        count = len(flat)
        if not count or [*map(type, flat)].count(list) != count:
            return None
        size = len(flat[0])
        if [*map(len, flat)].count(size) != count:
            return None
        shape.append(size)
        flat = list(chain.from_iterable(flat))
    return (flat, tuple(shape)) if flat else None


def _bounds(dtype: Any) -> tuple[float, float]:
    """Return the least and the greatest number that a dtype has."""
    import numpy as np

    if dtype.kind == "b":
        return False, True
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    return np.iinfo(dtype).min, np.iinfo(dtype).max


def _to_json(field: Field) -> Step | None:
    match field.type:
        case ListOf(Scalar("double")):
            listed = native_lister("double")
            return Step(lambda value, _: _finite(listed(value, _)))
        case ListOf(Scalar(name)) if name in _AS_THEY_ARE:
            return Step(native_lister(name))
        case Scalar("double"):
            return Step(lambda value, _: _only(_finite(native_list([value], "double"))))
        case Scalar(name) if name in _AS_THEY_ARE:
            return Step(lambda value, _: _only(native_list([value], name)))
        case TensorOf(dtype, _) as kind if dtype not in {"float16", "float32"}:
            return Step(_tensor_to_json(field.name, kind))
        case _:
            return None


def _only(values: list[Any] | None) -> Any:
    return values and values[0]


def _finite(values: list[float] | None) -> list[float] | None:
    return values if values is not None and math.isfinite(sum(values)) else None


def _tensor_to_json(field: str, kind: TensorOf) -> Quick:
    is_tensor, may_be_infinite = tensor_checker(field, kind), kind.dtype == "float64"

    def write(value: Any, sizes: Sizes) -> Any:
        if not is_tensor(value, sizes) or (may_be_infinite and not math.isfinite(sum(value.ravel().tolist()))):
            return None
        return value.tolist()

    return write
