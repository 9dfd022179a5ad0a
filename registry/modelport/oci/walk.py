"""What a root needs: all content that can be reached from one descriptor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.oci.manifest import Manifest, read_document
from modelport.oci.media import DOCUMENTS_BYTES, DOCUMENTS_LIMIT, INDEXES, MANIFESTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.oci.descriptor import Descriptor
    from modelport.oci.manifest import Index

    _Read = Callable[[Descriptor], bytes] | Callable[[Descriptor], Manifest | Index]

__all__ = ["reachable"]

_DEPTH_LIMIT = 8


def reachable(
    root: Descriptor,
    read: _Read,
    *,
    select: Callable[[Descriptor], bool] | None = None,
    ahead: Callable[[list[Descriptor]], object] | None = None,
) -> list[Descriptor]:
    """Return all content that *root* needs, each digest once, in the order in which it can be pushed.

    That is: layers and config before their manifest, manifests before their index, *root* last.

    Args:
        root: Where to start.
        read: Returns the verified bytes of a manifest or index, for instance ``Layout.read``; or what was parsed of
            them, for who keeps that.
        select: Asked for every layer and for every manifest in an index; those it denies are left out. Configs are
            always taken.
        ahead: Given the manifests that an index lists before the first of them is read, for who reads several at once.

    Raises:
        FormatError: A manifest is none, indexes are nested more than eight deep, or there are more documents than
            ``DOCUMENTS_LIMIT`` and ``DOCUMENTS_BYTES`` allow; what is listed beyond that is not read.
    """
    walk = _Walk(read, select or (lambda _: True), ahead or (lambda _: None))
    walk.visit(root, 0)
    return list(walk.found.values())


class _Walk:
    """Goes through the tree depth first; ``found`` keeps the order in which nodes were left."""

    def __init__(
        self,
        read: _Read,
        select: Callable[[Descriptor], bool],
        ahead: Callable[[list[Descriptor]], object],
    ) -> None:
        self.found: dict[str, Descriptor] = {}
        self._read = read
        self._select = select
        self._ahead = ahead
        self._listed: set[str] = set()
        self._bytes = 0

    def visit(self, node: Descriptor, depth: int, *, leaf: bool = False) -> None:
        known = self.found.get(str(node.digest))
        if known is None:
            if not leaf and node.media_type in MANIFESTS | INDEXES:
                self._visit_children(node, depth)
            self.found[str(node.digest)] = node
        elif known.size != node.size:
            raise FormatError(f"{node.digest} is listed with {known.size} and with {node.size} bytes")

    def _visit_children(self, node: Descriptor, depth: int) -> None:
        if depth > _DEPTH_LIMIT:
            raise FormatError(f"indexes are nested more than {_DEPTH_LIMIT} deep at {node.digest}")
        document = read_document(node, self._read)
        if document.media_type != node.media_type:
            raise FormatError(f"{node.digest} is {document.media_type}, but is listed as {node.media_type}")
        if isinstance(document, Manifest):
            for leaf in (*filter(self._select, document.layers), document.config):
                self.visit(leaf, depth + 1, leaf=True)
        else:
            chosen = list(filter(self._select, document.manifests))
            self._expect(chosen, node)
            for child in chosen:
                self.visit(child, depth + 1)

    def _expect(self, children: list[Descriptor], index: Descriptor) -> None:
        """Keep the limits of all documents together before any of *children* is read."""
        new = {str(child.digest): child for child in children if child.media_type in MANIFESTS | INDEXES}
        new = {digest: child for digest, child in new.items() if digest not in self._listed}
        self._listed.update(new)
        self._bytes += sum(child.size for child in new.values())
        if len(self._listed) > DOCUMENTS_LIMIT or self._bytes > DOCUMENTS_BYTES:
            raise FormatError(
                f"{index.digest} lists too much: that makes {len(self._listed)} manifests of {self._bytes} bytes, and"
                f" {DOCUMENTS_LIMIT} of {DOCUMENTS_BYTES} bytes together are allowed",
                hint="name one of these manifests by its digest",
            )
        self._ahead(list(new.values()))
