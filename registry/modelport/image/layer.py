"""Layers: a tree of files as one uncompressed tar, the same bytes on every machine.

Nothing of the machine that builds gets in: paths are sorted, every owner is root, every time is 0, and modes are either
0644 or 0755 (a few special folders apart). Layers are not compressed: compression libraries differ in what they write,
so the digest of a compressed layer would depend on the machine. The digest of a layer is therefore its diff_id, too.
"""

from __future__ import annotations

import stat
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from modelport.oci import Descriptor, Layout

__all__ = ["LAYER", "Node", "Tree", "folder", "link", "put_layer", "read_folder", "tar_chunks"]

LAYER = "application/vnd.oci.image.layer.v1.tar"
_PIECE = 1024 * 1024
_END = b"\0" * (2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in a layer.

    Attributes:
        source: A file's content, or the file that holds it; None for a folder or a link.
        mode: Its permissions.
        target: Where a symbolic link leads; empty for anything else.
        owner: The number of the user and of the group that own it.
    """

    source: bytes | Path | None = None
    mode: int = 0o644
    target: str = ""
    owner: int = 0


Tree = dict[str, Node]
"""What a layer holds, by path; paths are relative to the root and use ``/``. Folders above need not be named."""


def folder(mode: int = 0o755, *, owner: int = 0) -> Node:
    """Return a folder."""
    return Node(mode=mode, owner=owner)


def link(target: str) -> Node:
    """Return a symbolic link that leads to *target*."""
    return Node(mode=0o777, target=target)


def read_folder(root: Path, *, under: str = "") -> Tree:
    """Return the files in *root* as a tree whose paths begin with *under*; what is executable stays so.

    Symbolic links to files are followed: what is in a layer stands by itself.
    """
    found: Tree = {}
    for path in root.rglob("*"):
        if path.is_file():
            name = f"{under}/{path.relative_to(root).as_posix()}".lstrip("/")
            found[name] = Node(path, 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
    return found


def put_layer(layout: Layout, tree: Mapping[str, Node]) -> Descriptor:
    """Store *tree* as a layer and return what points at it."""
    return layout.put_blob(tar_chunks(tree), media_type=LAYER)


def tar_chunks(tree: Mapping[str, Node]) -> Iterator[bytes]:
    """Yield the tar of *tree*, in pieces.

    Raises:
        FormatError: A path is not one from the root down.
    """
    if bad := [path for path in tree if not path or not {"", ".", ".."}.isdisjoint(path.split("/"))]:
        raise FormatError(f"{bad[0]!r} cannot be a path in an image's layer")
    whole = dict.fromkeys(_parents(tree), folder()) | dict(tree)
    for path in sorted(whole):
        yield from _member(path, whole[path])
    yield _END


def _parents(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        above = path.rpartition("/")[0]
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found


def _member(path: str, node: Node) -> Iterator[bytes]:
    member = tarfile.TarInfo(path)
    member.mode, member.uid, member.gid = node.mode, node.owner, node.owner
    if node.target:
        member.type, member.linkname = tarfile.SYMTYPE, node.target
    elif node.source is None:
        member.type = tarfile.DIRTYPE
    elif isinstance(node.source, bytes):
        member.size = len(node.source)
    else:
        member.size = node.source.stat().st_size
    yield member.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
    if node.source is not None:
        yield from _content(node.source, member.size)
        yield b"\0" * (-member.size % tarfile.BLOCKSIZE)


def _content(source: bytes | Path, size: int) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as stream:
        while piece := stream.read(_PIECE):
            size -= len(piece)
            yield piece
    if size:
        raise OSError(f"{source} changed while it was read")
