"""What an importer found, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.model import Model

__all__ = ["Imported", "Problems"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A model of another format.

    Attributes:
        name: A name for it, made of what the source calls it.
        known: What the source says: keys of ``model.yaml``, and ``author``.
        origin: What ``model.yaml`` says under ``imported``.
        signature: What it takes and gives, ``modelport/signature/1``, or None where nobody says it.
        card: Markdown for the card: what else the source says.
        model: What can be packed, or None where it needs its old runtime.
    """

    name: str
    known: dict[str, Any]
    origin: dict[str, Any]
    signature: dict[str, Any] | None = None
    card: str = ""
    model: Model | None = None


@dataclass(slots=True)
class Problems:
    """What is wrong with a source, collected so that all of it is told at once."""

    path: Path
    found: list[str] = field(default_factory=list)

    def note(self, where: str, message: str) -> None:
        """Add a problem."""
        self.found.append(f"{where}: {message}")

    def stop_if_any(self, hint: str = "") -> None:
        """Raise FormatError with all problems, if there are any."""
        if self.found:
            told = "\n       ".join(dict.fromkeys(self.found))
            raise FormatError(f"{self.path} cannot be imported:\n       {told}", hint=hint)
