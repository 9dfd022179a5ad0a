"""Evidence in the registry: an artifact that refers to the package it speaks of, so that the release stays as it is.

The package's manifest is the artifact's ``subject``. Registries that know the referrers API list it by that. For those
that do not, distribution-spec 1.1 ("Referrers Tag Schema") has a tag ``sha256-<hex>`` of the subject, an index of all
that refers to it; it is always written, and read. A package has one artifact of this kind: the newest replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, IntegrityError, NotFoundError
from modelport.oci import Descriptor, Index, Manifest, build_manifest
from modelport.oci.manifest import canonical_json
from modelport.oci.media import EMPTY, EMPTY_CONTENT, INDEX
from modelport.oci.net.patience import persist
from modelport.publish.evidence import LIMIT, merged, parse_evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.publish.release import Place
    from modelport.types import Digest

__all__ = ["EVIDENCE_TYPE", "pull_evidence", "push_evidence"]

EVIDENCE_TYPE = "application/vnd.modelport.evidence.v1+json"


def push_evidence(place: Place, subject: Descriptor, document: Mapping[str, Any]) -> bool:
    """Add the evidence *document* to what the registry has of the package *subject*; tell whether it was new.

    Raises:
        RegistryError: The registry cannot be reached or refuses.
    """
    try:
        known = pull_evidence(place, subject.digest, document["model"])
    except (FormatError, IntegrityError, NotFoundError):
        known = None  # what is damaged or foreign is replaced
    whole = merged(document, known)
    if whole == known:
        return False
    content = canonical_json(whole)
    layer = Descriptor.of(content, media_type=EVIDENCE_TYPE)
    config = Descriptor.of(EMPTY_CONTENT, media_type=EMPTY)
    place.registry.put_blob(place.repository, layer, lambda: (content,))
    place.registry.put_blob(place.repository, config, lambda: (EMPTY_CONTENT,))
    raw = build_manifest(config, [layer], artifact_type=EVIDENCE_TYPE, subject=subject)
    made = place.registry.put_manifest(place.repository, Manifest.parse(raw))
    others = [one for one in _referrers(place, subject.digest) if one.artifact_type != EVIDENCE_TYPE]
    listed = [one.to_json() for one in (*others, made)]
    index = canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed})
    place.registry.put_manifest(place.repository, Index.parse(index), tag=_tag(subject.digest))
    return True


def pull_evidence(place: Place, digest: Digest, model: str) -> dict[str, Any] | None:
    """Return what the registry knows of the package with manifest *digest*, or None.

    Raises:
        FormatError: What it has is no evidence of that package.
    """
    found = [one for one in _referrers(place, digest) if one.artifact_type == EVIDENCE_TYPE]
    if not found:
        return None
    where = f"the evidence at {place}@{found[-1].digest}"
    manifest = place.registry.manifest(place.repository, found[-1].digest)
    if not isinstance(manifest, Manifest) or manifest.subject is None or manifest.subject.digest != digest:
        raise FormatError(f"{where} does not refer to {digest}")
    if len(manifest.layers) != 1 or manifest.layers[0].size > LIMIT:
        raise FormatError(f"{where} is not one document of at most {LIMIT} bytes")
    layer = manifest.layers[0]
    raw = persist(lambda: place.registry.blob(place.repository, layer).read(), place.registry.patience)
    document = parse_evidence(raw, where, model=model)
    if any(one["digest"] != str(digest) for one in document["reproduced"]):
        raise FormatError(f"{where} speaks of another package")
    return document


def _referrers(place: Place, digest: Digest) -> tuple[Descriptor, ...]:
    listed = place.at(_tag(digest))
    return listed.manifests if isinstance(listed, Index) else ()


def _tag(digest: Digest) -> str:
    return f"{digest.algorithm}-{digest.hex}"
