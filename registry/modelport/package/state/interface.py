"""What a state backend is: it keeps one family of objects as data, without pickle and with bytes of their content."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["StateBackend"]


class StateBackend(Protocol):
    """Keeps one family of objects (a framework's models) in one file each."""

    suffix: ClassVar[str]
    """The file's suffix, by which the backend is found again when the package is loaded."""

    imports: ClassVar[tuple[str, ...]]
    """The modules that loading needs, whatever the object."""

    def keeps(self, value: object) -> bool:
        """Tell whether this backend can keep *value*; must not import a framework that is not imported yet."""

    def save(self, value: object, file: Path) -> tuple[str, ...]:
        """Write *value* to *file* in canonical bytes; return the top-level modules that its classes come from.

        Raises:
            PackError: *value* holds something that the format cannot keep as data.
        """

    def load(self, file: Path) -> object:
        """Return the object in *file*, running no code of the file's.

        Raises:
            FormatError: The file is damaged or asks for more than data.
        """
