"""Downloads that are cut off, killed, lied to or run side by side: they go on, and no wrong byte is ever kept."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.artifacts import put_artifact
from tests.support.ranges import SlowServer, first_byte, ranged, slow_server
from tests.support.web import Reply, Request, forwarded, web_server

from modelport.errors import IntegrityError, RegistryError, SetupError
from modelport.oci import Descriptor, Layout, Manifest, Registry, build_manifest, pull, push
from modelport.oci.download import download
from modelport.oci.media import EMPTY, EMPTY_CONTENT
from modelport.oci.net.patience import Patience
from modelport.oci.verify import CHUNK
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.registry import DockerRegistry

QUICK = Patience(attempts=3, away_attempts=3, first_delay=0.001, longest_delay=0.002, read_timeout=5.0)
CONTENT = os.urandom(5000)
BLOB = Descriptor.of(CONTENT)
LARGE = os.urandom(6 * CHUNK)
CONFIG_BLOB, LARGE_BLOB = Descriptor.of(EMPTY_CONTENT, media_type=EMPTY), Descriptor.of(LARGE)
ETAG = '"first"'
PULLING = """
import sys
from pathlib import Path
from modelport.oci import Layout, Registry, pull
pull(Registry(sys.argv[1]), "demo", "1", Layout(Path(sys.argv[2])), name="demo:1")
"""


def fetch(host: str, layout: Layout, blob: Descriptor = BLOB) -> None:
    download(Registry(host, patience=QUICK), "demo", blob, layout)


def parts(layout: Layout) -> list[str]:
    return sorted(file.suffix for file in (layout.path / "ingest").iterdir())


def part_of(layout: Layout, blob: Descriptor = BLOB) -> Path:
    return layout.path / "ingest" / f"sha256-{blob.digest.hex}.part"


def leave_part(layout: Layout, content: bytes, blob: Descriptor = BLOB) -> None:
    """Leave what a process leaves that was killed after *content* had come."""
    layout.ingest()
    part_of(layout, blob).write_bytes(content)


def assert_whole(layout: Layout, content: bytes = CONTENT) -> None:
    assert layout.read(Descriptor.of(content)) == content
    assert parts(layout) == []


@given(cuts=st.lists(st.integers(64 * 1024, 512 * 1024), max_size=25))
def test_a_download_goes_on_wherever_it_was_cut_off(cuts: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    left, sent = list(cuts), []

    def cutting(request: Request) -> Reply:
        reply = ranged(request, LARGE, etag=ETAG, cut=left.pop() if left else None)
        sent.append(len(reply.body[: reply.cut]))
        return reply

    # More cuts than attempts: whatever got further counts anew.
    layout = Layout(tmp_path_factory.mktemp("cuts") / "store")
    with web_server(cutting) as web:
        fetch(web.host, layout, LARGE_BLOB)
    assert_whole(layout, LARGE)
    assert sum(sent) == len(LARGE)  # nothing came twice


@pytest.mark.parametrize("place", [0, 1, 2500, len(CONTENT) - 1])
def test_a_small_download_goes_on_too(place: int, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    with web_server(
        lambda request: ranged(
            request, CONTENT, cut=None if request.headers.get("Range") or len(web.seen) > 1 else place
        )
    ) as web:
        fetch(web.host, layout)
        assert [first_byte(request.headers) for request in web.seen] == [0, place]
    assert_whole(layout)


def test_what_never_gets_further_comes_to_an_end(tmp_path: Path) -> None:
    def stuck(request: Request) -> Reply:
        return ranged(request, CONTENT, etag=ETAG, cut=0 if first_byte(request.headers) else 1000)

    layout = Layout(tmp_path / "store")
    with web_server(stuck) as web, pytest.raises(RegistryError, match="ended before"):
        fetch(web.host, layout)
    assert len(web.seen) == QUICK.attempts
    assert part_of(layout).read_bytes() == CONTENT[:1000]  # the next call goes on from here
    with web_server(lambda request: ranged(request, CONTENT)) as web:
        fetch(web.host, layout)
        assert web.seen[0].headers["Range"] == "bytes=1000-"
    assert_whole(layout)


def test_a_server_that_knows_no_ranges_and_cuts_comes_to_an_end_too(tmp_path: Path) -> None:
    for status in (200, 206, 416):

        def ignorant(request: Request, status: int = status) -> Reply:
            return (
                Reply(status, CONTENT) if first_byte(request.headers) and status != 200 else Reply(200, CONTENT, cut=9)
            )

        layout = Layout(tmp_path / str(status))
        with web_server(ignorant) as web, pytest.raises(RegistryError, match="ended before"):
            fetch(web.host, layout)
        assert len(web.seen) <= 2 * QUICK.attempts
        if status != 200:  # who was found not to know ranges is asked for none again
            assert len([request for request in web.seen if "Range" in request.headers]) == 1


def misled(content_range: str | None, body: bytes) -> Reply:
    return Reply(206, body, {"Content-Range": content_range} if content_range else {})


WRONG: dict[str, Callable[[Request], Reply]] = {
    "ignored": lambda _: Reply(200, CONTENT),
    "unsatisfiable": lambda _: Reply(416, b"", {"Content-Range": "bytes */5000"}),
    "from the start": lambda _: misled("bytes 0-4999/5000", CONTENT),
    "one too early": lambda _: misled("bytes 999-4999/5000", CONTENT[999:]),
    "one too late": lambda _: misled("bytes 1001-4999/5000", CONTENT[1001:]),
    "of another size": lambda _: misled("bytes 1000-4999/6000", CONTENT[1000:]),
    "unsaid": lambda _: misled(None, CONTENT[1000:]),
    "nonsense": lambda _: misled("lines 3-4", CONTENT[1000:]),
    "several": lambda _: Reply(206, CONTENT, {"Content-Type": "multipart/byteranges; boundary=x"}),
    "empty": lambda _: misled("bytes 1000-4999/5000", b""),
    "other bytes": lambda _: misled("bytes 1000-4999/5000", bytes(4000)),
    "shifted bytes": lambda _: misled("bytes 1000-4999/5000", CONTENT[999:-1]),
    "too many bytes": lambda _: misled("bytes 1000-4999/5000", CONTENT[1000:] + b"more"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_range_costs_time_and_nothing_else(wrong: str, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    leave_part(layout, CONTENT[:1000])

    def answer(request: Request) -> Reply:
        return WRONG[wrong](request) if "Range" in request.headers else Reply(200, CONTENT)

    if wrong == "empty":  # says no wrong thing, and never gets anywhere
        with web_server(answer) as web, pytest.raises(RegistryError, match="none of the bytes"):
            fetch(web.host, layout)
        assert not layout.has(BLOB)
        return
    with web_server(answer) as web:
        fetch(web.host, layout)
        assert len(web.seen) <= 2
    assert_whole(layout)


@pytest.mark.parametrize(
    "lie", [bytes(5000), CONTENT[:-1], CONTENT + b"!", b""], ids=["other", "short", "long", "none"]
)
@pytest.mark.parametrize("left", [0, 1000, 5000])
def test_false_bytes_are_refused_and_nothing_of_them_is_kept(left: int, lie: bytes, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    leave_part(layout, bytes(left))
    with web_server(lambda request: ranged(request, lie)) as web, pytest.raises(IntegrityError) as caught:
        fetch(web.host, layout)
    assert str(BLOB.digest) in caught.value.message
    assert caught.value.hint
    assert not layout.has(BLOB)
    assert parts(layout) == []
    assert len(web.seen) <= 3


@pytest.mark.parametrize(
    ("left", "requests"),
    [
        (CONTENT[:2000], ["bytes=2000-"]),
        (CONTENT, []),  # killed just before it got its name
        (bytes(2000), ["bytes=2000-", None]),  # its digest tells only at the end
        (bytes(5000), [None]),
        (CONTENT + b"!", [None]),
        (b"", [None]),
    ],
    ids=["beginning", "whole", "other beginning", "other", "too long", "nothing"],
)
def test_what_a_dead_process_left_is_gone_on_with(left: bytes, requests: list[str | None], tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    leave_part(layout, left)
    with web_server(lambda request: ranged(request, CONTENT)) as web:
        fetch(web.host, layout)
    assert [request.headers.get("Range") for request in web.seen] == requests
    assert_whole(layout)


def test_what_was_about_to_get_its_name_is_taken_over_by_an_ordinary_user_too() -> None:
    nobody, user = 65534, os.geteuid()  # modes hold nothing back from root
    folder = Path(tempfile.mkdtemp())
    try:
        if user == 0:
            os.chown(folder, nobody, nobody)
            os.seteuid(nobody)
        layout = Layout(folder / "store")
        leave_part(layout, CONTENT[:2000])
        part_of(layout).chmod(0o444)
        with web_server(lambda request: ranged(request, CONTENT)) as web:
            fetch(web.host, layout)
        assert_whole(layout)
    finally:
        os.seteuid(user)
        shutil.rmtree(folder)


@pytest.mark.parametrize("etag", [ETAG, 'W/"weak"', "bare", '"a\tb"', None])
def test_a_range_is_asked_for_only_of_the_same_content(etag: str | None, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    with web_server(lambda request: ranged(request, CONTENT, etag=etag, cut=1000)) as web:
        registry = Registry(web.host, patience=Patience(attempts=1, first_delay=0.001))
        with pytest.raises(RegistryError):
            download(registry, "demo", BLOB, layout, progress=stop_at(1000))
        web.seen.clear()
        with pytest.raises(RegistryError):
            download(registry, "demo", BLOB, layout, progress=stop_at(2000))
        asked = web.seen[0].headers
    assert asked["Range"] == "bytes=1000-"
    assert asked.get("If-Range") == (ETAG if etag == ETAG else None)
    # Another server may give the same content another ETag: there, the digest alone decides.
    with web_server(lambda request: ranged(request, CONTENT, etag='"other"')) as web:
        fetch(web.host, layout)
        assert "If-Range" not in web.seen[0].headers
    assert_whole(layout)


def stop_at(place: int) -> Callable[[Descriptor, int], None]:
    """Return a progress that gives up there, as one whose user has had enough."""

    def tell(_: Descriptor, done: int) -> None:
        if done == place:
            raise RegistryError("enough")

    return tell


def test_content_that_changed_under_its_name_is_taken_from_the_start(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")

    def changing(request: Request) -> Reply:
        if "Range" not in request.headers:
            return ranged(request, bytes(5000), etag='"old"', cut=1000)
        return ranged(request, CONTENT, etag=ETAG)

    with web_server(changing) as web:
        fetch(web.host, layout)
    assert [request.headers.get("If-Range") for request in web.seen] == [None, '"old"']
    assert_whole(layout)


def test_an_answer_in_several_parts_is_put_together(tmp_path: Path) -> None:
    def sparing(request: Request) -> Reply:
        start = first_byte(request.headers)
        if not start:
            return Reply(200, CONTENT, cut=700)
        end = min(start + 700, len(CONTENT))
        return Reply(206, CONTENT[start:end], {"Content-Range": f"bytes {start}-{end - 1}/*"})

    layout = Layout(tmp_path / "store")
    with web_server(sparing) as web:
        fetch(web.host, layout)
    assert_whole(layout)


def test_nothing_has_to_come_for_an_empty_blob(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    with web_server(lambda _: Reply(404)) as web:
        fetch(web.host, layout, Descriptor.of(b""))
        assert web.seen == []
        with pytest.raises(IntegrityError):
            fetch(web.host, layout, replace(BLOB, size=0))
    assert parts(layout) == []


def test_a_real_registry_sends_just_the_rest(
    docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    content, source = os.urandom(3 * CHUNK + 17), Layout(tmp_path / "source")
    manifest = put_artifact(source, content)
    push(source, manifest, Registry(docker_registry.host), unique_repository, tags=["1"])
    layout, blob = Layout(tmp_path / "store"), Descriptor.of(content)
    leave_part(layout, content[: 2 * CHUNK + 5], blob)
    sent: dict[str, int] = {}

    def through(request: Request) -> Reply:
        reply = forwarded(request, docker_registry.host)
        sent[request.path] = sent.get(request.path, 0) + len(reply.body)
        return reply

    with web_server(through) as web:
        pull(Registry(web.host), unique_repository, "1", layout, name="a:1")
    assert sent[f"/v2/{unique_repository}/blobs/{blob.digest}"] == CHUNK + 12
    assert_whole(layout, content)


# Processes

MANIFEST = Manifest.parse(build_manifest(CONFIG_BLOB, [LARGE_BLOB]))
LARGE_PATH = f"/v2/demo/blobs/{LARGE_BLOB.digest}"


@pytest.fixture
def slow() -> Iterator[SlowServer]:
    contents = {
        "/v2/demo/manifests/1": MANIFEST.raw,
        f"/v2/demo/blobs/{CONFIG_BLOB.digest}": EMPTY_CONTENT,
        LARGE_PATH: LARGE,
    }
    with slow_server(contents, LARGE_PATH, pause=0.003) as server:
        yield server


def start_pull(slow: SlowServer, store: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PULLING, slow.host, str(store)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


def test_a_killed_pull_fetches_at_most_a_chunk_again(slow: SlowServer, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    places = [CHUNK, 3 * CHUNK, 5 * CHUNK]
    for place in places:
        process = start_pull(slow, layout.path)
        part = part_of(layout, LARGE_BLOB)
        while not (part.exists() and part.stat().st_size >= place):
            assert process.poll() is None
            time.sleep(0.002)
        process.kill()
        process.wait()
        assert not layout.has(LARGE_BLOB)
        assert layout.tags() == {}
    assert start_pull(slow, layout.path).wait() == 0
    assert layout.read(LARGE_BLOB) == LARGE
    assert parts(layout) == []
    assert len(slow.starts) == len(places) + 1
    assert [start >= place for start, place in zip(slow.starts[1:], places, strict=True)] == [True] * len(places)
    assert slow.sent - len(LARGE) <= len(places) * CHUNK


def test_of_several_processes_one_fetches_and_the_others_wait(slow: SlowServer, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    processes = [start_pull(slow, layout.path) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert slow.starts == [0]
    assert slow.sent == len(LARGE)
    assert layout.read(LARGE_BLOB) == LARGE
    assert parts(layout) == []


def test_waiting_for_another_process_is_told_once(slow: SlowServer, tmp_path: Path) -> None:
    layout, told = Layout(tmp_path / "store"), list[str]()
    first = start_pull(slow, layout.path)
    part = part_of(layout, LARGE_BLOB)
    while not (part.exists() and part.stat().st_size >= CHUNK):
        assert first.poll() is None
        time.sleep(0.002)
    first.send_signal(signal.SIGSTOP)

    def hear(text: str) -> None:
        told.append(text)
        first.send_signal(signal.SIGCONT)

    pull(Registry(slow.host), "demo", "1", layout, notice=hear)
    assert first.wait() == 0
    assert [f"fetching {LARGE_BLOB.digest}" in one for one in told] == [True]
    assert slow.starts == [0]


def test_who_waits_for_a_killed_one_takes_over(slow: SlowServer, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    first = start_pull(slow, layout.path)
    part = part_of(layout, LARGE_BLOB)
    while not (part.exists() and part.stat().st_size >= CHUNK):
        assert first.poll() is None
        time.sleep(0.002)
    second = start_pull(slow, layout.path)
    time.sleep(0.3)
    first.kill()
    first.wait()
    assert second.wait() == 0
    assert len(slow.starts) <= 2
    assert slow.sent - len(LARGE) <= CHUNK
    assert layout.read(LARGE_BLOB) == LARGE


# Disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of four MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def blobs_of(layout: Layout) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (layout.path / "blobs").rglob("*") if file.is_file()}


def serving(*contents: bytes) -> Callable[[Request], Reply]:
    """Return how a registry answers that holds one artifact of *contents*."""
    blobs = {f"/v2/demo/blobs/{Digest.of(content)}": content for content in (EMPTY_CONTENT, *contents)}
    manifest = build_manifest(CONFIG_BLOB, [Descriptor.of(content) for content in contents])

    def answer(request: Request) -> Reply:
        if request.path == "/v2/demo/manifests/1":
            return Reply(200, manifest)
        return ranged(request, blobs[request.path]) if request.path in blobs else Reply(404)

    return answer


def test_what_cannot_fit_is_not_begun(small_disk: Path) -> None:
    layout = Layout(small_disk / "store")
    layout.tag("a:1", put_artifact(layout, b"here"))
    before = blobs_of(layout)
    with web_server(serving(LARGE)) as web, pytest.raises(SetupError, match="room for") as caught:
        pull(Registry(web.host, patience=QUICK), "demo", "1", layout, name="demo:1")
    assert "space" in caught.value.hint
    assert [request.path for request in web.seen] == ["/v2/demo/manifests/1"]
    assert (blobs_of(layout), list(layout.tags())) == (before, ["a:1"])


def test_a_disk_that_gets_full_leaves_nothing_visible_and_can_go_on(small_disk: Path) -> None:
    layout, content = Layout(small_disk / "store"), LARGE[: 2 * CHUNK]
    layout.tag("a:1", put_artifact(layout, b"here"))
    before, honest, other = blobs_of(layout), serving(content), small_disk / "other"

    def filling(request: Request) -> Reply:
        if "blobs" in request.path and not other.exists():  # somebody else is quicker
            other.write_bytes(bytes(3 * CHUNK))
        return honest(request)

    with web_server(filling) as web:
        registry = Registry(web.host, patience=QUICK)
        with pytest.raises(SetupError, match="No space left") as caught:
            pull(registry, "demo", "1", layout, name="demo:1")
        assert "space" in caught.value.hint
        assert before.items() <= blobs_of(layout).items()
        assert not layout.has(Descriptor.of(content))
        assert list(layout.tags()) == ["a:1"]
        other.write_bytes(b"")
        web.seen.clear()
        pull(registry, "demo", "1", layout, name="demo:1")
        assert any(first_byte(request.headers) for request in web.seen)
    assert layout.read(Descriptor.of(content)) == content
