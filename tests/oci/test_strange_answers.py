"""Answers as no honest registry gives them: every one ends in time, in an error of ours, and gives nothing away."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.support.artifacts import put_artifact
from tests.support.small_registry import (
    FOREVER,
    QUICK,
    Fault,
    Rules,
    reads_blob,
    reads_manifest,
    sends_blob,
    sends_manifest,
    small_registry,
)
from tests.support.web import Reply, Request, web_server

from modelport.errors import ModelportError, NotFoundError, RegistryError
from modelport.oci import Index, Layout, Registry, build_index, pull, push
from modelport.oci.net.connect import Connector
from modelport.oci.net.credentials import Credentials
from modelport.oci.net.origin import Origin, is_all_inside, is_inside, registry_origin
from modelport.oci.net.patience import Patience
from modelport.oci.net.proxy import DIRECT
from modelport.oci.net.tokens import fetch_token
from modelport.oci.net.transport import InterruptedRequestError
from modelport.oci.net.urls import shown
from modelport.oci.referrers import referrers
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

INDEX = Index.parse(build_index([]))
ONCE = replace(QUICK, attempts=1)
JANE = Credentials("jane", "secret")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "source")


# What an answer's head may be


@pytest.mark.parametrize("kind", ["drip", "interim"])
def test_a_head_that_never_ends_is_given_up(kind: str) -> None:
    with small_registry() as small:
        small.add(Fault(kind, times=FOREVER, pause=0.01))  # type: ignore[arg-type]
        client = small.client(patience=replace(ONCE, read_timeout=0.2))
        with pytest.raises(RegistryError, match="longer than"):
            client.manifest("demo", "1")


@pytest.mark.parametrize("framing", [b"1;" + b"x" * 60_000, b"0\r\nX: yy\r\n"])
def test_the_framing_of_a_body_that_never_ends_is_given_up(framing: bytes) -> None:
    """A chunk's size line, or the fields after the last chunk."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framing[:8])
                for position in range(8, len(framing) + 60_000):
                    connection.sendall(framing[position : position + 1] or b"X: y\r\n")
                    time.sleep(0.01)

        thread = threading.Thread(target=answer)
        thread.start()
        client = Registry(f"127.0.0.1:{server.getsockname()[1]}", patience=replace(ONCE, read_timeout=0.2))
        with pytest.raises(RegistryError, match="longer than"):
            client.manifest("demo", "1")
        client.close()
        thread.join()


HEADERS = ["Location", "WWW-Authenticate", "Link", "Docker-Content-Digest", "Retry-After", "Content-Range"]
HEADERS += ["Range", "OCI-Chunk-Min-Length", "Content-Type", "ETag", "OCI-Subject", "Date", "Content-Length"]
LABEL = "a" * 64
PLACES = st.sampled_from(
    [
        "https://a..b/",
        f"https://{LABEL}.com/",
        "https://[::1%25lo]/",
        "https://[",
        "https://a b/",
        "http://127.0.0.1:99999/",
        "https://\xff\xfe/",
        "//",
        "https://\u2100.com/".encode().decode("latin-1"),
    ]
)
VALUES = (
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f\x85"), max_size=60)
    | PLACES
    | PLACES.map(lambda place: f'Bearer realm="{place}",service="s",scope="repository:demo:pull"')
    | PLACES.map(lambda place: f'<{place}>; rel="next"')
    | st.integers().map(str)
    | st.sampled_from(["Bearer", "sha256:", "sha512:" + "0" * 128, "Wed, 31 Dec 9999 23:59:59 -2359", "0 Jan 0 0:0"])
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode())
BODIES |= st.fixed_dictionaries({"tags": JSON}).map(lambda value: json.dumps(value).encode())
BODIES |= st.fixed_dictionaries({"schemaVersion": st.just(2), "manifests": JSON}).map(lambda v: json.dumps(v).encode())
DESCRIPTOR = INDEX.descriptor
VERBS: dict[str, Callable[[Registry, Path], object]] = {
    "manifest": lambda registry, _: registry.manifest("demo", "1"),
    "tags": lambda registry, _: registry.tags("demo"),
    "ping": lambda registry, _: registry.ping(),
    "stands for": lambda registry, _: registry.stands_for("demo", "1", DESCRIPTOR.digest),
    "referrers": lambda registry, _: referrers(registry, "demo", DESCRIPTOR.digest),
    "blob": lambda registry, _: list(registry.blob("demo", DESCRIPTOR)),
    "has blob": lambda registry, _: registry.has_blob("demo", DESCRIPTOR),
    "put blob": lambda registry, _: registry.put_blob("demo", DESCRIPTOR, lambda: [INDEX.raw]),
    "put": lambda registry, _: registry.put_manifest("demo", INDEX, tag="1"),
    "delete": lambda registry, _: registry.delete_manifest("demo", DESCRIPTOR.digest),
    "delete tag": lambda registry, _: registry.delete_tag("demo", "1"),
    "pull": lambda registry, folder: pull(registry, "demo", "1", Layout(folder)),
}


