"""Which requests a transfer sends, which it does not, and what becomes of it when any one of them goes wrong."""

from __future__ import annotations

import random
import shutil
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_artifact, put_release
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
    sends_manifest,
    small_registry,
)

from modelport.errors import ModelportError, RegistryError
from modelport.oci import Descriptor, Layout, Registry, pull, push, reachable
from modelport.oci.net.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

JANE = Credentials("jane", "secret")
CHUNK = 300_000
LARGE = random.Random(7).randbytes(5 * CHUNK - 1000)  # noqa: S311 - no secret
SURVIVED: list[tuple[str, int]] = []


@pytest.fixture
def small() -> Iterator[SmallRegistry]:
    with small_registry() as running:
        yield running


@pytest.fixture
def source(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "source")


@pytest.fixture
def target(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "target")


def blob_bytes_sent(small: SmallRegistry) -> int:
    return sum(seen.received for seen in small.requests(sends_blob))


def test_a_second_pull_moves_no_blob(small: SmallRegistry, source: Layout, target: Layout) -> None:
    root = put_release(source, LARGE, b"b", b"c")
    push(source, root, small.client(), "demo", tags=["1"])
    pull(small.client(), "demo", "1", target, name="demo:1")
    for again in (target, Layout(target.path)):
        small.forget_requests()
        pull(small.client(), "demo", "1", again, name="demo:1")
        assert len(small.seen) <= 2
        assert small.requests(reads_blob) == []


def test_a_second_push_sends_no_blob(small: SmallRegistry, source: Layout, target: Layout) -> None:
    root = put_release(source, LARGE, b"b", b"c")
    push(source, root, small.client(), "demo", tags=["1"])
    pull(small.client(), "demo", "1", target)
    for layout in (source, target):  # one that remembers, and one that knows nothing
        small.forget_requests()
        push(layout, root, small.client(), "demo", tags=["1"])
        assert blob_bytes_sent(small) == 0
        assert small.requests(sends_manifest) == []
        # One small question for the index, each of its three manifests, their config, the three layers, and the tag.
        assert [seen.method for seen in small.seen] == ["HEAD"] * (1 + 3 + 1 + 3 + 1)


def test_a_new_version_sends_what_is_new(small: SmallRegistry, source: Layout, target: Layout) -> None:
    push(source, put_artifact(source, LARGE, b"old"), small.client(), "demo", tags=["1"])
    pull(small.client(), "demo", "1", target)
    small.forget_requests()
    push(source, put_artifact(source, LARGE, b"newer"), small.client(), "demo", tags=["2"])
    assert blob_bytes_sent(small) == len(b"newer")
    pull(small.client(), "demo", "2", target)
    assert [seen.sent for seen in small.requests(reads_blob)] == [len(b"newer")]


@pytest.mark.parametrize("rules", [Rules(), Rules(auth="token"), Rules(mounts="anywhere")], ids=str)
def test_what_another_repository_has_is_mounted(rules: Rules, source: Layout) -> None:
    root = put_artifact(source, LARGE, b"b")
    with small_registry(rules) as small:
        push(source, root, small.client(credentials=JANE), "first", tags=["1"])
        small.forget_requests()
        push(source, root, small.client(credentials=JANE), "second", tags=["1"], mount_from=["first"])
        assert blob_bytes_sent(small) == 0
        assert small.content.torn_tags() == []
        assert set(small.content.repositories) == {"first", "second"}


def test_a_mount_that_is_not_done_is_an_upload(source: Layout) -> None:
    root = put_artifact(source, LARGE, b"b")
    with small_registry(Rules(mounts="none")) as small:
        push(source, root, small.client(), "first", tags=["1"])
        push(source, root, small.client(), "second", tags=["1"], mount_from=["first", "absent"])
        assert small.content.torn_tags() == []


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_credentials_go_where_they_belong(auth: str, source: Layout, target: Layout) -> None:
    root = put_artifact(source, LARGE, b"b")
    with small_registry(Rules(auth=auth, redirects=True)) as small:  # type: ignore[arg-type]
        client = small.client(credentials=JANE)
        push(source, root, client, "demo", tags=["1"])
        small.expire_tokens()
        pull(client, "demo", "1", target)
        at_bucket = small.requests(lambda seen: seen.place == "bucket")
        assert len(at_bucket) == len(source.manifest(root).children)
        assert not any({"authorization", "cookie"} & set(seen.headers) for seen in at_bucket)
        elsewhere = small.requests(lambda seen: JANE.basic in seen.headers.values())
        assert {seen.place for seen in elsewhere} == {"tokens" if auth == "token" else "registry"}
        refused = small.requests(lambda seen: seen.status == 401)
        assert all(seen.received == 0 for seen in refused if sends_blob(seen))


