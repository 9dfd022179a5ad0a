"""How an annotation says "a data frame with these columns", and how such a frame meets its message."""

from __future__ import annotations

import re
import typing
from typing import TYPE_CHECKING, Annotated, Any

from modelport.errors import SignatureError
from modelport.model.names import is_identifier
from modelport.model.records import Record, UnfitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Frame", "column_type", "frame_record", "identifiers"]

CATEGORY = "category"
_NUMPY = {"int": "int64", "float": "float64", "bool": "bool"}
_WAY_OUT = (
    "columns are int, float, bool, str, a NumPy scalar, an Enum, 'category' or a tuple of categories; write times as"
    " text (ISO 8601) or as seconds"
)


class Frame:
    """Marks the columns of a data frame in an annotation; its message is a table.

        def classify(flowers: Annotated[pd.DataFrame, Frame(petal_length=float, species=str)]) -> list[int]: ...

    A column's type is ``int``, ``float``, ``bool``, ``str``, a NumPy scalar type, an Enum class, a Literal of texts,
    ``"category"`` (text that pandas keeps as a category) or a tuple of texts (the categories, in pandas' order); an
    `About` may stand around it. The function is given a frame with the columns in this order and of these types, also
    when it has no rows. Missing values have no form: a float may be NaN, anything else is there.

    Args:
        name: The message's name; made from the method's and the parameter's name by default.
        columns: Columns whose names are no identifiers, by name. Their fields are called alike, as far as that goes.
        **more: Further columns.

    Raises:
        SignatureError: There is no column, or a name or type is none.
    """

    def __init__(self, name: str = "", columns: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        self.name = name
        self.columns: dict[str, Any] = {**(columns or {}), **more}
        if not self.columns:
            raise SignatureError("a Frame has no columns", hint="write Frame(sepal_length=float), or Frame.of(data)")
        fields = identifiers(self.columns)
        self.fields: dict[str, str] = dict(zip(fields, self.columns, strict=True))

    @classmethod
    def of(cls, data: Any, name: str = "") -> Frame:
        """Return the marker for frames with the columns and types of the pandas data frame *data*.

        Raises:
            SignatureError: A column has no name, or a type that a signature cannot say.
        """
        return cls(name, {column: column_type(data[column], column) for column in data.columns})

    def __repr__(self) -> str:
        return f"Frame({self.name!r}, {self.columns!r})"

    def __eq__(self, other: object) -> bool:
        # The order of columns is part of what a function sees.
        mine = self.name, list(self.columns.items())
        return isinstance(other, Frame) and mine == (other.name, list(other.columns.items()))

    def __hash__(self) -> int:
        return hash((self.name, tuple(self.columns)))


def identifiers(columns: Iterable[Any]) -> list[str]:
    """Return a name for the field of each column: its own where it is an identifier, else as near as may be."""
    found: list[str] = []
    for column in columns:
        if not isinstance(column, str):
            raise SignatureError(
                f"a Frame's column {column!r} has no name that is text",
                hint="rename the columns: data.rename(columns=str)",
            )
        name = column if is_identifier(column) else re.sub(r"[^A-Za-z0-9]+", "_", column).strip("_")
        name = name if is_identifier(name) else f"column_{name}".rstrip("_")
        if not is_identifier(name) or name in found:
            raise SignatureError(
                f"a Frame's column {column!r} has no name of its own for its field: it would be {name[:128]!r}",
                hint="rename the column with letters, digits and '_'",
            )
        found.append(name)
    return found


def column_type(series: Any, column: Any) -> Any:
    """Return the type of a pandas column, as a `Frame` takes it."""
    dtype = series.dtype
    kind, name = getattr(dtype, "kind", ""), str(dtype)
    if name == CATEGORY:
        categories = tuple(dtype.categories)
        if all(isinstance(one, str) for one in categories):
            return categories
    elif kind in "iufb" and not hasattr(dtype, "na_value"):
        plain = {numpy: python for python, numpy in _NUMPY.items()}.get(name)
        return {"int": int, "float": float, "bool": bool}[plain] if plain else dtype.type
    elif (kind == "O" or name in {"str", "string"}) and all(isinstance(one, str) for one in series):
        return str
    raise SignatureError(f"a Frame's column {column!r} has the type {name.partition('[')[0]}", hint=_WAY_OUT)


def frame_record(kind: type, frame: Frame, where: str) -> Record:
    """Return how messages meet frames of the class *kind*, pandas' DataFrame.

    Raises:
        SignatureError: *kind* is another class, or a column's type is none; *where* begins the message.
    """
    if kind.__name__ != "DataFrame" or kind.__module__.partition(".")[0] != "pandas":
        raise SignatureError(
            f"{where}: Frame marks a {getattr(kind, '__name__', kind)}, which is no data frame of pandas",
            hint="write Annotated[pd.DataFrame, Frame(...)]",
        )
    dtypes = {
        field: _dtype(frame.columns[column], f"{where}, column {column!r}") for field, column in frame.fields.items()
    }

    def make(**values: Any) -> Any:
        return kind({column: _series(values[field], dtypes[field], field) for field, column in frame.fields.items()})

    def get(data: Any, field: str) -> Any:
        column = frame.fields[field]
        if column not in data.columns:
            raise UnfitError([("", f"the data frame has no column {column!r}")])
        series = data[column]
        return series.to_numpy() if getattr(series.dtype, "kind", "O") in "iufb" else series.tolist()

    return Record(kind, make, get)


def _dtype(annotation: Any, where: str) -> Any:
    """Return pandas' type of a column: a NumPy name, ``str``, ``object`` or a tuple with the categories."""
    while typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    if annotation == CATEGORY:
        return ()
    if isinstance(annotation, tuple) and annotation and all(isinstance(one, str) for one in annotation):
        return annotation
    if typing.get_origin(annotation) is typing.Literal:
        return str
    if isinstance(annotation, type):
        if annotation.__module__ == "numpy":
            return annotation.__name__.rstrip("_")
        if annotation in {int, float, bool}:
            return _NUMPY[annotation.__name__]
        if annotation is str:
            return str
        if hasattr(annotation, "__members__"):
            return object
    raise SignatureError(f"{where}: {annotation!r} is not a type of a column", hint=_WAY_OUT)


def _series(values: Any, dtype: Any, field: str) -> Any:
    from pandas import Categorical, Series

    if not isinstance(dtype, tuple):
        return Series(values, dtype=dtype)
    if not dtype:
        return Series(values, dtype=str).astype(CATEGORY)
    if unknown := sorted(set(values) - set(dtype)):
        # pandas would make it a missing value.
        raise UnfitError([(field, f"{unknown[0][:128]!r} is none of {', '.join(dtype)}")])
    return Series(Categorical(values, categories=list(dtype)))
