"""Referrers: artifacts that name a *subject*, as signatures and measurements do, found by what they are about.

Source: distribution-spec 1.1, "Listing Referrers", "Pushing Manifests with Subject" and "Referrers Tag Schema". A
registry that knows the API lists them by itself and says so when one is pushed (``OCI-Subject``). For one that does
not, clients keep an index of them under a tag that is named after the subject, ``sha256-<hex>``. Nothing guards that
tag against two clients that change it at once, so who writes it looks again until what was written stays.

In a layout, referrers are what ``index.json`` lists without a name (``Layout.keep``) or with one.
"""

from __future__ import annotations

import http
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from modelport.errors import FormatError, IntegrityError, NotFoundError, RegistryError
from modelport.oci.manifest import Index, Manifest, canonical_json
from modelport.oci.media import DOCUMENTS_LIMIT, INDEX, INDEXES, MANIFESTS
from modelport.oci.net.urls import api_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelport.oci.archive_file import Archive
    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor
    from modelport.oci.store.layout import Layout
    from modelport.types import Digest

__all__ = [
    "by_subject",
    "delete_referrer",
    "fallback_tag",
    "layout_referrers",
    "push_referrer",
    "referrer_descriptor",
    "referrers",
]

_ALGORITHM_LIMIT, _HEX_LIMIT = 32, 64
_TRIES = 16
_SETTLING = 0.1
# What registries answer that were written before the API was: 404 is what the specification says of them; others take
# its path for something else. go-containerregistry (pkg/v1/remote/referrers.go) knows the same.
_NO_API = frozenset({http.HTTPStatus.BAD_REQUEST, http.HTTPStatus.METHOD_NOT_ALLOWED, http.HTTPStatus.NOT_ACCEPTABLE})


def referrers(
    registry: Registry, repository: str, subject: Digest, *, artifact_type: str | None = None
) -> tuple[Descriptor, ...]:
    """Return what refers to *subject* in a repository, each with its artifact type; none when nothing does.

    What is listed may be anybody's: whether it really is about *subject* its manifest tells.

    Args:
        registry: The registry.
        repository: The repository, which need not have the subject itself.
        subject: The digest of a manifest or index.
        artifact_type: Return only those of this type.

    Raises:
        RegistryError: The registry cannot be reached, refuses, or lists nonsense.
    """
    listed, filtered = _ask(registry, repository, subject, artifact_type)
    if listed is None:
        listed = _read_tag(registry, repository, subject)
    if artifact_type is None or filtered:
        return listed
    typed = (_with_type(registry, repository, one) for one in listed)
    return tuple(one for one in typed if one.artifact_type == artifact_type)


def push_referrer(registry: Registry, repository: str, document: Manifest | Index) -> Descriptor:
    """Store a manifest or index that has a subject, and see to it that it is listed; return what points at it.

    All that it lists must be there already, its subject need not.

    Raises:
        FormatError: It has no subject.
        IntegrityError: The registry took it for something else.
        RegistryError: The registry cannot be reached or refuses, or others overwrote its list again and again.
    """
    if document.subject is None:
        raise FormatError(f"{document.descriptor.digest} has no subject, so it refers to nothing")
    subject, made = document.subject.digest, referrer_descriptor(document)
    taken = registry.store_manifest(repository, document).get("OCI-Subject")
    if taken is None:
        _change_tag(registry, repository, subject, lambda listed: _with(listed, made))
    elif taken.strip() != str(subject):
        name = registry.name(repository, made.digest)
        raise IntegrityError(f"{name} is about {subject}, and the registry took it to be about {taken!r}")
    return made


def delete_referrer(registry: Registry, repository: str, subject: Digest, referrer: Digest) -> None:
    """Take a manifest or index from the list of its subject, where clients keep that, and then remove it.

    Raises:
        NotFoundError: It is not there; it is not listed any more, either.
        FormatError: It is not about *subject*: it is not listed any more, and stays.
        RegistryError: The registry cannot be reached, or refuses. It may then be there and not be listed.
    """
    if _ask(registry, repository, subject, None)[0] is None:
        _change_tag(registry, repository, subject, lambda listed: _without(listed, referrer))
    document = registry.manifest(repository, referrer)
    # A list is anybody's word: it may name the subject itself.
    if document.subject is None or document.subject.digest != subject:
        raise FormatError(f"{registry.name(repository, referrer)} is not about {subject}: it was not removed")
    registry.delete_manifest(repository, referrer)


def layout_referrers(layout: Layout, subject: Digest, *, artifact_type: str | None = None) -> tuple[Descriptor, ...]:
    """Return what refers to *subject* in a layout; the errors are those of ``Layout.manifest``."""
    return tuple(one for one in by_subject(layout).get(subject, ()) if artifact_type in {None, one.artifact_type})


