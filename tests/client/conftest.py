"""Services that the client's tests share."""

from __future__ import annotations

from tests.serve.shared import every, kinds, trouble

__all__ = ["every", "kinds", "trouble"]
