"""The tree in a ``.skops`` file, as a walk: it may be nested more deeply than Python can call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["files_of", "nodes"]


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Return all mappings of a tree, each before what is in it; one that is changed meanwhile is followed as it is."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
        if isinstance(one, dict | list):
            waiting += reversed(list(one.values() if isinstance(one, dict) else one))


def files_of(tree: Any) -> set[str]:
    """Return the members of the archive to which a tree refers."""
    return {node["file"] for node in nodes(tree) if isinstance(node.get("file"), str)}