@pytest.mark.parametrize("cut_at", range(5))
def test_a_push_that_was_cut_off_sends_one_chunk_again_at_most(cut_at: int, source: Layout) -> None:
    root = put_artifact(source, LARGE, b"b")
    with small_registry(Rules(keeps_cut_chunks=True)) as small:
        hasty = replace(QUICK, attempts=1)
        small.add(Fault("cut", 1000, on=is_chunk(cut_at), of="request", times=2))
        with pytest.raises(ModelportError):
            push(source, root, small.client(patience=hasty), "demo", tags=["1"], chunk=CHUNK)
        assert small.fired()
        small.mend()
        # Another client, as after a new start, with what the layout remembers.
        push(Layout(source.path), root, small.client(), "demo", tags=["1"], chunk=CHUNK)
        assert small.content.torn_tags() == []
        large = [seen for seen in small.requests(sends_blob) if seen.method == "PATCH"]
        assert len(LARGE) <= sum(seen.received for seen in large) <= len(LARGE) + CHUNK


def is_chunk(number: int) -> Callable[[Seen], bool]:
    """Match the chunk with that number, counted from 0, and those after it."""

    def matches(seen: Seen) -> bool:
        return seen.method == "PATCH" and seen.headers.get("content-range", "").startswith(f"{number * CHUNK}-")

    return matches


@pytest.mark.parametrize("cut_at", [1, 65536, 600_000, len(LARGE) - 1])
def test_a_pull_that_was_cut_off_fetches_little_again(cut_at: int, source: Layout, target: Layout) -> None:
    root = put_artifact(source, LARGE)
    with small_registry() as small:
        push(source, root, small.client(), "demo", tags=["1"])
        small.add(Fault("cut", cut_at, on=lambda seen: reads_blob(seen) and is_large(seen, source, root)))
        small.add(Fault("status", status=403, on=resumes))
        with pytest.raises(RegistryError, match="403"):
            pull(small.client(), "demo", "1", target, name="demo:1")
        small.mend()
        pull(small.client(), "demo", "1", Layout(target.path), name="demo:1")
        fetched = [seen.sent for seen in small.requests(reads_blob) if is_large(seen, source, root)]
        assert len(LARGE) <= sum(fetched) <= len(LARGE) + 256 * 1024  # what was in hand when it was cut


def is_large(seen: Seen, layout: Layout, root: Descriptor) -> bool:
    return seen.path.endswith(layout.manifest(root).children[1].digest.hex)


@pytest.mark.parametrize("chunks", ["405", "416", "201"])
def test_a_registry_that_takes_no_chunks_is_asked_once(chunks: str, source: Layout) -> None:
    with small_registry(Rules(chunks=chunks)) as small:  # type: ignore[arg-type]
        for number in range(3):
            root = put_artifact(source, LARGE[number:])
            push(Layout(source.path), root, small.client(), f"demo/{number}", tags=["1"], chunk=CHUNK)
        assert len(small.requests(lambda seen: seen.method == "PATCH")) <= 2
        assert small.content.torn_tags() == []


def test_chunks_are_as_large_as_the_registry_wants(source: Layout) -> None:
    with small_registry(Rules(chunk_min=2 * CHUNK)) as small:
        push(source, put_artifact(source, LARGE), small.client(), "demo", tags=["1"], chunk=CHUNK)
        sizes = [seen.received for seen in small.requests(lambda seen: seen.method == "PATCH")]
        assert sizes == [2 * CHUNK, 2 * CHUNK, len(LARGE) - 4 * CHUNK]


FAILURES = {
    "no answer": Fault("cut", None),
    "reset": Fault("reset", None),
    "busy": Fault("status", status=429, headers={"Retry-After": "0"}),
    "failing": Fault("status", status=500),
    "unavailable": Fault("status", status=503),
}


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("what", ["push", "pull"])
def test_any_one_request_may_fail_in_passing(what: str, kind: str, source: Layout, tmp_path: Path) -> None:
    root = put_release(source, LARGE, b"b")
    with small_registry(Rules(checks_references=False, auth="token", mounts="none")) as small:
        push(source, root, small.client(credentials=JANE), "demo", tags=["1"])
        for number in numbers(small, lambda client: carry(what, client, source, root, tmp_path / "first")):
            place = f"{what}{number}"
            small.add(replace(FAILURES[kind], on=request_number(number)))
            carry(what, small.client(credentials=JANE), source, root, tmp_path / place)
            assert small.fired()
            assert what == "pull" or small.content.resolve(place, "1")[0] == str(root.digest)
            small.mend()
            SURVIVED.append((f"{what}: {kind}", number))
        assert small.torn == []


