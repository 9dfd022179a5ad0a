"""Proxies and certificates: which proxy is used for what, who sees which password, and whom to trust."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.support.certificates import Authority
from tests.support.proxy import proxy_server
from tests.support.web import Reply, Request, web_server

from modelport.errors import FormatError, RegistryError, SetupError
from modelport.oci import Index, Registry, build_index
from modelport.oci.net.credentials import Credentials
from modelport.oci.net.origin import Origin, says_inside
from modelport.oci.net.patience import Patience, TransientError
from modelport.oci.net.proxy import Proxies, Proxy
from modelport.oci.net.transport import Transport

if TYPE_CHECKING:
    from pathlib import Path

QUICK = Patience(attempts=2, away_attempts=2, first_delay=0.01, read_timeout=5.0)
INDEX = Index.parse(build_index([]))
JANE = Credentials("jane", "secret")
HOST = "registry.example"
PROXY_PASSWORD = "Basic cHJveHk6YTpi"  # noqa: S105 - proxy:a:b


def registry(request: Request) -> Reply:
    """Answer as a registry that wants Jane's password and has one index under every tag."""
    if request.headers.get("Authorization") != JANE.basic:
        return Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    return Reply(201 if request.method == "PUT" else 200, INDEX.raw)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.found(tmp_path_factory.mktemp("authority") / "own")


def test_tls_goes_through_a_tunnel_in_which_the_proxy_sees_nothing(authority: Authority) -> None:
    tls = authority.serve_as(HOST)
    with (
        web_server(registry, tls=tls) as web,
        proxy_server({f"{HOST}:443": web.host}, authorization=PROXY_PASSWORD) as p,
    ):
        proxies = Proxies.parse({"https": f"http://proxy:a%3Ab@{p.url}"})
        client = Registry(HOST, credentials=JANE, patience=QUICK, proxies=proxies, authorities=[authority.certificate])
        assert client.manifest("demo", "1") == INDEX
        client.put_manifest("demo", INDEX, tag="2")
    assert {line for line, _ in p.seen} == {f"CONNECT {HOST}:443 HTTP/1.1"}
    assert all(headers["Proxy-Authorization"] == PROXY_PASSWORD for _, headers in p.seen)
    assert all("Authorization" not in headers for _, headers in p.seen)
    assert all("Proxy-Authorization" not in request.headers for request in web.seen)


def test_plain_http_is_handed_to_the_proxy_whole() -> None:
    with web_server(registry) as web, proxy_server({f"{HOST}:80": web.host}, authorization=PROXY_PASSWORD) as p:
        proxies = Proxies.parse({"http": f"proxy:a%3Ab@{p.url}", "https": "http://127.0.0.1:1"})
        client = Registry(HOST, insecure_hosts={HOST}, credentials=JANE, patience=QUICK, proxies=proxies)
        assert client.manifest("demo", "1") == INDEX
        client.put_manifest("demo", INDEX, tag="2")
    assert p.seen[0][0] == f"GET http://{HOST}:80/v2/demo/manifests/1 HTTP/1.1"
    assert p.seen[0][1]["Host"] == f"{HOST}:80"
    assert all("Proxy-Authorization" not in request.headers for request in web.seen)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("refuse", "password", "words", "hint"),
    [
        (None, "", "407", "user:password"),
        (None, "proxy:wrong@", "407", "user:password"),
        (403, "", "403", "operator"),
        (502, "proxy:a%3Ab@", "502", "later"),
    ],
)
def test_a_proxy_that_refuses_is_named(scheme: str, refuse: int | None, password: str, words: str, hint: str) -> None:
    with proxy_server({}, authorization=None if refuse else PROXY_PASSWORD, refuse=refuse) as p:
        proxies = Proxies.parse({scheme: f"http://{password}{p.url}"})
        client = Registry(
            HOST,
            insecure_hosts={HOST} if scheme == "http" else set(),
            credentials=JANE,
            patience=QUICK,
            proxies=proxies,
        )
        with pytest.raises(RegistryError, match=words) as caught:
            client.manifest("demo", "1")
    assert caught.value.status == int(words)
    assert "wrong" not in str(caught.value)
    if scheme == "https" or words == "407":  # without TLS its answer cannot be told from the registry's
        assert f"the proxy http://{p.url}" in caught.value.message
        assert hint in caught.value.hint


