"""Calls of one method put together by their rows, and the answer taken apart again.

Only for methods whose rows are independent (`modelport.package.rows`): every field of the input is a list, a table or a
tensor with a row for each row of the call, and so is every field of the answer. The messages are native ones. What
cannot be put together or taken apart is said with None, and the calls are run one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from modelport.model.kinds import EnumRef, ListOf, MessageRef, Scalar, TensorOf
from modelport.serve.reading import answer_size

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from modelport.model import Codec
    from modelport.model.records import Record

__all__ = ["Native", "Rows"]

Native: TypeAlias = Any
"""A native message, or a value in one: of whatever class the user has."""


_TEXTS = {"string", "bytes"}


@dataclass(frozen=True, slots=True)
class _Column:
    """One field that has rows.

    Attributes:
        name: Its name.
        is_tensor: Whether its value is an array, and not a list.
        is_plain: Whether each of its rows is a number, or a member of an enumeration.
        table: For a table, what reads and makes data frames, and its columns.
    """

    name: str
    is_tensor: bool = False
    is_plain: bool = False
    table: _Fields | None = None


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of a message, and its Python side; *plain* says that its class keeps the values as they are given."""

    record: Record
    columns: tuple[_Column, ...]
    plain: bool

    @classmethod
    def of(cls, codec: Codec, message: str) -> _Fields | None:
        columns = []
        for field in codec.spec.message(message).fields:
            match field.type:
                case ListOf(inner):
                    is_plain = isinstance(inner, EnumRef) or (isinstance(inner, Scalar) and inner.name not in _TEXTS)
                    columns.append(_Column(field.name, is_plain=is_plain))
                case TensorOf(_, shape) if shape and not isinstance(shape[0], int):
                    columns.append(_Column(field.name, is_tensor=True))
                case MessageRef(name) if codec.spec.message(name).table and (table := cls.of(codec, name)):
                    columns.append(_Column(field.name, table=table))
                case _:
                    return None
        record = codec.records[message]
        return cls(record, tuple(columns), _is_plain(record.kind)) if columns else None


class Rows:
    """How calls of one method are put together.

    Args:
        taken: The fields of the input.
        given: The fields of the answer.
    """

    def __init__(self, taken: _Fields, given: _Fields) -> None:
        self._taken = taken
        self._given = given
        self._tensors = [column.name for column in taken.columns if column.is_tensor]
        self._sized = [column for column in taken.columns if not column.is_plain]

    @classmethod
    def of(cls, codec: Codec, taken: str, given: str) -> Rows | None:
        """Return how calls from the message *taken* to *given* go together, or None if they have no rows."""
        fields = _Fields.of(codec, taken), _Fields.of(codec, given)
        return cls(*fields) if fields[0] and fields[1] else None  # type: ignore[arg-type] # both are there

    def count(self, message: Native) -> int | None:
        """Return how many rows a message has, or None if its fields do not agree on that."""
        taken = self._taken
        get, found = taken.record.get, -1
        for column in taken.columns:
            size = len(get(message, column.name))
            if found not in (-1, size):
                return None
            found = size
        return found

    def key(self, message: Native) -> Hashable:
        """Return what messages have in common that can be put together: the inner dimensions of their tensors."""
        get = self._taken.record.get
        return tuple([get(message, name).shape[1:] for name in self._tensors]) if self._tensors else None

    def size(self, message: Native) -> int:
        """Return about how many bytes a message's tensors, texts and parts have; numbers in lists do not count.

        Of what is no tensor it is about `reading.INLINE` at most.
        """
        get = self._taken.record.get
        return sum([_size(get(message, column.name), column) for column in self._sized]) if self._sized else 0

    def together(self, messages: Sequence[Native]) -> Native:
        """Return one message with the rows of all, or None where its class does not keep them as they are.

        Raises:
            Exception: The class refuses the rows, whatever the user's code raises.
        """
        return _joined(self._taken, messages)

    def apart(self, answer: Native, counts: Sequence[int]) -> list[Native] | None:
        """Return an answer's rows as one message for each of *counts*; None where it has not one row for each row."""
        return _parts(self._given, answer, counts)


def _size(value: Native, column: _Column) -> int:
    if column.is_tensor:
        return value.nbytes  # type: ignore[no-any-return] # NumPy's
    if column.table is None:
        return answer_size(value)
    get = column.table.record.get
    return sum([_size(get(value, inner.name), inner) for inner in column.table.columns if not inner.is_plain])


def _joined(fields: _Fields, messages: Sequence[Native]) -> Native:
    get = fields.record.get
    values: dict[str, Native] = {}
    pieces: dict[str, Sequence[Native]] = {}
    for column in fields.columns:
        given = pieces[column.name] = [get(message, column.name) for message in messages]
        value = values[column.name] = _joined(column.table, given) if column.table else _concatenated(given)
        if value is None:
            return None
    made = fields.record.make(**values)
    return made if fields.plain or all(_kept(fields, made, c, pieces[c.name]) for c in fields.columns) else None


def _kept(fields: _Fields, made: Native, column: _Column, pieces: Sequence[Native]) -> bool:
    """Tell whether the value that *made* has is the *pieces*: a class may do more than keep what it is given."""
    if column.table:
        return True  # it was asked itself
    found, start = fields.record.get(made, column.name), 0
    if not isinstance(found, list) or not all(isinstance(piece, list) for piece in pieces):
        return _same_array(found, pieces)
    for piece in pieces:
        if found[start : start + len(piece)] != piece:
            return False
        start += len(piece)
    return start == len(found)


def _same_array(found: Native, pieces: Sequence[Native]) -> bool:
    import numpy as np

    wanted = np.concatenate(pieces)
    return isinstance(found, np.ndarray) and found.dtype == wanted.dtype and found.tobytes() == wanted.tobytes()


def _concatenated(pieces: Sequence[Native]) -> Native:
    if isinstance(pieces[0], list):
        return list(chain.from_iterable(pieces))
    import numpy as np

    return np.concatenate(pieces)


def _parts(fields: _Fields, answer: Native, counts: Sequence[int]) -> list[Native] | None:
    record = fields.record
    if not isinstance(answer, record.kind):
        return None
    bounds = [0]
    for count in counts:
        bounds.append(bounds[-1] + count)
    columns = {}
    for column in fields.columns:
        value = record.get(answer, column.name)
        parts = _parts(column.table, value, counts) if column.table else _slices(value, bounds)
        if parts is None:
            return None
        columns[column.name] = parts
    names = list(columns)
    return [record.make(**dict(zip(names, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def _slices(value: Native, bounds: Sequence[int]) -> list[Native] | None:
    if not hasattr(value, "__len__") or len(value) != bounds[-1]:
        return None
    value = getattr(value, "iloc", value)  # a pandas column counts by its index otherwise
    return [value[start:end] for start, end in pairwise(bounds)]


def _is_plain(kind: type) -> bool:
    """Tell whether values of *kind* are what they were made of, because no code of the user's has a part in it."""
    return kind.__bases__ == (tuple,) and hasattr(kind, "_fields")
