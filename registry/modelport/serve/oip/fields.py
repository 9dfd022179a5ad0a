"""Which tensor stands for a field of a message, and how the one is made of the other.

=======================================  =====================================================================
field                                    tensor
=======================================  =====================================================================
a number or a truth value                its datatype, shape ``[1]``
a text, bytes, a member's name           BYTES, shape ``[1]``
a list of these; a column of a table     the same, shape ``[-1]``
a tensor                                 its dtype and dimensions, ``-1`` where any size will do
a message, a map, a list of either       BYTES, shape ``[1]``: the field's JSON text (``content_type`` says it)
=======================================  =====================================================================

An optional field is a tensor that may be left out, in requests and in answers. In JSON, bytes are text as it is, or
base64 where the tensor's parameter ``content_type`` is ``base64``, as it always is in answers.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.model.arrays import array_from_json, array_to_json, check_array
from modelport.model.kinds import EnumRef, ListOf, MapOf, MessageRef, Scalar, TensorOf, single
from modelport.model.ranges import range_of
from modelport.model.scalars import json_kind, scalar_from_json, text
from modelport.serve.json_text import read_json
from modelport.serve.oip.datatypes import OF_DTYPE, OF_SCALAR, numpy_dtype, to_raw
from modelport.serve.oip.tensors import elements_of, looked_over
from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.model.exchange import Exchange
    from modelport.model.json_form import Reader
    from modelport.model.kinds import FieldType, Single
    from modelport.model.spec import Field, ModelSpec
    from modelport.model.to_json import Writer
    from modelport.serve.limits import Limits
    from modelport.serve.oip.tensors import Given

__all__ = ["Answer", "FieldTensor", "tensor_of"]

_BYTES = Scalar("bytes")


@dataclass(frozen=True, slots=True)
class Answer:
    """An output tensor: its elements are written when it is known in which form they are asked for.

    Attributes:
        tensor: What it stands for.
        shape: The size of each dimension.
        value: The field's plain value (see `modelport.model.native`).
    """

    tensor: FieldTensor
    shape: tuple[int, ...]
    value: Any

    def raw(self) -> bytes:
        """Return the elements' bytes."""
        if self.tensor.is_array:
            array = self.value
            return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()  # type: ignore[no-any-return]
        return to_raw(self.elements(), self.tensor.datatype)

    def elements(self) -> list[Any]:
        """Return the elements, flat; those of BYTES are bytes."""
        kind, value = self.tensor.kind, self.value
        if self.tensor.is_json:
            return [json.dumps(self.tensor.write(value), ensure_ascii=False, separators=(",", ":")).encode()]
        if self.tensor.is_array:
            return value.ravel().tolist()  # type: ignore[no-any-return]
        values = value if self.tensor.is_list else [value]
        if self.tensor.datatype == "BYTES" and kind != _BYTES:
            return [one.encode() for one in values]
        return list(values)

    def in_json(self) -> Any:  # noqa: ANN401 - a list, or an array that orjson writes as such a list
        """Return the elements in JSON form, flat: NaN and the infinities are strings."""
        value = self.value
        if self.tensor.is_json:
            return [one.decode() for one in self.elements()]
        if self.tensor.is_array:
            return _array_in_json(value)
        written = self.tensor.write(value)
        return written if self.tensor.is_list else [written]


