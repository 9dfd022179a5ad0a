"""What an estimator gives, as the message of its answer: labels with probabilities, values, or transformed rows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from modelport.errors import PackError
from modelport.model.about import About
from modelport.model.spec import Field, ListOf, Message, MethodSpec, Scalar, TensorOf
from modelport.package.files.columns import method_name
from modelport.package.files.model import method_title, spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.spec import FieldType, ModelSpec
    from modelport.package.files.columns import Taken

__all__ = ["decides_by_chances", "methods_of", "values_of"]

_LABELS = {"U": "string", "T": "string", "i": "int64", "u": "int64", "b": "bool", "f": "double"}
_LONGEST = 2000  # characters of labels in the words on a field
_DECIDED = (
    ("sklearn.ensemble._forest", "ForestClassifier"),
    ("sklearn.tree._classes", "DecisionTreeClassifier"),
    ("sklearn.ensemble._bagging", "BaggingClassifier"),
)
"""The classes whose ``predict`` takes the first of the greatest of the very numbers that ``predict_proba`` gives."""


def methods_of(estimator: Any, taken: Taken, method: str) -> tuple[ModelSpec, dict[str, str]]:
    """Return the signature of an estimator, and which of its methods gives each field of the answer.

    Raises:
        PackError: It answers nothing that has a place in a signature, or fails on the sample.
    """
    name = method_name(estimator, method)
    outputs: dict[str, str] = {}
    fields = []
    for field, source in _sources(estimator).items():
        fields.append(_field(field, _answer(estimator, source, taken), estimator))
        outputs[field] = source
    given = Message(f"{method_title(name)}Out", tuple(fields))
    spec = spec_of(
        [taken.message, given],
        [MethodSpec(name, taken.message.name, given.name, _doc(estimator))],
        hint="rename the columns that it was trained on, or wrap it in a function: Model(predict=my_function)",
    )
    return spec, outputs


def values_of(estimator: Any, values: Any, given: Message, outputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of the answer's fields for what an estimator is given."""
    kinds = {field.name: field.type for field in given.fields}
    asked = dict.fromkeys(outputs.values())
    found = {}
    if asked.keys() == {"predict", "predict_proba"} and decides_by_chances(estimator):
        found = _decided(estimator, values)  # one walk of the trees for both
    answers = {source: found[source] if found else getattr(estimator, source)(values) for source in asked}
    return {field: _plain(answers[source], kinds[field]) for field, source in outputs.items()}


def decides_by_chances(estimator: Any) -> bool:
    """Tell whether an estimator's own ``predict`` is the first of the most probable labels, by its ``predict_proba``.

    Only those are told whose method says so itself, in scikit-learn's code: others, as linear and boosted models, take
    the label from numbers of which the probabilities are made, and rounding may part the two.
    """
    last = estimator
    while getattr(last, "steps", None) and _is_own(last, "sklearn.pipeline", "Pipeline"):
        last = last.steps[-1][1]
    return any(_is_own(last, *one) for one in _DECIDED) and getattr(last, "n_outputs_", 1) == 1


def _is_own(estimator: Any, module: str, name: str) -> bool:
    """Tell whether the class's two methods are those of a class of scikit-learn's."""
    kind = getattr(sys.modules.get(module), name, None)
    methods = "predict", "predict_proba"
    return kind is not None and all(getattr(type(estimator), one, 0) is getattr(kind, one, None) for one in methods)


def _decided(estimator: Any, values: Any) -> dict[str, Any]:
    import numpy as np

    chances = estimator.predict_proba(values)
    return {"predict": estimator.classes_.take(np.argmax(chances, axis=1), axis=0), "predict_proba": chances}


def _sources(estimator: Any) -> dict[str, str]:
    from sklearn.base import is_classifier, is_regressor

    if is_classifier(estimator):
        several = isinstance(getattr(estimator, "classes_", None), list)
        chances = hasattr(estimator, "predict_proba") and not several
        return {"labels": "predict"} | ({"probabilities": "predict_proba"} if chances else {})
    if hasattr(estimator, "predict"):
        return {"values" if is_regressor(estimator) else "labels": "predict"}
    if hasattr(estimator, "transform"):
        return {"transformed": "transform"}
    raise PackError(
        f"{type(estimator).__name__} has neither predict() nor transform()",
        hint="wrap it in a function: Model(predict=my_function)",
    )


def _answer(estimator: Any, source: str, taken: Taken) -> Any:
    """Return what the estimator gives for the sample, as an array: only that tells its type and shape."""
    try:
        return _dense(getattr(estimator, source)(taken.sample))
    except Exception as error:  # an estimator may raise anything
        raise PackError(
            f"{type(estimator).__name__}.{source}() fails on two rows of what it was trained on:"
            f" {type(error).__name__}: {error}",
            hint="wrap it in a function that says what it takes: Model(predict=my_function)",
        ) from error


def _field(name: str, answer: Any, estimator: Any) -> Field:
    kind = _kind(answer)
    if kind is None:
        raise PackError(
            f"{type(estimator).__name__} gives {answer.dtype} of {answer.ndim} dimensions, which has no place in a"
            " signature",
            hint="wrap it in a function that says what it gives: Model(predict=my_function)",
        )
    return Field(name, kind, About(doc=_words(name, estimator)))


def _kind(answer: Any) -> FieldType | None:
    letter, shape = answer.dtype.kind, answer.shape[1:]
    if letter == "O" and all(isinstance(one, str) for one in answer.ravel()):
        letter = "U"
    if letter == "f" and answer.ndim > 0:
        return TensorOf(answer.dtype.name, ("n", *shape)) if answer.dtype.itemsize <= 8 else None  # noqa: PLR2004 - a float64's
    if answer.ndim == 1 and letter in _LABELS:
        return ListOf(Scalar(_LABELS[letter]))
    return TensorOf(answer.dtype.name, ("n", *shape)) if answer.ndim > 1 and letter in "iub" else None


def _words(field: str, estimator: Any) -> str:
    classes = getattr(estimator, "classes_", None)
    if classes is None or isinstance(classes, list):
        return "one row for each row" if field == "transformed" else ""
    labels = ", ".join(map(str, classes))
    labels = labels if len(labels) <= _LONGEST else f"{labels[:_LONGEST]}..."
    return f"one of {labels}" if field == "labels" else f"of each label, in this order: {labels}"


def _doc(estimator: Any) -> str:
    steps = getattr(estimator, "steps", None)
    parts = [type(step).__name__ for _, step in steps] if steps else [type(estimator).__name__]
    return f"scikit-learn's {', '.join(parts)}."


def _dense(answer: Any) -> Any:
    import numpy as np

    return np.asarray(answer.toarray() if hasattr(answer, "toarray") else answer)


def _plain(answer: Any, kind: FieldType) -> Any:
    found = _dense(answer)
    if isinstance(kind, ListOf):
        return found.tolist()
    return found.astype(kind.dtype) if isinstance(kind, TensorOf) else found
