"""Uploads to a real registry, and through something in between that plays the tricks that real ones were seen to play.

The traps are docker-registry 2.8.2's: a chunk that was cut off kills the upload, one that is sent twice is counted
twice, and an answer that got lost says nothing about what the registry has.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_artifact
from tests.support.small_registry import QUICK, Fault, Rules, Seen, SmallRegistry, sends_blob, small_registry
from tests.support.web import Reply, Request, forwarded, web_server

from modelport.errors import IntegrityError, NotFoundError, RegistryError
from modelport.oci import Descriptor, Layout, Registry, build_index, build_manifest, pull, push
from modelport.oci.media import EMPTY, EMPTY_CONTENT
from modelport.oci.net.credentials import Credentials
from modelport.oci.store import lessons
from modelport.oci.store.uploads import RECORD_AGE, remove_stale_records
from modelport.oci.upload import upload_file
from modelport.oci.upload_chunks import FIRST_CHUNK, LEAST_CHUNK, MOST_CHUNK, ChunkSize, file_body

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import DockerRegistry

CHUNK = 300_000
LARGE = random.Random(3).randbytes(5 * CHUNK - 1000)  # noqa: S311 - no secret
PATIENT = replace(QUICK, read_timeout=30.0)  # nothing here is meant to be too slow
JANE = Credentials("jane", "secret")
UPLOAD = """
import sys
from pathlib import Path
from modelport.oci import Descriptor, Layout, Registry
from modelport.oci.upload import upload_file
from modelport.types import Digest
store, digest, size, host, repository, chunk = sys.argv[1:]
blob = Descriptor(media_type="application/octet-stream", digest=Digest.parse(digest), size=int(size))
upload_file(Layout(Path(store)), blob, Registry(host), repository, chunk=int(chunk))
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


@pytest.fixture
def large(layout: Layout) -> Descriptor:
    return layout.put_blob(LARGE)


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def small() -> Iterator[SmallRegistry]:
    with small_registry() as running:
        yield running


def records(layout: Layout) -> list[Path]:
    return sorted((layout.path / "ingest").glob("upload-*"))


def is_chunk(seen: Seen) -> bool:
    return seen.method == "PATCH"


def ranges(seen: list[Request]) -> list[str]:
    """Return which bytes of the blob were sent, in order."""
    return [request.headers["Content-Range"] for request in seen if request.method == "PATCH"]


def chunk_range(number: int) -> str:
    return f"{number * CHUNK}-{min((number + 1) * CHUNK, len(LARGE)) - 1}"


ALL = [chunk_range(number) for number in range(5)]


def in_another_process(
    program: str, layout: Layout, blob: Descriptor, host: str, repository: str
) -> subprocess.CompletedProcess[str]:
    arguments = [str(layout.path), str(blob.digest), str(blob.size), host, repository, str(CHUNK)]
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], stderr=subprocess.PIPE, encoding="utf-8", check=False
    )


