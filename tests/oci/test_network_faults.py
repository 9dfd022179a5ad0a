"""Every kind of network fault at twenty places of a transfer: no wrong byte is accepted, and the next try succeeds.

What a fault does to an answer or a request is in ``tests.support.small_registry.faults``. Whatever happens, an
operation ends by itself, with the right bytes or with an error of ours; a tag stands for all of its content or is not
there; and once nothing goes wrong any more, the same client does the same thing and succeeds.
"""

from __future__ import annotations

import hashlib
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_artifact
from tests.support.counts import record
from tests.support.small_registry import (
    QUICK,
    Fault,
    Rules,
    Seen,
    SmallRegistry,
    reads_blob,
    resumes,
    sends_blob,
    small_registry,
)
from tests.support.spread import offsets

from modelport.errors import ModelportError
from modelport.oci import Descriptor, Layout, pull, push

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


SIZE = 200_000
CHUNK = 200_000
CHUNKED_SIZE = 5 * CHUNK + 77_777
LARGE, CHUNKED = (random.Random(5).randbytes(size) for size in (SIZE, CHUNKED_SIZE))  # noqa: S311 - no secret
PATIENCE = replace(QUICK, read_timeout=0.25, deadline=10.0)
HANGING = 60.0
"""Seconds after which an operation certainly did not end by its own deadline."""

PULLS: dict[str, Callable[[int], list[Fault]]] = {
    "cut": lambda at: [Fault("cut", at)],
    "reset": lambda at: [Fault("reset", at)],
    "stall": lambda at: [Fault("stall", at)],
    "slow": lambda at: [Fault("slow", at)],
    "garble": lambda at: [Fault("garble", at)],
    "flip": lambda at: [Fault("flip", at)],
    "zeros": lambda at: [Fault("zeros", at)],
    "repeat": lambda at: [Fault("repeat", at)],
    "insert": lambda at: [Fault("insert", at)],
    "truncate": lambda at: [Fault("truncate", at)],
    "length": lambda at: [Fault("length", at)],
    "cut, no part": lambda at: [Fault("cut", at), Fault("status", on=resumes, status=416)],
    "cut, whole": lambda at: [Fault("cut", at), Fault("whole", on=resumes)],
    "cut, another part": lambda at: [Fault("cut", at), Fault("elsewhere", 100, on=resumes)],
    "cut, then wrong": lambda at: [Fault("cut", at), Fault("flip", 10, on=resumes)],
    "cut, then busy": lambda at: [
        Fault("cut", at),
        Fault("status", on=resumes, status=429, headers={"Retry-After": "0"}),
        Fault("status", on=resumes, status=503),
    ],
}
PUSHES: dict[str, Callable[[int], Fault]] = {
    "cut": lambda at: Fault("cut", at, of="request"),
    "reset": lambda at: Fault("reset", at, of="request"),
    "stall": lambda at: Fault("stall", at, of="request"),
    "slow": lambda at: Fault("slow", at, of="request"),
    "busy": lambda at: Fault("status", at, of="request", status=429, headers={"Retry-After": "0"}),
    "failing": lambda at: Fault("status", at, of="request", status=500),
    "no right": lambda at: Fault("status", at, of="request", status=403),
    "lost": lambda at: Fault("session", at, of="request"),
    "flip": lambda at: Fault("flip", at, of="request"),
    "zeros": lambda at: Fault("zeros", at, of="request"),
    "repeat": lambda at: Fault("repeat", at, of="request"),
    "insert": lambda at: Fault("insert", at, of="request"),
    "truncate": lambda at: Fault("truncate", at, of="request"),
    "no answer": lambda _: Fault("cut", None),
}
PASSING = {
    *("cut", "reset", "stall", "slow", "garble", "cut, no part", "cut, whole", "cut, another part", "cut, then busy"),
    *("busy", "failing", "lost", "no answer"),
}
"""The kinds that a client gets over without help: nothing false was said, and no final no."""

SURVIVED: list[tuple[str, int]] = []


@pytest.fixture
def source(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "source")


def large_of(layout: Layout, root: Descriptor) -> Descriptor:
    """Return the blob that the faults are to hit."""
    return layout.manifest(root).children[1]


def attempt(action: Callable[..., object], *arguments: object, **named: object) -> ModelportError | None:
    """Do it, and return the error of ours that it ended with, if any; every other one fails the test."""
    began = time.monotonic()
    try:
        action(*arguments, **named)
    except ModelportError as error:
        return error
    finally:
        assert time.monotonic() - began < HANGING
    return None


def check_layout(layout: Layout, root: Descriptor, *, tagged: bool) -> None:
    """Check that whatever has a name is what the name says."""
    for file in layout.path.glob("blobs/*/*"):
        assert hashlib.new(file.parent.name, file.read_bytes()).hexdigest() == file.name
    assert layout.tags() == ({"demo:1": root} if tagged else {})
    if tagged:
        assert all(layout.has(child) for child in layout.manifest(root).children)


