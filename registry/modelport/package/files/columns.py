"""What an estimator was trained on, as the message that it takes: a table, one tensor of rows, or texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any

from modelport.errors import PackError
from modelport.model.about import About
from modelport.model.frame import identifiers
from modelport.model.spec import Field, ListOf, Message, Scalar, TensorOf
from modelport.package.files.model import method_title

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["WIDEST", "Taken", "message_taken", "method_name", "native", "sample"]

WIDEST = 1_000_000
"""The most features that a row may have: two rows of them are made to see what an estimator answers."""

TEXTS, ROWS = "texts", "x"


@dataclass(frozen=True, slots=True)
class Taken:
    """What an estimator takes.

    Attributes:
        message: The message.
        binding: The estimator's own name of each field: a column's, ``X`` for rows, ``texts`` for texts.
        sample: Two rows that an estimator like this can answer.
        known: The values that the estimator knows of each field of a table that is no plain number.
    """

    message: Message
    binding: dict[str, str]
    sample: Any
    known: Mapping[str, list[Any]] = field(default_factory=dict)


def method_name(estimator: Any, method: str) -> str:
    """Return what the method is called: *method*, or what the estimator itself calls it."""
    return method or ("predict" if hasattr(estimator, "predict") else "transform")


def message_taken(estimator: Any, method: str) -> Taken:
    """Return what a fitted estimator takes; raise PackError where that has no place in a signature."""
    name = f"{method_title(method_name(estimator, method))}In"
    if _takes_texts(estimator):
        texts = Field(TEXTS, ListOf(Scalar("string")), About(doc="one text for each answer"))
        return Taken(Message(name, (texts,)), {TEXTS: TEXTS}, ["a text", "another"])
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        return _table(estimator, name, [str(one) for one in names])
    width = getattr(estimator, "n_features_in_", None)
    if width is None:
        raise PackError(
            f"{type(estimator).__name__} does not say on how many features it was trained",
            hint="train it on a data frame or an array, or wrap it in a function: Model(predict=my_function)",
        )
    if not isinstance(width, Integral) or not 1 <= int(width) <= WIDEST:
        raise PackError(
            f"{type(estimator).__name__} says that it was trained on {str(width)[:60]} features",
            hint=f"train it on at most {WIDEST}, or wrap it in a function: Model(predict=my_function)",
        )
    import numpy as np

    rows = Field(ROWS, TensorOf("float64", ("n", int(width))), About(doc=f"rows of {width} features"))
    return Taken(Message(name, (rows,)), {ROWS: "X"}, np.zeros((2, int(width))))


def native(message: Any, taken: Message, binding: Mapping[str, str]) -> Any:
    """Return what the estimator is given for a native message: a data frame, an array or a list."""
    if not taken.table:
        (only,) = taken.fields
        return getattr(message, only.name)
    import pandas as pd

    return pd.DataFrame({binding[f.name]: getattr(message, f.name) for f in taken.fields})


def sample(columns: Mapping[str, Any]) -> Any:
    """Return a data frame of two rows with the values in *columns*."""
    import pandas as pd

    return pd.DataFrame({name: [value, value] for name, value in columns.items()})


def _table(estimator: Any, name: str, columns: list[str]) -> Taken:
    known = dict(_categories(estimator, columns))
    fields, values = [], {}
    for own, column in zip(identifiers(columns), columns, strict=True):
        kind, some, doc = known.get(column, ("double", [0.0], ""))
        about = About(doc="; ".join(filter(None, ["" if own == column else column, doc])))
        fields.append(Field(own, ListOf(Scalar(kind)), about))
        values[column] = some[0]
    binding = {one.name: column for one, column in zip(fields, columns, strict=True)}
    known_values = {own: known[column][1] for own, column in binding.items() if column in known}
    return Taken(Message(name, tuple(fields), table=True), binding, sample(values), known_values)


def _takes_texts(estimator: Any) -> bool:
    """Tell whether the first part that sees the data is a vectorizer of texts."""
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer

    steps = getattr(estimator, "steps", None)
    return _takes_texts(steps[0][1]) if steps else isinstance(estimator, CountVectorizer | HashingVectorizer)


def _categories(estimator: Any, columns: list[str]) -> Iterator[tuple[str, tuple[str, list[Any], str]]]:
    """Return the columns that are no plain numbers: the type, the values that are known, and words on them."""
    steps = getattr(estimator, "steps", None)
    if steps:
        first = next((step for _, step in steps if step not in ("passthrough", None)), None)
        yield from _categories(first, columns)
    elif hasattr(estimator, "transformers_"):
        for _, part, chosen in estimator.transformers_:
            if not isinstance(part, str):
                yield from _categories(part, _names(chosen, columns))
    elif hasattr(estimator, "categories_"):
        for column, values in zip(columns, estimator.categories_, strict=True):
            yield column, _category(column, list(values))
    elif _takes_texts(estimator) and len(columns) == 1:
        yield columns[0], ("string", ["a text"], "")


def _category(column: str, values: list[Any]) -> tuple[str, list[Any], str]:
    shown = ", ".join(map(str, values[:20])) + (", ..." if len(values) > 20 else "")  # noqa: PLR2004 - enough to see
    doc = f"one of {shown}"
    plain = [one.item() if hasattr(one, "item") else one for one in values]
    for kind, name in ((bool, "bool"), (int, "int64"), (str, "string"), (float, "double")):
        if plain and all(type(one) is kind for one in plain):
            return name, plain, doc
    raise PackError(
        f"the column {column!r} has categories of several types: {shown}",
        hint="give its missing values a text of their own before training, or wrap the estimator in a function",
    )


def _names(chosen: Any, columns: list[str]) -> list[str]:
    """Return the names of the columns that a column transformer hands on."""
    if isinstance(chosen, str):
        return [chosen]
    if isinstance(chosen, slice):
        return columns[chosen] if not isinstance(chosen.start, str) and not isinstance(chosen.stop, str) else []
    picked = list(chosen) if not callable(chosen) else []
    if picked and all(isinstance(one, bool) or type(one).__name__.startswith("bool") for one in picked):
        return [name for name, one in zip(columns, picked, strict=True) if one]
    return [one if isinstance(one, str) else columns[int(one)] for one in picked]
