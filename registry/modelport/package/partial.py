"""Packages of which only a part was pulled: what is missing, who can do without it, and how the rest is had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import NotFoundError
from modelport.oci import Layout
from modelport.oci.plan import lacking
from modelport.package.modelpack import package_layers
from modelport.package.selection import kind_of, title_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelport.oci import Descriptor
    from modelport.package.selection import Selection
    from modelport.package.store import Kept

__all__ = ["check_whole", "has_selected", "missing_layers", "part_only"]

_NAMED = 5  # files that an error message names


def missing_layers(layout: Layout, kept: Kept) -> tuple[Descriptor, ...]:
    """Return the layers of a package that the store lacks and that its use needs: a pull may have left them out."""
    layers = package_layers(layout, kept.manifest)
    return tuple(layer for layer in layers if kind_of(layer) != "dataset" and not layout.has(layer))


def check_whole(layout: Layout, kept: Kept) -> None:
    """Raise NotFoundError, saying which pull brings the rest, unless all that a package's use needs is in the store."""
    absent = missing_layers(layout, kept)
    if absent:
        raise part_only(kept.name, absent, f"modelport pull {kept.name} brings the rest")


def has_selected(store: Path, kept: Kept, selection: Selection) -> bool:
    """Tell whether all that *selection* takes of a package is in the store (not whether it is undamaged)."""
    return not lacking(Layout(store), kept.index, select=selection)


def part_only(name: str, absent: Sequence[Descriptor], hint: str) -> NotFoundError:
    """Return the error for the package *name*, of which *absent* is missing."""
    files = ", ".join(f"{title_of(layer)} ({layer.size} bytes)" for layer in absent[:_NAMED])
    more = f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
    return NotFoundError(f"{name} is in the store in part only; missing: {files}{more}", hint=hint)
