"""How commands read what was measured in the field: the files of ``modelport edge export``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import talk
from modelport.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from modelport.catalog.kept import KeptIndex

__all__ = ["names_asked", "parts_of"]


def parts_of(file: Path, device: str | None) -> dict[str, Any]:
    """Return what each class of devices measured, or that of *device* alone.

    Raises:
        NotFoundError: There is no such file, or nothing of *device* in it.
        FormatError: It is no file of statistics.
    """
    from modelport.edge.documents import read_document

    document = read_document(file, "statistics")
    talk(f"{file}: measured from {document['from']} to {document['to']}")
    parts: dict[str, Any] = document["devices"]
    if device is None and parts:
        return dict(sorted(parts.items()))
    if device is None or device not in parts:
        hint = f"it has: {', '.join(sorted(parts)) or 'none'}"
        raise NotFoundError(f"{file} has no figures of {device or 'any device'}", hint=hint)
    return {device: parts[device]}


def names_asked(part: Mapping[str, Any] | None, index: KeptIndex) -> list[str]:
    """Return the models that the devices asked for, each with its demand, as `modelport plan` takes them."""
    from modelport.edge.statistics import demand_of

    names = []
    for name, count in (demand_of(part) if part is not None else {}).items():
        if any(row["name"] == name and row["variants"] for row in index.rows):
            names.append(f"{name}={count}")
        else:
            talk(f"{name} is asked for, and the catalog knows no variants of it: left out")
    return names
