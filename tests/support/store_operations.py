"""What is done to a store while system calls fail: each operation with what it needs before, and when it is done.

This runs in a bare Python, too, under strace (``main``): it imports `modelport.oci` and the standard library only.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.errors import ModelportError, SetupError
from modelport.oci import Descriptor, Layout, Registry, build_index, build_manifest, pull
from modelport.oci.manifest import parse_document
from modelport.oci.media import EMPTY, EMPTY_CONTENT
from modelport.oci.store.check import check
from modelport.oci.store.gc import collect_garbage
from modelport.oci.walk import reachable

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSED = 3
"""The exit status where an operation said why it failed."""

LARGE = 2 * 1024 * 1024 + 5
"""The bytes of a blob that is written in three pieces."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Something done to a store.

    Attributes:
        prepare: Makes what the operation needs, in a store that has ``old:1`` and ``old:2``; these stay whole.
        run: Does it; the second argument is the host of a registry.
        is_done: Tells whether it is.
    """

    prepare: Callable[[Layout], object]
    run: Callable[[Layout, str], object]
    is_done: Callable[[Layout], bool]


def artifact(layout: Layout, content: bytes, *, subject: Descriptor | None = None) -> Descriptor:
    """Store a manifest of one layer."""
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    return layout.put_manifest(build_manifest(config, [layout.put_blob(content)], subject=subject))


def prepare_old(layout: Layout) -> None:
    """Store what is there before anything is done."""
    layout.tag("old:1", artifact(layout, b"old content"))
    index = layout.put_manifest(build_index([artifact(layout, b"a"), artifact(layout, b"b")]))
    layout.tag("old:2", index)
    layout.keep(artifact(layout, b"evidence", subject=layout.resolve("old:1")))


def prepare_remote(layout: Layout) -> None:
    """Store what the registry shall have under ``remote:1``."""
    manifests = [artifact(layout, b"r" * LARGE), artifact(layout, b"small")]
    layout.tag("remote:1", layout.put_manifest(build_index(manifests)))


def is_whole(layout: Layout, name: str) -> bool:
    """Tell whether the tag is there with all that it needs, undamaged."""
    root = layout.tags().get(name)
    return root is not None and all(layout.is_sound(node) for node in reachable(root, layout.read))


def _source(layout: Layout) -> Path:
    return layout.path.parent / f"{layout.path.name}.source"


def _put(layout: Layout, _: str) -> None:
    layout.put_blob(b"old content")  # is there already
    layout.put_blob(_source(layout))
    layout.put_blob(b"other", algorithm="sha512")
    artifact(layout, b"new")


def _has_put(layout: Layout) -> bool:
    wanted = [Descriptor.of(_source(layout).read_bytes()), Descriptor.of(b"other", algorithm="sha512")]
    return all(layout.is_sound(one) for one in [*wanted, Descriptor.of(b"new"), Descriptor.of(b"old content")])


def _prepare_tags(layout: Layout) -> None:
    layout.tag("moving:1", artifact(layout, b"before"))
    layout.tag("going:1", artifact(layout, b"going"))
    artifact(layout, b"after")
    artifact(layout, b"more evidence", subject=layout.resolve("old:2"))


def _tag(layout: Layout, _: str) -> None:
    after = artifact_there(layout, b"after")
    layout.tag("moving:1", after)
    layout.tag("new:1", after)
    layout.keep(artifact_there(layout, b"more evidence", subject=layout.resolve("old:2")))
    if "going:1" in layout.tags():
        layout.untag("going:1")


def artifact_there(layout: Layout, content: bytes, *, subject: Descriptor | None = None) -> Descriptor:
    """Return the manifest that ``artifact`` stored, without storing anything."""
    config = Descriptor.of(EMPTY_CONTENT, media_type=EMPTY)
    found = parse_document(build_manifest(config, [Descriptor.of(content)], subject=subject)).descriptor
    assert layout.has(found)
    return found


def _has_tagged(layout: Layout) -> bool:
    tags = layout.tags()
    moved = tags.get("moving:1") == tags.get("new:1") == artifact_there(layout, b"after")
    return moved and "going:1" not in tags and len(layout.roots()) == 5


def _prepare_pull(layout: Layout) -> None:
    large = Descriptor.of(b"r" * LARGE)
    part = layout.ingest() / f"sha256-{large.digest.hex}.part"
    part.write_bytes(b"r" * 1000)  # an earlier pull came so far


def _pull(layout: Layout, host: str) -> None:
    pull(Registry(host), "remote", "1", layout, name="remote:1")


def _prepare_garbage(layout: Layout) -> None:
    layout.tag("going:1", layout.put_manifest(build_index([artifact(layout, b"garbage"), artifact(layout, b"b")])))
    layout.keep(artifact(layout, b"evidence of garbage", subject=layout.resolve("going:1")))
    layout.untag("going:1")
    layout.put_blob(b"loose", algorithm="sha512")
    with layout.lease():
        pass
    for name in ("ingest/new-dead", f"ingest/sha256-{'0' * 64}.part", "leases/lease-dead"):
        (layout.path / name).touch()


def _has_collected(layout: Layout) -> bool:
    gone = [
        Descriptor.of(b"garbage"),
        Descriptor.of(b"evidence of garbage"),
        Descriptor.of(b"loose", algorithm="sha512"),
    ]
    return not any(layout.has(one) for one in gone) and len(layout.roots()) == 3


_DAMAGED = (b"damaged", b"damaged, too")


def _prepare_damage(layout: Layout) -> None:
    for content in _DAMAGED:
        file = layout.file(layout.put_blob(content))
        file.chmod(0o644)
        file.write_bytes(b"!")


def _set_aside(layout: Layout, _: str) -> None:
    check(layout)
    if not _is_set_aside(layout):  # which the report says, with the reason
        raise SetupError("damaged content was not set aside")


def _is_set_aside(layout: Layout) -> bool:
    return not any(layout.has(Descriptor(media_type="a/b", digest=Descriptor.of(c).digest, size=1)) for c in _DAMAGED)


_FIRST = Descriptor.of(b"x")

OPERATIONS = {
    "first": Operation(lambda _: None, lambda layout, _: layout.put_blob(b"x"), lambda layout: layout.has(_FIRST)),
    "put": Operation(lambda layout: _source(layout).write_bytes(b"s" * LARGE), _put, _has_put),
    "tag": Operation(_prepare_tags, _tag, _has_tagged),
    "pull": Operation(_prepare_pull, _pull, lambda layout: is_whole(layout, "remote:1")),
    "gc": Operation(_prepare_garbage, lambda layout, _: collect_garbage(layout, grace=0), _has_collected),
    "check": Operation(_prepare_damage, _set_aside, _is_set_aside),
}


class _Here:
    """A thread whose work is done at once, in the thread that starts it: system calls are counted for each apart."""

    ident = None

    def __init__(self, *, target: Callable[[], object], **_: object) -> None:
        self._target = target

    def start(self) -> None:
        self._target()

    def join(self, timeout: float | None = None) -> None:
        pass

    def is_alive(self) -> bool:
        return False


def main(name: str, store: str, host: str) -> int:
    """Do the operation *name* to the *store*; return the exit status."""
    threading.Thread = _Here  # type: ignore[assignment,misc]
    try:
        OPERATIONS[name].run(Layout(Path(store)), host)
    except ModelportError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    return 0