class Told:
    """What the server says to everything, at the moment."""

    reply = Reply()


@pytest.fixture(scope="module")
def saying() -> Iterator[tuple[str, Told]]:
    told = Told()
    with web_server(lambda _: told.reply) as web:
        yield web.host, told


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(sorted(VERBS)),
    st.builds(
        Reply,
        st.sampled_from([200, 201, 202, 204, 206, 307, 400, 401, 403, 404, 405, 416, 429, 500]),
        BODIES,
        st.dictionaries(st.sampled_from(HEADERS), VALUES, max_size=3),
    ),
)
@example("tags", Reply(200, b"[" * 100_000))
@example("tags", Reply(200, b'{"tags":["\\ud800"]}'))
@example("manifest", Reply(307, b"", {"Location": "https://a..b/"}))
@example("manifest", Reply(429, b"", {"Retry-After": "Wed, 31 Dec 9999 23:59:59 -2359"}))
def test_whatever_is_answered_ends_in_an_error_of_ours(
    saying: tuple[str, Told], tmp_path: Path, verb: str, reply: Reply
) -> None:
    host, told = saying
    told.reply = reply
    patience = Patience(attempts=1, first_delay=0.001, connect_timeout=0.2, read_timeout=0.2)
    client = Registry(host, patience=patience, credentials=JANE)
    with contextlib.suppress(ModelportError):
        VERBS[verb](client, tmp_path / "store")
    client.close()


@given(
    st.text() | st.builds("".join, st.lists(st.sampled_from(["a", ".", "-", ":", "[", "]", "é", "\uff41", LABEL, "%"])))
)
@example("a..b")
@example(f"{LABEL}.com")
@example("\u2100.com")
@example("a\0b")
def test_any_name_of_a_registry_is_one_or_an_error_of_ours(name: str) -> None:
    with contextlib.suppress(ModelportError):
        origin = registry_origin(name, frozenset())
        origin.host.encode("idna")


@given(JSON, JSON, VALUES | st.just("Wed, 21 Oct 2015 07:28:00 GMT"))
@example(10**400, None, "")
@example(None, "0001-01-01T00:00:00", "Wed, 21 Oct 2015 07:28:00 GMT")
@example(float("nan"), "9999-12-31T23:59:59-23:59", "Wed, 31 Dec 9999 23:59:59 -2359")
def test_whatever_a_token_service_says_of_time_is_taken(lifetime: object, issued: object, date: str) -> None:
    answer = json.dumps({"token": "x", "expires_in": lifetime, "issued_at": issued}).encode()
    service = Saying(answer, date)
    token = fetch_token(service, {"realm": "https://auth.example/"}, "", None, host="h")  # type: ignore[arg-type]
    assert token.value == "x"
    assert token.expires < float("inf")


class Saying:
    """Stands for a transport and its answer: http.server refuses to write most of these dates."""

    status = 200

    def __init__(self, body: bytes, date: str) -> None:
        self._body, self.headers = body, {"Date": date}

    def send(self, *_: object, **__: object) -> contextlib.AbstractContextManager[Saying]:
        return contextlib.nullcontext(self)

    def read(self, _: int) -> bytes:
        return self._body


# What is asked again


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_a_body_that_breaks_off_is_asked_for_again(kind: str, layout: Layout) -> None:
    root = put_artifact(layout, b"a")
    with small_registry() as small:
        push(layout, root, small.client(), "demo", tags=["1"])
        asked: dict[str, Callable[[], object]] = {
            "/manifests/": lambda: small.client().manifest("demo", "1"),
            "/tags/": lambda: small.client().tags("demo"),
            "/referrers/": lambda: referrers(small.client(), "demo", root.digest),
            "/v2/": lambda: small.client().ping(),
        }
        for place, ask in asked.items():
            small.mend()
            small.add(Fault(kind, 1, on=lambda seen, place=place: place in seen.path))  # type: ignore[arg-type,misc]
            ask()
            assert small.fired()


