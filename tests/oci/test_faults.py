"""Registries that lie, break, stall or lead astray: nothing false is believed, and every failure has a name."""

from __future__ import annotations

import dataclasses
import email.utils
import os
import ssl
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.artifacts import put_artifact
from tests.support.web import Reply, Request, Web, web_server

from modelport.errors import IntegrityError, ModelportError, NotFoundError, RegistryError
from modelport.oci import Descriptor, Layout, Manifest, Registry, build_index, build_manifest, pull, push
from modelport.oci.media import EMPTY, EMPTY_CONTENT, MANIFEST_LIMIT
from modelport.oci.net.credentials import Credentials
from modelport.oci.net.origin import Origin, is_inside, registry_origin
from modelport.oci.net.patience import Patience, TransientError
from modelport.oci.net.transport import Transport
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QUICK = Patience(attempts=3, away_attempts=3, first_delay=0.01, longest_delay=2.0, read_timeout=5.0)
LAYER = bytes(range(256)) * 8
CONFIG_BLOB, LAYER_BLOB = Descriptor.of(EMPTY_CONTENT, media_type=EMPTY), Descriptor.of(LAYER)
MANIFEST = Manifest.parse(build_manifest(CONFIG_BLOB, [LAYER_BLOB]))
CONTENT = {
    f"/v2/demo/blobs/{CONFIG_BLOB.digest}": EMPTY_CONTENT,
    f"/v2/demo/blobs/{LAYER_BLOB.digest}": LAYER,
    f"/v2/demo/manifests/{MANIFEST.descriptor.digest}": MANIFEST.raw,
    "/v2/demo/manifests/1": MANIFEST.raw,
}
LAYER_PATH = f"/v2/demo/blobs/{LAYER_BLOB.digest}"


def honest(request: Request) -> Reply:
    """Answer as a registry does that holds one artifact."""
    if request.path not in CONTENT:
        return Reply(404)
    content = CONTENT[request.path]
    return Reply(body=content, headers={"Docker-Content-Digest": str(Digest.of(content))})


def pull_from(web: Web, folder: Path, reference: str | Digest = "1") -> Layout:
    layout = Layout(folder / "store")
    pull(Registry(web.host, patience=QUICK), "demo", reference, layout, name="demo:1")
    return layout


def refused(answer: Callable[[Request], Reply], folder: Path, reference: str | Digest = "1") -> ModelportError:
    """Pull from a registry that answers so, and return the error; nothing false may be left in the store."""
    with web_server(answer) as web, pytest.raises(ModelportError) as caught:
        pull_from(web, folder, reference)
    layout = Layout(folder / "store")
    assert layout.tags() == {}
    for file in (layout.path / "blobs").rglob("*"):
        assert file.is_dir() or Digest.of(file.read_bytes()).hex == file.name
    return caught.value


def test_an_honest_registry_is_believed(tmp_path: Path) -> None:
    with web_server(honest) as web:
        layout = pull_from(web, tmp_path)
    assert layout.read(LAYER_BLOB) == LAYER


@pytest.mark.parametrize(
    ("path", "lie"),
    [
        ("/v2/demo/manifests/1", {"headers": {"Docker-Content-Digest": str(Digest.of(b"lie"))}}),
        ("/v2/demo/manifests/1", {"body": MANIFEST.raw.replace(b"2048", b"2047")}),
        (LAYER_PATH, {"body": LAYER[:-1] + b"!"}),
        (LAYER_PATH, {"body": b"!" + LAYER[1:]}),
        (LAYER_PATH, {"body": LAYER[:-1]}),
        (LAYER_PATH, {"body": LAYER + b"!"}),
        (LAYER_PATH, {"body": b""}),
    ],
    ids=["digest header", "manifest", "last byte", "first byte", "too short", "too long", "empty"],
)
def test_false_bytes_are_refused_though_headers_vouch_for_them(
    path: str, lie: dict[str, object], tmp_path: Path
) -> None:
    def lying(request: Request) -> Reply:
        reply = honest(request)
        return dataclasses.replace(reply, **lie) if request.path == path else reply  # type: ignore[arg-type]

    error = refused(lying, tmp_path)
    assert isinstance(error, IntegrityError)
    assert "sha256:" in error.message


