"""Manifests and indexes: the documents that list descriptors. Their digest is over bytes, so the bytes are kept.

Reading: ``parse_document`` (or ``Manifest.parse``, ``Index.parse``) turns bytes into a value or raises FormatError.
Writing: ``build_manifest`` and ``build_index`` return canonical bytes, equal for equal input, so that the same
content gets the same digest on every machine. Source: image-spec 1.1, ``manifest.md`` and ``image-index.md``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from modelport import strict_json
from modelport.errors import FormatError
from modelport.oci.descriptor import Descriptor, parse_annotations
from modelport.oci.media import INDEX, INDEXES, MANIFEST, MANIFEST_LIMIT, MANIFESTS
from modelport.oci.values import MediaType
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "Index",
    "Manifest",
    "build_index",
    "build_manifest",
    "canonical_json",
    "parse_document",
    "parse_json",
    "read_document",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Lists a config and layers; *raw* are the bytes that its digest is over."""

    raw: bytes = field(repr=False)
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    artifact_type: str | None = None
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, raw: bytes) -> Manifest:
        """Parse a manifest's bytes; raise FormatError when they are something else."""
        document = parse_document(raw)
        if not isinstance(document, Manifest):
            raise FormatError("this is an index, not a manifest")
        return document

    @property
    def descriptor(self) -> Descriptor:
        """What points at this manifest."""
        return _descriptor(self)

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """All that this manifest lists: its config, then its layers."""
        return (self.config, *self.layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Lists manifests; *raw* are the bytes that its digest is over."""

    raw: bytes = field(repr=False)
    media_type: str
    manifests: tuple[Descriptor, ...]
    artifact_type: str | None = None
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, raw: bytes) -> Index:
        """Parse an index's bytes; raise FormatError when they are something else."""
        document = parse_document(raw)
        if not isinstance(document, Index):
            raise FormatError("this is a manifest, not an index")
        return document

    @property
    def descriptor(self) -> Descriptor:
        """What points at this index."""
        return _descriptor(self)

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """All that this index lists."""
        return self.manifests


def parse_document(raw: bytes) -> Manifest | Index:
    """Parse the bytes of a manifest or an index, whichever it is.

    A document that could be read as both is refused: clients would disagree on what its digest stands for
    (image-spec advisory GHSA-77vh-xpmg-72qh).

    Raises:
        FormatError: The bytes are neither, or are more than 4 MiB.
    """
    document = parse_json(raw, "manifest")
    if document.get("schemaVersion") != 2:  # noqa: PLR2004 - the specification's only value
        raise FormatError(f"manifest.schemaVersion is {document.get('schemaVersion')!r}, not 2")
    is_index = "manifests" in document
    if is_index and ("layers" in document or "config" in document):
        raise FormatError("manifest lists both layers and manifests: it could be read in two ways")
    known = INDEXES if is_index else MANIFESTS
    media_type = document.get("mediaType", INDEX if is_index else MANIFEST)
    if not isinstance(media_type, str) or media_type not in known:
        raise FormatError(f"manifest.mediaType is {media_type!r}, which is none of {', '.join(sorted(known))}")
    common = {
        "raw": raw,
        "media_type": media_type,
        "artifact_type": _optional(document, "artifactType", MediaType.parse),
        "subject": _optional(document, "subject", Descriptor.parse),
        "annotations": parse_annotations(document.get("annotations"), "manifest"),
    }
    if is_index:
        return Index(**common, manifests=_descriptors(document, "manifests"))
    config = Descriptor.parse(document.get("config"), "manifest.config")
    return Manifest(**common, config=config, layers=_descriptors(document, "layers"))


def read_document(
    node: Descriptor, read: Callable[[Descriptor], bytes] | Callable[[Descriptor], Manifest | Index]
) -> Manifest | Index:
    """Return the manifest or index that *node* points at; *read* returns its verified bytes, or has it parsed already.

    Raises:
        FormatError: It is neither, or is listed with more bytes than any may have; then it is not read.
    """
    if node.size > MANIFEST_LIMIT:
        raise FormatError(f"{node} is too large for a manifest: {MANIFEST_LIMIT} bytes are allowed")
    found = read(node)
    return parse_document(found) if isinstance(found, bytes) else found


def build_manifest(
    config: Descriptor,
    layers: Sequence[Descriptor],
    *,
    artifact_type: str | None = None,
    annotations: Mapping[str, str] | None = None,
    subject: Descriptor | None = None,
) -> bytes:
    """Return the canonical bytes of a manifest; raise FormatError when they would not be a valid one."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.to_json(),
        "layers": [layer.to_json() for layer in layers],
    }
    return _build(document, artifact_type, annotations, subject)


def build_index(
    manifests: Sequence[Descriptor],
    *,
    annotations: Mapping[str, str] | None = None,
    artifact_type: str | None = None,
) -> bytes:
    """Return the canonical bytes of an index; raise FormatError when they would not be a valid one.

    The manifests' artifact types are left to the manifests themselves: ``skopeo copy --all`` (1.9) drops them from an
    index, and so changes its digest.
    """
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [replace(manifest, artifact_type=None).to_json() for manifest in manifests],
    }
    return _build(document, artifact_type, annotations, None)


def canonical_json(document: object) -> bytes:
    """Return *document* as UTF-8 JSON with sorted keys and no spaces: equal values give equal bytes."""
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        return text.encode()
    except ValueError as error:  # NaN, or half of a surrogate pair
        raise FormatError(f"this cannot be written as JSON: {error}") from error


def parse_json(raw: bytes, what: str, limit: int = MANIFEST_LIMIT) -> dict[str, Any]:
    """Return the JSON object in *raw*; raise FormatError for anything else, repeated keys included."""
    if len(raw) > limit:
        raise FormatError(f"{what} has {len(raw)} bytes, more than the {limit} allowed")
    try:
        document = strict_json.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{what} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise FormatError(f"{what} is JSON, but not an object")
    return document


def _build(
    document: dict[str, Any],
    artifact_type: str | None,
    annotations: Mapping[str, str] | None,
    subject: Descriptor | None,
) -> bytes:
    if artifact_type:
        document["artifactType"] = artifact_type
    if annotations:
        document["annotations"] = dict(annotations)
    if subject:
        document["subject"] = subject.to_json()
    raw = canonical_json(document)
    if len(raw) > MANIFEST_LIMIT:
        raise FormatError(
            f"the manifest would have {len(raw)} bytes, more than the {MANIFEST_LIMIT} that registries take",
            hint="pack small files into one layer, and shorten the annotations",
        )
    parse_document(raw)  # what is written can be read
    return raw


def _descriptor(document: Manifest | Index) -> Descriptor:
    return Descriptor(
        media_type=document.media_type,
        digest=Digest.of(document.raw),
        size=len(document.raw),
        artifact_type=document.artifact_type,
    )


def _descriptors(document: dict[str, Any], key: str) -> tuple[Descriptor, ...]:
    listed = document.get(key)
    if not isinstance(listed, list):
        raise FormatError(f"manifest.{key} is missing or not a list")
    return tuple(Descriptor.parse(item, f"manifest.{key}[{n}]") for n, item in enumerate(listed))


def _optional(document: dict[str, Any], key: str, parse: Any) -> Any:  # noqa: ANN401 - the parser's own type
    return parse(document[key], f"manifest.{key}") if document.get(key) is not None else None
