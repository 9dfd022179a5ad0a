"""Estimators inside functions, asked by themselves: what their stand-ins answer to rows that are made up.

A function's golden examples are few, and seldom stand where trees part. The estimator says itself what it takes and
gives, so it is asked as a bare one is; what of its methods the stand-in lacks, the examples must not ask for.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from modelport.errors import ModelportError
from modelport.package.agreement import MadeUpRows
from modelport.package.files.columns import message_taken, native
from modelport.package.files.onnx import refusal
from modelport.package.files.outcomes import methods_of, values_of
from modelport.package.files.rows import made_up
from modelport.package.state.standins import OnnxStandIn

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.model.spec import Message
    from modelport.package.agreement import Ask, Rows
    from modelport.package.files.columns import Taken

__all__ = ["InnerEstimator"]


class InnerEstimator:
    """An estimator, and what it answers to rows that are made up: to none where it has no place in a signature."""

    def __init__(self, estimator: Any) -> None:
        self._rows: MadeUpRows | None = None
        try:
            self._taken = message_taken(estimator, "")
            spec, self._outputs = methods_of(estimator, self._taken, "")
        except ModelportError:
            return  # the golden examples alone tell
        (method,) = spec.methods
        self._given = spec.message(method.output)
        self._rows = MadeUpRows(self._ask(estimator), made_up(self._taken.message, estimator))

    def compared(self, file: Path) -> dict[str, Any]:
        """Return what ``package.json`` says of the ONNX file's rows; NotConvertedError where it answers otherwise."""
        if self._rows is None:
            return {"rows": 0}
        refuses = self._rows.refusals(self._ask(OnnxStandIn.load(file)))
        return {"rows": self._rows.count, **({"refuses": refuses} if refuses else {})}

    def _ask(self, form: Any) -> Ask:
        outputs = {field: method for field, method in self._outputs.items() if hasattr(form, method)}
        return partial(_answers, form, self._taken, self._given, outputs)


def _answers(form: Any, taken: Taken, given: Message, outputs: dict[str, str], rows: Rows) -> dict[str, Any] | None:
    """Return what an estimator or its stand-in answers: None where it refuses, and nothing where it fails."""
    import numpy as np

    try:
        # What it says of numbers that nobody gave it; a file may have asked NumPy to raise, and no service does.
        with catch_warnings(), np.errstate(all="ignore"):
            simplefilter("ignore")
            return values_of(form, native(SimpleNamespace(**rows), taken.message, taken.binding), given, outputs)
    except ValueError:
        return None
    except Exception as error:  # noqa: BLE001 - an estimator may raise anything; examples tell whether it matters
        return None if refusal(error) else {}