@pytest.fixture(
    params=[Rules(), Rules(redirects=True, auth="token", anonymous_pull=True)], ids=["direct", "redirected"]
)
def serving(request: pytest.FixtureRequest, source: Layout) -> Iterator[tuple[SmallRegistry, Descriptor]]:
    """A registry that holds an artifact."""
    root = put_artifact(source, LARGE, b"small")
    with small_registry(request.param) as small:
        for node in source.manifest(root).children:
            small.content.put_blob("demo", source.read(node), str(node.digest))
        small.content.put_manifest("demo", str(root.digest), root.media_type, source.read(root), ["1"])
        yield small, root


@pytest.mark.parametrize("kind", PULLS)
def test_pulls_survive(kind: str, serving: tuple[SmallRegistry, Descriptor], source: Layout, tmp_path: Path) -> None:
    small, root = serving
    large = large_of(source, root)
    for at in offsets(SIZE, sample=20 if small.rules.auth == "none" else 4):
        client = small.client(patience=PATIENCE)
        target = Layout(tmp_path / f"{at}")
        small.add(*(on_blob(fault, small, large) for fault in PULLS[kind](at)))
        error = attempt(pull, client, "demo", "1", target, name="demo:1")
        assert small.fired(), f"{kind} at {at} did not happen"
        assert error is None or kind not in PASSING, f"{kind} at {at}: {error}"
        check_layout(target, root, tagged=error is None)
        small.mend()
        pull(client, "demo", "1", target, name="demo:1")
        check_layout(target, root, tagged=True)
        assert target.read(large) == LARGE
        SURVIVED.append((f"pull: {kind}", at))


@pytest.mark.parametrize("keeps", [False, True], ids=["drops what was cut", "keeps what was cut"])
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
@pytest.mark.parametrize("kind", PUSHES)
def test_pushes_survive(kind: str, chunked: bool, keeps: bool, source: Layout) -> None:  # noqa: FBT001 - parameters
    content = CHUNKED if chunked else LARGE
    root = put_artifact(source, content, b"small")
    large = large_of(source, root)
    # References are not checked by this registry: that all is there before it is listed is the client's doing.
    with small_registry(Rules(checks_references=False, keeps_cut_chunks=keeps, mounts="none")) as small:
        for at in offsets(SIZE, sample=3 if keeps or chunked else 20):
            client, repository = small.client(patience=PATIENCE), f"demo/{at}"
            hit = on_upload(PUSHES[kind](at), at % 5 if chunked else 0)
            small.add(hit)
            error = attempt(push, source, root, client, repository, tags=["1"], chunk=CHUNK)
            assert small.fired(), f"{kind} at {at} did not happen"
            assert error is None or kind not in PASSING, f"{kind} at {at}: {error}"
            assert bool(error) == ("1" not in tags_of(small, repository))
            small.mend()
            push(source, root, client, repository, tags=["1"], chunk=CHUNK)
            assert small.content.blob(repository, str(large.digest)) == content
            assert tags_of(small, repository) == {"1": str(root.digest)}
            SURVIVED.append((f"push: {kind}", at))
    assert small.torn == []


def tags_of(small: SmallRegistry, repository: str) -> dict[str, str]:
    return small.content.repository(repository, create=True).tags


def on_upload(fault: Fault, skipped: int) -> Fault:
    """Return the fault for what carries the large blob, after so many requests of that kind went well."""
    passed: list[Seen] = []

    def matches(seen: Seen) -> bool:
        if not sends_blob(seen) or int(seen.headers.get("content-length", 0)) < CHUNKED_SIZE % CHUNK:
            return False
        passed.append(seen)
        return len(passed) > skipped

    return replace(fault, on=matches)


def on_blob(fault: Fault, small: SmallRegistry, blob: Descriptor) -> Fault:
    """Return the fault for requests of this one blob, at the place where its bytes come from."""
    matches, place = (resumes if fault.on is resumes else reads_blob), "bucket" if small.rules.redirects else "registry"
    return replace(fault, on=lambda seen: matches(seen) and seen.place == place and seen.path.endswith(blob.digest.hex))


def test_survived_faults_are_counted() -> None:
    """Stands behind the tests that survive them, in one process with them."""
    kinds, survived = {kind for kind, _ in SURVIVED}, len(SURVIVED)
    how = "HYPOTHESIS_PROFILE=thorough pytest tests/oci/test_network_faults.py"
    record("network faults survived, no wrong byte accepted", survived, "faults", 560, how)
    record("kinds of network fault", len(kinds), "kinds", 28, how)
