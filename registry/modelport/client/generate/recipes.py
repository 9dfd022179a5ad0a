"""Java and Go: standard generators serve there; this writes the commands that were tried, with the files they need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RECIPES", "recipe"]

RECIPES = ("java", "go")


def recipe(language: str, name: str, documents: Mapping[str, str]) -> dict[str, str]:
    """Return the files for *language*: the given documents, and a README.md with the commands.

    Args:
        language: One of ``RECIPES``.
        name: The model's name.
        documents: ``model.proto`` and ``openapi.json``, as the service has them.
    """
    text = (Path(__file__).parent / f"{language}.md").read_text("utf-8")
    return {**documents, "README.md": text.replace("@NAME@", name)}
