"""What a root needs: all content that can be reached from one descriptor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.oci.manifest import Manifest, read_document
from modelport.oci.media import INDEXES, MANIFESTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.oci.descriptor import Descriptor

__all__ = ["reachable"]

_DEPTH_LIMIT = 8


def reachable(
    root: Descriptor,
    read: Callable[[Descriptor], bytes],
    *,
    select: Callable[[Descriptor], bool] | None = None,
) -> list[Descriptor]:
    """Return all content that *root* needs, each digest once, in the order in which it can be pushed.

    That is: layers and config before their manifest, manifests before their index, *root* last.

    Args:
        root: Where to start.
        read: Returns the verified bytes of a manifest or index, for instance ``Layout.read``.
        select: Asked for every layer and for every manifest in an index; those it denies are left out. Configs are
            always taken.

    Raises:
        FormatError: A manifest is none, or indexes are nested more than eight deep.
    """
    walk = _Walk(read, select or (lambda _: True))
    walk.visit(root, 0)
    return list(walk.found.values())


class _Walk:
    """Goes through the tree depth first; ``found`` keeps the order in which nodes were left."""

    def __init__(self, read: Callable[[Descriptor], bytes], select: Callable[[Descriptor], bool]) -> None:
        self.found: dict[str, Descriptor] = {}
        self._read = read
        self._select = select

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
            for child in filter(self._select, document.manifests):
                self.visit(child, depth + 1)
