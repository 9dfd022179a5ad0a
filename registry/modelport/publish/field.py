"""What devices in use measured, as evidence: an export of an edge server, taken apart into records of releases.

An export (``statistics.schema.json``) tells of all models of its server. Evidence tells of one model, and each record
of one release, one server, one class of devices and one period. A server exports the same days more than once, when a
month goes on: of records that share a day the one that goes further counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from modelport.oci.manifest import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Known", "Released", "field_records", "newest_records", "wrong_figures"]

_RECORDS, _BYTES = 512, 768 * 1024
"""How many records a model's evidence keeps, and how many bytes of them: the oldest are forgotten."""
_COUNTS = ("count", "in_time", "remote", "fallback")
_SLACK = 1 + 1e-6


@dataclass(frozen=True, slots=True)
class Released:
    """A package of the catalog: the version that it belongs to, that version's digest, and the variant that it is."""

    version: str
    digest: str
    variant: str


Known = dict[tuple[str, str], Released]
"""The catalog's packages by their model and their own digest."""


def wrong_figures(document: Mapping[str, Any], known: Known) -> Iterator[str]:
    """Yield what is wrong with an export that fulfils its schema: what the catalog does not know, what cannot be."""
    if document["from"] > document["to"]:
        yield f"it ends on {document['to']}, before it begins on {document['from']}"
    models = {model for model, _ in known}
    for device, part in sorted(document["devices"].items()):
        seen: set[tuple[str, ...]] = set()
        for one in part["figures"]:
            key = (one["model"], one["variant"], one["digest"], one["place"], one["quantity"])
            what = f"devices/{device}: {one['model']}:{one['variant']}"
            yield from (f"{what}: {wrong}" for wrong in _wrong(one, key in seen, models, known))
            seen.add(key)
        names = [one["model"] for one in part["requests"]]
        for one in part["requests"]:
            what = f"devices/{device}: requests/{one['model']}"
            if one["model"] not in models:
                yield f"{what}: the catalog has no such model"
            if names.count(one["model"]) > 1:
                yield f"{what}: is there twice"
            if max(one[name] for name in _COUNTS) > one["count"]:
                yield f"{what}: a part of the requests is more than all of them"


def _wrong(one: Mapping[str, Any], twice: bool, models: set[str], known: Known) -> Iterator[str]:  # noqa: FBT001 - a fact
    released = known.get((one["model"], one["digest"]))
    if one["model"] not in models:
        yield "the catalog has no such model"
    elif released is None:
        yield f"the catalog has no such package of it: {one['digest']}"
    elif released.variant != one["variant"]:
        yield f"{one['digest']} is {released.variant} in the catalog"
    if twice:
        yield f"its {one['quantity']} on the {one['place']} is there twice"
    # Times are not negative: their deviation is greatest when all but one are 0.
    if one["sd"] > (one["mean"] * sqrt(one["n"]) * _SLACK if one["n"] > 1 else 0):
        yield f"{one['n']} times of {one['mean']:.4g} s cannot deviate by {one['sd']:.4g} s"


def field_records(document: Mapping[str, Any], server: str, known: Known) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the models and the records of evidence that an export without problems makes.

    Args:
        document: The export.
        server: What the catalog's owner calls the edge server.
        known: The catalog's packages, all of those that it tells of included.
    """
    for device, part in sorted(document["devices"].items()):
        releases: dict[tuple[str, str, str], dict[tuple[str, str], dict[str, Any]]] = {}
        for one in part["figures"]:
            of = known[one["model"], one["digest"]]
            variants = releases.setdefault((one["model"], of.version, of.digest), {})
            start = {"name": one["variant"], "digest": one["digest"], "place": one["place"]}
            told = variants.setdefault((one["place"], one["digest"]), start)
            told[one["quantity"]] = {key: one[key] for key in ("mean", "sd", "n")}
        asked = {one["model"]: {key: one[key] for key in _COUNTS} for one in part["requests"]}
        several = [model for model, _, _ in releases]
        for (model, version, digest), variants in sorted(releases.items()):
            record = {
                "version": version, "digest": digest, "server": server, "device": device,
                "from": document["from"], "to": document["to"],
                "variants": [variants[key] for key in sorted(variants)],
            }  # fmt: skip
            # Which of several versions a request was for, the export does not say.
            alone = model in asked and several.count(model) == 1
            yield model, record | ({"requests": asked[model]} if alone else {})


def newest_records(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the records that count, newest first: no two of them tell of one day of the same devices."""
    kept: list[Mapping[str, Any]] = []
    size = 0
    for one in sorted(records, key=_age, reverse=True):
        if any(_same_days(one, other) for other in kept):
            continue
        size += len(canonical_json(one))
        if len(kept) == _RECORDS or (kept and size > _BYTES):
            break
        kept.append(one)
    return kept


def _age(one: Mapping[str, Any]) -> tuple[str, int, bytes]:
    """Return what the newest has most of: its last day, then how many days and times; equals in a fixed order."""
    days = -int(one["from"].replace("-", ""))
    return one["to"], days, canonical_json(one)


def _same_days(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    same = all(one[key] == other[key] for key in ("version", "digest", "server", "device"))
    return same and one["from"] <= other["to"] and other["from"] <= one["to"]
