"""What a user gives as data -> a `DataSet`: checked against the signature, cut into pieces, as bytes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, InputError
from modelport.model.call_form import CallForm, as_mapping, count_rows, cut, is_made_of_rows
from modelport.model.data_set import EVALUATION, LARGEST, MESSAGE, PURPOSES, ROW, DataSet
from modelport.model.exchange import Exchange
from modelport.model.framing import framed_call
from modelport.model.kinds import MessageRef, Scalar, TensorOf, single

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelport.model.codec import Codec
    from modelport.model.model import Method, Model
    from modelport.model.quick import Sizes

__all__ = ["gather"]

_ROWS = 256  # of a message that is written, at most
_PIECE = 1024 * 1024  # bytes that such a message has, about, at most
_LONGEST = 500  # characters of what is said of it
_NOTHING = object()
_FLOATS = {"double", "float", "float16", "float32", "float64"}


def gather(
    model: Model, purpose: str, method: str, inputs: Any, expected: Any, *, tolerance: float, about: Mapping[str, Any]
) -> DataSet:
    """Return the data set of *inputs* and what is *expected*: see `Model.add_data`, whose errors are the same."""
    spec = model.spec.method(method)
    if spec.streams:
        raise InputError(
            f"{method} {'takes' if spec.streams_in else 'gives'} a stream, and data sets hold calls of one message",
            hint="give data for a method that takes and gives one message",
        )
    _check_words(model, purpose, about)
    taker = model.methods[method]
    whole = _is_one(taker, inputs)
    pairs, compared = _paired(purpose, inputs, expected, whole=whole)
    form = CallForm.of(model.codec, spec, compared)
    _check_tolerance(form, tolerance)
    if whole:
        _check_rows(form)
    gathered = _Gathered(taker, form, purpose)
    for number, (taken, right) in enumerate(pairs):
        gathered.add(taken, right, "the input" if whole else f"input {number}", in_rows=whole)
    return DataSet(
        purpose=purpose,
        method=method,
        n=gathered.n,
        unit=ROW if whole else MESSAGE,
        compared=compared,
        tolerance=float(tolerance),
        **gathered.finished(),
        **about,
    )


@dataclass(slots=True)
class _Gathered:
    """The calls that were added, as bytes."""

    method: Method
    form: CallForm
    purpose: str
    n: int = 0
    size: int = 0
    calls: list[bytes] = field(default_factory=list)

    def add(self, taken: Any, right: Any, what: str, *, in_rows: bool) -> None:
        """Add one message; of rows, in pieces."""
        try:
            found = Exchange()
            plain = self._input(taken, found)
            wanted = self._expected(right, found) if self.form.field else None
            if not in_rows:
                self._keep(plain, wanted, found.sizes)
                self.n += 1
                return
            self._add_rows(plain, wanted)
        except CallError as error:
            raise CallError([f"{what}: {one}" for one in error.problems], hint=error.hint) from error

    def finished(self) -> dict[str, Any]:
        """Return the content with its size and its SHA-256; raise InputError where there is none."""
        if not self.n:
            raise InputError(f"the {self.purpose} data has no samples", hint="give one input or more")
        content = b"".join(self.calls)
        return {"content": content, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def _add_rows(self, plain: Any, wanted: Any) -> None:
        count = count_rows(plain, "the input")
        if self.form.field and (right := count_rows({self.form.field: wanted}, "expected")) != count:
            raise InputError(
                f"the input has {count} rows, and {right} right answers are expected", hint="give one for each row"
            )
        for start, stop in self._pieces(plain, wanted, count):
            self._keep(*self._cut(plain, wanted, start, stop), {})
        self.n += count

    def _pieces(self, plain: Any, wanted: Any, count: int) -> Iterator[tuple[int, int]]:
        """Yield where the pieces begin and end: as many rows in each as the size of the first lets be."""
        if not count:
            return
        first = self.form.write(*self._cut(plain, wanted, 0, 1))
        step = max(1, min(_ROWS, _PIECE // max(1, len(first[0]))))
        for start in range(0, count, step):
            yield start, min(start + step, count)

    def _cut(self, plain: Any, wanted: Any, start: int, stop: int) -> tuple[Any, Any]:
        return cut(plain, start, stop), cut(wanted, start, stop) if self.form.field else None

    def _keep(self, plain: Any, wanted: Any, sizes: Sizes) -> None:
        call = framed_call(*self.form.write(plain, wanted, sizes))
        self.size += len(call)
        if self.size > LARGEST:
            raise InputError(
                f"the {self.purpose} data has more than {LARGEST} bytes ({LARGEST // 2**20} MiB)",
                hint="give fewer samples, chosen by a rule that split= names (every tenth, say); more data than that"
                " belongs beside the package: the entry's `data:` fetches it for a recipe",
            )
        self.calls.append(call)

    def _input(self, taken: Any, found: Exchange) -> Any:
        codec, name = self.form.codec, self.form.method.input
        if isinstance(taken, codec.records[name].kind):
            return codec.plain(taken, name, found)

        def by_json() -> Any:
            return codec.plain(codec.from_json(self.method.arguments(taken), name), name, found)

        if not isinstance(taken, Mapping):
            return by_json()
        message = codec.spec.message(name)
        left = {one.name: codec.native(one.default, one) for one in message.fields if one.has_default}
        return _plain(as_mapping(codec, message), {**left, **taken}, name, found, by_json)

    def _expected(self, right: Any, found: Exchange) -> Any:
        codec, name = self.form.answers, self.form.method.output

        def by_json() -> Any:
            return codec.plain(codec.from_json(right, name, found.copy()), name, found)

        return _plain(codec, right, name, found, by_json)[self.form.field]


def _plain(codec: Codec, values: Mapping[str, Any], name: str, found: Exchange, otherwise: Callable[[], Any]) -> Any:
    """Return the plain form of a message's native values; where they are not native, what *otherwise* says.

    Arrays need not go through JSON so, which takes long.
    """
    fields = codec.spec.message(name).fields
    if unknown := values.keys() - {one.name for one in fields}:
        raise CallError([f"{one}: is not a field of {name}" for one in sorted(map(str, unknown))])
    trial = found.copy()
    try:
        plain = codec.plain(values, name, trial)
    except CallError as error:
        try:
            return otherwise()
        except CallError:
            is_whole = all(one.name in values for one in fields if one.is_required)
            if is_whole and any(hasattr(one, "dtype") for one in values.values()):
                raise error from None  # they were meant as Python has them
            raise
    found.become(trial)
    return plain


def _is_one(method: Method, inputs: Any) -> bool:
    """Tell whether *inputs* is one message, whose rows are the samples."""
    return isinstance(inputs, Mapping) or hasattr(inputs, "columns") or method.takes(inputs)


def _paired(purpose: str, inputs: Any, expected: Any, *, whole: bool) -> tuple[Iterable[tuple[Any, Any]], str]:
    """Return each input with what is expected, and the field for which it is."""
    if not whole and (isinstance(inputs, str | bytes) or not isinstance(inputs, Iterable)):
        raise InputError(
            f"the inputs are {type(inputs).__name__}, and no messages",
            hint='give messages, as [{"x": 1.0}, ...], or one whose rows are the samples, as {"images": array}',
        )
    if purpose != EVALUATION:
        if expected is not None:
            raise InputError(
                f"{purpose} data has no right answers", hint='leave expected out, or add it as data for "evaluation"'
            )
        return ([(inputs, None)] if whole else ((one, None) for one in inputs)), ""
    if not isinstance(expected, Mapping) or len(expected) != 1:
        raise InputError(
            "evaluation data needs the right answers for one field of the output",
            hint='name the field: expected={"labels": [...]}, with one answer for each sample',
        )
    ((compared, answers),) = expected.items()
    if whole:
        return [(inputs, {compared: answers})], str(compared)
    return _both(inputs, answers, str(compared)), str(compared)


def _both(inputs: Iterable[Any], answers: Any, compared: str) -> Iterator[tuple[Any, Any]]:
    if isinstance(answers, str | bytes | Mapping) or not isinstance(answers, Iterable):
        raise InputError(f"expected[{compared!r}] is no list of answers", hint="give one for each input")
    number = 0
    for number, (taken, right) in enumerate(zip_longest(inputs, answers, fillvalue=_NOTHING)):
        if taken is _NOTHING or right is _NOTHING:
            more = "right answers than inputs" if taken is _NOTHING else "inputs than right answers"
            raise InputError(f"there are more {more}: the shorter has {number}", hint="give one answer for each input")
        yield taken, {compared: right}


def _check_words(model: Model, purpose: str, about: Mapping[str, Any]) -> None:
    if purpose not in PURPOSES:
        raise InputError(f"{purpose!r} is no purpose of data", hint=f"it is for one of: {', '.join(PURPOSES)}")
    if there := model.data_sets.get(purpose):
        raise InputError(
            f"the model has {purpose} data already: {there.name}, for {there.method}",
            hint=f"give all of it at once, or take that away first: del model.data_sets[{purpose!r}]",
        )
    for key, said in about.items():
        if not isinstance(said, str) or not said.strip() or not said.isprintable() or len(said) > _LONGEST:
            raise InputError(
                f"{key} of the {purpose} data is {said!r}", hint=f"say it in one line of up to {_LONGEST} characters"
            )


def _check_tolerance(form: CallForm, tolerance: float) -> None:
    if not 0 <= tolerance < math.inf:
        raise InputError(f"a tolerance of {tolerance} is none", hint="say by how much a float may be off: 0 or more")
    if not tolerance:
        return
    kind = single(form.kind.type) if form.field else None
    has_floats = isinstance(kind, MessageRef) or (
        isinstance(kind, Scalar | TensorOf) and (kind.name if isinstance(kind, Scalar) else kind.dtype) in _FLOATS
    )
    if not has_floats:
        what = f"{form.field} is {kind}" if form.field else "nothing is compared"
        raise InputError(f"a tolerance is for floats, and {what}", hint="leave it out")


def _check_rows(form: CallForm) -> None:
    spec, method = form.codec.spec, form.method
    fields = [*spec.message(method.input).fields, *([form.kind] if form.field else [])]
    if not is_made_of_rows(spec, *spec.message(method.input).fields) or not is_made_of_rows(spec, *fields):
        one = next((f for f in fields if not is_made_of_rows(spec, f)), None)
        what = f"{one.name} is one {one.type}" if one else f"{method.input} has no fields"
        raise InputError(
            f"the inputs are one message, whose rows would be the samples, and {method.name} is not made of rows:"
            f" {what}",
            hint='give a list of messages: [{"x": 1.0}, {"x": 2.0}]',
        )
