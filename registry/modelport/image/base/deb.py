"""Debian packages, read without dpkg: an ``ar`` archive of two tars, what is said of the package and its files.

Source: deb(5) and ar(5). Nothing of a package is run: maintainer scripts lie in the control archive and stay there.
"""

from __future__ import annotations

import io
import posixpath
import stat
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.image.layer import Node, Tree, folder, link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Deb", "parse_control", "read_ar", "read_deb"]

_MAGIC = b"!<arch>\n"
_HEADER = 60
_TARS = (".tar", ".tar.gz", ".tar.xz", ".tar.bz2")


@dataclass(frozen=True, slots=True)
class Deb:
    """What a package says of itself, and its files.

    Attributes:
        control: The text of its control file.
        tree: Its files, links and folders, by path from the root.
    """

    control: str
    tree: Tree

    @property
    def fields(self) -> dict[str, str]:
        """The control file's fields, the first line of each."""
        return parse_control(self.control)


def parse_control(text: str) -> dict[str, str]:
    """Return the fields of one control stanza, the first line of each."""
    lines = (line for line in text.splitlines() if line and not line[0].isspace())
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def read_deb(raw: bytes, name: str) -> Deb:
    """Read a package; *name* is for messages.

    Raises:
        FormatError: It is none, or is compressed in a way that Python's standard library cannot read.
    """
    members = dict(read_ar(raw, name))
    if members.get("debian-binary", b"")[:2] != b"2.":
        raise FormatError(f"{name} is no Debian package of format 2")
    control = _tree(members, "control", name).get("control")
    if control is None or not isinstance(control.source, bytes):
        raise FormatError(f"{name} has no control file")
    return Deb(control.source.decode("utf-8", "replace"), _tree(members, "data", name))


def read_ar(raw: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of an ``ar`` archive's members; raise FormatError where it is none."""
    if not raw.startswith(_MAGIC):
        raise FormatError(f"{name} is no ar archive")
    at = len(_MAGIC)
    while at < len(raw):
        header = raw[at : at + _HEADER]
        size = header[48:58].strip()
        if len(header) < _HEADER or header[58:] != b"`\n" or not size.isdigit():
            raise FormatError(f"{name} is damaged at byte {at}")
        at += _HEADER
        content = raw[at : at + int(size)]
        if len(content) != int(size):
            raise FormatError(f"{name} ends early")
        yield header[:16].decode("ascii", "replace").strip().rstrip("/"), content
        at += len(content) + len(content) % 2


def _tree(members: Mapping[str, bytes], kind: str, name: str) -> Tree:
    found = next((one for one in members if one.startswith(f"{kind}.tar")), "")
    if not found.endswith(_TARS):
        raise FormatError(
            f"{name} has {found or f'no {kind}.tar'}, which the standard library cannot read",
            hint=f"packages of Debian 12 and 13 have one of {', '.join(f'{kind}{one}' for one in _TARS)}",
        )
    try:
        with tarfile.open(fileobj=io.BytesIO(members[found])) as archive:
            return _nodes(archive, name)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FormatError(f"{name}: {found} cannot be read: {error}") from error


def _nodes(archive: tarfile.TarFile, name: str) -> Tree:
    tree: Tree = {}
    for member in archive:
        path = posixpath.normpath(member.name)
        if path == ".":
            continue
        if path.startswith(("/", "..")):
            raise FormatError(f"{name} has a file outside of the root: {member.name!r}")
        if member.isdir():
            tree[path] = folder(stat.S_IMODE(member.mode))
        elif member.issym():
            tree[path] = link(member.linkname)
        elif member.islnk():
            tree[path] = tree[posixpath.normpath(member.linkname)]
        elif member.isfile():
            content = archive.extractfile(member)
            # No program of a base needs another's rights.
            mode = 0o755 if member.mode & stat.S_IXUSR else 0o644
            tree[path] = Node(content.read() if content else b"", mode)
        else:
            raise FormatError(f"{name} has a device or a pipe: {member.name!r}")
    return tree
