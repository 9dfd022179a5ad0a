"""What describes a model: its types, and the model itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Dict, List, NamedTuple  # noqa: UP035 - the names that Acumos's users import

from modelport.errors import SignatureError
from modelport.model import About, Model
from modelport.model.document import Document
from modelport.model.frame import column_type, identifiers
from modelport.model.names import is_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Dict", "Empty", "List", "Model", "NamedTuple", "create_dataframe", "create_namedtuple", "new_type"]


class Empty(NamedTuple):
    """The message without fields."""


def create_namedtuple(name: str, fields: Iterable[Any]) -> Any:  # noqa: ANN401 - a class made here, as in Acumos
    """Return a NamedTuple class called *name* with (field, type) pairs *fields*.

    The paper's listing puts an extra pair of parentheses round the pairs; both forms mean the same.

    Raises:
        SignatureError: An item is not a pair of a name and a type.
    """
    pairs: list[Any] = []
    for item in fields:
        pairs.extend(item if _holds_pairs(item) else [item])
    for pair in pairs:
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str)):  # noqa: PLR2004 - a pair
            raise SignatureError(
                f"create_namedtuple({name!r}): {pair!r} is not a pair of a name and a type",
                hint="write [('sepal_length', List[float]), ...]",
            )
    return _named_tuple(name, pairs)


def create_dataframe(name: str, df: Any) -> Any:  # noqa: ANN401 - a class made here, as in Acumos
    """Return a NamedTuple class called *name* with a list for each column of the pandas data frame *df*.

    Columns hold numbers, truth values, text or categories of text. A column whose name is no identifier has a field of
    the nearest name. ``Annotated[pd.DataFrame, Frame.of(df)]`` is Modelport's own way: it gives the function a frame.

    Raises:
        SignatureError: A column has another type, or no name.
    """
    if not hasattr(df, "columns"):
        raise SignatureError(
            f"create_dataframe({name!r}): is given a {type(df).__name__}, not a data frame of pandas",
            hint="write create_dataframe('Name', df), with a frame that has the model's columns",
        )
    fields = []
    for field, column in zip(identifiers(df.columns), df.columns, strict=True):
        kind = column_type(df[column], column)
        fields.append((field, List[str if isinstance(kind, tuple) else kind]))  # type: ignore[misc]  # noqa: UP006 - a type made here
    return _named_tuple(name, fields)


def new_type(raw_type: type, name: str, metadata: Mapping[str, object] | None = None, doc: str | None = None) -> Any:  # noqa: ANN401 - a type made here, as in Acumos
    """Return a raw type called *name*: text, bytes, or a JSON object of any form.

    They go as text/plain, application/octet-stream and application/json. What *metadata* says is kept in words.

    Raises:
        SignatureError: *raw_type* is not str, bytes or dict, or *name* is none.
    """
    if raw_type not in {str, bytes, dict}:
        raise SignatureError(
            f"new_type({raw_type!r}, {name!r}): a raw type is str, bytes or dict",
            hint="write new_type(bytes, 'Image', doc='a PNG file'), or a NamedTuple",
        )
    if not is_identifier(name):
        raise SignatureError(
            f"new_type: {name!r} is no name: it starts with a letter and goes on with letters, digits and '_'",
            hint="rename it",
        )
    told = ", ".join(f"{key}: {value}" for key, value in (metadata or {}).items())
    words = " ".join(part for part in (doc or name, f"({told})" if told else "") if part)
    if raw_type is dict:
        return Annotated[dict, Document(name, words)]
    return Annotated[
        raw_type, About(words, media_types="text/plain" if raw_type is str else "application/octet-stream")
    ]


def _named_tuple(name: str, pairs: Iterable[tuple[str, Any]]) -> Any:  # noqa: ANN401 - a class made here
    made = NamedTuple(name, [(field, kind) for field, kind in pairs])  # type: ignore[misc]
    made.__module__ = sys._getframe(2).f_globals.get("__name__", "__main__")  # noqa: SLF001 - as collections.namedtuple does
    return made


def _holds_pairs(item: object) -> bool:
    return isinstance(item, tuple | list) and all(isinstance(one, tuple | list) for one in item)
