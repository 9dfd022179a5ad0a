"""Bodies that are one field by themselves: an image as ``image/png``, a text as ``text/plain``.

A method takes such a body where its input has one bytes or text field with media types, and all other fields may be
left out. It gives one where its answer is such a field and nothing else; the field's first media type is the answer's,
because nothing tells which of several the bytes are.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError
from modelport.model.kinds import Scalar
from modelport.serve.media import MEDIA_TYPES

if TYPE_CHECKING:
    from modelport.model.spec import Field, Message

__all__ = ["raw_answer", "raw_answer_types", "raw_arguments", "raw_types"]

_BYTES, _TEXT = Scalar("bytes"), Scalar("string")


def raw_types(message: Message) -> tuple[str, ...]:
    """Return the media types that a body may have which is a field of the input *message*."""
    field = _field(message)
    return tuple(one for one in field.about.media_types if one not in MEDIA_TYPES) if field else ()


def raw_answer_types(message: Message) -> tuple[str, ...]:
    """Return the media type of an answer which is the only field of *message*, when it can be one."""
    return raw_types(message)[:1] if len(message.fields) == 1 else ()


def raw_arguments(body: bytes, message: Message) -> dict[str, Any]:
    """Return the arguments, in JSON form, that a *body* of one of :func:`raw_types` stands for.

    Raises:
        CallError: It is to be text and is not UTF-8.
    """
    field = _need(message)
    if field.type == _BYTES:
        return {field.name: base64.b64encode(body).decode()}
    try:
        return {field.name: body.decode()}
    except UnicodeDecodeError as error:
        raise CallError([f"{field.name}: is not UTF-8 at byte {error.start}"]) from error


def raw_answer(document: dict[str, Any], message: Message) -> bytes:
    """Return the body that the answer *document*, in JSON form, is."""
    field = _need(message)
    value: str = document[field.name]
    return base64.b64decode(value) if field.type == _BYTES else value.encode()


def _field(message: Message) -> Field | None:
    needed = [f for f in message.fields if f.is_required]
    fits = len(needed) == 1 and needed[0].type in {_BYTES, _TEXT} and needed[0].about.media_types
    return needed[0] if fits else None


def _need(message: Message) -> Field:
    field = _field(message)
    if field is None:
        raise TypeError(f"{message.name} has no body of its own")
    return field
