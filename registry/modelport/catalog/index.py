"""The JSON API: what the catalog says of one model, and of all of them.

Both documents are made from entries alone, so the same entries give the same bytes; the site's pages are made from
these documents, never from the entries themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.catalog.completeness import completeness
from modelport.catalog.facts import field_kinds, field_names, formats, frameworks, size_class, slug
from modelport.catalog.imported import imported_signature, old_runtime
from modelport.catalog.terms import license_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelport.catalog.entry import Entry

__all__ = ["index_document", "index_of_documents", "model_document"]


def model_document(entry: Entry) -> dict[str, Any]:
    """Return ``/api/v1/models/<name>.json``: all that the entry says, its versions newest first.

    ``variants`` is there when there are some: what is known of a version's variants, in the order of ``versions``.
    """
    variants = [
        {"version": str(v.version), **entry.variants[str(v.version)]}
        for v in entry.versions
        if str(v.version) in entry.variants
    ]
    return {
        "schema": "modelport/api-model/2",
        **{key: value for key, value in entry.model.items() if key != "data"},
        "card": entry.card,
        "recipe": entry.recipe,
        "versions": [dict(v.document) for v in entry.versions],
        "latest": str(entry.latest.version) if entry.latest else None,
        **({"variants": variants} if variants else {}),
    }


def index_document(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return ``/api/v1/index.json``: a line for each model, sorted by name, with what search and facets need."""
    return index_of_documents(model_document(entry) for entry in entries)


def index_of_documents(models: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the index of models whose documents are at hand."""
    ordered = sorted(models, key=lambda model: str(model["name"]))
    return {"schema": "modelport/api-index/2", "models": [_line(model) for model in ordered]}


def _line(model: Mapping[str, Any]) -> dict[str, Any]:
    version: Mapping[str, Any] = next((v for v in model["versions"] if v["version"] == model["latest"]), {})
    signature = version.get("signature") or imported_signature(model)
    weights = model["license"]["weights"]
    return {
        "name": model["name"],
        "title": model["title"],
        "summary": model["summary"],
        "task": model["task"],
        "tags": list(model.get("tags", ())),
        "languages": list(model.get("languages", ())),
        "lifecycle": model["lifecycle"],
        "audience": model["audience"],
        "license": weights,
        "license_class": license_class(weights),
        "publisher": model["publisher"]["name"],
        "publisher_id": slug(model["publisher"]["name"]),
        "latest": model["latest"],
        "versions": len(model["versions"]),
        "released": version.get("released"),
        "digest": version.get("digest"),
        "size": version.get("size"),
        "size_class": size_class(version.get("size")),
        "memory": version.get("resources", {}).get("memory"),
        "tier": version.get("tier"),
        "recipe": model["recipe"],
        "old_runtime": old_runtime(model),
        "frameworks": frameworks(version.get("requirements") or model.get("imported", {}).get("requirements", ())),
        "formats": formats(version.get("files", ())),
        "inputs": field_names(signature, "input"),
        "outputs": field_names(signature, "output"),
        "takes": field_kinds(signature, "input"),
        "gives": field_kinds(signature, "output"),
        "variants": _variants(model),
        "data": _data(model, version),
        "completeness": completeness(model).score,
    }


def _variants(model: Mapping[str, Any]) -> list[str]:
    """Return the names of the latest version's variants that can be used."""
    known: Mapping[str, Any] = next((v for v in model.get("variants", ()) if v["version"] == model["latest"]), {})
    return [one["name"] for one in known.get("variants", ()) if one["status"] == "ok"]


def _data(model: Mapping[str, Any], version: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the data sets that the model was trained on or evaluated on, each once, by name."""
    trained = [str(one["name"]) for one in model.get("training_data", ())]
    evaluated = [str(one["data"]) for one in version.get("evaluations", ())]
    return [{"id": slug(name), "name": name} for name in sorted({*trained, *evaluated})]
