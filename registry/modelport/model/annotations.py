"""An annotation -> the type in it, and what is said around it.

Besides `About` the bounds of ``annotated_types`` (``Ge``, ``Le``) and pydantic's ``Field`` are understood wherever they
stand in an ``Annotated``; they are known by their attributes, so that neither library is needed.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Annotated, Any

from modelport.errors import SignatureError
from modelport.model.about import About
from modelport.model.document import Document
from modelport.model.frame import Frame
from modelport.model.tensor import Tensor

__all__ = ["Annotation", "own_about", "read_annotation", "type_hints"]


_UNSAID = About()


@dataclass(frozen=True, slots=True)
class Annotation:
    """What an annotation says.

    Attributes:
        kind: The type, without what is said around it.
        about: What is said of it for people.
        marker: The tensor, the data frame or the JSON document that it is marked as.
    """

    kind: Any
    about: About = _UNSAID
    marker: Tensor | Frame | Document | None = None


def read_annotation(annotation: Any, where: str) -> Annotation:
    """Return what *annotation* says.

    A type made by ``NewType``, or named by ``type X = ...``, counts as the type behind it.

    Raises:
        SignatureError: What is said contradicts itself; *where* begins the message.
    """
    kind = annotation
    said: list[Any] = []
    while True:
        if isinstance(kind, typing.NewType):
            kind = kind.__supertype__
        elif type(kind).__name__ == "TypeAliasType":
            kind = kind.__value__
        elif typing.get_origin(kind) is Annotated:
            kind, *notes = typing.get_args(kind)
            said = [*notes, *said]  # outer ones come later, and count
        else:
            break
    markers = [one for one in said if isinstance(one, Tensor | Frame | Document)]
    try:
        return Annotation(kind, _about(said, kind), markers[-1] if markers else None)
    except SignatureError as error:
        raise SignatureError(f"{where}: {error.message}", hint=error.hint) from error


def own_about(notes: list[Any], kind: Any) -> list[Any]:
    """Return *notes* without the bounds that the class they are from checks itself, and a signature cannot say."""
    return [one for one in notes if kind is int or not _is_exclusive(one) or _bound(one, "ge", "le")]


def type_hints(annotated: object, where: str) -> dict[str, Any]:
    """Return the annotations of a function or a class, evaluated; raise SignatureError if that cannot be done."""
    try:
        return typing.get_type_hints(annotated, include_extras=True)
    except SignatureError as error:
        raise SignatureError(f"{where}: {error.message}", hint=error.hint) from error
    except SyntaxError as error:
        # What Python says of it differs between its versions.
        raise SignatureError(
            f"{where}: its annotations cannot be read: one of them, kept as text, is not an expression",
            hint="write the type as Python code, without quotes where you can",
        ) from error
    except Exception as error:
        # Annotations kept as text are evaluated here, and that may raise anything.
        raise SignatureError(
            f"{where}: its annotations cannot be read: {type(error).__name__}: {error}",
            hint="use types that can be reached by name from the top of the module that defines it",
        ) from error


def _about(notes: list[Any], kind: Any) -> About:
    found = About()
    for one in notes:
        found = found.merged(_note(one, kind))
    return found


def _note(note: Any, kind: Any) -> About:
    if isinstance(note, About):
        return note
    if type(note).__name__ == "FieldInfo" and isinstance(getattr(note, "metadata", None), list):
        # pydantic checks these bounds itself in a model, but nobody would in a function's parameter.
        return About(doc=note.description or "").merged(_about(note.metadata, kind))
    if _is_exclusive(note) and kind is not int:
        raise SignatureError(
            f"{note!r} leaves the bound itself out, which a signature cannot say",
            hint="use Ge, Le or About(minimum=..., maximum=...), or a pydantic model, which checks it itself",
        )
    above, below = _bound(note, "gt"), _bound(note, "lt")
    lowest = _bound(note, "ge") if above is None else above + 1
    highest = _bound(note, "le") if below is None else below - 1
    return About(minimum=lowest, maximum=highest)


def _is_exclusive(note: Any) -> bool:
    return _bound(note, "gt", "lt") is not None


def _bound(note: Any, *names: str) -> Any:
    if isinstance(note, type):
        return None
    return next((found for name in names if (found := getattr(note, name, None)) is not None), None)
