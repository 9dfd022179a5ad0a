"""The tree in a ``.skops`` file, as a walk: it may be nested more deeply than Python can call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["files_in", "files_of", "nodes"]


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Return all mappings of a tree, each before what is in it; one that is changed meanwhile is followed as it is."""
    waiting = [node] if isinstance(node, dict | list) else []
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            within: Iterable[Any] = one.values()
        else:
            within = one
        waiting += [part for part in within if isinstance(part, dict | list)][::-1]


def files_of(tree: Any) -> set[str]:
    """Return the members of the archive to which a tree refers."""
    return files_in(nodes(tree))


def files_in(found: Iterable[dict[str, Any]]) -> set[str]:
    """Return the members of the archive to which these nodes refer, each by itself."""
    return {node["file"] for node in found if isinstance(node.get("file"), str)}
