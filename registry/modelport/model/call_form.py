"""How the calls of a data set look: an input message each, and what is right for one field of the answer.

What is right travels as the method's output message with that field alone. The codec for it knows the fields before it
as optional values that are absent, so that the field keeps its number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, InputError
from modelport.model.codec import Codec
from modelport.model.exchange import Exchange
from modelport.model.kinds import ListOf, MessageRef, OptionalOf, Scalar, TensorOf
from modelport.model.records import Record
from modelport.model.spec import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.quick import Sizes
    from modelport.model.spec import Message, MethodSpec, ModelSpec

__all__ = ["CallForm", "as_mapping", "count_rows", "cut", "is_made_of_rows"]


@dataclass(frozen=True, slots=True)
class CallForm:
    """Reads and writes the calls of one method.

    Attributes:
        codec: That of the model.
        method: The method.
        field: The field of the output that is compared; empty where nothing is expected.
        answers: The codec of what is expected, whose native form is a dictionary.
    """

    codec: Codec
    method: MethodSpec
    field: str
    answers: Codec

    @classmethod
    def of(cls, codec: Codec, method: MethodSpec, field: str = "") -> CallForm:
        """Return the form for *method*; raise FormatError where its output has no such *field*."""
        message = codec.spec.message(method.output)
        names = [one.name for one in message.fields]
        if field and field not in names:
            raise FormatError(
                f"the answers of {method.name} have no field {field!r}", hint=f"the fields are: {', '.join(names)}"
            )
        return cls(codec, method, field, as_mapping(codec, _only(message, field)) if field else codec)

    @property
    def kind(self) -> Field:
        """The field that is compared."""
        return next(one for one in self.codec.spec.message(self.method.output).fields if one.name == self.field)

    def write(self, taken: Any, expected: Any, sizes: Sizes | None = None) -> tuple[bytes, bytes | None]:
        """Return the bytes of a call in its plain form, after they were read as a service would.

        Raises:
            CallError: It does not fit.
        """
        written = self.codec.plain_to_bytes(taken, self.method.input)
        right = None if not self.field else self.answers.plain_to_bytes(self._answer(expected), self.method.output)
        self.read(written, right, Exchange(sizes=dict(sizes or {})))
        return written, right

    def read(self, taken: bytes, expected: bytes | None, exchange: Exchange | None = None) -> tuple[Any, Any]:
        """Return the native input message, and the native value that is expected, or None.

        Raises:
            CallError: They do not fit.
        """
        found = exchange or Exchange()
        message = self.codec.from_bytes(taken, self.method.input, found)
        if expected is None or not self.field:
            return message, None
        return message, self.answers.from_bytes(expected, self.method.output, found)[self.field]

    def plain(self, taken: Any, expected: Any, sizes: Sizes | None = None) -> tuple[Any, Any]:
        """Return the plain forms of what :meth:`read` returns; raise CallError where they have none."""
        found = Exchange(sizes=dict(sizes or {}))
        message = self.codec.plain(taken, self.method.input, found)
        if not self.field:
            return message, None
        return message, self.answers.plain({self.field: expected}, self.method.output, found)[self.field]

    def _answer(self, expected: Any) -> dict[str, Any]:
        """Return the plain output message that has *expected* alone."""
        fields = self.answers.spec.message(self.method.output).fields
        return dict.fromkeys([one.name for one in fields]) | {self.field: expected}


def as_mapping(codec: Codec, message: Message) -> Codec:
    """Return *codec* with *message* in the place of the one of that name, and a dictionary for its native form."""
    others = tuple(message if one.name == message.name else one for one in codec.spec.messages)
    record = Record(dict, dict, lambda native, field: native.get(field))
    return Codec(replace(codec.spec, messages=others), {**codec.records, message.name: record}, codec.enums)


def is_made_of_rows(spec: ModelSpec, *fields: Field) -> bool:
    """Tell whether all *fields* are lists, tables, or tensors whose first dimension may have any size."""
    return bool(fields) and all(_has_rows(spec, one) for one in fields)


def count_rows(plain: Mapping[str, Any], what: str) -> int:
    """Return how many rows a message in plain form has, whose fields are all made of rows.

    Raises:
        InputError: Its fields have different numbers of them.
    """
    counts: dict[str, int] = {}
    for name, value in plain.items():
        columns = value if isinstance(value, dict) else {"": value}
        counts |= {f"{name}.{column}".rstrip("."): len(one) for column, one in columns.items()}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise InputError(f"{what} has rows of different numbers: {said}", hint="give each field one value for each row")
    return next(iter(counts.values()), 0)


def cut(value: Any, start: int, stop: int) -> Any:
    """Return the rows from *start* up to *stop* of a message or a field in plain form."""
    if isinstance(value, dict):
        return {name: cut(one, start, stop) for name, one in value.items()}
    return value[start:stop]


def _only(message: Message, field: str) -> Message:
    place = [one.name for one in message.fields].index(field)
    absent = tuple(Field(one.name, OptionalOf(Scalar("bool"))) for one in message.fields[:place])
    return replace(message, fields=(*absent, message.fields[place]), table=False)


def _has_rows(spec: ModelSpec, field: Field) -> bool:
    match field.type:
        case ListOf():
            return True
        case TensorOf(_, shape):
            return bool(shape) and not isinstance(shape[0], int)
        case MessageRef(name):
            return spec.message(name).table
        case _:
            return False