def test_a_pinned_digest_is_stronger_than_the_registrys_word(tmp_path: Path) -> None:
    def swapped(request: Request) -> Reply:
        other = build_manifest(CONFIG_BLOB, [])
        digest = str(Digest.of(other))
        return (
            Reply(body=other, headers={"Docker-Content-Digest": digest}) if "manifests" in request.path else Reply(404)
        )

    error = refused(swapped, tmp_path, MANIFEST.descriptor.digest)
    assert isinstance(error, IntegrityError)
    assert str(MANIFEST.descriptor.digest) in error.message


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b"\xff", bytes(MANIFEST_LIMIT + 1)])
def test_what_is_no_manifest_is_named(body: bytes, tmp_path: Path) -> None:
    error = refused(lambda _: Reply(body=body), tmp_path)
    assert isinstance(error, RegistryError)
    assert "/demo" in error.message


def test_a_digest_header_that_is_none_is_named(tmp_path: Path) -> None:
    error = refused(lambda _: Reply(body=MANIFEST.raw, headers={"Docker-Content-Digest": "md5:0"}), tmp_path)
    assert "digest header" in error.message


@pytest.mark.parametrize("cut", [0, 1, 1000, len(LAYER) - 1])
def test_a_body_that_is_cut_off_is_fetched_again(cut: int, tmp_path: Path) -> None:
    asked: list[str] = []

    def cutting(request: Request) -> Reply:
        reply = honest(request)
        asked.append(request.path)
        is_first = asked.count(LAYER_PATH) == 1 and request.path == LAYER_PATH
        return dataclasses.replace(reply, cut=cut) if is_first else reply

    with web_server(cutting) as web:
        layout = pull_from(web, tmp_path)
    assert layout.read(LAYER_BLOB) == LAYER
    assert asked.count(LAYER_PATH) == 2


def test_a_body_that_is_always_cut_off_is_an_error_in_the_end(tmp_path: Path) -> None:
    def cutting(request: Request) -> Reply:
        return dataclasses.replace(honest(request), cut=100) if request.path == LAYER_PATH else honest(request)

    error = refused(cutting, tmp_path)
    assert isinstance(error, RegistryError)
    assert "ended before" in error.message


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(status: int, tmp_path: Path) -> None:
    failures = [Reply(status), Reply(status)]
    with web_server(lambda request: failures.pop() if failures else honest(request)) as web:
        assert pull_from(web, tmp_path).read(LAYER_BLOB) == LAYER