def by_subject(source: Layout | Archive) -> dict[Digest, list[Descriptor]]:
    """Return all referrers that a layout or an archive lists, by what they are about."""
    found: dict[Digest, list[Descriptor]] = {}
    for root in source.roots():
        document = source.manifest(root) if root.media_type in MANIFESTS | INDEXES else None
        if document is not None and document.subject is not None:
            found.setdefault(document.subject.digest, []).append(referrer_descriptor(document))
    return found


def referrer_descriptor(document: Manifest | Index) -> Descriptor:
    """Return what a list of referrers says of *document*: its artifact type, or else its config's, and annotations."""
    config = document.config.media_type if isinstance(document, Manifest) else None
    kind = document.artifact_type or config
    return replace(document.descriptor, artifact_type=kind, annotations=dict(document.annotations))


def fallback_tag(subject: Digest) -> str:
    """Return the tag under which clients list what refers to *subject*: ``<algorithm>-<hex>``, both cut to a length."""
    return f"{subject.algorithm[:_ALGORITHM_LIMIT]}-{subject.hex[:_HEX_LIMIT]}"


# The API


def _ask(
    registry: Registry, repository: str, subject: Digest, artifact_type: str | None
) -> tuple[tuple[Descriptor, ...] | None, bool]:
    """Return what the API lists, None where there is no API, and whether the registry has chosen by type."""
    what = f"list what refers to {registry.name(repository, subject)}"
    query = f"?{urlencode({'artifactType': artifact_type})}" if artifact_type else ""
    found: list[Descriptor] = []
    filtered = bool(query)
    try:
        for raw, headers in registry.pages(repository, api_path(repository, f"referrers/{subject}{query}"), what):
            found += _listed(raw, what)
            filtered = filtered and "artifactType" in headers.get("OCI-Filters-Applied", "")
    except NotFoundError:
        return None, False
    except RegistryError as error:
        if error.status in _NO_API:
            return None, False
        raise
    if len(found) > DOCUMENTS_LIMIT:
        raise RegistryError(f"cannot {what}: there are {len(found)}, more than {DOCUMENTS_LIMIT}")
    return tuple(found), filtered


def _listed(raw: bytes, what: str) -> tuple[Descriptor, ...]:
    try:
        return Index.parse(raw).manifests
    except FormatError as error:
        raise RegistryError(f"cannot {what}: the registry's answer is not an index: {error.message}") from error


def _with_type(registry: Registry, repository: str, listed: Descriptor) -> Descriptor:
    """Return *listed* with its artifact type, read off its manifest where the list lacks it: some tools drop it."""
    if listed.artifact_type is not None or listed.media_type not in MANIFESTS | INDEXES:
        return listed
    return referrer_descriptor(registry.manifest(repository, listed.digest))


# The tag


def _read_tag(registry: Registry, repository: str, subject: Digest) -> tuple[Descriptor, ...]:
    tag = fallback_tag(subject)
    if not registry.has_manifest(repository, tag):
        return ()
    document = registry.manifest(repository, tag)
    if not isinstance(document, Index):
        raise RegistryError(
            f"{registry.name(repository, tag)} should be an index of what refers to {subject}, and is a manifest",
            hint="remove that tag: no other content may have a name of this form",
        )
    return document.manifests


def _change_tag(
    registry: Registry,
    repository: str,
    subject: Digest,
    change: Callable[[tuple[Descriptor, ...]], tuple[Descriptor, ...]],
) -> None:
    """Write what *change* makes of the list, and look again until it stays.

    Another client that had read the list before this one wrote it writes its own over it. It does so within about the
    time that this one took from reading to writing; after that, this one looks what is there, and changes it anew if
    need be.
    """
    for _ in range(_TRIES):
        began = time.monotonic()
        listed = _read_tag(registry, repository, subject)
        wanted = change(listed)
        if wanted == listed:
            return
        registry.put_manifest(repository, _index(wanted), tag=fallback_tag(subject))
        took = time.monotonic() - began
        time.sleep(max(_SETTLING, took) * random.uniform(1, 2))  # noqa: S311 - spreads clients out, keeps no secret
    name = registry.name(repository, fallback_tag(subject))
    raise RegistryError(
        f"{name}: other clients changed this list each of {_TRIES} times it was written", hint="try again"
    )


def _index(listed: Iterable[Descriptor]) -> Index:
    # Not `build_index`, which leaves artifact types to the manifests: this list is there to tell them.
    manifests = [one.to_json() for one in listed]
    return Index.parse(canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}))


def _with(listed: tuple[Descriptor, ...], made: Descriptor) -> tuple[Descriptor, ...]:
    return listed if any(one.digest == made.digest for one in listed) else (*listed, made)


def _without(listed: tuple[Descriptor, ...], referrer: Digest) -> tuple[Descriptor, ...]:
    return tuple(one for one in listed if one.digest != referrer)
