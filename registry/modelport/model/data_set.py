"""Data that travels with a model: inputs to calibrate it with, or inputs and right answers to evaluate it on."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from modelport.errors import CallError, FormatError, InputError, IntegrityError, ModelError, NotFoundError
from modelport.model.call_form import CallForm, count_rows, cut, is_made_of_rows
from modelport.model.framing import read_calls
from modelport.model.likeness import right_rows, same
from modelport.model.measured import Evaluation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelport.model.codec import Codec
    from modelport.model.model import Model

__all__ = ["CALIBRATION", "EVALUATION", "LARGEST", "MESSAGE", "PURPOSES", "ROW", "DataSet", "Samples"]

CALIBRATION, EVALUATION = "calibration", "evaluation"
PURPOSES = (CALIBRATION, EVALUATION)
ROW, MESSAGE = "row", "message"
LARGEST = 64 * 1024 * 1024
"""The most bytes that one data set of a package may have."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples that come in one input message.

    Attributes:
        input: The input message.
        expected: The value that is right for the compared field of its answer; None where nothing is expected.
        n: How many samples they are: the message's rows, or 1.
    """

    input: Any
    expected: Any
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """The samples of one purpose, and what is said of them.

    Attributes:
        purpose: ``calibration`` or ``evaluation``.
        method: The method that takes the inputs.
        n: The number of samples.
        unit: What a sample is: a ``row`` of an input message, or a whole ``message``.
        name: The data set that they are from.
        split: Which part of it, and how it was chosen.
        source: Where it comes from.
        license: Its licence.
        size: The bytes that they take.
        sha256: The SHA-256 of these bytes.
        compared: The field of the answers whose right values are there, of evaluation data.
        tolerance: By how much (absolute) the floats in that field may be off and still be right.
        content: The bytes, or the file that holds them.
        package: The name of the package that it is from, if it is from one.
    """

    purpose: str
    method: str
    n: int
    unit: str
    name: str
    split: str
    source: str
    license: str
    size: int
    sha256: str
    compared: str = ""
    tolerance: float = 0.0
    content: bytes | Path = field(repr=False, compare=False)
    package: str = field(default="", repr=False, compare=False)

    @property
    def path(self) -> str:
        """Where in a package it lies."""
        return f"data/{self.purpose}.binpb"

    def to_json(self) -> dict[str, Any]:
        """Return what ``package.json`` says of it."""
        document: dict[str, Any] = {
            "path": self.path, "method": self.method, "n": self.n, "unit": self.unit, "name": self.name,
            "split": self.split, "source": self.source, "license": self.license, "size": self.size,
            "sha256": self.sha256,
        }  # fmt: skip
        compared = {"metric": "accuracy", "compared": self.compared, "tolerance": self.tolerance}
        return document | (compared if self.compared else {})

    @classmethod
    def from_json(cls, purpose: str, document: dict[str, Any], folder: Path, package: str = "") -> DataSet:
        """Return the data set that ``package.json`` of the package in *folder* describes; its file may be missing.

        Raises:
            FormatError: It is no description.
        """
        said = {key: value for key, value in document.items() if key not in {"path", "metric"}}
        try:
            found = cls(purpose=purpose, content=folder / "data" / f"{purpose}.binpb", package=package, **said)
        except TypeError as error:
            raise FormatError(f"{folder}: package.json does not describe {purpose} data: {error}") from error
        if purpose not in PURPOSES or document.get("path") != found.path:
            raise FormatError(f"{folder}: package.json describes {purpose} data that cannot be in a package")
        return found

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Give its bytes as a stream, after they were compared with ``sha256``.

        Raises:
            NotFoundError: The package's data sets were not fetched with it.
            IntegrityError: The file holds other bytes than were packed.
        """
        if isinstance(self.content, bytes):
            yield BytesIO(self.content)
            return
        file = self.content
        if not file.is_file():
            raise NotFoundError(
                f"{file.parents[1]} is here without its {self.purpose} data ({self.name}, {self.size} bytes)",
                hint=f"data sets come when they are asked for: modelport pull --kind dataset {self.package or 'NAME'}",
            )
        with file.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != self.sha256:
                raise IntegrityError(
                    f"{file} is not the {self.purpose} data that was packed", hint="pull the package again"
                )
            stream.seek(0)
            yield stream

    def read(self, codec: Codec, *, rows: int | None = None) -> Iterator[Samples]:
        """Yield the samples, as they were packed or in pieces.

        Args:
            codec: The model's, or ``Codec.bare(spec)`` where only the signature is at hand.
            rows: The most rows of a message, where rows are samples; 1 gives each sample by itself.

        Raises:
            NotFoundError: The data set was not fetched.
            IntegrityError: Its file holds other bytes than were packed.
            FormatError: What is in it is not what is said of it.
        """
        form = CallForm.of(codec, codec.spec.method(self.method), self.compared)
        found = 0
        with self.opened() as stream:
            try:
                for call in read_calls(stream, self.size):
                    for one in self._pieces(form, *call, rows):
                        found += one.n
                        yield one
            except InputError as error:
                raise FormatError(f"the {self.purpose} data is damaged: {error.message}") from error
        if found != self.n:
            raise FormatError(f"the {self.purpose} data holds {found} samples, and is said to hold {self.n}")

    def evaluate(self, model: Model, *, most: int | None = None, tolerance: float = 0.0) -> Evaluation:
        """Call *model* with the inputs and return the share of right answers, with its interval.

        Args:
            model: The model.
            most: The most samples, from the first on; all of them, where nothing is said.
            tolerance: By how much the share may differ when it is measured again: see `Evaluation`.

        Raises:
            InputError: It is calibration data, which has no right answers.
            ModelError: The model fails, or gives something else than an answer for each sample.
        """
        if not self.compared:
            raise InputError(
                f"{self.purpose} data has no right answers", hint='evaluate on data for the purpose "evaluation"'
            )
        right = n = 0
        for one in self.first(model.codec, most):
            right += self._right(model, one)
            n += one.n
        part = self.split if n == self.n else f"{self.split}, the first {n}"
        return Evaluation.accuracy(correct=right, n=n, data=self.name, split=part, tolerance=tolerance)

    def first(self, codec: Codec, most: int | None = None) -> Iterator[Samples]:
        """Yield the first samples, *most* of them where that is said; raises as :meth:`read` does."""
        left = self.n if most is None else max(1, most)
        for one in self.read(codec, rows=None if most is None else left):
            if one.n > left:
                return
            yield one
            left -= one.n
            if not left:
                return

    def _pieces(self, form: CallForm, taken: bytes, expected: bytes | None, rows: int | None) -> Iterator[Samples]:
        if (expected is None) == bool(self.compared):
            raise FormatError(f"a call has {'no' if self.compared else 'a'} right answer")
        message, right = form.read(taken, expected)
        if self.unit != ROW:
            yield Samples(message, right, 1)
            return
        if not is_made_of_rows(form.codec.spec, *form.codec.spec.message(form.method.input).fields):
            raise FormatError(f"{form.method.input} has no rows")
        plain, wanted = form.plain(message, right)
        count = count_rows(plain, "a message")
        if rows is None or rows >= count:
            yield Samples(message, right, count)
            return
        for start in range(0, count, max(1, rows)):
            stop = min(start + max(1, rows), count)
            part = cut(wanted, start, stop) if self.compared else None
            yield Samples(*form.read(*form.write(cut(plain, start, stop), part)), stop - start)

    def _right(self, model: Model, one: Samples) -> int:
        """Return how many of the answers to *one* are right."""
        form = CallForm.of(model.codec, model.spec.method(self.method), self.compared)
        answer = model.methods[self.method](one.input)
        try:
            given = model.codec.plain(answer, form.method.output)[self.compared]
        except CallError as error:
            raise ModelError(f"{self.method} gave an answer that does not fit its signature: {error}") from error
        _, wanted = form.plain(one.input, one.expected)
        if self.unit != ROW:
            return int(same(given, wanted, self.tolerance))
        if (there := count_rows({self.compared: given}, "an answer")) != one.n:
            raise ModelError(f"{self.method} gave {there} rows for {one.n}")
        return right_rows(given, wanted, one.n, self.tolerance)
