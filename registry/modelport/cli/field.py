"""How commands read what was measured in the field: the files of ``modelport edge export``, and evidence kept here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import human_time, talk
from modelport.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from modelport.catalog.kept import KeptIndex
    from modelport.edge.field import FieldClass
    from modelport.settings import Settings

__all__ = ["field_figures", "field_here", "field_times", "names_asked", "parts_of"]


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
    from modelport.edge.exports import demand_of

    names = []
    for name, count in (demand_of(part) if part is not None else {}).items():
        if any(row["name"] == name and row["variants"] for row in index.rows):
            names.append(f"{name}={count}")
        else:
            talk(f"{name} is asked for, and the catalog knows no variants of it: left out")
    return names


def field_here(model: str, digest: str, settings: Settings) -> dict[str, FieldClass]:
    """Return what devices in use measured of a release, by their class, as far as evidence kept here tells it.

    Args:
        model: The model's name.
        digest: The digest of the release's package.
        settings: Where evidence is kept; what is no evidence there is told and left out.
    """
    file = settings.evidence / f"{model}.json"
    if not file.is_file():
        return {}  # at a glance, without the code that reads evidence
    from modelport.edge.field import field_classes, records_for
    from modelport.errors import FormatError
    from modelport.publish.evidence import LIMIT, parse_evidence

    with file.open("rb") as opened:
        raw = opened.read(LIMIT + 1)
    try:
        return field_classes(records_for(parse_evidence(raw, str(file), model=model), digest))
    except FormatError as error:
        talk(f"note: what was measured in the field is left out: {error.message}")
        return {}


def field_times(field: Mapping[str, FieldClass], variant: str | None) -> list[str]:
    """Return what each class of devices took for an inference of the *variant* with that digest, in words."""
    found = [(device, one.times.get(("device", variant or ""))) for device, one in field.items()]
    return [
        f"{human_time(times.infer.mean)} in the field on {device} (n = {times.infer.n:,})"
        for device, times in found
        if times is not None and times.infer.known
    ]


def field_figures(field: Mapping[str, FieldClass], variant: str | None) -> list[dict[str, Any]]:
    """Return all that the field tells of the *variant* with that digest: a row by class of devices and place."""
    rows = []
    for device, one in field.items():
        for (place, digest), times in one.times.items():
            if digest == variant:
                spreads = {"infer": times.infer, "load": times.load, "transfer": times.transfer}
                told = {
                    key: {"mean": spread.mean, "sd": spread.sd, "n": spread.n}
                    for key, spread in spreads.items()
                    if spread.known
                }
                period = {"from": one.first, "to": one.last, "servers": list(one.servers)}
                rows.append({"device": device, "place": place, **period, **told})
    return rows
