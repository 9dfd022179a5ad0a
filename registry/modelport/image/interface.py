"""The digests of what an image's service says of its interface, found without running the model.

Two images with the same digests can stand in for each other, and who pinned a digest sees that the contract changed
before anything is pulled.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from modelport.types import Digest

if TYPE_CHECKING:
    from modelport.image.labels import About
    from modelport.model import Codec, Example, Model, ModelSpec
    from modelport.model.spec import MethodSpec
    from modelport.package import Package

__all__ = ["interface_digests"]


@dataclass(frozen=True, slots=True)
class _Method:
    spec: MethodSpec


@dataclass(frozen=True, slots=True)
class _Described:
    """A model as far as it is described without its code: no more of it is needed to write its documents."""

    spec: ModelSpec
    examples: list[Example]
    methods: dict[str, _Method]
    codec: Codec


def interface_digests(package: Package, about: About) -> dict[str, Digest]:
    """Return the digests of ``model.proto`` (``interface``) and of ``/openapi.json`` as it is served (``openapi``)."""
    from modelport.model import Codec
    from modelport.package.load import read_examples
    from modelport.serve.info import ServiceInfo
    from modelport.serve.openapi import openapi_document

    methods = {one.name: _Method(one) for one in package.spec.methods}
    described = _Described(package.spec, read_examples(package.folder), methods, Codec.bare(package.spec))
    license_file = package.folder / "LICENSE"
    info = ServiceInfo(
        name=about.name,
        version=about.version or None,
        digest=about.digest,
        spdx=about.licenses,
        license=license_file.read_text("utf-8", errors="replace") if license_file.is_file() else None,
    )
    text = json.dumps(openapi_document(cast("Model", described), info), ensure_ascii=False, indent=1)
    return {
        "interface": Digest.of((package.folder / "model.proto").read_bytes()),
        "openapi": Digest.of(text.encode("utf-8", "replace")),
    }
