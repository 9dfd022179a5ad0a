"""Where in a user's code an error came up; the standard library alone, for the clean environment."""

from __future__ import annotations

import traceback
from pathlib import Path

__all__ = ["blame"]

_INSTALLED = {"site-packages", "dist-packages"}


def blame(error: BaseException, folder: Path) -> tuple[str, int] | None:
    """Return the innermost place in *folder* where *error*, or what it was raised from, came up.

    Args:
        error: The error.
        folder: Where the user's code lies, resolved; what is installed inside of it is not the user's.

    Returns:
        The file's path in *folder* and the line's number; None where it came up elsewhere.
    """
    found: tuple[str, int] | None = None
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        for frame in traceback.extract_tb(current.__traceback__):
            file = Path(frame.filename)
            if file.is_relative_to(folder) and not _INSTALLED & set(file.parts):
                found = (file.relative_to(folder).as_posix(), frame.lineno or 0)
        current = current.__cause__
    return found
