"""Second forms of models that are trained objects by themselves: ``forest.skops`` has ``forest.onnx`` beside it.

There is no code to run with a stand-in: the estimator says itself what it takes and gives, so rows are made up and both
forms are asked (`modelport.package.agreement`). The golden examples are tried, too.
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from modelport.errors import CallError, FormatError, ModelportError
from modelport.model.spec import TensorOf
from modelport.package.agreement import MadeUpRows, first_that_agrees
from modelport.package.alternatives import FORMS, Alternatives
from modelport.package.closeness import alike
from modelport.package.files.columns import message_taken
from modelport.package.files.converted import restore_converted
from modelport.package.files.rows import made_up
from modelport.package.state.conversion import Column, NotConvertedError, onnx_forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from modelport.package.agreement import Rows
    from modelport.package.alternatives import Form
    from modelport.package.files.columns import Taken
    from modelport.package.files.model import FileModel

__all__ = ["find_bare_alternatives"]

_LOG = logging.getLogger(__name__)
_NONE = "the converter has no form of it that runs"


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
        tried = _Trial(model, folder, {"path": other, "of": path, "runtime": form.runtime})
        said = first_that_agrees(_forms(model, form), folder / other, tried, none=_NONE)
    except NotConvertedError as why:
        found.without.append({"of": path, "runtime": form.runtime, "reason": str(why)})
        _LOG.info("%s has no second form for %s: %s", path, form.runtime, why)
    else:
        found.kept.append(said)
        found.needs[other] = {form.module, "numpy"}
    return found


def _forms(model: FileModel, form: Form) -> Iterable[bytes]:
    if form.suffix != ".onnx":
        return form.convert(model.trained)
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
        (method,) = model.spec.methods
        self._rows = MadeUpRows(partial(_answers, model), made_up(model.spec.message(method.input), model.trained))
        if not self._rows.count and not model.examples:
            raise NotConvertedError("there is no example to try one on")

    def __call__(self) -> dict[str, Any]:
        """Return what ``package.json`` says of the form whose file is there; NotConvertedError where it differs."""
        entry = {**self._entry, "agreed": len(self._model.examples), "rows": self._rows.count}
        second = self._loaded(entry)
        if refuses := self._rows.refusals(partial(_answers, second)):
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


def _answers(model: FileModel, rows: Rows) -> dict[str, Any] | None:
    """Return what a model answers, by field: None where it refuses, and nothing where it fails."""
    import numpy as np

    (method,) = model.spec.methods
    try:
        with catch_warnings(), np.errstate(all="ignore"):  # as in `inner`
            simplefilter("ignore")
            given = model.methods[method.name](**rows)
    except CallError:
        return None
    except ModelportError as error:
        _LOG.info("%s fails: %s", type(model).__name__, error)
        return {}
    return {one.name: getattr(given, one.name) for one in model.spec.message(method.output).fields}
