"""Value types that every room shares: strings are parsed at the edge, ``str`` gives them back."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import total_ordering

from modelport.errors import FormatError

__all__ = ["REQUEST_ID", "Digest", "Name", "Reference", "Version", "names_host"]

REQUEST_ID = "[A-Za-z0-9._:-]{1,128}"
"""A regular expression of what callers may call their requests."""

_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_NAME_LIMIT = 64
_NUMBER = "(0|[1-9][0-9]{0,8})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9a-z]+(?:\.[0-9a-z]+)*))?")
_VERSION_LIMIT = 64
# What stands behind a version in the tags of its releases and of what is made of them. The schemas say the same.
_RESERVED = re.compile(
    "r[0-9]+|latest|newest|stable|service|rebuilt|variant|quantized|pruned|half|rounded|dynamic|static|onnx|tflite"
    "|(?:u?int|b?float|bf|fp|f|i|q|w)(?:4|8|16|32|64)[0-9a-z]*"
)
_HEX = {"sha256": 64, "sha512": 128}
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The digest of content, as ``algorithm:hex`` (OCI image-spec 1.1, descriptor).

    Only sha256 and sha512 are known; both have a fixed length.
    """

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Parse ``sha256:<64 hex>`` or ``sha512:<128 hex>``; raise FormatError otherwise."""
        algorithm, _, value = text.partition(":")
        if _HEX.get(algorithm) != len(value) or not re.fullmatch(r"[0-9a-f]+", value):
            raise FormatError(
                f"{text!r} is not a digest", hint="a digest is sha256: and 64, or sha512: and 128, lowercase hex digits"
            )
        return cls(algorithm, value)

    @classmethod
    def of(cls, content: bytes, algorithm: str = "sha256") -> Digest:
        """Return the digest of *content* by *algorithm*, ``sha256`` or ``sha512``."""
        if algorithm not in _HEX:
            raise FormatError(f"{algorithm!r} is not a digest's algorithm", hint=f"use one of {', '.join(_HEX)}")
        return cls(algorithm, hashlib.new(algorithm, content).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """The name of a model: also a folder's name, an OCI repository component and a part of a URL.

    Lowercase ASCII letters and digits in groups joined by one ``.``, ``_`` or ``-``; 64 characters at most.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> Name:
        """Parse a model's name; raise FormatError, with a spelling that would do, otherwise."""
        if len(text) > _NAME_LIMIT or not _NAME.fullmatch(text):
            better = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_NAME_LIMIT].strip("-") or "my-model"
            raise FormatError(
                f"{text!r} is not a model name: lowercase letters and digits, joined by single '.', '_' or '-',"
                f" at most {_NAME_LIMIT}",
                hint=f"use {better!r}",
            )
        return cls(text)

    def __str__(self) -> str:
        return self.text


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A version, ``MAJOR.MINOR.PATCH[-PRERELEASE]``, ordered as Semantic Versioning 2.0.0 section 11 says.

    Stricter than that page, so that a version is also an OCI tag with room for a suffix: no build metadata (``+...``),
    no ``-`` and no capitals in the prerelease, 64 characters at most. And a prerelease does not begin with a word that
    is such a suffix: ``1.0.0-r1`` is the first release of ``1.0.0``, and ``1.0.0-int8`` would be a variant of it.
    """

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Version:
        """Parse a version; raise FormatError otherwise."""
        match = _VERSION.fullmatch(text) if len(text) <= _VERSION_LIMIT else None
        parts = match[4].split(".") if match and match[4] else []
        if match is None or any(p.isdigit() and p != str(int(p)) for p in parts):
            raise FormatError(
                f"{text!r} is not a version", hint="write MAJOR.MINOR.PATCH, for instance 1.0.0 or 2.1.0-rc.1"
            )
        if parts and _RESERVED.fullmatch(parts[0]):
            raise FormatError(
                f"{text!r} is not a version: -{parts[0]} behind a version names what is made of it",
                hint="take another word for a prerelease, for instance alpha, beta or rc",
            )
        return cls(int(match[1]), int(match[2]), int(match[3]), tuple(parts))

    def __str__(self) -> str:
        core = f"{self.major}.{self.minor}.{self.patch}"
        return f"{core}-{'.'.join(self.prerelease)}" if self.prerelease else core

    def __lt__(self, other: object) -> bool:
        return self._key() < other._key() if isinstance(other, Version) else NotImplemented

    def _key(self) -> tuple[int, int, int, bool, list[tuple[bool, int, str]]]:
        # A release sorts after its prereleases; numeric identifiers sort by value and before alphanumeric ones.
        parts = [(not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in self.prerelease]
        return self.major, self.minor, self.patch, not self.prerelease, parts


@dataclass(frozen=True, slots=True)
class Reference:
    """Names a model: ``NAME[:VERSION]``, or ``HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`` in a registry.

    ``host`` is None for a name that is looked up in the store and then in the catalog.
    """

    host: str | None
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Parse a reference; raise FormatError otherwise."""
        rest, at, digest_text = text.partition("@")
        digest = Digest.parse(digest_text) if at else None
        head, slash, tail = rest.partition("/")
        if not slash:
            name, colon, tag = rest.partition(":")
            return cls(None, str(Name.parse(name)), _parse_tag(tag, text) if colon else None, digest)
        if not _HOST.fullmatch(head) or not names_host(rest):
            raise FormatError(
                f"{text!r} is not a reference: {head!r} is not a registry's host",
                hint="write NAME[:VERSION], or HOST[:PORT]/REPOSITORY[:TAG][@DIGEST] with a dot or a port in the host",
            )
        repository, colon, tag = tail.partition(":")
        if not _REPOSITORY.fullmatch(repository):
            raise FormatError(
                f"{text!r} is not a reference: {repository!r} is not a repository's name",
                hint="lowercase letters and digits in parts joined by '.', '_', '-' and '/'",
            )
        return cls(head, repository, _parse_tag(tag, text) if colon else None, digest)

    def __str__(self) -> str:
        host = f"{self.host}/" if self.host else ""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{host}{self.repository}{tag}{digest}"


def names_host(text: str) -> bool:
    """Tell whether a reference begins with its registry's host, and is no name or folder: it has a dot or a port."""
    head, slash, _ = text.partition("/")
    return bool(slash) and head not in {".", ".."} and ("." in head or ":" in head or head == "localhost")


def _parse_tag(tag: str, reference: str) -> str:
    if not _TAG.fullmatch(tag):
        raise FormatError(
            f"{reference!r} is not a reference: {tag!r} is not a tag",
            hint="a tag is a letter, digit or '_' and then up to 127 letters, digits, '.', '_' or '-'",
        )
    return tag
