"""Judges of what we say is ModelPack: the specification's own schema, olot's models, modelpack-client's reader."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import jsonschema
from modelpack_client import ModelPackClient
from modelpack_client.client import _FORMAT_CHECKER
from modelpack_client.schema import CONFIG_SCHEMA
from tests.support.peers import Model, OCIImageManifest

from modelport.oci import Manifest

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.oci import Layout
    from modelport.types import Digest

VALIDATOR = jsonschema.Draft202012Validator(CONFIG_SCHEMA, format_checker=_FORMAT_CHECKER)
"""The specification's ``schema/config-schema.json``, as modelpack-client ships it, with dates looked at."""

ARTIFACT = "application/vnd.cncf.model.manifest.v1+json"


def judge(layout: Layout, digest: Digest) -> dict[str, Any]:
    """Assert that a manifest is ModelPack, by all who can tell without a registry; return its config."""
    raw = (layout.path / "blobs" / digest.algorithm / digest.hex).read_bytes()
    manifest = Manifest.parse(raw)
    config: dict[str, Any] = json.loads(layout.read(manifest.config))
    assert list(map(str, VALIDATOR.iter_errors(config))) == []
    assert Model.model_validate(config).modelfs.diffIds == [str(layer.digest) for layer in manifest.layers]
    parsed = OCIImageManifest.model_validate_json(raw)
    assert (parsed.artifactType, len(parsed.layers)) == (ARTIFACT, len(manifest.layers))
    ModelPackClient._validate_manifest(json.loads(raw))
    ModelPackClient._validate_config(config, len(manifest.layers))
    return config


def misshapen(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return configs that are not ModelPack, each by one change: a judge that takes one of them judges nothing."""
    changes: dict[str, list[Any]] = {
        "descriptor": [None, []],
        "config": [None, "onnx"],
        "modelfs": [None, {}],
        "more": ["x"],
        "descriptor.more": ["x"],
        "descriptor.name": ["", 1],
        "descriptor.authors": ["Ada"],
        "descriptor.createdAt": ["yesterday", 0],
        "descriptor.licenses": [[1]],
        "descriptor.version": [1],
        "config.more": [1],
        "config.format": [1],
        "config.precision": [["int8"]],
        "config.capabilities": [
            {"more": 1}, {"reward": "yes"}, {"inputTypes": ["x"]}, {"languages": ["eng"]}, {"knowledgeCutoff": "2026"},
        ],
        "modelfs.more": [1],
        "modelfs.type": [None, "files"],
        "modelfs.diffIds": [None, [], [1], "sha256:0"],
    }  # fmt: skip
    made = []
    for path, value in ((path.split("."), value) for path, values in changes.items() for value in values):
        wrong = deepcopy(config)
        at = wrong
        for key in path[:-1]:
            at = at[key]
        at.pop(path[-1], None)
        if value is not None:
            at[path[-1]] = value
        made.append(wrong)
    return made


def pulled_files(reference: str, folder: Path) -> dict[str, bytes]:
    """Return the files that modelpack-client makes of an artifact in a registry on loopback."""
    ModelPackClient(insecure=True).pull(reference, folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
