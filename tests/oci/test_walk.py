"""What a root needs, in the order in which it can be pushed."""

from __future__ import annotations

import pytest

from modelport.errors import FormatError
from modelport.oci import Descriptor, build_index, build_manifest, reachable, walk
from modelport.oci.manifest import parse_document
from modelport.oci.media import MANIFEST, MANIFEST_LIMIT
from modelport.types import Digest


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


def test_the_manifests_of_an_index_are_announced_before_the_first_is_read() -> None:
    shelf, announced = Shelf(), []
    first, second = (shelf.add(build_manifest(CONFIG, [layer])) for layer in (ONE, TWO))
    inner = shelf.add(build_index([first, second]))
    root = shelf.add(build_index([first, inner]))
    reachable(root, shelf.read, ahead=lambda listed: announced.append((listed, shelf.reads)))
    assert announced == [([first, inner], 1), ([second], 3)]


@pytest.mark.parametrize(("count", "size"), [(17, MANIFEST_LIMIT), (10_001, 10)])
def test_a_list_of_more_manifests_than_memory_should_hold_is_refused_unread(count: int, size: int) -> None:
    """The sizes are the list's word; content of another size is refused when it is read."""
    shelf = Shelf()
    listed = [Descriptor(media_type=MANIFEST, digest=Digest.of(b"%d" % n), size=size) for n in range(count)]
    root = shelf.add(build_index(listed))
    with pytest.raises(FormatError, match=f"that makes {count} manifests of {count * size} bytes"):
        reachable(root, shelf.read, ahead=lambda _: pytest.fail("nothing may be fetched"))
    assert shelf.reads == 1


def test_the_limits_hold_for_all_indexes_of_a_tree_together(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    leaves = [shelf.add(build_manifest(CONFIG, [Descriptor.of(b"%d" % n)])) for n in range(4)]
    root = shelf.add(build_index([shelf.add(build_index(leaves[n : n + 3])) for n in range(2)]))
    monkeypatch.setattr(walk, "DOCUMENTS_LIMIT", 6)  # two indexes and four manifests, two of them listed twice
    assert set(leaves) < set(reachable(root, shelf.read))
    monkeypatch.setattr(walk, "DOCUMENTS_LIMIT", 5)
    with pytest.raises(FormatError, match="that makes 6 manifests"):
        reachable(root, shelf.read)
