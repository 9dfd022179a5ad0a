"""What lies in a base: its Pythons, and which Debian packages it says that it has. Found in its layers, nothing is run.

So any image with a Python of the right version may be a base. A layer that is applied later hides what lies below:
files of interest are taken from the topmost layer that has them.
"""

from __future__ import annotations

import re
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelport.oci import Descriptor, Layout

__all__ = ["Contents", "DebianPackage", "read_contents"]

_PYTHON = re.compile(r"(?:usr/local/bin|usr/bin)/python(3\.[0-9]+)")
_STATUS = re.compile(r"var/lib/dpkg/status(?:\.d/[^/]+)?")
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
    """

    pythons: dict[str, str]
    packages: tuple[DebianPackage, ...]

    def python(self, version: str, base: str) -> str:
        """Return the path of the interpreter of *version*, as in ``3.11``; *base* is for messages.

        Raises:
            NotFoundError: There is none.
        """
        if version not in self.pythons:
            raise NotFoundError(
                f"the base {base} has no Python {version}, only {', '.join(sorted(self.pythons)) or 'none at all'}",
                hint="name one that has it: [image] base in modelport.toml, or --base",
            )
        return self.pythons[version]


def read_contents(layout: Layout, layers: Sequence[Descriptor]) -> Contents:
    """Return what lies in *layers*, the lowest first; raise FormatError for one that cannot be read."""
    pythons: dict[str, str] = {}
    status: dict[str, str] = {}
    for layer in layers:
        if not layer.media_type.endswith(_READABLE):
            raise FormatError(
                f"the base's layer {layer.digest} is {layer.media_type}, which cannot be read here",
                hint="take a base whose layers are tar or tar+gzip",
            )
        with tarfile.open(layout.file(layer)) as archive:
            for member in archive:
                path = member.name.removeprefix("./")
                if match := _PYTHON.fullmatch(path):
                    # The official images have their own Python before Debian's on the PATH.
                    pythons[match[1]] = max(f"/{path}", pythons.get(match[1], ""), key=lambda one: "/local/" in one)
                elif _STATUS.fullmatch(path) and (content := archive.extractfile(member)):
                    status[path] = content.read().decode("utf-8", "replace")
    return Contents(pythons, tuple(_packages(status.values())))


def _packages(status: Iterable[str]) -> list[DebianPackage]:
    found = set()
    for text in status:
        for stanza in text.split("\n\n"):
            lines = (line.partition(":") for line in stanza.splitlines() if line and not line[0].isspace())
            fields = {name: value.strip() for name, _, value in lines}
            if "Package" in fields and "installed" in fields.get("Status", "installed"):
                found.add((fields["Package"], fields.get("Version", ""), fields.get("Architecture", "")))
    return [DebianPackage(*one) for one in sorted(found)]
