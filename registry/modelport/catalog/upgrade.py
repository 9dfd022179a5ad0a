"""Older contracts, read as today's: what an entry says in ``modelport/model/1`` becomes ``modelport/model/2``.

A published version's file never changes, and nobody should have to rewrite an entry because the contract grew. So
each file names its schema, is judged by that schema, and is brought to the newest form when an entry is made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SCHEMAS", "upgrade_model", "upgrade_version"]

SCHEMAS = {
    "modelport/model/2": "model",
    "modelport/model/1": "model-1",
    "modelport/version/2": "version",
    "modelport/version/1": "version-1",
    "modelport/variants/1": "variants",
    "modelport/device/1": "device",
    "modelport/network/1": "network",
}
"""The schema of each contract that is read, the newest of each kind first; ``schemas/<name>.schema.json``."""


def upgrade_model(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sound ``model.yaml`` says in the newest form, without ``schema``.

    Where the contract allows two spellings the result has one: ``license`` is always a mapping with ``weights``, and
    ``audience`` is always there. Version 2 renamed ``license.model`` and gave the citation parts.
    """
    made = {key: value for key, value in model.items() if key != "schema"}
    if model["schema"] == "modelport/model/1":
        terms = dict(model["license"])
        made["license"] = {"weights": terms.pop("model"), **terms}
        if "citation" in model:
            made["citation"] = {"text": model["citation"]}
    elif isinstance(model["license"], str):
        made["license"] = {"weights": model["license"], "code": model["license"]}
    return {**made, "audience": model.get("audience", "public")}


def upgrade_version(version: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sound version's file says in the newest form, without ``schema``.

    Version 2 added ``resources``, and names a Python by MAJOR.MINOR alone: what runs a package is no closer told.
    """
    made = {key: value for key, value in version.items() if key != "schema"}
    return {**made, "python": ".".join(str(version["python"]).split(".")[:2])}
