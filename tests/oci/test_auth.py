"""Logging in: passwords, tokens and docker's configuration."""

from __future__ import annotations

import base64
import datetime as dt
import json
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.web import Reply, Request, web_server

from modelport.errors import FormatError, ModelportError, RegistryError, SetupError
from modelport.oci import Descriptor, Index, Registry, build_index
from modelport.oci.net.auth import parse_challenges
from modelport.oci.net.credentials import Credentials, docker_credentials
from modelport.oci.net.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QUICK = Patience(attempts=2, away_attempts=2, first_delay=0.01)
JANE = Credentials("jane", "se:cret")
INDEX = Index.parse(build_index([]))


class TokenRegistry:
    """A registry whose token service gives out a new token each time; tokens hold for *uses* requests."""

    def __init__(self, *, uses: int = 1000, **extra: object) -> None:
        self.tokens: dict[str, int] = {}
        self.scopes: list[str] = []
        self.uses = uses
        self.extra = extra

    def answer(self, request: Request) -> Reply:
        if request.path.startswith("/token"):
            return self.give_token(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0) <= 0:
            action = "pull,push" if request.method in {"PUT", "POST"} else "pull"
            realm = f'realm="http://{request.headers["Host"]}/token",service="test"'
            return Reply(401, headers={"WWW-Authenticate": f'Bearer {realm},scope="repository:demo:{action}"'})
        self.tokens[token] -= 1
        return Reply(201) if request.method == "PUT" else Reply(body=INDEX.raw)

    def give_token(self, request: Request) -> Reply:
        if request.headers.get("Authorization") != JANE.basic:
            return Reply(401)
        query = parse_qs(urlsplit(request.path).query)
        assert query["service"] == ["test"]
        self.scopes += query["scope"]
        token = f"t{len(self.scopes)}"
        self.tokens[token] = self.uses
        return Reply(body=json.dumps({"token": token, **self.extra}).encode())


def test_a_token_is_fetched_once_for_each_scope() -> None:
    service = TokenRegistry()
    with web_server(service.answer) as web:
        registry = Registry(web.host, credentials=JANE, patience=QUICK)
        for _ in range(3):
            assert registry.manifest("demo", "1") == INDEX
        registry.put_manifest("demo", INDEX, tag="2")
        registry.put_manifest("demo", INDEX, tag="3")
    assert service.scopes == ["repository:demo:pull", "repository:demo:pull,push"]


def test_a_token_that_ran_out_is_renewed() -> None:
    service = TokenRegistry(uses=1)
    with web_server(service.answer) as web:
        registry = Registry(web.host, credentials=lambda host: JANE if host == web.host else None, patience=QUICK)
        for _ in range(3):
            assert registry.manifest("demo", "1") == INDEX
    assert len(service.scopes) == 3


def test_a_token_that_is_refused_at_once_is_renewed_only_once() -> None:
    service = TokenRegistry(uses=0)
    with web_server(service.answer) as web, pytest.raises(RegistryError) as caught:
        Registry(web.host, credentials=JANE, patience=QUICK).manifest("demo", "1")
    assert caught.value.status == 401
    assert len(service.scopes) == 1


def test_eight_that_are_refused_at_once_fetch_one_token_for_all() -> None:
    service, lock, together = TokenRegistry(), threading.Lock(), threading.Barrier(8, timeout=20)
    refusals = 0

    def answer(request: Request) -> Reply:
        nonlocal refusals
        with lock:
            reply = service.answer(request)
            refusals += reply.status == 401
            waits = reply.status == 401 and refusals <= 8
        if waits:
            together.wait()  # nobody is refused before all have asked
        return reply

    with web_server(answer) as web:
        registry = Registry(web.host, credentials=JANE, patience=QUICK)
        found: list[object] = []
        threads = [threading.Thread(target=lambda: found.append(registry.manifest("demo", "1"))) for _ in range(8)]
        for round_ in (1, 2):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert found == [INDEX] * 8 * round_
            assert len(service.scopes) == round_
            assert refusals == 8
            service.tokens.clear()  # as if they had run out in the middle of the work
            refusals, together = 0, threading.Barrier(8, timeout=20)
            threads = [threading.Thread(target=lambda: found.append(registry.manifest("demo", "1"))) for _ in range(8)]


def test_a_token_that_ran_out_is_replaced_before_it_is_refused() -> None:
    service = TokenRegistry(expires_in=0.05)
    with web_server(service.answer) as web:
        registry = Registry(web.host, credentials=JANE, patience=QUICK)
        for _ in range(3):
            assert registry.manifest("demo", "1") == INDEX
            time.sleep(0.06)
    assert len(service.scopes) == 3
    assert [request.path[:4] for request in web.seen] == ["/v2/", "/tok", "/v2/", "/tok", "/v2/", "/tok", "/v2/"]


def test_the_age_of_a_token_is_told_by_its_services_clock() -> None:
    for minutes, count in ((9, 1), (11, 3)):
        issued = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)
        service = TokenRegistry(expires_in=600, issued_at=issued.isoformat().replace("+00:00", "Z"))
        with web_server(service.answer) as web:
            registry = Registry(web.host, credentials=JANE, patience=QUICK)
            for _ in range(3):
                assert registry.manifest("demo", "1") == INDEX
        assert len(service.scopes) == count