def test_a_manifest_that_is_stored_is_stored_though_the_words_about_it_break_off() -> None:
    def answer(_: Request) -> Reply:
        return Reply(201, b"stored", cut=1)

    with web_server(answer) as web:
        assert Registry(web.host, patience=ONCE).put_manifest("demo", INDEX, tag="1") == DESCRIPTOR
        assert len(web.seen) == 1


# Connections


@pytest.mark.parametrize("words", [False, True])
def test_redirects_and_refusals_cost_no_connection(words: bool, layout: Layout) -> None:  # noqa: FBT001 - a parameter
    root = put_artifact(layout, *(b"%d" % number for number in range(20)))
    with small_registry(Rules(redirects=True, redirect_words=words, auth="token")) as small:
        push(layout, root, small.client(credentials=JANE), "demo", tags=["1"])
        opened = [0]
        for server in small.servers.values():
            accept = server.get_request

            def counted(accept: Callable[[], tuple[socket.socket, object]] = accept) -> tuple[socket.socket, object]:
                opened[0] += 1
                return accept()

            server.get_request = counted  # type: ignore[method-assign]
        client = small.client(credentials=JANE)
        small.forget_requests()
        for node in layout.manifest(root).children:
            assert b"".join(client.blob("demo", node)) == layout.read(node)
        assert len(small.requests(reads_blob)) >= 2 * 21
        assert opened[0] == 3  # to the registry, the token service and the bucket


@pytest.mark.parametrize("at", ["head", "body", "sending"])
def test_what_waits_is_woken_by_an_abort(at: str, layout: Layout) -> None:
    root = put_artifact(layout, b"x" * 5_000_000)
    ended: list[BaseException] = []
    patient = replace(QUICK, read_timeout=60.0)
    with small_registry() as small:
        client = small.client(patience=patient)
        faults = {
            "head": Fault("stall", None, on=reads_manifest),
            "body": Fault("stall", 1, on=reads_manifest),
            "sending": Fault("stall", 1, on=sends_blob, of="request"),
        }
        push(layout, put_artifact(layout, b"y"), client, "demo", tags=["1"])
        small.add(faults[at])

        def work() -> None:
            try:
                if at == "sending":
                    push(layout, root, client, "demo", tags=["2"])
                else:
                    client.manifest("demo", "1")
            except ModelportError as error:
                ended.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        while not small.fired():
            time.sleep(0.005)
        while thread.is_alive():  # it may not wait yet
            client.abort()
            thread.join(0.1)
        assert [type(error) for error in ended] == [InterruptedRequestError]
        small.mend()
        assert client.tags("demo") == ("1",)
        push(layout, root, client, "demo", tags=["2"])


# What is given away, and where one may be led


def test_secrets_in_urls_are_not_shown(layout: Layout, tmp_path: Path) -> None:
    root = put_artifact(layout, b"a" * 500_000)
    with small_registry(Rules(redirects=True)) as small:
        push(layout, root, small.client(), "demo", tags=["1"])
        at_bucket = [
            Fault("status", on=lambda seen: "/v2/" not in seen.path, times=FOREVER),
            Fault("stall", 100, on=lambda seen: "/v2/" not in seen.path, times=FOREVER),
            Fault("cut", None, on=lambda seen: "/v2/" not in seen.path, times=FOREVER),
        ]
        for fault in at_bucket:
            small.mend()
            small.add(fault)
            with pytest.raises(ModelportError) as caught:
                pull(small.client(patience=ONCE), "demo", "1", Layout(tmp_path / "target"))
            assert "signature=REDACTED" in str(caught.value)
            assert "x%2Fy" not in str(caught.value)
        small.mend()
        small.add(Fault("status", on=sends_blob, times=FOREVER))
        with pytest.raises(ModelportError) as caught:
            push(layout, put_artifact(layout, b"b"), small.client(patience=ONCE), "demo", tags=["2"])
        assert "state=0" not in str(caught.value)


SECRET = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=12, max_size=20).map("S3CRET{}".format)


@given(
    SECRET, st.sampled_from(["https://a/b?x={}", "https://a/b?{}", "?a=1&b={}#c", "https://u:{}@h/p", "http://a/#{}"])
)
def test_no_secret_of_a_url_is_shown(secret: str, form: str) -> None:
    assert secret not in shown(form.format(quote(secret)))


