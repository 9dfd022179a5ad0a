"""``modelport image load|run|dockerfile``: images and a Docker engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

__all__ = ["configure"]


def configure(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's actions to those of ``modelport image``; each sets ``act``, called with the options."""
    del actions
