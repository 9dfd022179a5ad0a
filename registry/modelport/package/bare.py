"""Second forms of models that are trained objects by themselves: ``forest.skops`` has ``forest.onnx`` beside it.

There is no code to run with a stand-in: the estimator says itself what it takes and gives, so rows are made up and both
forms are asked. Those rows are of many sizes, and stand on the very numbers at which trees part: of the ONNX files that
a converter has of one forest, some round otherwise there. The golden examples are tried, too.
"""

from __future__ import annotations

import logging
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from modelport.errors import CallError, FormatError, ModelportError
from modelport.model.spec import TensorOf
from modelport.package.alternatives import FORMS, Alternatives
from modelport.package.closeness import alike, close
from modelport.package.files.columns import message_taken
from modelport.package.files.converted import REFUSED, restore_converted
from modelport.package.files.rows import made_up, strange
from modelport.package.state.conversion import Column, NotConvertedError, onnx_forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from modelport.package.alternatives import Form
    from modelport.package.files.columns import Taken
    from modelport.package.files.model import FileModel

__all__ = ["find_bare_alternatives"]

_LOG = logging.getLogger(__name__)

Rows = dict[str, Any]
"""Arguments: a list or an array for each field."""


def find_bare_alternatives(model: FileModel, folder: Path) -> Alternatives:
    """Write the second form of the file that *model* is into the package in *folder*, whose file is there.

    Nothing is said of a form whose converter is not installed; reasons are as in `find_alternatives`.
    """
    found = Alternatives()
    (path,) = model.files if len(model.files) == 1 else ("",)
    form = FORMS.get(PurePosixPath(path).suffix)
    if form is None or model.trained is None or not form.is_installed:
        return found
    other = str(PurePosixPath(path).with_suffix(form.suffix))
    try:
        said = _Trial(model, folder, {"path": other, "of": path, "runtime": form.runtime}).first(_forms(model, form))
    except NotConvertedError as why:
        (folder / other).unlink(missing_ok=True)
        found.without.append({"of": path, "runtime": form.runtime, "reason": str(why)})
        _LOG.info("%s has no second form for %s: %s", path, form.runtime, why)
    else:
        found.kept.append(said)
        found.needs[other] = {form.module, "numpy"}
    return found


def _forms(model: FileModel, form: Form) -> Iterable[bytes]:
    if form.suffix != ".onnx":
        return [form.convert(model.trained)]
    (method,) = model.spec.methods
    return onnx_forms(model.trained, _layouts(message_taken(model.trained, method.name)))


def _layouts(taken: Taken) -> list[list[Column]]:
    """Return the inputs that an ONNX file may have: all columns as one, where they are numbers, or each by itself."""
    if not taken.message.table:
        (only,) = taken.message.fields
        if not isinstance(only.type, TensorOf):
            return [[Column("x", "string", 1)]]
        width = only.type.shape[1] if only.type.shape else 1
        return [[Column("x", kind, int(width or 1))] for kind in ("double", "float")]
    kinds = [str(one.type).removeprefix("list of ") for one in taken.message.fields]
    whole = [] if set(kinds) != {"double"} else [[Column("x", kind, len(kinds))] for kind in ("double", "float")]
    names = taken.binding.values()
    each = [
        [Column(name, number if kind == "double" else kind, 1) for name, kind in zip(names, kinds, strict=True)]
        for number in ("double", "float")
    ]
    return [*whole, *each]


class _Trial:
    """The first form, and what it answers to what the second forms are asked."""

    def __init__(self, model: FileModel, folder: Path, entry: Mapping[str, Any]) -> None:
        self._model, self._folder, self._entry = model, folder, entry
        (self._method,) = model.spec.methods
        self._rows = next((rows for rows in made_up(model) if _answers(model, self._method.name, rows)), None)
        if self._rows is None and not model.examples:
            raise NotConvertedError("there is no example to try one on")

    def first(self, forms: Iterable[bytes]) -> dict[str, Any]:
        """Return what ``package.json`` says of the first of *forms* that answers alike; its file is left there."""
        why = "the converter has no form of it that runs"
        for content in forms:
            (self._folder / self._entry["path"]).write_bytes(content)
            try:
                return self._tried()
            except NotConvertedError as error:
                why = str(error)
        raise NotConvertedError(why)

    def _tried(self) -> dict[str, Any]:
        rows = 0 if self._rows is None else len(next(iter(self._rows.values())))
        entry = {**self._entry, "agreed": len(self._model.examples), "rows": rows}
        second = self._loaded(entry)
        if self._rows is not None:
            if not self._agrees(second, self._rows):
                raise NotConvertedError("it gives other answers to rows that were made up")
            if refuses := self._refused(second, self._rows):
                entry["refuses"] = refuses
                second = self._loaded(entry)
        try:
            agreed = all(alike(e.output, second.replay(e), e.tolerance) for e in self._model.examples)
        except ModelportError as error:
            raise NotConvertedError("it does not answer the examples") from error
        if not agreed:
            raise NotConvertedError("it gives other answers to the examples")
        return entry

    def _loaded(self, entry: Mapping[str, Any]) -> FileModel:
        try:
            return restore_converted(self._folder, self._model.spec, self._model.bindings, entry)
        except FormatError as error:
            _LOG.info("%s is no second form: %s", entry["path"], error)
            raise NotConvertedError("it takes or gives something else") from error

    def _agrees(self, second: FileModel, rows: Rows) -> bool:
        one, other = (_answers(model, self._method.name, rows) for model in (self._model, second))
        return one is other is None or bool(one and other and _same(one, other))

    def _refused(self, second: FileModel, rows: Rows) -> list[str]:
        """Return which strange numbers the second form has to refuse: the first does, or answers otherwise."""
        found = []
        for kind, strangers in strange(rows).items():
            if kind in REFUSED:
                found += [] if self._agrees(second, strangers) else [kind]
            elif not self._agrees(second, strangers):
                raise NotConvertedError("it gives other answers to values that were not trained on")
        return found


def _answers(model: FileModel, method: str, rows: Rows) -> dict[str, Any] | None:
    """Return what a model answers, by field: None where it refuses, and nothing where it fails."""
    try:
        with catch_warnings():
            simplefilter("ignore")  # what it says of numbers that nobody gave it
            given = model.methods[method](**rows)
    except CallError:
        return None
    except ModelportError as error:
        _LOG.info("%s fails: %s", type(model).__name__, error)
        return {}
    fields = model.spec.message(model.spec.method(method).output).fields
    return {one.name: getattr(given, one.name) for one in fields}


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether answers are alike; between labels that are as probable either is right."""
    import numpy as np

    decided: Any = slice(None)
    if "probabilities" in one and one["probabilities"].ndim == 2 and one["probabilities"].shape[1] > 1:  # noqa: PLR2004 - rows of chances
        best = np.sort(one["probabilities"], axis=1)
        decided = ~close(best[:, -1], best[:, -2])
    for name, first in one.items():
        mine, its = np.asarray(first), np.asarray(other[name])
        if mine.shape != its.shape or mine.dtype.kind != its.dtype.kind:
            return False
        if mine.dtype.kind == "f":
            if not close(mine, its).all():
                return False
        elif not (mine[decided] == its[decided]).all():
            return False
    return True