def test_what_is_no_secret_is_shown() -> None:
    assert shown("https://host:5000/v2/a/manifests/1") == "https://host:5000/v2/a/manifests/1"
    assert shown("https://host/v2/?n=10&last=b") == "https://host/v2/?n=REDACTED&last=REDACTED"


@pytest.mark.parametrize(
    "address",
    [
        *("224.0.0.1", "ff02::1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "::7f00:1"),
        *("::ffff:169.254.169.254", "2001:0:4136:e378::1", "fec0::1", "255.255.255.255", "0.0.0.0", "::"),  # noqa: S104
    ],
)
def test_disguised_private_addresses_are_known(address: str) -> None:
    assert is_inside([address])
    assert is_all_inside([address])


@pytest.mark.parametrize("address", ["64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8", "2606:4700::1111"])
def test_public_addresses_stay_public(address: str) -> None:
    assert not is_inside([address])
    assert not is_all_inside([address, "10.0.0.1"])


@pytest.mark.parametrize(
    ("home", "reached"), [(["93.184.216.34", "10.0.0.1"], []), (["10.0.0.1"], ["93.184.216.34"]), (["10.0.0.1"], [])]
)
def test_a_registrys_own_name_does_not_open_the_door(
    home: list[str], reached: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {"evil.example": home, "inside.example": ["127.0.0.1"]}

    def lookup(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in table.get(host, [host])]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)  # the names of this test are nobody's
    with socket.create_server(("127.0.0.1", 0)) as canary:
        connector = Connector(
            registry_origin("evil.example", frozenset()),
            insecure_hosts=frozenset({"inside.example"}),
            patience=ONCE,
            proxies=DIRECT,
            authorities=[],
        )
        connector._home_addresses.update(reached)
        target = Origin.of(f"https://inside.example:{canary.getsockname()[1]}/")
        canary.settimeout(0)
        if home == ["10.0.0.1"] and not reached:
            assert connector._home_is_inside()
            return
        with pytest.raises(RegistryError, match="private network"):
            connector.connect(target)
        with pytest.raises(BlockingIOError):
            canary.accept()


# What is asked for


def test_every_scope_is_asked_for_by_itself() -> None:
    asked: list[list[str]] = []

    def answer(request: Request) -> Reply:
        if request.path.startswith("/token"):
            asked.append(parse_qs(urlsplit(request.path).query)["scope"])
            return Reply(body=b'{"token":"t"}')
        if "Authorization" in request.headers:
            return Reply(body=INDEX.raw)
        realm = f'realm="http://{request.headers["Host"]}/token"'
        scope = "repository:a:pull,push repository:b:pull"
        return Reply(401, headers={"WWW-Authenticate": f'Bearer {realm},scope="{scope}"'})

    with web_server(answer) as web:
        assert Registry(web.host, patience=ONCE).manifest("a", "1") == INDEX
    assert asked == [["repository:a:pull,push", "repository:b:pull"]]


def test_what_a_tag_stands_for_is_told(layout: Layout) -> None:
    root = put_artifact(layout, b"a")
    with small_registry() as small:
        client = small.client()
        assert not client.stands_for("demo", "1", root.digest)
        push(layout, root, client, "demo", tags=["1"])
        assert client.stands_for("demo", "1", root.digest)
        assert not client.stands_for("demo", "1", Digest.of(b"other"))
        assert not client.stands_for("demo", "2", root.digest)
    with small_registry(Rules(digest_header=False)) as small:
        push(layout, root, small.client(), "demo", tags=["1"])
        assert not small.client().stands_for("demo", "1", root.digest)


def test_the_small_registry_keeps_tags_and_hides_what_is_absent(layout: Layout) -> None:
    root = put_artifact(layout, b"a")
    with small_registry(Rules(immutable_tags=True, hides_absent=True)) as small:
        client = small.client()
        with pytest.raises(RegistryError, match="DENIED"):
            client.manifest("demo", "1")
        for node in layout.manifest(root).children:
            small.content.put_blob("demo", layout.read(node), str(node.digest))
        client.put_manifest("demo", layout.manifest(root), tag="1")
        with pytest.raises(RegistryError, match="TAG_INVALID"):
            client.put_manifest("demo", layout.manifest(root), tag="1")
        with pytest.raises(NotFoundError):
            client.manifest("demo", "2")
        assert len(small.requests(sends_manifest)) == 2
