"""One JSON document from a process that runs foreign code, whatever else that code writes.

The process keeps its standard output for the answer alone: everything that the code prints, libraries' own writes to
file descriptor 1 and what is printed at exit included, goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["keep_stdout", "read_answer"]


def keep_stdout() -> TextIO:
    """Return standard output, for the answer; from now on nothing else of this process reaches it."""
    sys.stdout.flush()
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answer


def read_answer(text: str) -> dict[str, Any] | None:
    """Return the document that a process wrote, or None where it ended without one."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
