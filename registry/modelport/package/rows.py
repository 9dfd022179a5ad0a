"""Row independence: ``predict(concat) == concat(predict)``, tried on the rows of the golden examples.

A service may put the rows of many callers into one call only where that holds. A method is *made of rows* when every
field that it takes and gives is a list, a table, or a tensor whose first dimension may have any size; row *i* of the
answer then belongs to row *i* of the arguments. Whether it does is tried: all rows at once, again, and twice in one
call; each row alone; two uneven parts; all rows in reverse order; and each row beside rows with other numbers in them,
where the method takes such rows. Equal rows, and rows that all have one answer, show nothing. How far the floats of an
answer may be off is said in `closeness`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from modelport.errors import ModelError, ModelportError
from modelport.model.kinds import ListOf, MessageRef, TensorOf
from modelport.package.closeness import alike

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from modelport.model import Example, Model
    from modelport.model.spec import Field, FieldType, ModelSpec

__all__ = ["row_independence"]

_MOST_ROWS = 24  # each row is a call of its own

Row = tuple[Any, ...]
"""One row of a message: a value for each of its columns."""


class _NotIndependentError(Exception):
    """Why rows cannot be put together."""


class _RefusedError(_NotIndependentError):
    """The method does not take the rows."""


def row_independence(model: Model, methods: Container[str] | None = None) -> dict[str, dict[str, Any]]:
    """Return, for each method, ``{"independent": True, "tested": ROWS}`` or ``{"independent": False, "reason": ...}``.

    With *methods*, only those of them that the model has are tried.

    The methods are called with the rows of their examples; what goes wrong then is a reason, never an error. Reasons
    hold no values, so that the same model has the same reasons.
    """
    names = [method.name for method in model.spec.methods]
    return {name: _tried(model, name) for name in names if methods is None or name in methods}


def _tried(model: Model, method: str) -> dict[str, Any]:
    try:
        trial = _Trial.of(model, method)
        trial.run()
    except _NotIndependentError as why:
        return {"independent": False, "reason": str(why)}
    return {"independent": True, "tested": len(trial.rows)}


@dataclass(frozen=True, slots=True)
class _Trial:
    """The rows of a method's examples, their answers, and how the method is called with any of them."""

    call: Callable[[Sequence[Row]], list[Row]]
    rows: list[Row]
    answers: list[Row]
    tolerance: float

    @classmethod
    def of(cls, model: Model, method: str) -> _Trial:
        spec = model.spec.method(method)
        if spec.streams:
            raise _NotIndependentError(f"it {'takes' if spec.streams_in else 'gives'} a stream, one message at a time")
        taken, given = (_Columns.of(model.spec, name) for name in (spec.input, spec.output))
        _check_dimensions(model.spec, spec.input, spec.output)
        examples = [one for one in model.examples if one.method == method]
        pairs = [pair for one in examples for pair in _answered(one, taken, given)]
        rows, answers = _different(pairs)
        if len(rows) < 2:  # noqa: PLR2004 - two rows are the fewest that can be put together
            few = _counted(len(rows), "different row")
            raise _NotIndependentError(f"its examples have {few}, and two are needed to try it")

        def call(some: Sequence[Row]) -> list[Row]:
            try:
                return given.rows(model.call(method, taken.message(some)))
            except ModelportError as error:
                cause = (
                    f": {type(error.__cause__).__name__}" if isinstance(error, ModelError) and error.__cause__ else ""
                )
                raise _RefusedError(f"it cannot be called with {_counted(len(some))} of its examples{cause}") from error

        return cls(call, rows, answers, max(one.tolerance for one in examples))

    def run(self) -> None:
        """Call the method with the rows in many ways; raise where the answers are not those of the rows."""
        rows, answers, cut = self.rows, self.answers, max(1, len(self.rows) // 3)
        self._expect(self.call(rows), answers, "all rows at once have other answers than example by example")
        self._expect(self.call(rows), answers, "the same rows have another answer when they come again")
        alone = [answer for row in rows for answer in self._counted(self.call([row]), 1)]
        self._expect(alone, answers, "a row has another answer alone than among others")
        parts = [answer for some in (rows[:cut], rows[cut:]) for answer in self.call(some)]
        self._expect(parts, answers, "the rows have other answers in two parts than at once")
        self._expect(self.call(rows[::-1])[::-1], answers, "the rows have other answers in another order")
        self._expect(self.call([*rows, *rows]), [*answers, *answers], "a row has another answer when it is there twice")
        if all(alike(one, answers[0], self.tolerance) for one in answers):
            raise _NotIndependentError("its examples cannot show it: all their rows have one answer")
        with catch_warnings():
            simplefilter("ignore")  # what the method says of numbers that nobody gave it
            for others in (_far(rows), _turned(rows)):
                self._beside(others, 0)
                self._beside(others, 1)

    def _beside(self, others: list[Row], start: int) -> None:
        """Call the method with every second row exchanged, from *start* on; the other rows keep their answers."""
        mixed = [others[n] if n % 2 == start else row for n, row in enumerate(self.rows)]
        try:
            found = self._counted(self.call(mixed), len(mixed))
        except _RefusedError:
            return  # numbers that it does not take tell nothing of rows
        said = "a row has another answer beside other rows than those of the examples"
        self._expect(found[1 - start :: 2], self.answers[1 - start :: 2], said)

    def _expect(self, found: list[Row], wanted: list[Row], otherwise: str) -> None:
        self._counted(found, len(wanted))
        if not all(alike(one, other, self.tolerance) for one, other in zip(found, wanted, strict=True)):
            raise _NotIndependentError(otherwise)

    def _counted(self, found: list[Row], wanted: int) -> list[Row]:
        if len(found) != wanted:
            raise _NotIndependentError(f"it gives {_counted(len(found))} for {_counted(wanted)}")
        return found


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the columns of a message of rows lie: a path of field names for each."""

    paths: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, spec: ModelSpec, message: str) -> _Columns:
        paths: list[tuple[str, ...]] = []
        for field in spec.message(message).fields:
            if isinstance(field.type, MessageRef) and spec.message(field.type.name).table:
                paths += [(field.name, column.name) for column in spec.message(field.type.name).fields]
            elif _is_rows(field):
                paths.append((field.name,))
            else:
                raise _NotIndependentError(f"{field.name} is one {field.type} for the whole call, not one for each row")
        if not paths:
            raise _NotIndependentError(f"{message} has no fields")
        return cls(tuple(paths))

    def rows(self, document: Mapping[str, Any]) -> list[Row]:
        """Return the rows of a message in JSON form."""
        columns = [self._column(document, path) for path in self.paths]
        if len({len(column) for column in columns}) > 1:
            raise _NotIndependentError("its lists have different lengths in an example")
        return list(zip(*columns, strict=True))

    def message(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return *rows* as a message in JSON form."""
        document: dict[str, Any] = {}
        for path, column in zip(self.paths, zip(*rows, strict=True), strict=True):
            place = document
            for name in path[:-1]:
                place = place.setdefault(name, {})
            place[path[-1]] = list(column)
        return document

    def _column(self, document: Any, path: Iterable[str]) -> list[Any]:
        for name in path:
            document = document.get(name, []) if isinstance(document, dict) else []
        return document if isinstance(document, list) else []


def _answered(example: Example, taken: _Columns, given: _Columns) -> list[tuple[Row, Row]]:
    rows, answers = taken.rows(example.input), given.rows(example.output)
    if len(rows) != len(answers):
        raise _NotIndependentError(f"it gives {_counted(len(answers))} for {_counted(len(rows))}")
    return list(zip(rows, answers, strict=True))


def _different(pairs: Iterable[tuple[Row, Row]]) -> tuple[list[Row], list[Row]]:
    """Return the first rows that differ from each other, and their answers."""
    rows: list[Row] = []
    answers: list[Row] = []
    for row, answer in pairs:
        if len(rows) < _MOST_ROWS and row not in rows:
            rows.append(row)
            answers.append(answer)
    return rows, answers


def _far(rows: list[Row]) -> list[Row]:
    """Return *rows* with floats far above those of their columns."""

    def far(value: Any, low: Any, high: Any) -> Any:
        return value + 10 * (high - low) + 1 if isinstance(value, float) else value

    return _changed(rows, far)


def _turned(rows: list[Row]) -> list[Row]:
    """Return *rows* with the numbers of each column turned upside down, so that all are between those that were there.

    So a whole number that counts the words of a vocabulary still is the number of a word.
    """

    def turned(value: Any, low: Any, high: Any) -> Any:
        return low + (high - value)

    return _changed(rows, turned)


def _changed(rows: list[Row], change: Callable[..., Any]) -> list[Row]:
    columns = []
    for column in zip(*rows, strict=True):
        numbers = _numbers(column)
        between = partial(change, low=min(numbers, default=0), high=max(numbers, default=0))
        columns.append([_exchanged(value, between) for value in column])
    return list(zip(*columns, strict=True))


def _numbers(value: Any) -> list[Any]:
    found: list[Any] = []
    _exchanged(value, found.append)
    return found


def _exchanged(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return *value*, which is JSON, with its numbers changed."""
    if isinstance(value, list | tuple):
        return [_exchanged(one, change) for one in value]
    if isinstance(value, dict):
        return {key: _exchanged(one, change) for key, one in value.items()}
    return change(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _is_rows(field: Field) -> bool:
    return isinstance(field.type, ListOf) or (
        isinstance(field.type, TensorOf) and bool(field.type.shape) and not isinstance(field.type.shape[0], int)
    )


def _check_dimensions(spec: ModelSpec, *messages: str) -> None:
    """Refuse dimensions that rows would change: two names for rows, or the rows' name further inside."""
    shapes = [shape for name in messages for field in spec.message(name).fields for shape in _shapes(field.type)]
    named = sorted({shape[0] for shape in shapes if isinstance(shape[0], str)})
    if len(named) > 1:
        raise _NotIndependentError(f"its rows are counted by more than one dimension: {', '.join(named)}")
    if any(one in shape[1:] for one in named for shape in shapes):
        raise _NotIndependentError(f"the dimension {named[0]} counts more than rows")


def _shapes(kind: FieldType) -> list[tuple[int | str | None, ...]]:
    return [kind.shape] if isinstance(kind, TensorOf) and kind.shape else []


def _counted(rows: int, one: str = "row") -> str:
    return f"{rows} {one}" if rows == 1 else f"{rows} {one}s"