@pytest.mark.parametrize("what", ["push", "pull"])
def test_any_one_request_may_be_refused_for_good(what: str, source: Layout, tmp_path: Path) -> None:
    root = put_release(source, LARGE, b"b")
    with small_registry(Rules(checks_references=False, mounts="none")) as small:
        push(source, root, small.client(), "demo", tags=["1"])
        for number in numbers(small, lambda client: carry(what, client, source, root, tmp_path / "first")):
            place = f"{what}{number}"
            small.add(Fault("status", status=403, on=request_number(number)))
            small.forget_requests()
            if went_well(lambda: carry(what, small.client(), source, root, tmp_path / place)):  # noqa: B023 - called here
                (refused,) = small.requests(lambda seen: seen.status == 403)
                assert (what, refused.method) == ("push", "HEAD"), "who may not look may still be let write"
            else:
                assert Layout(tmp_path / place).tags() == {}
                assert not small.content.repository(place, create=True).tags
            small.mend()
            carry(what, small.client(), source, root, tmp_path / place)
            SURVIVED.append((f"{what}: refused", number))
        assert small.torn == []


def went_well(action: Callable[[], None]) -> bool:
    try:
        action()
    except ModelportError:
        return False
    return True


def carry(what: str, client: Registry, source: Layout, root: Descriptor, folder: Path) -> None:
    """Push to a repository called as the folder; or pull into the folder, and see that all is there."""
    if what == "push":
        shutil.copytree(source.path, folder, dirs_exist_ok=True)  # a layout remembers what is where
        push(Layout(folder), root, client, folder.name, tags=["1"], chunk=CHUNK)
        return
    layout = Layout(folder)
    pull(client, "demo", "1", layout, name="demo:1")
    assert all(layout.read(node) == source.read(node) for node in reachable(root, source.read))


def numbers(small: SmallRegistry, action: Callable[[Registry], None]) -> range:
    """Return the numbers of the requests that *action* sends when nothing goes wrong."""
    small.forget_requests()
    action(small.client(credentials=JANE if small.rules.auth == "token" else None))
    return range(len(small.requests(is_no_offer)))


def is_no_offer(seen: Seen) -> bool:
    """Match all but the question whether a blob can be mounted: whatever is said to that, it can also be sent."""
    return not seen.asked("mount")


def request_number(number: int) -> Callable[[Seen], bool]:
    """Match the one request before which so many others came, from now on."""
    seen_so_far: list[Seen] = []

    def matches(seen: Seen) -> bool:
        if not is_no_offer(seen):
            return False
        seen_so_far.append(seen)
        return len(seen_so_far) > number

    return matches


def test_survived_requests_are_counted() -> None:
    """Stands behind the tests that survive them, in one process with them."""
    record(
        "single requests failed, transfer right", len(SURVIVED), "requests", 150, "pytest tests/oci/test_requests.py"
    )


@pytest.mark.parametrize("collected", [1, 2, 3])
def test_what_the_registry_collects_between_blobs_and_manifest_is_sent_again(
    collected: int, source: Layout, target: Layout
) -> None:
    root = put_artifact(source, LARGE, b"b")
    heard: list[str] = []
    with small_registry() as small:
        small.add(Fault("collect", on=sends_manifest, times=collected))
        if collected < 3:
            push(source, root, small.client(), "demo", tags=["1"], notice=heard.append)
            pull(small.client(), "demo", "1", target)
        else:
            with pytest.raises(RegistryError, match="MANIFEST_BLOB_UNKNOWN"):
                push(source, root, small.client(), "demo", tags=["1"], notice=heard.append)
        assert len(heard) == min(collected, 2)
        assert all("sent anew" in one for one in heard)
        assert small.torn == []


@pytest.mark.parametrize("absent", ["answered", "hidden"])
@pytest.mark.parametrize("auth", ["none", "token"])
def test_a_push_into_a_new_repository_takes_one_token_and_no_right_to_look(
    auth: str, absent: str, source: Layout, target: Layout
) -> None:
    root = put_release(source, LARGE, b"b")
    rules = Rules(auth=auth, hides_absent=absent == "hidden")  # type: ignore[arg-type]
    with small_registry(rules) as small:
        client = small.client(credentials=JANE if auth == "token" else None)
        push(source, root, client, "new", tags=["1"], chunk=CHUNK)
        asked = [seen.query["scope"] for seen in small.requests(lambda seen: seen.path == "/token")]
        assert asked == ([["repository:new:pull,push"]] if auth == "token" else [])
        assert len(small.requests(lambda seen: seen.status == 401)) == len(asked)
        pull(client, "new", "1", target)
        with pytest.raises(RegistryError) if absent == "hidden" else nullcontext():
            client.has_manifest("other", "1")
