"""Values that descriptors are made of: parsed at the edge or refused, and ``str`` gives them back.

``Digest`` and ``Reference`` are values of the same kind that other rooms need too: they are in `modelport.types`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from modelport.errors import FormatError

__all__ = ["MediaType", "Platform"]

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PARTS = 3  # os, architecture, variant


class MediaType(str):
    """A media type without parameters, ``type/subtype`` (RFC 6838 section 4.2); a text, so it compares as one."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: object, where: str = "media type") -> MediaType:
        """Return *value* as a media type; raise FormatError, naming *where* it stood, otherwise."""
        if not isinstance(value, str) or not _MEDIA_TYPE.fullmatch(value):
            raise FormatError(f"{where} is {value!r}, not a media type", hint="write type/subtype, without parameters")
        return cls(value)


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image runs on (image-spec 1.1, ``image-index.md``): ``os/architecture[/variant]``.

    Attributes:
        os: For instance ``linux``; Go's names.
        architecture: For instance ``amd64``; Go's names.
        variant: For instance ``v8`` of ``arm64``; empty when there is none.
        os_version: For instance a Windows build; empty for most.
        os_features: What the operating system must have.
    """

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Parse ``os/architecture[/variant]``, as command lines write it; raise FormatError otherwise."""
        parts = text.split("/")
        if not 1 < len(parts) <= _PARTS or not all(map(_PART.fullmatch, parts)):
            raise FormatError(f"{text!r} is not a platform", hint="write OS/ARCHITECTURE[/VARIANT], as in linux/arm64")
        return cls(parts[0], parts[1], "".join(parts[2:]))

    @classmethod
    def from_json(cls, document: object, where: str = "platform") -> Platform:
        """Read the object that indexes hold; raise FormatError, naming *where* it stood, otherwise."""
        if not isinstance(document, dict):
            raise FormatError(f"{where} is not an object")
        features = document.get("os.features", [])
        os, architecture, variant, version = (
            document.get(key, "") for key in ("os", "architecture", "variant", "os.version")
        )
        texts = (os, architecture, variant, version, *(features if isinstance(features, list) else (None,)))
        if not all(isinstance(text, str) for text in texts):
            raise FormatError(f"{where} has a field that is not a text")
        if not os or not architecture:
            raise FormatError(f"{where} lacks os or architecture")
        return cls(os, architecture, variant, version, tuple(features))

    def to_json(self) -> dict[str, Any]:
        """Return the object that indexes hold; ``from_json`` reverses it."""
        fields: dict[str, Any] = {"architecture": self.architecture, "os": self.os, "variant": self.variant}
        fields |= {"os.version": self.os_version, "os.features": list(self.os_features)}
        return {key: value for key, value in fields.items() if value}

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)
