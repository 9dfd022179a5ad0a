"""What a root needs, in the order in which it can be pushed."""

from __future__ import annotations

import pytest

from modelport.errors import FormatError
from modelport.oci import Descriptor, build_index, build_manifest, reachable
from modelport.oci.manifest import parse_document


class Shelf:
    """Manifests by digest, and how often each was read."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.reads = 0

    def add(self, raw: bytes) -> Descriptor:
        described = parse_document(raw).descriptor
        self.documents[str(described.digest)] = raw
        return described

    def read(self, descriptor: Descriptor) -> bytes:
        self.reads += 1
        return self.documents[str(descriptor.digest)]


CONFIG, ONE, TWO = Descriptor.of(b"{}"), Descriptor.of(b"1"), Descriptor.of(b"2")


def test_leaves_come_before_their_manifest_and_the_root_last() -> None:
    shelf = Shelf()
    first = shelf.add(build_manifest(CONFIG, [ONE]))
    second = shelf.add(build_manifest(CONFIG, [ONE, TWO]))
    root = shelf.add(build_index([first, second]))
    assert reachable(root, shelf.read) == [ONE, CONFIG, first, TWO, second, root]


def test_selection_leaves_out_layers_and_manifests_but_never_configs() -> None:
    shelf = Shelf()
    first = shelf.add(build_manifest(CONFIG, [ONE]))
    second = shelf.add(build_manifest(CONFIG, [ONE, TWO]))
    root = shelf.add(build_index([first, second]))
    assert reachable(root, shelf.read, select=lambda node: node not in {first, ONE}) == [TWO, CONFIG, second, root]


def test_an_index_bomb_costs_one_read_for_each_document() -> None:
    shelf = Shelf()
    node = shelf.add(build_index([]))
    for _ in range(8):
        node = shelf.add(build_index([node] * 100))
    assert len(reachable(node, shelf.read)) == 9
    assert shelf.reads == 9


def test_endless_nesting_is_refused() -> None:
    shelf = Shelf()
    node = shelf.add(build_index([]))
    for _ in range(9):
        node = shelf.add(build_index([node]))
    with pytest.raises(FormatError, match="nested"):
        reachable(node, shelf.read)


def test_one_digest_has_one_size() -> None:
    shelf = Shelf()
    liar = Descriptor(media_type=ONE.media_type, digest=ONE.digest, size=5)
    root = shelf.add(build_manifest(CONFIG, [ONE, liar]))
    with pytest.raises(FormatError, match="1 and with 5"):
        reachable(root, shelf.read)


def test_a_manifest_listed_as_an_index_is_refused() -> None:
    shelf = Shelf()
    manifest = shelf.add(build_manifest(CONFIG, []))
    index = parse_document(build_index([])).descriptor
    liar = Descriptor(media_type=index.media_type, digest=manifest.digest, size=manifest.size)
    root = shelf.add(build_index([liar]))
    with pytest.raises(FormatError, match="listed as"):
        reachable(root, shelf.read)


def test_what_is_too_large_for_a_manifest_is_not_read() -> None:
    index = parse_document(build_index([])).descriptor
    large = Descriptor(media_type=index.media_type, digest=index.digest, size=5 * 1024 * 1024)
    with pytest.raises(FormatError, match="too large"):
        reachable(large, Shelf().read)
