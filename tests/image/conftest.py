"""A base, a packed model and its image, made once for these tests, and an engine that has it."""

from __future__ import annotations

from tests.image.loaded import engine, layout, place, running
from tests.support.images import base, built, iris

__all__ = ["base", "built", "engine", "iris", "layout", "place", "running"]
