"""How an annotation says "a JSON object of any form", which goes as text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from modelport.model.about import About
from modelport.model.records import Record, UnfitError

__all__ = ["DOCUMENT", "JSON_TEXT", "Document"]

JSON_TEXT = Annotated[str, About(media_types="application/json")]
"""The field that holds the text."""


@dataclass(frozen=True, slots=True)
class Document:
    """Marks a dict that holds whatever JSON can: ``Annotated[dict, Document("Settings")]``.

    Its message has one field ``value``, the JSON text; the function is given the dict. A message with fields says more,
    and is checked: this is for interfaces that have none, as Acumos's raw types.

    Attributes:
        name: The message's name.
        doc: What it is.
    """

    name: str
    doc: str = ""


def _made(value: str) -> dict[str, Any]:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise UnfitError([("value", f"is not JSON: {error}")]) from error
    if not isinstance(found, dict):
        raise UnfitError([("value", "is JSON, but not an object")])
    return found


def _text(value: dict[str, Any], _: str) -> str:
    return json.dumps(value, ensure_ascii=False)


DOCUMENT = Record(dict, _made, _text)
"""How messages meet marked dicts."""