@dataclass(frozen=True, slots=True)
class FieldTensor:
    """The tensor that stands for a field.

    Attributes:
        field: The field.
        kind: The type of one value of it.
        datatype: The tensor's datatype.
        shape: Its dimensions, -1 for any size.
        is_list: Whether it is a list of values that each are one element.
        is_json: Whether it is one element with the field's JSON text.
        read: The function that reads the field's JSON form.
        write: The function that writes a plain value as JSON.
        choices: The names of an enumeration's members.
    """

    field: Field
    kind: Single
    datatype: str
    shape: tuple[int, ...]
    is_list: bool
    is_json: bool
    read: Reader
    write: Writer
    choices: tuple[str, ...] = ()

    def native(self, given: Given, limits: Limits, exchange: Exchange) -> Any:  # noqa: ANN401 - the user's own classes
        """Return the native value that a tensor stands for, or note why there is none and return None."""
        if not looked_over(given, self.datatype, exchange):
            return None
        if isinstance(self.kind, TensorOf) and not self.is_json:
            return self._array(self.kind, given, exchange)
        elements = self._elements(given, exchange)
        if elements is None:
            return None
        if self.is_json:
            return self._from_text(elements[0], given.name, limits, exchange)
        value = elements if self.is_list else elements[0]
        return value if self.kind == _BYTES else self.read(value, given.name, exchange)

    @property
    def is_array(self) -> bool:
        """Whether it is a tensor of the signature's."""
        return isinstance(self.kind, TensorOf) and not self.is_json

    def answer(self, value: Any) -> Answer | None:  # noqa: ANN401 - a plain value of any type
        """Return the tensor with a plain *value*; None has none."""
        if value is None:
            return None
        if self.is_array:
            return Answer(self, value.shape, value)
        return Answer(self, (len(value) if self.is_list else 1,), value)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the metadata say of the tensor besides its datatype and shape."""
        field, about = self.field, self.field.about
        said: dict[str, Any] = {"content_type": "application/json"} if self.is_json else {}
        said |= {"type": str(field.type)} if self.is_json else {}
        said |= {"content_type": "base64"} if self.kind == _BYTES and not self.is_json else {}
        said |= {} if field.is_required else {"optional": True}
        said |= {"default": json.dumps(field.default, ensure_ascii=False)} if field.has_default else {}
        said |= {"choices": ", ".join(self.choices)} if self.choices else {}
        said |= {"media_types": ", ".join(about.media_types)} if about.media_types else {}
        named = {"description": about.doc, "unit": about.unit, "minimum": about.minimum, "maximum": about.maximum}
        return said | {key: value for key, value in named.items() if value not in {None, ""}}

    def _has_shape(self, given: Given, exchange: Exchange) -> bool:
        """Tell whether *given* is one row of elements; dimensions of 1 behind the first say nothing."""
        count = math.prod(given.shape)
        if all(size == 1 for size in given.shape[1:]) and (self.is_list or count == 1) and (given.shape or count == 1):
            return True
        exchange.add(given.name, f"has the shape {list(given.shape)}, not {list(self.shape)}")
        return False

    def _elements(self, given: Given, exchange: Exchange) -> list[Any] | None:
        """Return the elements as the field's reader takes them; those of a bytes field are its values."""
        before, elements = exchange.count, elements_of(given, self.datatype, exchange)
        if elements is None or not self._has_shape(given, exchange):
            return None
        if self.datatype == "BYTES":
            convert = _bytes if self.kind == _BYTES and not self.is_json else _text
            elements = [convert(one, f"{given.name}[{i}]", given, exchange) for i, one in enumerate(elements)]
        return elements if exchange.count == before else None

    def _array(self, kind: TensorOf, given: Given, exchange: Exchange) -> Any:  # noqa: ANN401 - a NumPy array
        if len(given.shape) != len(kind.shape):
            exchange.add(given.name, f"has the shape {list(given.shape)}, not {list(self.shape)}")
            return None
        flat = _flat_array(kind, given, exchange)
        if flat is None:
            return None
        array, limits = flat.reshape(given.shape), range_of(kind, self.field.about)
        fits = check_array(array, kind, given.name, exchange)
        return array if fits and (limits is None or limits.check_array(array, given.name, exchange)) else None

    def _from_text(self, text: str, name: str, limits: Limits, exchange: Exchange) -> Any:  # noqa: ANN401 - the user's own classes
        try:
            document = read_json(text.encode(), limits)
        except ProblemError as error:
            exchange.add(name, error.detail)
            return None
        return self.read(document, name, exchange)


def tensor_of(
    field: Field, spec: ModelSpec, read: Callable[[Field], Reader], write: Callable[[FieldType], Writer]
) -> FieldTensor:
    """Return the tensor that stands for *field*, given what makes readers and writers of its JSON form."""
    kind, inner = field.type, single(field.type)
    is_list = isinstance(kind, ListOf) and isinstance(inner, Scalar | EnumRef)
    is_json = not is_list and (isinstance(kind, ListOf | MapOf) or isinstance(inner, MessageRef))
    shape: tuple[int, ...] = (-1,) if is_list else (1,)
    datatype = "BYTES"
    if isinstance(inner, Scalar) and not is_json:
        datatype = OF_SCALAR[inner.name]
    elif isinstance(inner, TensorOf) and not is_json:
        datatype, shape = OF_DTYPE[inner.dtype], tuple(d if isinstance(d, int) else -1 for d in inner.shape)
    members = spec.enum(inner.name).members if isinstance(inner, EnumRef) else ()
    names = tuple(name for name, _ in members)
    return FieldTensor(field, inner, datatype, shape, is_list, is_json, read(field), write(kind), names)


def _array_in_json(array: Any) -> Any:  # noqa: ANN401 - a NumPy array
    """Return what orjson writes as the flat list of *array*: itself where it can, with as few digits, and quicker."""
    import numpy as np

    flat = np.ascontiguousarray(array).ravel()
    return flat if flat.dtype.isnative and np.isfinite(flat).all() else array_to_json(flat)


def _flat_array(kind: TensorOf, given: Given, exchange: Exchange) -> Any:  # noqa: ANN401 - a NumPy array
    import numpy as np

    if given.raw and given.datatype != "BF16":
        # A copy, so that the function may change it, as it may change what comes through any other door.
        return np.frombuffer(given.data, dtype=numpy_dtype(given.datatype)).astype(kind.dtype)
    elements = elements_of(given, OF_DTYPE[kind.dtype], exchange)
    return None if elements is None else array_from_json(elements, TensorOf(kind.dtype, (None,)), given.name, exchange)


def _text(element: Any, path: str, _given: Given, exchange: Exchange) -> str | None:  # noqa: ANN401 - an element of JSON
    if isinstance(element, str):
        return element
    if not isinstance(element, bytes):
        exchange.add(path, f"is {json_kind(element)}, not a string")
        return None
    try:
        return element.decode()
    except UnicodeDecodeError as error:
        exchange.add(path, f"is not UTF-8 at byte {error.start}")
        return None


def _bytes(element: Any, path: str, given: Given, exchange: Exchange) -> bytes | None:  # noqa: ANN401 - an element of JSON
    if isinstance(element, bytes):
        return element
    if not isinstance(element, str):
        exchange.add(path, f"is {json_kind(element)}, not a string")
        return None
    if given.parameters.get("content_type") == "base64":
        return scalar_from_json(element, "bytes", path, exchange)  # type: ignore[no-any-return]
    found = text(element, path, exchange)
    return None if found is None else found.encode()
