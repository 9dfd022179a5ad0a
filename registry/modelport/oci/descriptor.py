"""Descriptors: a media type, a digest and a size, which together point at content and let it be verified.

A descriptor is the only pointer of the OCI specifications (image-spec 1.1, ``descriptor.md``). Whoever holds one can
take the content from anywhere, from a registry that lies included, because size and digest tell whether it is right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.oci.media import OCTETS
from modelport.oci.values import MediaType, Platform
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Descriptor", "parse_annotations"]

_SIZE_LIMIT = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """Points at content by what it is, not by where it is."""

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    artifact_type: str | None = None
    platform: Platform | None = None
    """Only on images in an index."""

    @classmethod
    def parse(cls, document: object, where: str = "descriptor") -> Descriptor:
        """Parse the JSON form; raise FormatError, naming *where* it stood, otherwise."""
        if not isinstance(document, dict):
            raise FormatError(f"{where} is not an object")
        size, platform = document.get("size"), document.get("platform")
        if type(size) is not int or not 0 <= size < _SIZE_LIMIT:
            raise FormatError(f"{where}.size is {size!r}, not a number of bytes")
        digest = document.get("digest")
        if not isinstance(digest, str):
            raise FormatError(f"{where}.digest is missing or not a text")
        artifact_type = document.get("artifactType")
        return cls(
            media_type=MediaType.parse(document.get("mediaType"), f"{where}.mediaType"),
            digest=Digest.parse(digest),
            size=size,
            annotations=parse_annotations(document.get("annotations"), where),
            artifact_type=MediaType.parse(artifact_type, f"{where}.artifactType") if artifact_type else None,
            platform=None if platform is None else Platform.from_json(platform, f"{where}.platform"),
        )

    @classmethod
    def of(
        cls,
        content: bytes,
        *,
        media_type: str = OCTETS,
        annotations: Mapping[str, str] | None = None,
        algorithm: str = "sha256",
    ) -> Descriptor:
        """Return the descriptor of *content*, with a digest by *algorithm*, ``sha256`` or ``sha512``."""
        digest = Digest.of(content, algorithm)
        return cls(media_type=media_type, digest=digest, size=len(content), annotations=dict(annotations or {}))

    def to_json(self) -> dict[str, Any]:
        """Return the form that manifests hold; ``parse`` reverses it."""
        document: dict[str, Any] = {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}
        if self.artifact_type:
            document["artifactType"] = self.artifact_type
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        if self.platform is not None:
            document["platform"] = self.platform.to_json()
        return document

    def __str__(self) -> str:
        return f"{self.digest} ({self.media_type}, {self.size} bytes)"


def parse_annotations(value: object, where: str) -> dict[str, str]:
    """Return *value* when it maps texts to texts (or is absent); raise FormatError otherwise."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise FormatError(f"{where}.annotations does not map texts to texts")
    return value
