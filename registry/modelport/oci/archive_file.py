"""An oci-archive read where it lies: a tar of an OCI image layout, as skopeo and ``export_archive`` write them.

Nothing is unpacked: the members' headers tell where each blob lies, and blobs are verified when they are read. Members
that no layout has are passed over; links, devices, compressed archives and what is cut off are refused.
"""

from __future__ import annotations

import os
import re
import weakref
from typing import IO, TYPE_CHECKING

from modelport.errors import FormatError, NotFoundError
from modelport.oci.manifest import read_document
from modelport.oci.media import MANIFEST_LIMIT
from modelport.oci.members import read_members
from modelport.oci.store.tags import INDEX_LIMIT, each_once, named, parse_roots
from modelport.oci.store.version import check_version
from modelport.oci.verify import CHUNK, VerifiedChunks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelport.oci.descriptor import Descriptor
    from modelport.oci.manifest import Index, Manifest
    from modelport.oci.members import Member
    from modelport.types import Digest

__all__ = ["Archive"]

_BLOB = re.compile(r"blobs/(sha256|sha512)/([0-9a-f]+)")
_MEMBERS_LIMIT = 1_000_000


class Archive:
    """Reads an oci-archive; safe to share between threads. The file must not be changed meanwhile.

    Args:
        path: The file.

    Raises:
        FormatError: It is no such archive, is cut off, or holds what is refused.
        OSError: The system refuses to read it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        weakref.finalize(self, self._file.close)
        try:
            self._members = _by_name(self._file)
            check_version(self._small("oci-layout", MANIFEST_LIMIT), "oci-layout")
            self._roots = parse_roots(self._small("index.json", INDEX_LIMIT), "index.json")
        except FormatError as error:
            raise FormatError(
                f"{path} is not an oci-archive that can be read: {error.message}",
                hint=error.hint or "get it anew from where it was made; an archive is neither compressed nor cut off",
            ) from error

    def __repr__(self) -> str:
        return f"Archive({str(self.path)!r})"

    def tags(self) -> dict[str, Descriptor]:
        """Return all tags by name, sorted."""
        return named(self._roots)

    def roots(self) -> tuple[Descriptor, ...]:
        """Return all that ``index.json`` lists, with or without a name, each digest once."""
        return each_once(self._roots)

    def has(self, descriptor: Descriptor) -> bool:
        """Tell whether content of that digest and size is there (not whether it is undamaged)."""
        member = self._members.get(_name(descriptor.digest))
        return member is not None and member.size == descriptor.size

    def chunks(self, descriptor: Descriptor) -> VerifiedChunks:
        """Return the content in pieces, verified when the last one comes.

        Raises:
            NotFoundError: The archive lacks it; at once.
            IntegrityError: It is damaged; while it is read.
        """
        member = self._members.get(_name(descriptor.digest))
        if member is None:
            raise NotFoundError(f"{self.path} lacks {descriptor}", hint="make the archive anew")
        source = f"{self.path}: {member.name}"
        return VerifiedChunks(self._pieces(member), descriptor, source=source, hint="make or fetch the archive anew")

    def read(self, descriptor: Descriptor) -> bytes:
        """Return the content, verified. For small content; the errors are those of ``chunks``."""
        return self.chunks(descriptor).read()

    def manifest(self, descriptor: Descriptor) -> Manifest | Index:
        """Return the manifest or index that *descriptor* points at, verified and parsed."""
        return read_document(descriptor, self.read)

    def _pieces(self, member: Member) -> Iterator[bytes]:
        offset, end = member.offset, member.offset + member.size
        while offset < end and (piece := os.pread(self._file.fileno(), min(CHUNK, end - offset), offset)):
            offset += len(piece)
            yield piece

    def _small(self, name: str, limit: int) -> bytes:
        member = self._members.get(name)
        if member is None:
            raise FormatError(f"it lacks {name}")
        if member.size > limit:
            raise FormatError(f"{name} has {member.size} bytes, more than the {limit} allowed")
        return b"".join(self._pieces(member))


def _by_name(file: IO[bytes]) -> dict[str, Member]:
    """Return the members that a layout is made of."""
    found: dict[str, Member] = {}
    for member in read_members(file, max_total=None, max_members=_MEMBERS_LIMIT, foreign=True):
        if member.name in {"oci-layout", "index.json"} or _BLOB.fullmatch(member.name):
            if member.name in found:
                raise FormatError(f"{member.name} is in it twice")
            found[member.name] = member
    return found


def _name(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"
