"""The JSON API: what the catalog says of one model, and of all of them.

Both documents are made from entries alone, so the same entries give the same bytes; the site's pages are made from
these documents, never from the entries themselves.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from modelport.catalog.entry import Entry

__all__ = ["index_document", "model_document"]

_FRAMEWORKS = {
    "ai-edge-litert": "litert",
    "catboost": "catboost",
    "jax": "jax",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "onnxruntime": "onnxruntime",
    "scikit-learn": "scikit-learn",
    "statsmodels": "statsmodels",
    "tensorflow": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "torch": "pytorch",
    "transformers": "transformers",
    "xgboost": "xgboost",
}
"""Requirements that are frameworks, and the name users know each by."""


def model_document(entry: Entry) -> dict[str, Any]:
    """Return ``/api/v1/models/<name>.json``: all that the entry says, its versions newest first."""
    return {
        "schema": "modelport/api-model/1",
        **{key: value for key, value in entry.model.items() if key != "data"},
        "card": entry.card,
        "recipe": entry.recipe,
        "versions": [dict(v.document) for v in entry.versions],
        "latest": str(entry.latest.version) if entry.latest else None,
    }


def index_document(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return ``/api/v1/index.json``: a line for each model, sorted by name, with what search and facets need."""
    return {"schema": "modelport/api-index/1", "models": [_line(e) for e in sorted(entries, key=lambda e: e.name)]}


def _line(entry: Entry) -> dict[str, Any]:
    model, latest = entry.model, entry.latest
    version = latest.document if latest else {}
    return {
        "name": str(entry.name),
        "title": model["title"],
        "summary": model["summary"],
        "task": model["task"],
        "tags": list(model.get("tags", ())),
        "lifecycle": model["lifecycle"],
        "license": model["license"]["model"],
        "publisher": model["publisher"]["name"],
        "latest": str(latest.version) if latest else None,
        "digest": str(latest.digest) if latest else None,
        "size": version.get("size"),
        "tier": version.get("tier"),
        "frameworks": _frameworks(version.get("requirements", ())),
        "inputs": _field_names(version, "input"),
        "outputs": _field_names(version, "output"),
    }


def _frameworks(requirements: Iterable[str]) -> list[str]:
    packages = {re.split(r"[\[=]", requirement, maxsplit=1)[0] for requirement in requirements}
    return sorted({_FRAMEWORKS[package] for package in packages & _FRAMEWORKS.keys()})


def _field_names(version: Mapping[str, Any], side: str) -> list[str]:
    """Return the names of the fields that the methods take or give, in the signature's order, each once."""

    def names() -> Iterator[str]:
        signature = version.get("signature", {"methods": [], "messages": []})
        fields = {m["name"]: m["fields"] for m in signature["messages"]}
        for method in signature["methods"]:
            yield from (field["name"] for field in fields.get(method[side], ()))

    return list(dict.fromkeys(names()))