# A real registry, and what lies between


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 1024 * 1024 + 1, CHUNK * 4, CHUNK * 4 + 1])
def test_blobs_of_all_sizes_arrive(
    size: int, algorithm: str, layout: Layout, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    content = os.urandom(size)
    blob = layout.put_blob(content, expected=Descriptor.of(content, algorithm=algorithm))
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    root = layout.put_manifest(build_manifest(config, [blob]))
    registry = Registry(docker_registry.host, patience=PATIENT)
    push(layout, root, registry, unique_repository, tags=["1"], chunk=CHUNK)
    target = Layout(layout.path.parent / "target")
    pull(registry, unique_repository, "1", target)
    assert target.read(blob) == content
    assert records(layout) == []


def test_a_real_registry_gets_each_chunk_once(
    layout: Layout, large: Descriptor, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    told: list[int] = []
    with web_server(lambda request: forwarded(request, docker_registry.host)) as between:
        registry = Registry(between.host, patience=PATIENT)
        sent = upload_file(
            layout, large, registry, unique_repository, chunk=CHUNK, progress=lambda _, done: told.append(done)
        )
        assert sent
        assert ranges(between.seen) == ALL
        assert told == sorted(told)
        assert told[-1] == len(LARGE)
        assert not upload_file(layout, large, registry, unique_repository, chunk=CHUNK)
        assert between.seen[-1].method == "HEAD"


@pytest.mark.parametrize("case", [(number, lost) for number in range(5) for lost in ("answer", "chunk")])
def test_what_a_real_registry_has_is_asked_before_more_is_sent(
    case: tuple[int, str], layout: Layout, large: Descriptor, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    """Whether a chunk was lost or only its answer: all of the blob arrives once in the end.

    docker-registry gives an upload up when it is asked in the old place for what goes on in a new one.
    """
    number, lost = case
    broken: list[str] = []
    notices: list[str] = []

    def between(request: Request) -> Reply:
        if request.method != "PATCH" or request.headers["Content-Range"] != chunk_range(number) or broken:
            return forwarded(request, docker_registry.host)
        broken.append(request.path)
        if lost == "answer":
            forwarded(request, docker_registry.host)
        return Reply(503)

    with web_server(between) as web:
        registry = Registry(web.host, patience=PATIENT)
        assert upload_file(layout, large, registry, unique_repository, chunk=CHUNK, notice=notices.append)
        assert ranges(web.seen) == ALL[: number + 1] + (ALL if lost == "answer" else ALL[number:])
    assert len(notices) == (1 if lost == "answer" and number else 0), "what is sent again is told"
    assert Registry(docker_registry.host).has_blob(unique_repository, large)
    assert docker_registry.blob_file(large.digest).read_bytes() == LARGE


@pytest.mark.parametrize("number", range(5))
def test_a_chunk_whose_answer_is_lost_is_not_sent_again(
    number: int, layout: Layout, large: Descriptor, small: SmallRegistry
) -> None:
    begins = chunk_range(number)
    small.add(Fault("cut", None, on=lambda seen: seen.headers.get("content-range") == begins))
    assert upload_file(layout, large, small.client(patience=PATIENT), "demo", chunk=CHUNK, notice=pytest.fail)
    assert [seen.headers["content-range"] for seen in small.requests(is_chunk)] == ALL
    assert len(small.requests(lambda seen: seen.method == "GET")) == 1


@pytest.mark.parametrize("number", range(5))
def test_another_process_goes_on_after_the_last_chunk_that_a_real_registry_has(
    number: int, layout: Layout, large: Descriptor, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    def between(request: Request) -> Reply:
        stop = request.method == "PATCH" and request.headers["Content-Range"] == chunk_range(number)
        return Reply(403) if stop and not healed else forwarded(request, docker_registry.host)

    healed: list[bool] = []
    with web_server(between) as web:
        with pytest.raises(RegistryError, match="403"):
            upload_file(layout, large, Registry(web.host, patience=PATIENT), unique_repository, chunk=CHUNK)
        (record,) = records(layout)
        assert stat.S_IMODE(record.stat().st_mode) == 0o600
        assert json.loads(record.read_bytes())["acknowledged"] == number * CHUNK
        healed.append(True)
        web.seen.clear()
        done = in_another_process(UPLOAD, layout, large, web.host, unique_repository)
        assert (done.returncode, done.stderr) == (0, "")
        assert ranges(web.seen) == ALL[number:]
    assert records(layout) == []
    assert docker_registry.blob_file(large.digest).read_bytes() == LARGE


def test_an_upload_that_a_real_registry_has_lost_begins_anew(
    layout: Layout, large: Descriptor, docker_registry: DockerRegistry, unique_repository: str, notices: list[str]
) -> None:
    """A chunk that was cut off in its middle is the end of docker-registry's upload."""
    cut: list[str] = []

    def between(request: Request) -> Reply:
        if request.method != "PATCH" or request.headers["Content-Range"] != chunk_range(2) or cut:
            return forwarded(request, docker_registry.host)
        cut.append(request.path)
        host, _, port = docker_registry.host.partition(":")
        with socket.create_connection((host, int(port)), 20) as connection:
            head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
            connection.sendall(f"PATCH {request.path} HTTP/1.1\r\n{head}\r\n".encode() + request.body[:1000])
        wait_for_upload(docker_registry, unique_repository, 2 * CHUNK + 1000)
        return Reply(502)

    with web_server(between) as web:
        registry = Registry(web.host, patience=PATIENT)
        upload_file(layout, large, registry, unique_repository, chunk=CHUNK, notice=notices.append)
        assert ranges(web.seen) == ALL[:3] + ALL
    assert ["lost the upload" in notice for notice in notices] == [True]
    assert f"{2 * CHUNK} of {len(LARGE)} bytes" in notices[0]


def wait_for_upload(registry: DockerRegistry, repository: str, size: int) -> None:
    """Wait until the registry has written so many bytes of the only upload in a repository."""
    folder = registry.storage / "docker/registry/v2/repositories" / repository / "_uploads"
    deadline = time.monotonic() + 20
    while [file.stat().st_size for file in folder.glob("*/data")] != [size]:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("counts", ["what came", "what was said to come"])
def test_a_chunk_that_a_real_registry_took_twice_is_found_out(
    counts: str, layout: Layout, large: Descriptor, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    """One that comes late, after it was asked for its status, is taken, and once more when it is sent again."""
    late: list[str] = []
    notices: list[str] = []

    def between(request: Request) -> Reply:
        if request.method == "PATCH" and request.headers["Content-Range"] == chunk_range(3) and not late:
            answer = forwarded(request, docker_registry.host)
            late.append(answer.headers["Location"].removeprefix(f"http://{request.headers['Host']}"))
            return Reply(503)
        if request.method == "GET" and len(late) == 1:
            late.append("told")
            answer = forwarded(replace(request, path=late[0]), docker_registry.host)
            assert answer.headers["Range"] == f"0-{4 * CHUNK - 1}"
            return replace(answer, headers={**answer.headers, "Range": f"0-{3 * CHUNK - 1}"})
        answer = forwarded(request, docker_registry.host)
        if request.method == "PATCH" and counts == "what was said to come":
            said = request.headers["Content-Range"].partition("-")[2]
            return replace(answer, headers={**answer.headers, "Range": f"0-{said}"})
        return answer

    with web_server(between) as web:
        registry = Registry(web.host, patience=PATIENT)
        assert upload_file(layout, large, registry, unique_repository, chunk=CHUNK, notice=notices.append)
        again = ALL[3:4] if counts == "what came" else ALL[3:]
        assert ranges(web.seen) == ALL[:4] + again + ALL
    assert Registry(docker_registry.host).has_blob(unique_repository, large)
    found = "lost the upload" if counts == "what came" else "what was put together is not the blob"
    assert [found in notice for notice in notices] == [True]
    assert records(layout) == []


# Damage


@pytest.mark.parametrize("size", [1000, len(LARGE)])
def test_damage_here_is_told_from_damage_on_the_way(
    size: int, layout: Layout, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    content = LARGE[-size:]
    blob = layout.put_blob(content)

    def flipping(request: Request) -> Reply:
        body = request.body[:-1] + bytes([request.body[-1] ^ 1]) if request.body else b""
        return forwarded(replace(request, body=body), docker_registry.host)

    with web_server(flipping) as web, pytest.raises(IntegrityError, match="on the way") as caught:
        upload_file(layout, blob, Registry(web.host, patience=PATIENT), unique_repository, chunk=CHUNK)
    assert str(layout.file(blob)) in caught.value.message
    layout.file(blob).write_bytes(content[:-1] + b"?")
    with pytest.raises(IntegrityError, match="the content is not") as caught:
        upload_file(layout, blob, Registry(docker_registry.host, patience=PATIENT), unique_repository, chunk=CHUNK)
    assert str(layout.file(blob)) in caught.value.message
    assert not Registry(docker_registry.host).has_blob(unique_repository, blob)
    layout.file(blob).write_bytes(content[:-1])
    with pytest.raises(IntegrityError, match=f"{size}"):
        upload_file(layout, blob, Registry(docker_registry.host, patience=PATIENT), unique_repository, chunk=CHUNK)
    assert records(layout) == []


def test_what_is_not_here_is_looked_for_there_before_anything_is_sent(layout: Layout, small: SmallRegistry) -> None:
    absent = Descriptor.of(b"absent" * CHUNK)
    large = layout.put_blob(LARGE)
    root = layout.put_manifest(build_manifest(layout.put_blob(EMPTY_CONTENT, media_type=EMPTY), [large, absent]))
    with pytest.raises(NotFoundError, match=str(absent.digest)):
        push(layout, root, small.client(patience=PATIENT), "demo", tags=["1"], chunk=CHUNK)
    assert small.requests(sends_blob) == []
    assert small.content.sessions == {}, "what was begun was cancelled"
    assert records(layout) == []


# What registries differ in


@pytest.mark.parametrize("chunks", ["405", "416", "201"])
def test_a_registry_without_chunks_is_told_of_and_remembered_for_a_while(
    chunks: str, layout: Layout, large: Descriptor, notices: list[str]
) -> None:
    with small_registry(Rules(chunks=chunks)) as small:  # type: ignore[arg-type]
        for repository in ("a", "b"):
            upload_file(layout, large, small.client(patience=PATIENT), repository, chunk=CHUNK, notice=notices.append)
        assert [seen.received for seen in small.requests(sends_blob)][-2:] == [len(LARGE)] * 2
        assert len(small.requests(is_chunk)) == 1
        assert len(notices) == 1
        assert f"{small.host} does not take blobs in chunks" in notices[0]
        assert not lessons.takes_chunks(layout, small.host)
        assert lessons.takes_chunks(layout, "another.example")
        file = layout.path / "ingest" / "hosts.json"
        file.write_text(json.dumps({small.host: {"whole_until": int(time.time()) - 1}}), "utf-8")
        upload_file(layout, large, small.client(patience=PATIENT), "c", chunk=CHUNK, notice=notices.append)
        assert len(small.requests(is_chunk)) == 2
        assert small.content.sessions == {}


@pytest.mark.parametrize("known", [b"", b"{", b"[]", b'{"H": 1}', b'{"H": {"whole_until": "x"}}', b'{"H": {}}'])
def test_what_cannot_be_read_has_taught_nothing(known: bytes, layout: Layout, large: Descriptor) -> None:
    for name in ("hosts.json", "places.json"):
        (layout.ingest() / name).write_bytes(known)
    assert lessons.takes_chunks(layout, "H")
    assert lessons.known_places(layout, "H", large.digest) == ()
    lessons.remember_places(layout, "H", "demo", [large.digest])
    lessons.remember_whole(layout, "H")
    assert lessons.known_places(layout, "H", large.digest) == ("demo",)
    assert not lessons.takes_chunks(layout, "H")


def test_an_upload_that_is_lost_at_its_first_chunk_is_no_lack_of_chunks(
    layout: Layout, large: Descriptor, small: SmallRegistry
) -> None:
    small.add(Fault("session", on=is_chunk, of="request"))
    assert upload_file(layout, large, small.client(patience=PATIENT), "demo", chunk=CHUNK, notice=pytest.fail)
    assert lessons.takes_chunks(layout, small.host)
    assert len(small.requests(is_chunk)) == 6


@pytest.mark.parametrize("status", [408, 429, 503])
def test_a_registry_that_is_busy_in_the_middle_is_waited_for(
    status: int, layout: Layout, large: Descriptor, small: SmallRegistry
) -> None:
    third = f"{2 * CHUNK}-"
    busy = {"Retry-After": "0"}
    small.add(
        Fault(
            "status",
            status=status,
            headers=busy,
            times=3,
            on=lambda seen: seen.headers.get("content-range", "").startswith(third),
        )
    )
    assert upload_file(layout, large, small.client(patience=PATIENT), "demo", chunk=CHUNK, notice=pytest.fail)
    assert sum(seen.status == 202 for seen in small.requests(is_chunk)) == 5


def test_tries_are_counted_anew_when_it_gets_on(layout: Layout, large: Descriptor, small: SmallRegistry) -> None:
    """Each chunk fails as often as one alone may."""
    failed: dict[str, int] = {}

    def often(seen: Seen) -> bool:
        begins = seen.headers.get("content-range", "")
        failed[begins] = failed.get(begins, 0) + 1
        return bool(begins) and failed[begins] < QUICK.attempts

    small.add(Fault("status", status=503, on=often, times=100))
    assert upload_file(layout, large, small.client(patience=PATIENT), "demo", chunk=CHUNK, notice=pytest.fail)
    assert len(small.requests(is_chunk)) == 5 * QUICK.attempts


def test_a_registry_that_cannot_tell_how_far_it_is_is_not_asked_forever(
    layout: Layout, large: Descriptor, small: SmallRegistry, notices: list[str]
) -> None:
    small.add(
        Fault("status", status=503, on=lambda seen: seen.headers.get("content-range", "").startswith(f"{CHUNK}-")),
        Fault("status", status=500, on=lambda seen: seen.method == "GET", times=100),
    )
    patience = replace(PATIENT, attempts=6)
    assert upload_file(layout, large, small.client(patience=patience), "demo", chunk=CHUNK, notice=notices.append)
    assert len(notices) == 1
    assert "begins anew" in notices[0]


@pytest.mark.parametrize("absolute", [False, True])
def test_places_may_be_relative_or_absolute(absolute: bool, layout: Layout, large: Descriptor) -> None:  # noqa: FBT001
    with small_registry(Rules(absolute_locations=absolute)) as small:
        assert upload_file(layout, large, small.client(patience=PATIENT), "demo", chunk=CHUNK, notice=pytest.fail)
        assert small.content.blob("demo", str(large.digest)) == LARGE


def test_an_upload_may_lead_to_another_origin_and_credentials_do_not(layout: Layout, large: Descriptor) -> None:
    """As to an object store that is asked with signed addresses."""
    parts: list[bytes] = []

    def bucket(request: Request) -> Reply:
        assert "Authorization" not in request.headers
        assert request.path.startswith("/bucket/1?signature=x%2Fy")
        if request.method == "PATCH":
            parts.append(request.body)
            done = sum(map(len, parts))
            return Reply(202, headers={"Location": "/bucket/1?signature=x%2Fy", "Range": f"0-{done - 1}"})
        assert request.path.endswith(f"&digest=sha256%3A{large.digest.hex}")
        return Reply(201)

    with web_server(bucket) as there:

        def home(request: Request) -> Reply:
            if request.headers.get("Authorization") != JANE.basic:
                return Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            if request.method == "POST":
                return Reply(202, headers={"Location": f"{there.url}/bucket/1?signature=x%2Fy"})
            return Reply(404)

        with web_server(home) as web:
            registry = Registry(web.host, patience=PATIENT, credentials=JANE)
            assert upload_file(layout, large, registry, "demo", chunk=CHUNK, notice=pytest.fail)
    assert b"".join(parts) == LARGE


@pytest.mark.parametrize("said", ["", "0-1", "bytes=0-{all}", "nonsense", "0-99999999"])
def test_what_a_registry_counts_wrongly_is_not_believed(said: str, layout: Layout, large: Descriptor) -> None:
    """One that says nothing took the chunk; one that counts wrongly gets the blob whole in the end, or an error."""
    bodies: list[bytes] = []
    stored: list[bytes] = []

    def counting(request: Request) -> Reply:
        if request.method == "POST":
            bodies.clear()
            return Reply(202, headers={"Location": "/upload"})
        if request.method == "PUT":
            stored.append(b"".join(bodies) + request.body)
            return Reply(201)
        if request.method == "PATCH":
            bodies.append(request.body)
            answer = said.replace("{all}", str(sum(map(len, bodies)) - 1))
            return Reply(202, headers={"Location": "/upload", **({"Range": answer} if answer else {})})
        return Reply(404)

    with web_server(counting) as web:
        assert upload_file(
            layout, large, Registry(web.host, patience=PATIENT), "demo", chunk=CHUNK, notice=lambda _: None
        )
    assert stored == [LARGE]


@pytest.mark.parametrize("kind", ["sticks at the first chunk", "names the last chunk alone"])
def test_what_a_registry_says_of_a_chunk_that_it_took_does_not_matter(
    kind: str, layout: Layout, large: Descriptor, small: SmallRegistry
) -> None:
    with web_server(lambda request: oddly_counted(request, small.host, kind)) as web:
        registry = Registry(web.host, patience=PATIENT)
        assert upload_file(layout, large, registry, "demo", chunk=CHUNK, notice=pytest.fail)
        assert ranges(web.seen) == ALL
    assert lessons.takes_chunks(layout, web.host)
    assert small.content.blob("demo", str(large.digest)) == LARGE
    assert records(layout) == []


@pytest.mark.parametrize("kind", ["sticks at the first chunk", "names the last chunk alone"])
@pytest.mark.parametrize("recorded", [1, 3])
def test_what_was_interrupted_where_counts_are_odd_is_pushed_by_the_next(
    recorded: int, kind: str, layout: Layout, large: Descriptor, small: SmallRegistry
) -> None:
    """Whatever the record says: as far as the registry claims to be, or as far as it is."""

    def stop(_: Descriptor, done: int) -> None:
        if done > 3 * CHUNK:
            raise KeyboardInterrupt

    with web_server(lambda request: oddly_counted(request, small.host, kind)) as web:
        registry = Registry(web.host, patience=PATIENT)
        with pytest.raises(KeyboardInterrupt):
            upload_file(layout, large, registry, "demo", chunk=CHUNK, progress=stop)
        (record,) = records(layout)
        kept = json.loads(record.read_bytes())
        assert kept["acknowledged"] == 3 * CHUNK
        record.write_text(json.dumps({**kept, "acknowledged": recorded * CHUNK}), "utf-8")
        assert upload_file(layout, large, registry, "demo", chunk=CHUNK, notice=lambda _: None)
    assert small.content.blob("demo", str(large.digest)) == LARGE
    assert small.content.sessions == {}
    assert records(layout) == []


def oddly_counted(request: Request, host: str, kind: str) -> Reply:
    """Answer as a registry does that takes chunks, and says something else of them."""
    answer = forwarded(request, host)
    if "Range" not in answer.headers or answer.headers["Range"] == "0-0":
        return answer
    end = int(answer.headers["Range"].partition("-")[2])
    said = f"0-{CHUNK - 1}" if kind == "sticks at the first chunk" else f"{end // CHUNK * CHUNK}-{end}"
    return replace(answer, headers={**answer.headers, "Range": said})


@pytest.mark.parametrize("status", [400, 404, 416])
@pytest.mark.parametrize("what", ["later chunk", "end"])
def test_what_gets_no_farther_in_chunks_goes_whole(  # noqa: PLR0917 - two cases and four fixtures
    what: str, status: int, layout: Layout, large: Descriptor, small: SmallRegistry, notices: list[str]
) -> None:
    def hit(seen: Seen) -> bool:
        if what == "end":
            return seen.method == "PUT" and not seen.has_body
        return is_chunk(seen) and not seen.headers["content-range"].startswith("0-")

    small.add(Fault("status", on=hit, times=100, status=status))
    assert upload_file(layout, large, small.client(patience=PATIENT), "demo", chunk=CHUNK, notice=notices.append)
    assert len(small.requests(hit)) == 2
    assert "does not take blobs in chunks" in notices[-1]
    assert not lessons.takes_chunks(layout, small.host)
    assert small.content.sessions == {}
    assert records(layout) == []


# Mounts


def test_what_lies_elsewhere_is_mounted_without_being_told(
    layout: Layout, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    root = put_artifact(layout, os.urandom(2_000_000))
    with web_server(lambda request: forwarded(request, docker_registry.host)) as web:
        registry = Registry(web.host, patience=PATIENT)
        push(layout, root, registry, f"{unique_repository}/first", tags=["1"])
        web.seen.clear()
        push(layout, root, registry, f"{unique_repository}/second", tags=["1"], notice=pytest.fail)
        assert max(len(request.body) for request in web.seen) < 1000, "the large blob was mounted"
        pull(registry, f"{unique_repository}/second", "1", Layout(layout.path.parent / "other"))


@pytest.mark.parametrize("kind", ["none", "refused"])
def test_a_mount_that_is_not_done_costs_no_upload(kind: str, layout: Layout, notices: list[str]) -> None:
    root = put_artifact(layout, LARGE)
    with small_registry(Rules(mounts="none" if kind == "none" else "named")) as small:
        if kind == "refused":
            small.add(Fault("status", status=403, on=lambda seen: bool(seen.asked("mount")), times=100))
        push(
            layout,
            root,
            small.client(patience=PATIENT),
            "demo",
            mount_from=["first"],
            tags=["1"],
            notice=notices.append,
        )
        begun = small.requests(lambda seen: seen.method == "POST" and seen.status == 202)
        assert len(begun) == 2, "the answer to a mount that is not done begins the upload"
        assert len(notices) == (2 if kind == "refused" else 0)
        assert all("cannot be mounted from first" in notice for notice in notices)
        assert small.content.torn_tags() == []


def test_of_several_repositories_the_one_that_has_the_blob_is_named(layout: Layout, small: SmallRegistry) -> None:
    root = put_artifact(layout, LARGE)
    push(layout, root, small.client(patience=PATIENT), "third", tags=["1"])
    small.forget_requests()
    target = Layout(layout.path.parent / "unknowing")
    pull(small.client(patience=PATIENT), "third", "1", target)
    push(target, root, small.client(patience=PATIENT), "demo", mount_from=["first", "second", "third"], tags=["1"])
    assert small.requests(sends_blob) == []
    assert small.content.sessions == {}


def test_small_blobs_take_two_requests_each(layout: Layout, docker_registry: DockerRegistry) -> None:
    root = put_artifact(layout, *(os.urandom(100) for _ in range(20)))
    with web_server(lambda request: forwarded(request, docker_registry.host)) as web:
        push(layout, root, Registry(web.host, patience=PATIENT), f"test/{root.digest.hex[:20]}", tags=["1"])
        # For the 20 and the config; a look for the manifest, the manifest, and the tag.
        assert len(web.seen) == 2 * 21 + 3


# Order


def test_everything_comes_before_what_lists_it(layout: Layout, small: SmallRegistry) -> None:
    inner = layout.put_manifest(build_index([put_artifact(layout, b"%d" % n, LARGE[n:]) for n in range(3)]))
    root = layout.put_manifest(build_index([inner, put_artifact(layout, b"beside")]))
    push(layout, root, small.client(patience=PATIENT), "demo", tags=["b", "a"])
    stored = [seen.path.rpartition("/")[2] for seen in small.requests(lambda seen: seen.method == "PUT")]
    documents = [path for path in stored if path in {"a", "b"} or path.startswith("sha256:")]
    assert documents[-4:] == [str(inner.digest), str(root.digest), "b", "a"]
    assert len(documents) == 8
    last_blob = max(n for n, seen in enumerate(small.seen) if sends_blob(seen))
    first_document = min(n for n, seen in enumerate(small.seen) if seen.method == "PUT" and "/manifests/" in seen.path)
    assert last_blob < first_document
    assert small.torn == []


def test_a_tag_that_stands_is_not_set_again(layout: Layout, small: SmallRegistry) -> None:
    """Registries whose tags cannot be changed refuse even what changes nothing."""
    first, second = put_artifact(layout, b"first"), put_artifact(layout, b"second")
    push(layout, first, small.client(patience=PATIENT), "demo", tags=["1"])
    small.add(Fault("status", status=409, on=lambda seen: seen.method == "PUT", times=100))
    push(layout, first, small.client(patience=PATIENT), "demo", tags=["1"])
    small.mend()
    push(layout, second, small.client(patience=PATIENT), "demo", tags=["1"])
    push(layout, first, small.client(patience=PATIENT), "demo", tags=["1"])
    assert small.content.resolve("demo", "1")[0] == str(first.digest)


# Records


def test_two_who_push_the_same_blob_send_it_once(layout: Layout, large: Descriptor) -> None:
    results: list[bool] = []

    def send(small: SmallRegistry) -> None:
        results.append(upload_file(Layout(layout.path), large, small.client(patience=PATIENT), "demo", chunk=CHUNK))

    with small_registry(Rules(pace=0.002)) as small:
        threads = [threading.Thread(target=send, args=(small,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == [False, False, False, True]
        assert sum(seen.received for seen in small.requests(is_chunk)) == len(LARGE)
    assert records(layout) == []


def test_two_stores_that_push_the_same_blob_at_once_both_succeed(tmp_path: Path) -> None:
    results: list[bool] = []

    def send(small: SmallRegistry, place: Path) -> None:
        layout = Layout(place)
        results.append(upload_file(layout, layout.put_blob(LARGE), small.client(patience=PATIENT), "demo", chunk=CHUNK))

    with small_registry(Rules(pace=0.001)) as small:
        threads = [threading.Thread(target=send, args=(small, tmp_path / str(n))) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 4
        assert small.content.blob("demo", str(Descriptor.of(LARGE).digest)) == LARGE


@pytest.mark.parametrize("damage", [b"", b"{", b"{}", b'{"acknowledged":7}', b"\0" * 300, b"[" * 5000])
def test_a_torn_record_is_no_record(damage: bytes, layout: Layout, large: Descriptor, small: SmallRegistry) -> None:
    stop_after_two(layout, large, small)
    (record,) = records(layout)
    record.write_bytes(damage)
    assert upload_file(layout, large, small.client(patience=PATIENT), "demo", chunk=CHUNK)
    assert small.content.blob("demo", str(large.digest)) == LARGE
    assert records(layout) == []


@pytest.mark.parametrize("change", [{"location": "/v2/demo/blobs/uploads/0"}, {"acknowledged": 7}, {"host": "x"}])
def test_a_record_that_does_not_fit_is_not_believed(
    change: dict[str, object], layout: Layout, large: Descriptor, small: SmallRegistry
) -> None:
    stop_after_two(layout, large, small)
    (record,) = records(layout)
    record.write_text(json.dumps({**json.loads(record.read_bytes()), **change}), "utf-8")
    assert upload_file(layout, large, small.client(patience=PATIENT), "demo", chunk=CHUNK, notice=lambda _: None)
    assert small.content.blob("demo", str(large.digest)) == LARGE


def test_a_record_holds_no_credentials_and_goes_with_age(layout: Layout, large: Descriptor) -> None:
    with small_registry(Rules(auth="token")) as small:
        stop_after_two(layout, large, small)
        (record,) = records(layout)
        assert set(json.loads(record.read_bytes())) == {
            "acknowledged",
            "digest",
            "host",
            "least",
            "location",
            "repository",
            "size",
        }
    assert remove_stale_records(layout, before=time.time() - RECORD_AGE) == []
    os.utime(record, (0, time.time() - RECORD_AGE - 10))
    assert remove_stale_records(layout, before=time.time() - RECORD_AGE) == [record]
    assert records(layout) == []


def test_what_came_by_another_way_meanwhile_is_not_sent(
    layout: Layout, large: Descriptor, small: SmallRegistry
) -> None:
    stop_after_two(layout, large, small)
    small.client(patience=PATIENT).put_blob("demo", large, lambda: (LARGE,))
    small.forget_requests()
    assert not upload_file(layout, large, small.client(patience=PATIENT), "demo", chunk=CHUNK)
    assert small.requests(sends_blob) == []
    assert small.content.sessions == {}, "the upload was cancelled"
    assert records(layout) == []


def stop_after_two(layout: Layout, large: Descriptor, small: SmallRegistry) -> None:
    """Push the blob until two chunks are there, and then lose the right to."""
    third = f"{2 * CHUNK}-"
    small.add(
        Fault("status", status=403, on=lambda seen: seen.headers.get("content-range", "").startswith(third), times=1)
    )
    client = small.client(patience=PATIENT, credentials=JANE)
    with pytest.raises(RegistryError, match="403"):
        upload_file(layout, large, client, "demo", chunk=CHUNK)
    small.mend()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_killed_push_sends_one_chunk_again_at_most(share: float, layout: Layout, large: Descriptor) -> None:
    program = (
        "import sys; from pathlib import Path; from modelport.oci import Layout, Registry;"
        "from modelport.oci import push; layout = Layout(Path(sys.argv[1]));"
        "push(layout, layout.resolve('a:1'), Registry(sys.argv[2]), 'demo', tags=['1'], chunk=int(sys.argv[3]))"
    )
    layout.tag("a:1", put_artifact(layout, LARGE))
    with small_registry(Rules(pace=0.005, keeps_cut_chunks=True)) as small:
        command = [sys.executable, "-c", program, str(layout.path), small.host, str(CHUNK)]
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 30
        while sum(seen.received for seen in list(small.seen)) < share * len(LARGE):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        subprocess.run(command, check=True)
        sent = sum(seen.received for seen in small.requests(is_chunk))
        assert len(LARGE) <= sent <= len(LARGE) + CHUNK
        assert small.torn == []
        assert small.content.blob("demo", str(large.digest)) == LARGE


@pytest.mark.parametrize("chunks", ["taken", "405"])
def test_a_full_disk_keeps_nobody_from_uploading(chunks: str, layout: Layout, large: Descriptor) -> None:
    """Nothing can be written down then; that is told, and the blob arrives."""
    with small_registry(Rules(chunks=chunks)) as small:  # type: ignore[arg-type]
        limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        done = in_another_process(limit + UPLOAD, layout, large, small.host, "demo")
        assert done.returncode == 0, done.stderr
        assert small.content.blob("demo", str(large.digest)) == LARGE
    assert done.stderr.count("no other process will be able to go on with this") == 1
    assert done.stderr.count("cannot be remembered") == (chunks == "405")
    assert records(layout) == []


# The size of chunks


def test_chunks_grow_while_they_go_fast_and_shrink_when_they_go_slowly() -> None:
    size = ChunkSize()
    sizes = [size.bytes]
    for seconds in (0.5, 0.9, 1.1, 3.9, 0.1, 0.1, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 9.0):
        size.took(size.bytes, seconds)
        sizes.append(size.bytes)
    mebibytes = [64, 128, 256, 256, 256, 512, 512, 256, 128, 64, 32, 16, 8, 8]
    assert sizes == [number * 1024 * 1024 for number in mebibytes]
    assert (sizes[0], min(sizes), max(sizes)) == (FIRST_CHUNK, LEAST_CHUNK, MOST_CHUNK)
    size.took(1000, 0.0)
    assert size.bytes == LEAST_CHUNK, "the short rest of a blob tells nothing"
    fixed = ChunkSize(CHUNK)
    for seconds in (0.0, 100.0):
        fixed.took(CHUNK, seconds)
        assert fixed.bytes == CHUNK


def test_chunks_that_something_in_between_finds_too_large_become_smaller(layout: Layout) -> None:
    """As a proxy that takes no more than 20 MB at once, and tells so with 413."""
    content = os.urandom(1024 * 1024) * 70
    blob = layout.put_blob(content)
    with small_registry() as small:
        small.add(
            Fault("status", status=413, on=lambda seen: int(seen.headers.get("content-length", 0)) > 2e7, times=100)
        )
        assert upload_file(layout, blob, small.client(patience=PATIENT), "demo", notice=pytest.fail)
        taken = [seen.received for seen in small.requests(is_chunk) if seen.status == 202]
        assert taken[:4] == [16 * 1024 * 1024] * 4
        assert sum(taken) == blob.size
        assert small.content.blob("demo", str(blob.digest)) == content


# Bodies


@pytest.mark.parametrize(("start", "size"), [(0, 0), (0, len(LARGE)), (7, 1), (CHUNK, CHUNK), (len(LARGE) - 1, 1)])
def test_a_part_of_a_file_is_that_part_and_told_of(start: int, size: int, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(LARGE)
    told: list[int] = []
    body = file_body(file, start, size, told.append)
    assert b"".join(body.chunks()) == LARGE[start : start + size]
    assert body.size == size
    assert told[-1:] == ([start + size] if size else [])
    file.write_bytes(LARGE[: start + size - 1] if size else b"")
    if size:
        with pytest.raises(IntegrityError, match="shorter"):
            list(body.chunks())
