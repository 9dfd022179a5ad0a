"""What the catalog knows of a version's variants, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.cli.field import field_times
from modelport.cli.terminal import human_size, human_time, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelport.edge.field import FieldClass

__all__ = ["variant_lines"]

_LONGEST = 60


def variant_lines(
    known: Iterable[Mapping[str, Any]], version: str, field: Mapping[str, FieldClass] | None = None
) -> list[str]:
    """Return the lines that tell of the variants of *version*.

    Args:
        known: ``variants`` of the model's document.
        version: The version.
        field: What devices in use measured of it, by their class.
    """
    found: list[dict[str, Any]] = next((one["variants"] for one in known if one["version"] == version), [])
    return table([_cells(one, field or {}) for one in found]).splitlines()


def _cells(variant: Mapping[str, Any], field: Mapping[str, FieldClass]) -> list[str]:
    if variant["status"] == "failed":
        message = " ".join(variant["message"].split())
        short = message if len(message) <= _LONGEST else f"{message[: _LONGEST - 1]}…"
        return [variant["name"], variant.get("runtime", ""), "", f"failed: {short}"]
    figures = [_accuracy(variant), *_times(variant.get("measured", {})), *field_times(field, variant["digest"])]
    size = human_size(variant["size"])
    if "download" in variant:
        size += f" ({human_size(variant['download'])} to fetch)"
    return [variant["name"], variant["runtime"], size, ", ".join(filter(None, figures))]


def _accuracy(variant: Mapping[str, Any]) -> str:
    if "accuracy" not in variant:
        return ""
    accuracy = variant["accuracy"]
    low, high = accuracy["interval"]
    return f"accuracy {accuracy['value']:.3f} ({low:.3f} to {high:.3f})"


def _times(measured: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [f"{human_time(one['infer']['mean'])} on {device}" for device, one in measured.items()]