def test_a_failure_that_does_not_pass_is_tried_just_so_often(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with web_server(lambda _: Reply(503)) as web:
        registry = Registry(web.host, patience=QUICK)
        for action in (
            lambda: registry.manifest("demo", "1"),
            lambda: registry.tags("demo"),
            lambda: registry.has_blob("demo", LAYER_BLOB),
            lambda: registry.put_blob("demo", LAYER_BLOB, lambda: [LAYER]),
            lambda: registry.put_manifest("demo", MANIFEST),
            lambda: pull(registry, "demo", "1", layout),
        ):
            web.seen.clear()
            with pytest.raises(TransientError) as caught:
                action()
            assert caught.value.status == 503
            assert len(web.seen) == QUICK.attempts


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_obeyed(as_date: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    times: list[float] = []

    def busy(request: Request) -> Reply:
        times.append(time.time())
        wait = email.utils.formatdate(time.time() + 2, usegmt=True) if as_date else "1"
        return Reply(429, headers={"Retry-After": wait}) if len(times) == 1 else honest(request)

    with web_server(busy) as web:
        pull_from(web, tmp_path)
    assert 0.9 < times[1] - times[0] < 3


def test_a_registry_that_asks_for_too_long_a_wait_is_not_waited_for(tmp_path: Path) -> None:
    error = refused(lambda _: Reply(429, headers={"Retry-After": "3600"}), tmp_path)
    assert isinstance(error, RegistryError)
    assert error.status == 429
    assert error.hint.startswith("the registry asks to wait 3600 seconds")


@pytest.mark.parametrize(
    ("status", "kind", "hint"),
    [
        (403, RegistryError, "ask 127.0.0.1"),
        (401, RegistryError, "modelport login 127.0.0.1"),
        (404, NotFoundError, ""),
    ],
)
def test_a_final_no_is_taken_at_once(status: int, kind: type[ModelportError], hint: str, tmp_path: Path) -> None:
    body = b'{"errors": [{"code": "DENIED", "message": "not \\u001b[31myou"}]}'
    with web_server(lambda _: Reply(status, body)) as web, pytest.raises(kind) as caught:
        pull_from(web, tmp_path)
    assert hint in caught.value.hint
    assert "\x1b" not in str(caught.value)
    assert len([request for request in web.seen if "manifests" in request.path]) == 1


def test_a_blob_may_lie_elsewhere_and_credentials_do_not_follow_it(tmp_path: Path) -> None:
    def elsewhere(request: Request) -> Reply:
        return Reply(body=LAYER) if request.path == "/bucket/layer?a=b%2Fc" else Reply(404)

    with web_server(elsewhere) as bucket:

        def leading(request: Request) -> Reply:
            if "Authorization" not in request.headers:
                return Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            if request.path == LAYER_PATH:
                return Reply(307, headers={"Location": f"{bucket.url}/bucket/layer?a=b%2Fc"})
            return honest(request)

        with web_server(leading) as web:
            registry = Registry(web.host, credentials=Credentials("jane", "secret"), patience=QUICK)
            layout = Layout(tmp_path)
            pull(registry, "demo", "1", layout, name="demo:1")
    assert layout.read(LAYER_BLOB) == LAYER
    assert len(bucket.seen) == 1
    assert "Authorization" not in bucket.seen[0].headers
    assert all("Authorization" in request.headers for request in web.seen[1:])


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://example.com/layer", "not encrypted"),
        ("file:///etc/passwd", "not an http"),
        ("http://user:pass@127.0.0.1/x", "not an http"),
        ("http://127.0.0.1:99999/", "not a URL"),
    ],
)
def test_a_redirect_to_where_nothing_good_is_is_refused(location: str, words: str, tmp_path: Path) -> None:
    def leading(request: Request) -> Reply:
        return Reply(302, headers={"Location": location}) if request.path == LAYER_PATH else honest(request)

    assert words in refused(leading, tmp_path).message


def test_redirects_come_to_an_end(tmp_path: Path) -> None:
    error = refused(lambda request: Reply(302, headers={"Location": request.path}), tmp_path)
    assert "redirects" in error.message


def test_what_does_not_speak_http_is_named(tmp_path: Path) -> None:
    error = refused(lambda _: Reply(200, headers={"Content-Length": "1", "X": "y" * 70_000}), tmp_path)
    assert "does not speak HTTP" in error.message


def test_tls_with_a_server_that_has_none_is_named() -> None:
    with web_server(honest) as web:
        port = int(web.host.rpartition(":")[2])
        transport = Transport(Origin("https", "127.0.0.1", port), insecure_hosts=frozenset(), patience=QUICK)
        with pytest.raises(RegistryError, match="does not speak TLS") as caught:
            transport.send("GET", f"https://127.0.0.1:{port}/v2/")
    assert "registry.insecure" in caught.value.hint


TLS_CLIENT = """
import sys
from modelport.errors import RegistryError
from modelport.oci.net.origin import Origin
from modelport.oci.net.patience import Patience
from modelport.oci.net.transport import Transport
url = f"https://localhost:{sys.argv[1]}"
transport = Transport(Origin.of(url), insecure_hosts=frozenset(), patience=Patience(attempts=1))
try:
    for _ in range(2):
        with transport.send("GET", url + "/v2/demo/manifests/1") as response:
            print(response.status, len(response.read(10000)))
except RegistryError as error:
    print(error)
"""


