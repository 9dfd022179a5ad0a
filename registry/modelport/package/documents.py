"""Reading a package's JSON documents, which strangers may have written, with the standard library alone."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport import strict_json
from modelport.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Budget", "read_document", "read_regular"]

_LIMIT = 64 * 1024 * 1024  # an example may hold an image; anything larger is no document
_BYTES_OF_VALUE = 120  # what Python keeps of a small list, mapping or number, about


@dataclass(slots=True)
class Budget:
    """How much memory the documents of one package may still take, in bytes."""

    left: int = 192 * 1024 * 1024

    def spend(self, raw: bytes, values: int) -> bool:
        """Tell whether there is enough for the JSON in *raw*, which holds so many *values*, and take it."""
        self.left -= len(raw) * (1 if raw.isascii() else 4) + _BYTES_OF_VALUE * values
        return self.left >= 0


def read_document(file: Path, budget: Budget | None = None, *, most_values: int | None = None) -> Any:
    """Return the JSON in *file*, and take what it needs from the *budget*.

    Raises:
        FormatError: It is missing, no regular file, larger than 64 MiB or than the budget, or not JSON: NaN, repeated
            keys, numbers that no float holds, halves of characters, and endless nesting are not.
    """
    if not os.path.lexists(file):
        raise FormatError(f"{file.parent} is not a package: {file.name} is missing")
    raw = read_regular(file, _LIMIT)
    values = raw.count(b",") + raw.count(b"[") + raw.count(b"{")
    if most_values is not None and values > most_values:
        raise FormatError(f"{file} holds {values} values, more than the {most_values} that it may")
    if not (budget or Budget()).spend(raw, values):
        raise FormatError(f"{file} holds more values than the documents of a package may hold together")
    try:
        found = strict_json.loads(raw.decode())
        if b"\\ud" in raw or b"\\uD" in raw:  # half a character has no form in UTF-8
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{file} is not JSON: {_short(str(error))}") from error
    return found


def read_regular(file: Path, limit: int) -> bytes:
    """Return the bytes of *file*, without following a link and without waiting for a pipe.

    Raises:
        FormatError: It is no regular file, cannot be read, or has more than *limit* bytes.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise FormatError(f"{file} is not a regular file", hint="a package holds files and folders, no links")
        with open(handle, "rb") as stream:  # noqa: PTH123 - a handle, not a path
            large = os.fstat(handle).st_size > limit
            raw = b"" if large else stream.read(limit + 1)
    except OSError as error:
        what = "is not a regular file" if file.is_symlink() else f"cannot be read: {error.strerror}"
        raise FormatError(f"{file} {what}") from error
    if large or len(raw) > limit:
        raise FormatError(f"{file} has more than {limit} bytes, too many for a document of a package")
    return raw


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."  # noqa: PLR2004 - enough to find the place by
