"""Pulling what refers to content of the store: signatures, measurements, and whatever else names it as its subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.oci.media import DOCUMENTS_LIMIT
from modelport.oci.pull import pull
from modelport.oci.referrers import referrer_descriptor, referrers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor
    from modelport.oci.progress import Progress
    from modelport.oci.store.layout import Layout
    from modelport.types import Digest

__all__ = ["pull_referrers"]


def pull_referrers(
    registry: Registry,
    repository: str,
    subjects: Iterable[Digest],
    layout: Layout,
    *,
    progress: Progress | None = None,
) -> tuple[Descriptor, ...]:
    """Pull what refers to any of *subjects*, what refers to that, and so on; return what is kept in *layout* now.

    Args:
        registry: Where from.
        repository: The repository there.
        subjects: The digests of manifests and indexes.
        layout: Where to.
        progress: Told how many bytes of which blob have arrived.

    Raises:
        NotFoundError: The registry lists something that is not there.
        FormatError: It lists something that is about something else, or there is no end of it.
        IntegrityError: The registry sent other bytes than it promised.
        RegistryError: The registry cannot be reached, refuses or answers nonsense.
    """
    asked = list(dict.fromkeys(subjects))
    found: dict[Digest, Descriptor] = {}
    kept: list[Descriptor] = []
    with layout.lease() as lease:
        for subject in asked:  # grows meanwhile
            for one in referrers(registry, repository, subject):
                if one.digest in found:
                    continue
                if len(found) == DOCUMENTS_LIMIT:
                    raise FormatError(
                        f"{registry.host}/{repository}: more than {DOCUMENTS_LIMIT} manifests refer to this"
                    )
                lease.protect(one.digest)
                document = layout.manifest(pull(registry, repository, one.digest, layout, progress=progress))
                if document.subject is None or document.subject.digest != subject:
                    raise FormatError(
                        f"{registry.name(repository, one.digest)} is listed as a referrer of {subject}, and is none",
                        hint="tell its owner to take it from that list",
                    )
                kept.append(referrer_descriptor(document))
                found[one.digest] = one
                asked.append(one.digest)
        layout.tag_all({}, kept=kept)
    return tuple(found.values())