def test_a_proxy_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = Registry(HOST, patience=QUICK, proxies=Proxies.parse({"https": f"127.0.0.1:{port}"}))
    with pytest.raises(
        TransientError, match=rf"the proxy http://127.0.0.1:{port} \(set for https://{HOST}:443\) cannot be reached"
    ) as caught:
        client.manifest("demo", "1")
    assert "NO_PROXY" in caught.value.hint


def test_this_machine_is_never_behind_a_proxy() -> None:
    with web_server(lambda _: Reply(body=INDEX.raw)) as web:
        proxies = Proxies.parse({"http": "http://127.0.0.1:1"})
        assert Registry(web.host, patience=QUICK, proxies=proxies).manifest("demo", "1") == INDEX


@pytest.mark.parametrize(
    ("exceptions", "place", "direct"),
    [
        ("", "https://ghcr.io", False),
        ("*", "https://ghcr.io", True),
        ("ghcr.io", "https://ghcr.io", True),
        ("GHCR.io", "https://Ghcr.IO", True),
        ("ghcr.io", "https://a.ghcr.io", True),
        (".ghcr.io", "https://a.ghcr.io", True),
        (".ghcr.io", "https://ghcr.io", True),
        ("*.ghcr.io", "https://a.b.ghcr.io", True),
        ("ghcr.io", "https://notghcr.io", False),
        ("cr.io", "https://ghcr.io", False),
        ("ghcr.io:443", "https://ghcr.io", True),
        ("ghcr.io:5000", "https://ghcr.io", False),
        ("a.example, b.example ,c.example", "https://b.example", True),
        ("a.example b.example", "https://b.example", True),
        (",,", "https://ghcr.io", False),
        (".", "https://ghcr.io", False),
        ("10.0.0.0/8", "https://10.1.2.3:5000", True),
        ("10.0.0.0/8", "https://11.1.2.3:5000", False),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("10.1.2.3:5000", "https://10.1.2.3:5000", True),
        ("10.1.2.3:5000", "https://10.1.2.3:5001", False),
        ("1.2.3", "https://10.1.2.3", False),
        ("2001:db8::/32", "https://[2001:db8::1]", True),
        ("[2001:db8::1]:5000", "https://[2001:db8::1]:5000", True),
        ("[2001:db8::1]", "https://[2001:db8::1]:5000", True),
        ("", "https://127.0.0.1:5000", True),
        ("", "https://localhost", True),
        ("", "https://[::1]:5000", True),
    ],
)
def test_no_proxy_is_read_as_curl_reads_it(exceptions: str, place: str, direct: bool) -> None:  # noqa: FBT001 - expected
    proxies = Proxies.parse({"https": "http://proxy.example:3128", "no": exceptions})
    assert (proxies.choose(Origin.of(place)) is None) is direct


def test_each_scheme_has_its_own_proxy() -> None:
    proxies = Proxies.parse({"https": "http://tls.example:3128", "http": "plain.example"})
    assert str(proxies.choose(Origin.of("https://a.example"))) == "http://tls.example:3128"
    assert str(proxies.choose(Origin.of("http://a.example"))) == "http://plain.example:80"
    assert Proxies.parse({"https": "http://tls.example"}).choose(Origin.of("http://a.example")) is None
    assert str(Proxy.parse("http://[::1]:3128")) == "http://[::1]:3128"


@pytest.mark.parametrize("text", ["socks5://u:secret@p:1", "https://u:secret@p", "http://u:secret@", "u:secret@p:http"])
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(text: str) -> None:
    with pytest.raises(FormatError, match="HTTPS_PROXY") as caught:
        Proxies.parse({"https": text})
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(Proxies(https=Proxy.parse("http://u:secret@p")))


