"""A base, a packed model and its image, made once for these tests."""

from __future__ import annotations

from tests.support.images import base, built, iris

__all__ = ["base", "built", "iris"]
