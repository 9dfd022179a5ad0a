"""Reading a package's JSON documents, which strangers may have written, with the standard library alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["read_document"]

_LIMIT = 64 * 1024 * 1024  # an example may hold an image; anything larger is no document


def read_document(file: Path) -> Any:
    """Return the JSON in *file*.

    Raises:
        FormatError: It is missing, no file, larger than 64 MiB, or not JSON: NaN, repeated keys and endless nesting are
            not.
    """
    if not file.exists():
        raise FormatError(f"{file.parent} is not a package: {file.name} is missing")
    try:
        with file.open("rb") as stream:
            raw = stream.read(_LIMIT + 1)
    except OSError as error:
        raise FormatError(f"{file} cannot be read: {error.strerror}") from error
    if len(raw) > _LIMIT:
        raise FormatError(f"{file} has more than {_LIMIT} bytes, too many for a document of a package")
    try:
        return json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{file} is not JSON: {error}") from error


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document:
            raise ValueError(f"the key {key!r} is there twice")
        document[key] = value
    return document


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
