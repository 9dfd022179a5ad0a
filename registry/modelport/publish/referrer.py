"""Evidence in the registry: an artifact that refers to the package it speaks of, so that the release stays as it is.

The package's manifest is the artifact's ``subject`` (`modelport.oci.referrers`). Each artifact of this kind says all
that was known when it was pushed, so the newest replaces the others; where a registry lets nobody remove them, or two
were pushed at once, what they say is put together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, IntegrityError, NotFoundError, RegistryError
from modelport.oci import Descriptor, Manifest, build_manifest
from modelport.oci.manifest import canonical_json
from modelport.oci.media import EMPTY, EMPTY_CONTENT
from modelport.oci.net.patience import persist
from modelport.oci.referrers import delete_referrer, push_referrer, referrers
from modelport.publish.evidence import LIMIT, merged, parse_evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.publish.release import Place
    from modelport.types import Digest

__all__ = ["EVIDENCE_TYPE", "pull_evidence", "push_evidence"]

EVIDENCE_TYPE = "application/vnd.modelport.evidence.v1+json"

_FOUND_LIMIT = 64
_NOT_ALLOWED = frozenset({400, 401, 403, 405})


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
    others = _found(place, subject.digest)
    made = push_referrer(place.registry, place.repository, Manifest.parse(raw))
    for other in others:
        if other.digest != made.digest:
            _remove(place, subject.digest, other)
    return True


def pull_evidence(place: Place, digest: Digest, model: str) -> dict[str, Any] | None:
    """Return what the registry knows of the package with manifest *digest*, or None.

    Raises:
        FormatError: What it has is no evidence of that package, or more than anybody would push.
    """
    found = _found(place, digest)
    if len(found) > _FOUND_LIMIT:
        raise FormatError(f"{place}@{digest} has {len(found)} artifacts of evidence, more than {_FOUND_LIMIT}")
    whole: dict[str, Any] | None = None
    for one in found:
        whole = merged(_pull(place, one, digest, model), whole)
    return whole


def _pull(place: Place, found: Descriptor, digest: Digest, model: str) -> dict[str, Any]:
    where = f"the evidence at {place}@{found.digest}"
    manifest = place.registry.manifest(place.repository, found.digest)
    if not isinstance(manifest, Manifest) or manifest.subject is None or manifest.subject.digest != digest:
        raise FormatError(f"{where} does not refer to {digest}")
    if len(manifest.layers) != 1 or manifest.layers[0].size > LIMIT:
        raise FormatError(f"{where} is not one document of at most {LIMIT} bytes")
    layer = manifest.layers[0]
    raw = persist(lambda: place.registry.blob(place.repository, layer).read(), place.registry.patience)
    document = parse_evidence(raw, where, model=model)
    if any(one["digest"] != str(digest) for one in [*document["reproduced"], *document.get("field", ())]):
        raise FormatError(f"{where} speaks of another package")
    return document


def _found(place: Place, digest: Digest) -> tuple[Descriptor, ...]:
    return referrers(place.registry, place.repository, digest, artifact_type=EVIDENCE_TYPE)


def _remove(place: Place, subject: Digest, old: Descriptor) -> None:
    """Remove what was replaced, where the registry lets us; where not, it goes on saying what the new one says, too."""
    try:
        delete_referrer(place.registry, place.repository, subject, old.digest)
    except (NotFoundError, FormatError, IntegrityError):
        return  # somebody else has removed it, or it is none: it is listed no more
    except RegistryError as error:
        if error.status not in _NOT_ALLOWED:
            raise