def test_an_identity_token_is_exchanged_by_post() -> None:
    forms = []

    def answer(request: Request) -> Reply:
        if request.path == "/token":
            assert request.method == "POST"
            assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
            forms.append(parse_qs(request.body.decode()))
            return Reply(body=b'{"access_token": "abc", "expires_in": 300, "refresh_token": "another"}')
        if request.headers.get("Authorization") != "Bearer abc":
            realm = f'realm="http://{request.headers["Host"]}/token",service="test"'
            return Reply(401, headers={"WWW-Authenticate": f'Bearer {realm},scope="repository:demo:pull"'})
        return Reply(body=INDEX.raw)

    with web_server(answer) as web:
        registry = Registry(web.host, credentials=Credentials("<token>", "refresh"), patience=QUICK)
        assert registry.manifest("demo", "1") == INDEX
    assert forms == [
        {
            "grant_type": ["refresh_token"], "refresh_token": ["refresh"], "client_id": ["modelport"],
            "service": ["test"], "scope": ["repository:demo:pull"],
        }
    ]  # fmt: skip


def test_an_identity_token_is_no_password() -> None:
    challenge = Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    with web_server(lambda _: challenge) as web, pytest.raises(RegistryError) as caught:
        Registry(web.host, credentials=Credentials("<token>", "refresh"), patience=QUICK).manifest("demo", "1")
    assert caught.value.status == 401
    assert all("Authorization" not in request.headers for request in web.seen)


def test_who_lacks_a_right_is_not_told_to_log_in() -> None:
    challenge = Reply(401, headers={"WWW-Authenticate": 'Basic realm="x", Bearer error="insufficient_scope"'})
    with web_server(lambda _: challenge) as web, pytest.raises(RegistryError) as caught:
        Registry(web.host, patience=QUICK).manifest("demo", "1")
    assert "for the right" in caught.value.hint


@pytest.mark.parametrize("redirected", [True, False])
def test_only_the_registry_itself_says_where_its_password_goes(redirected: bool) -> None:  # noqa: FBT001 - a parameter
    stolen = []

    def bucket(request: Request) -> Reply:
        stolen.append(request.headers.get("Authorization"))
        realm = f"http://{request.headers['Host']}/token"
        return Reply(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})

    with web_server(bucket) as elsewhere:

        def leading(_: Request) -> Reply:
            return (
                Reply(307, headers={"Location": f"{elsewhere.url}/layer?X-Signature=a%2Fb"})
                if redirected
                else Reply(404)
            )

        with web_server(leading) as web:
            registry = Registry(web.host, credentials=JANE, patience=QUICK)
            with pytest.raises(ModelportError):
                list(registry.blob("demo", Descriptor.of(b"x")))
    assert stolen == ([None] if redirected else [])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            ['Bearer realm="r",scope="repository:a:pull,push"'],
            {"bearer": {"realm": "r", "scope": "repository:a:pull,push"}},
        ),
        (['Basic realm="x"', "Bearer realm=r"], {"basic": {"realm": "x"}, "bearer": {"realm": "r"}}),
        (
            ['Basic realm="x, Bearer y=z", Bearer realm="r"'],
            {"basic": {"realm": "x, Bearer y=z"}, "bearer": {"realm": "r"}},
        ),
        (["Negotiate, BASIC Realm=x"], {"negotiate": {}, "basic": {"realm": "x"}}),
        (['Basic realm="a\\"b"'], {"basic": {"realm": 'a"b'}}),
        (["", " , ", "=?"], {}),
    ],
)
def test_challenges_are_read(headers: list[str], expected: dict[str, dict[str, str]]) -> None:
    assert parse_challenges(headers) == expected


@pytest.mark.parametrize("credentials", [None, Credentials("jane", "wrong")])
def test_wrong_or_no_credentials_lead_to_login(credentials: Credentials | None) -> None:
    with web_server(TokenRegistry().answer) as web, pytest.raises(RegistryError) as caught:
        Registry(web.host, credentials=credentials, patience=QUICK).manifest("demo", "1")
    assert caught.value.status == 401
    assert f": modelport login {web.host}" in caught.value.hint
    assert ("the password of jane is refused" in caught.value.message) == (credentials is not None)
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("credentials", [None, Credentials("jane", "wrong")])
def test_a_password_that_is_refused_is_said_to_be(credentials: Credentials | None) -> None:
    challenge = Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    with web_server(lambda _: challenge) as web, pytest.raises(RegistryError) as caught:
        Registry(web.host, credentials=lambda _: credentials, patience=QUICK).manifest("demo", "1")
    if credentials is None:
        assert caught.value.hint == f"log in: modelport login {web.host}"
    else:
        assert caught.value.message.startswith(f"cannot read demo on {web.host}: the password of jane is refused")
        assert caught.value.hint == f"log in again, what is kept may be old: modelport login {web.host}"
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"x", b'{"token": "a\\r\\nb"}'])
def test_a_token_service_that_gives_none_is_named(body: bytes) -> None:
    def answer(request: Request) -> Reply:
        realm = f"http://{request.headers['Host']}/token"
        challenge = Reply(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})
        return Reply(body=body) if request.path.startswith("/token") else challenge

    with web_server(answer) as web, pytest.raises(RegistryError, match="token service"):
        Registry(web.host, patience=QUICK).manifest("demo", "1")