def test_tls_is_spoken_and_certificates_are_checked(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command = ["openssl", "req", "-x509", *curve, *names, "-days", "2", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    def client(port: str, trusted: Path) -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SSL_CERT_FILE": str(trusted)}
        command = [sys.executable, "-c", TLS_CLIENT, port]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    with web_server(honest, tls=tls) as web:
        port = web.host.rpartition(":")[2]
        assert client(port, certificate) == f"200 {len(MANIFEST.raw)}\n" * 2
        assert len({request.path for request in web.seen}) == 1
        answer = client(port, tmp_path / "none.pem")
    assert "certificate is not trusted" in answer
    assert "SSL_CERT_FILE" in answer


def test_a_host_that_does_not_exist_is_named() -> None:
    with pytest.raises(RegistryError, match=r"registry\.invalid"):
        Registry("registry.invalid", patience=Patience(attempts=1)).manifest("demo", "1")


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for position in range(0, len(LAYER), 2):
        flipped = bytearray(LAYER)
        flipped[position] ^= 1 << position // 2 % 8
        with pytest.raises(IntegrityError):
            layout.put_blob(bytes(flipped), expected=LAYER_BLOB)
    assert not layout.has(LAYER_BLOB)


def test_an_index_that_lies_on_a_size_is_refused(tmp_path: Path) -> None:
    listed = dataclasses.replace(MANIFEST.descriptor, size=MANIFEST.descriptor.size + 1)
    index = build_index([listed])
    error = refused(lambda request: Reply(body=index) if request.path.endswith("/1") else honest(request), tmp_path)
    assert isinstance(error, IntegrityError)


def test_a_silent_registry_is_given_up() -> None:
    def silent(_: Request) -> Reply:
        time.sleep(0.5)
        return Reply()

    hasty = Patience(attempts=1, read_timeout=0.1)
    with web_server(silent) as web, pytest.raises(TransientError, match="timed out"):
        Registry(web.host, patience=hasty).manifest("demo", "1")


@pytest.mark.parametrize("relative", [True, False])
def test_uploads_go_where_the_registry_says(relative: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    stored: dict[str, bytes] = {}

    def receiving(request: Request) -> Reply:
        path, _, query = request.path.partition("?")
        if request.method == "HEAD":
            return Reply(404)
        if request.method == "POST":
            where = "/upload?state=a%3D" if relative else f"http://{request.headers['Host']}/upload?state=a%3D"
            return Reply(202, headers={"Location": where})
        stored[f"{path}?{query}"] = request.body
        return Reply(201)

    layout = Layout(tmp_path)
    manifest = put_artifact(layout, LAYER)
    with web_server(receiving) as web:
        push(layout, manifest, Registry(web.host, patience=QUICK), "demo", tags=["1"])
    digests = f"sha256%3A{LAYER_BLOB.digest.hex}"
    assert stored[f"/upload?state=a%3D&digest={digests}"] == LAYER
    assert list(stored)[-2:] == [f"/v2/demo/manifests/{manifest.digest}?", "/v2/demo/manifests/1?"]


def test_a_broken_upload_starts_again(tmp_path: Path) -> None:
    bodies: list[bytes] = []

    def receiving(request: Request) -> Reply:
        if request.method == "POST":
            return Reply(202, headers={"Location": "/upload"})
        if request.method == "PUT" and request.path.startswith("/upload"):
            bodies.append(request.body)
            return Reply(503 if len(bodies) == 1 else 201)
        return Reply(404)

    layout = Layout(tmp_path)
    blob = layout.put_blob(LAYER)
    with web_server(receiving) as web:
        assert Registry(web.host, patience=QUICK).put_blob("demo", blob, lambda: layout.chunks(blob))
    assert bodies == [LAYER, LAYER]


def test_a_registry_that_stores_something_else_is_found_out() -> None:
    other = Reply(201, headers={"Docker-Content-Digest": str(Digest.of(b"x"))})
    with web_server(lambda _: other) as web, pytest.raises(IntegrityError, match="stored sha256"):
        Registry(web.host, patience=QUICK).put_manifest("demo", MANIFEST, tag="1")


def test_a_blob_of_another_size_is_not_taken_for_ours() -> None:
    short = Reply(200, headers={"Content-Length": "5"})
    with web_server(lambda _: short) as web, pytest.raises(IntegrityError, match="5 bytes"):
        Registry(web.host, patience=QUICK).has_blob("demo", LAYER_BLOB)


def test_an_upload_that_is_refused_early_is_told_by_the_answer(tmp_path: Path) -> None:
    def refusing(request: Request) -> Reply:
        if request.method == "POST":
            return Reply(202, headers={"Location": "/upload"})
        return Reply(
            404 if request.method == "HEAD" else 413, b'{"errors": [{"code": "SIZE_INVALID", "message": "big"}]}'
        )

    layout = Layout(tmp_path)
    blob = layout.put_blob(LAYER)
    with web_server(refusing) as web, pytest.raises(RegistryError, match=r"413 \(SIZE_INVALID: big\)") as caught:
        Registry(web.host, patience=QUICK).put_blob("demo", blob, lambda: layout.chunks(blob))
    assert caught.value.status == 413


def test_tag_pages_are_followed_and_endless_ones_are_not() -> None:
    def paging(request: Request) -> Reply:
        if "last=b" in request.path:
            return Reply(body=b'{"name": "demo", "tags": ["c"]}')
        return Reply(
            body=b'{"name": "demo", "tags": ["b", "a"]}',
            headers={"Link": '</v2/demo/tags/list?last=b&n=2>; rel="next"'},
        )

    with web_server(paging) as web:
        assert Registry(web.host, patience=QUICK).tags("demo") == ("a", "b", "c")
    endless = Reply(body=b'{"tags": null}', headers={"Link": '</v2/demo/tags/list>; rel="next"'})
    with web_server(lambda _: endless) as web, pytest.raises(RegistryError, match="in a circle"):
        Registry(web.host, patience=QUICK).tags("demo")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"tags": {}}'])
def test_a_tag_list_that_is_none_is_named(body: bytes) -> None:
    with web_server(lambda _: Reply(body=body)) as web, pytest.raises(RegistryError, match="tag list"):
        Registry(web.host, patience=QUICK).tags("demo")


@pytest.mark.parametrize(
    ("host", "insecure", "origin"),
    [
        ("ghcr.io", (), "https://ghcr.io:443"),
        ("docker.io", (), "https://registry-1.docker.io:443"),
        ("localhost:5000", (), "http://localhost:5000"),
        ("127.1.2.3", (), "http://127.1.2.3:80"),
        ("[::1]:5000", (), "http://[::1]:5000"),
        ("10.0.0.1:5000", (), "https://10.0.0.1:5000"),
        ("10.0.0.1:5000", ("10.0.0.1:5000",), "http://10.0.0.1:5000"),
        ("box:5000", ("box",), "http://box:5000"),
        ("localhost.example.com", (), "https://localhost.example.com:443"),
    ],
)
def test_plain_http_is_for_this_machine_and_listed_hosts(host: str, insecure: tuple[str, ...], origin: str) -> None:
    assert str(registry_origin(host, frozenset(insecure))) == origin


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("151.101.1.1", False),
        ("2606:4700::1111", False),
        ("169.254.169.254", True),
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("fe80::1%eth0", True),
    ],
)
def test_private_addresses_are_known(address: str, inside: bool) -> None:  # noqa: FBT001 - expected
    assert is_inside([address]) is inside
    assert is_inside(["151.101.1.1", address]) is inside


@given(st.integers(1, 60), st.none() | st.floats(0, 100))
def test_waiting_grows_within_bounds(attempt: int, asked: float | None) -> None:
    delay = Patience(first_delay=0.5, longest_delay=30.0).delay(attempt, asked)
    assert 0 <= delay - asked <= 0.5 if asked is not None else 0 <= delay <= min(30.0, 0.5 * 2**attempt)