@pytest.mark.parametrize(
    "target",
    [
        "https://10.1.2.3/x", "https://169.254.169.254/latest/meta-data", "https://[fd00::1]/", "https://intranet/",
        "https://metadata.google.internal/", "https://printer.local/", "https://127.0.0.1:9/", "https://2130706433/",
        "https://localhost.:9/",
    ],
)  # fmt: skip
def test_no_registry_leads_through_the_proxy_into_a_private_network(target: str, authority: Authority) -> None:
    def leading(_: Request) -> Reply:
        return Reply(307, headers={"Location": target})

    with (
        web_server(leading, tls=authority.serve_as("public.example")) as web,
        proxy_server({"public.example:443": web.host}) as p,
    ):
        proxies = Proxies.parse({"https": p.url})
        client = Registry("public.example", patience=QUICK, proxies=proxies, authorities=[authority.certificate])
        with pytest.raises(RegistryError, match="inside a private network: refused"):
            client.tags("demo")
    assert len(p.seen) == 1


def test_where_no_proxy_is_used_a_registry_behind_one_leads_no_deeper(authority: Authority) -> None:
    with (
        web_server(lambda _: Reply()) as inside,
        web_server(
            lambda _: Reply(307, headers={"Location": f"https://{inside.host}/x"}),
            tls=authority.serve_as("outside.example"),
        ) as web,
        proxy_server({"outside.example:443": web.host}) as p,
    ):
        proxies = Proxies.parse({"https": p.url, "no": "10.0.0.0/8"})
        client = Registry("outside.example", patience=QUICK, proxies=proxies, authorities=[authority.certificate])
        with pytest.raises(RegistryError, match="inside a private network: refused"):
            client.tags("demo")
    assert inside.seen == []


def test_names_of_public_places_are_no_private_ones() -> None:
    assert not any(map(says_inside, ["ghcr.io", "local.example", "8.8.8.8", "internal.example.com"]))


def reach(authorities: Path | None, tls_name: str, authority: Authority, *, until: str = "20990101000000Z") -> int:
    with web_server(lambda _: Reply(), tls=authority.serve_as(tls_name, until=until)) as web:
        port = web.host.rpartition(":")[2]
        home = Origin("https", "localhost", int(port))
        transport = Transport(
            home, insecure_hosts=frozenset(), patience=QUICK, authorities=[authorities] if authorities else []
        )
        with transport.send("GET", f"https://localhost:{port}/v2/") as response:
            return response.status


def test_an_authority_is_trusted_by_file_and_by_folder(authority: Authority, tmp_path: Path) -> None:
    assert reach(authority.certificate, "localhost", authority) == 200
    (tmp_path / "own.pem").write_bytes(authority.certificate.read_bytes())
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    assert reach(tmp_path, "localhost", authority) == 200


def test_a_certificate_is_judged_by_who_signed_it_for_which_name_and_until_when(
    authority: Authority, tmp_path: Path
) -> None:
    other = Authority.found(tmp_path / "other")
    cases = [
        (None, "localhost", "20990101000000Z", "unable to get local issuer", "MODELPORT_CA"),
        (other.certificate, "localhost", "20990101000000Z", "unable to get local issuer", "MODELPORT_CA"),
        (authority.certificate, "elsewhere.example", "20990101000000Z", "Hostname mismatch", "check the host's name"),
        (authority.certificate, "localhost", "20210101000000Z", "certificate has expired", "must renew it"),
    ]
    for authorities, name, until, words, hint in cases:
        with pytest.raises(RegistryError, match=words) as caught:
            reach(authorities, name, authority, until=until)
        assert not isinstance(caught.value, TransientError)
        assert hint in caught.value.hint


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_a_file_without_authorities_is_named(content: bytes | None, tmp_path: Path, authority: Authority) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SetupError, match=r"ca\.pem") as caught:
        reach(file, "localhost", authority)
    assert "MODELPORT_CA" in caught.value.hint
