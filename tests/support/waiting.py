"""Waiting for what another process does in its own time."""

from __future__ import annotations

import time
from typing import Any


def eventually(what: Any) -> Any:  # noqa: ANN401 - whatever the condition returns
    """Return the first truthy value of *what*."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if value := what():
            return value
        time.sleep(0.02)
    raise AssertionError("it never came true")
