"""Processes that use one store at the same time; each checks what it sees, and prints what it did as JSON."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

from modelport.oci import Descriptor, Layout, Registry, build_manifest, pull, push, reachable
from modelport.oci.store.gc import collect_garbage

SHARED = 10
"""How many tags all processes move about."""

_POOL = 12  # pieces of content that all want again and again


def artifact(layout: Layout, *contents: bytes) -> Descriptor:
    """Store a manifest of some layers."""
    layers = [layout.put_blob(content) for content in contents]
    return layout.put_manifest(build_manifest(layout.put_blob(b"{}"), layers))


def check_whole(layout: Layout, root: Descriptor) -> None:
    """Read all that a root needs; what is missing or wrong raises."""
    for node in reachable(root, layout.read):
        layout.locate(node)


def work(layout: Layout, worker: str, operations: int) -> dict[str, object]:
    """Put, tag, untag, read and resolve; return the tags of this process and all values given to the shared ones."""
    chosen = random.Random(worker)  # noqa: S311 - no secret
    own: dict[str, Descriptor] = {}
    shared: dict[str, list[str]] = {}
    for n in range(operations):
        match chosen.choice(["put", "put", "tag", "share", "untag", "read", "resolve"]):
            case "put":
                content = f"pool {chosen.randrange(_POOL)}".encode() if n % 2 else f"{worker} {n}".encode()
                assert layout.read(layout.put_blob(content)) == content
            case "tag":
                name = f"{worker}:{chosen.randrange(20)}"
                own[name] = artifact(layout, f"{worker} {n}".encode(), b"in all")
                layout.tag(name, own[name])
            case "share":
                name, root = f"shared:{chosen.randrange(SHARED)}", artifact(layout, f"{worker} {n}".encode())
                layout.tag(name, root)
                shared.setdefault(name, []).append(str(root.digest))
            case "untag" if own:
                layout.untag(gone := chosen.choice(sorted(own)))
                del own[gone]
            case "read":
                for root in layout.tags().values():
                    if chosen.randrange(10) == 0:
                        check_whole(layout, root)
            case _:
                seen = {name: root for name, root in layout.tags().items() if name.startswith(f"{worker}:")}
                assert seen == own, (seen, own)
    return {"own": {name: str(root.digest) for name, root in own.items()}, "shared": shared}


def bring(layout: Layout, worker: str, operations: int, host: str) -> dict[str, object]:
    """Bring the same content again and again while another process deletes what has no tag."""
    chosen, registry = random.Random(worker), Registry(host)  # noqa: S311 - no secret
    tags: dict[str, Descriptor] = {}
    # One each: docker-registry (2.8) writes a repository's list of blobs in place, and so races itself.
    repository, brought, pulled = f"racing/{worker}", 0, 0
    for n in range(operations):
        name = f"{worker}:{n % 5}"
        contents = [f"pool {chosen.randrange(_POOL)}".encode() for _ in range(3)]
        if n % 4 == 3:
            root = tags[f"{worker}:{(n - 1) % 5}"]
            push(layout, root, registry, repository, tags=["1"])
            layout.untag(f"{worker}:{(n - 1) % 5}")
            del tags[f"{worker}:{(n - 1) % 5}"]
            tags[name] = pull(registry, repository, "1", layout, name=name)
            pulled += 1
        else:
            with layout.lease() as lease:
                blobs = [Descriptor.of(content) for content in contents]
                for blob, content in zip(blobs, contents, strict=True):
                    lease.protect(blob.digest)
                    if not layout.has(blob):
                        layout.put_blob(content)
                tags[name] = layout.put_manifest(build_manifest(layout.put_blob(b"{}"), blobs))
                layout.tag(name, tags[name])
        brought += 1
        for root in tags.values():
            check_whole(layout, root)
    return {"own": {name: str(root.digest) for name, root in tags.items()}, "brought": brought, "pulled": pulled}


def collect(layout: Layout, until: Path) -> dict[str, object]:
    """Collect garbage every 50 milliseconds, however young, until the file *until* is there."""
    runs = deleted = 0
    while not until.exists():
        deleted += len(collect_garbage(layout, grace=0).blobs)
        runs += 1
        time.sleep(0.05)
    return {"runs": runs, "deleted": deleted}


def main() -> None:
    """Do what the arguments say, once a line comes in."""
    verb, store, *arguments = sys.argv[1:]
    layout = Layout(Path(store))
    sys.stdin.readline()  # all start at once
    match verb:
        case "work":
            done = work(layout, arguments[0], int(arguments[1]))
        case "bring":
            done = bring(layout, arguments[0], int(arguments[1]), arguments[2])
        case _:
            done = collect(layout, Path(arguments[0]))
    sys.stdout.write(json.dumps(done))


if __name__ == "__main__":
    main()
