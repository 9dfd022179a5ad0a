"""What lies in a base: its Pythons, and which Debian packages it says that it has. Found in its layers, nothing is run.

So any image with a Python of the right version may be a base. Layers are applied as image-spec 1.1, ``layer.md``, has
it: a file of a later layer hides the one below, and a *whiteout*, ``.wh.NAME``, removes it.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import FormatError, InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from modelport.oci import Descriptor, Layout

__all__ = ["Contents", "DebianPackage", "read_contents"]

_PYTHON = re.compile(r"(?:usr/local/bin|usr/bin)/python(3\.[0-9]+)")
_STATUS = re.compile(r"var/lib/dpkg/status(?:\.d/[^/]+)?")
_MUSL = re.compile(r"(?:usr/)?lib/ld-musl-[^/]+\.so\.1")
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_READABLE = (".tar", ".tar+gzip", ".tar.gzip")


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """A Debian package, as dpkg's status names it."""

    name: str
    version: str
    architecture: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in a base.

    Attributes:
        pythons: The paths of its interpreters by version.
        packages: Its Debian packages, sorted; none where it is not made of any.
        has_musl: Whether its C library is musl.
    """

    pythons: dict[str, str]
    packages: tuple[DebianPackage, ...]
    has_musl: bool = False

    def python(self, version: str, base: str) -> str:
        """Return the path of the interpreter of *version*, as in ``3.11``; *base* is for messages.

        Raises:
            NotFoundError: There is none.
            InputError: It is one for another C library than the wheels are for.
        """
        if self.has_musl:
            raise InputError(
                f"the base {base} is made with musl, and wheels for manylinux need glibc",
                hint="name a base made with glibc, such as docker.io/library/python:VERSION-slim: --base",
            )
        if version not in self.pythons:
            raise NotFoundError(
                f"the base {base} has no Python {version}, only {', '.join(sorted(self.pythons)) or 'none at all'}",
                hint="name one that has it: [image] base in modelport.toml, or --base",
            )
        return self.pythons[version]


def read_contents(layout: Layout, layers: Sequence[Descriptor]) -> Contents:
    """Return what lies in *layers*, the lowest first; raise FormatError for one that cannot be read."""
    found: dict[str, bytes] = {}
    for layer in layers:
        if not layer.media_type.endswith(_READABLE):
            raise FormatError(
                f"the base's layer {layer.digest} is {layer.media_type}, which cannot be read here",
                hint="take a base whose layers are tar or tar+gzip",
            )
        try:
            new, hidden = _read(layout.file(layer))
        except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
            raise FormatError(
                f"the base's layer {layer.digest} is no tar that can be read: {error}", hint="name another base: --base"
            ) from error
        found = {path: content for path, content in found.items() if not hidden.intersection(_above(path))} | new
    pythons: dict[str, str] = {}
    for match in filter(None, map(_PYTHON.fullmatch, found)):
        # The official images have their own Python before Debian's on the PATH.
        pythons[match[1]] = max(f"/{match[0]}", pythons.get(match[1], ""), key=lambda one: "/local/" in one)
    status = (content.decode("utf-8", "replace") for path, content in found.items() if _STATUS.fullmatch(path))
    return Contents(pythons, tuple(_packages(status)), any(map(_MUSL.fullmatch, found)))


def _read(file: Path) -> tuple[dict[str, bytes], set[str]]:
    """Return the files of interest in a layer, and what it hides of the layers below: ``a`` and all under ``b/``."""
    found: dict[str, bytes] = {}
    hidden: set[str] = set()
    with tarfile.open(file) as archive:
        for member in archive:
            path = member.name.removeprefix("./")
            above, slash, name = path.rpartition("/")
            if name == _OPAQUE:
                hidden.add(f"{above}{slash}")
            elif name.startswith(_WHITEOUT):
                hidden.add(f"{above}{slash}{name.removeprefix(_WHITEOUT)}")
            elif _STATUS.fullmatch(path):
                if content := archive.extractfile(member):
                    found[path] = content.read()
            elif _PYTHON.fullmatch(path) or _MUSL.fullmatch(path):
                found[path] = b""
    return found, hidden


def _above(path: str) -> set[str]:
    """Return *path*, and the folders above it without and with a slash at their end; the root is ``""``."""
    parts = path.split("/")
    folders = ["/".join(parts[:number]) for number in range(1, len(parts))]
    return {path, "", *folders, *(f"{one}/" for one in folders)}


def _packages(status: Iterable[str]) -> list[DebianPackage]:
    found = set()
    for text in status:
        for stanza in text.split("\n\n"):
            lines = (line.partition(":") for line in stanza.splitlines() if line and not line[0].isspace())
            fields = {name: value.strip() for name, _, value in lines}
            if "Package" in fields and "installed" in fields.get("Status", "installed"):
                found.add((fields["Package"], fields.get("Version", ""), fields.get("Architecture", "")))
    return [DebianPackage(*one) for one in sorted(found)]
