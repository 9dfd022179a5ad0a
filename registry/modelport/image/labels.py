"""What an image says of itself: OCI's annotations, and the digests of what it serves.

The same pairs are the manifest's annotations, which registries show, and the config's labels, which engines show.
Source: image-spec 1.1, ``annotations.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.image.config import timestamp
from modelport.image.interface import interface_digests

if TYPE_CHECKING:
    from modelport.image.bases import Base
    from modelport.image.requirements import Runtime
    from modelport.package import Package

__all__ = ["BASE_DIGEST", "BASE_NAME", "About", "labels_of"]

_OCI = "org.opencontainers.image."
_OWN = "org.modelport."
BASE_NAME = f"{_OCI}base.name"
BASE_DIGEST = f"{_OCI}base.digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known about the model besides its package.

    Attributes:
        name: Its name.
        version: Its version, or nothing.
        digest: The digest of its package.
        description: What it does, in a sentence.
        licenses: Its licence, as an SPDX expression.
        source: Where its source lies: an address.
        revision: Which revision of that.
        variant: The variant's name, where it is one; its version has it, too.
    """

    name: str
    version: str
    digest: str
    description: str = ""
    licenses: str = ""
    source: str = ""
    revision: str = ""
    variant: str = ""

    @property
    def tag(self) -> str:
        """The image's name in a store: never the package's own, and a variant's never its parent's."""
        unversioned = f"latest-{self.variant}" if self.variant else "latest"
        return f"{self.name}:{self.version or unversioned}-service"

    def annotations(self, created: int) -> dict[str, str]:
        """Return what any document about the model says of it."""
        said = {
            "created": timestamp(created),
            "title": self.name,
            "description": self.description,
            "version": self.version,
            "licenses": self.licenses,
            "source": self.source,
            "revision": self.revision,
        }
        return {f"{_OCI}{key}": value for key, value in said.items() if value} | {f"{_OWN}package.digest": self.digest}


def labels_of(package: Package, about: About, base: Base | None, runtime: Runtime, created: int) -> dict[str, str]:
    """Return what the image of *package* for one platform says of itself; *base* is None where an engine chooses it."""
    digests = interface_digests(package, about)
    below = {BASE_NAME: base.name, BASE_DIGEST: str(base.digest)} if base else {}
    return {
        **about.annotations(created),
        **below,
        f"{_OWN}name": package.name,
        f"{_OWN}tier": package.info["tier"]["level"],
        f"{_OWN}runtime": str(runtime),
        **{f"{_OWN}{what}.digest": str(digest) for what, digest in digests.items()},
    }