@pytest.mark.parametrize("realm", ["", "http://example.com/token", "file:///etc/passwd", "http://a@127.0.0.1/"])
def test_credentials_do_not_go_where_a_registry_must_not_lead(realm: str) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="{realm}"'}
    with web_server(lambda _: Reply(401, headers=challenge)) as web, pytest.raises(RegistryError):
        Registry(web.host, credentials=JANE, patience=QUICK).manifest("demo", "1")


def test_a_password_is_sent_when_it_is_asked_for_and_never_shown() -> None:
    def answer(request: Request) -> Reply:
        if request.headers.get("Authorization") != JANE.basic:
            return Reply(401, headers={"WWW-Authenticate": 'Basic realm="registry"'})
        return Reply(body=INDEX.raw)

    with web_server(answer) as web:
        assert Registry(web.host, credentials=JANE, patience=QUICK).manifest("demo", "1") == INDEX
    assert "Authorization" not in web.seen[0].headers
    assert "se:cret" not in repr(JANE)


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize("key", ["reg:5000", "https://reg:5000", "https://reg:5000/v1/", "http://reg:5000"])
def test_dockers_configuration_is_read(key: str, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {key: auth("jane:se:cret"), "other": auth("x:y")}}), "utf-8")
    assert docker_credentials(config)("reg:5000") == JANE
    assert docker_credentials(config)("reg:5001") is None


def test_docker_hub_has_a_name_of_its_own(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {"https://index.docker.io/v1/": auth("jane:se:cret")}}), "utf-8")
    assert docker_credentials(config)("docker.io") == JANE


def test_no_configuration_is_no_credentials(tmp_path: Path) -> None:
    assert docker_credentials(tmp_path / "config.json")("reg") is None


@pytest.mark.parametrize(
    "content", ["", "[]", '{"auths": []}', '{"auths": {"reg": {"auth": "?"}}}', '{"auths": {"reg": {"auth": "eA=="}}}']
)
def test_a_broken_configuration_is_named(content: str, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(content, "utf-8")
    with pytest.raises(FormatError, match=r"config\.json"):
        docker_credentials(config)("reg")


@pytest.fixture
def helper(tmp_path: Path) -> Callable[[str], str]:
    def install(script: str) -> str:
        program = tmp_path / "docker-credential-test"
        program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        program.chmod(0o755)
        return str(tmp_path)

    return install


@pytest.mark.parametrize("settings", [{"credHelpers": {"reg": "test"}}, {"credsStore": "test", "auths": {"reg": {}}}])
def test_a_credential_helper_is_asked(
    settings: dict[str, object], tmp_path: Path, helper: Callable[[str], str]
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings), "utf-8")
    answering = helper('read host; echo "{\\"Username\\": \\"jane\\", \\"Secret\\": \\"$1-$host\\"}"')
    assert docker_credentials(config, search_path=answering)("reg") == Credentials("jane", "get-reg")
    assert docker_credentials(config, search_path=helper("echo not found; exit 1"))("reg") is None
    with pytest.raises(SetupError, match="not credentials"):
        docker_credentials(config, search_path=helper("echo hello"))("reg")


def test_a_missing_or_malicious_helper_is_named(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"credHelpers": {"reg": "absent", "bad": "../../bin/sh"}}), "utf-8")
    with pytest.raises(SetupError, match="absent"):
        docker_credentials(config, search_path=str(tmp_path))("reg")
    with pytest.raises(FormatError, match="helper"):
        docker_credentials(config, search_path=str(tmp_path))("bad")


def test_nothing_is_asked_of_a_helper_without_need(tmp_path: Path) -> None:
    with web_server(lambda _: Reply(body=INDEX.raw)) as web:
        config = tmp_path / "config.json"
        config.write_text(json.dumps({"credHelpers": {web.host: "absent"}}), "utf-8")
        assert Registry(web.host, credentials=docker_credentials(config), patience=QUICK).manifest("demo", "1") == INDEX


def test_an_anonymous_registry_needs_no_credentials() -> None:
    with web_server(lambda _: Reply(404)) as web:
        assert not Registry(web.host, patience=QUICK).has_blob("demo", Descriptor.of(b""))


@pytest.mark.parametrize("content", ["{", "[]", '{"auths": 1}', '{"credHelpers": []}'])
def test_a_broken_configuration_of_docker_is_named_with_a_way_out(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content, "utf-8")
    with pytest.raises(FormatError, match=r"config\.json") as caught:
        docker_credentials(tmp_path / "config.json")("localhost:5000")
    assert "move it away" in caught.value.hint
