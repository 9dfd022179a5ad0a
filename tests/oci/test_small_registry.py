"""The small registry judged by others: clients that are not ours find in it a registry like any other."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from oras.provider import Registry as OrasRegistry
from tests.support.artifacts import put_release
from tests.support.small_registry import Rules, small_registry

from modelport.oci import Layout, pull
from modelport.oci.net.credentials import Credentials
from modelport.types import Digest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.small_registry import SmallRegistry

KINDS = {"plain": Rules(), "tokens": Rules(auth="token", absolute_locations=True), "elsewhere": Rules(redirects=True)}


@pytest.mark.parametrize("kind", KINDS)
def test_skopeo_pushes_and_pulls(kind: str, tmp_path: Path) -> None:
    if shutil.which("skopeo") is None:
        pytest.fail("skopeo is not installed: `make test` installs it")
    layout = Layout(tmp_path / "store")
    release = put_release(layout, os.urandom(300_000), b"two")
    layout.tag("demo:1", release)
    with small_registry(KINDS[kind]) as small:
        remote = f"docker://{small.host}/demo/skopeo:1"
        options = ["--all", "--dest-tls-verify=false", "--src-tls-verify=false"]
        if small.rules.auth == "token":
            options += ["--src-creds=jane:secret", "--dest-creds=jane:secret"]
        here, back = f"oci:{layout.path}:demo:1", f"oci:{tmp_path / 'back'}:1"
        pushing = [option for option in options if "src-creds" not in option]
        pulling = [option for option in options if "dest-creds" not in option]
        subprocess.run(["skopeo", "copy", *pushing, here, remote], check=True, capture_output=True)
        subprocess.run(["skopeo", "copy", *pulling, remote, back], check=True, capture_output=True)
        assert Layout(tmp_path / "back").resolve("1").digest == release.digest
        assert small.torn == []


@pytest.mark.parametrize("chunked", [False, True])
def test_oras_py_pushes_and_pulls(chunked: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    content = os.urandom(300_000)
    (tmp_path / "weights.bin").write_bytes(content)
    with small_registry() as small:
        registry = OrasRegistry(hostname=small.host, insecure=True)
        target = f"{small.host}/demo/oras:1"
        registry.push(
            target=target,
            files=[str(tmp_path / "weights.bin")],
            disable_path_validation=True,
            do_chunked=chunked,
            chunk_size=100_000,
        )
        (pulled,) = registry.pull(target=target, outdir=str(tmp_path / "out"))
        with open(pulled, "rb") as file:  # noqa: PTH123 - oras gives texts
            assert file.read() == content
        assert bool(small.requests(lambda seen: seen.method == "PATCH")) is chunked
        ours = Layout(tmp_path / "ours")
        root = pull(small.client(), "demo/oras", "1", ours)
        assert ours.read(ours.manifest(root).children[1]) == content


def ask(small: SmallRegistry, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str]]:
    """Send one request and return the answer's status and headers, the body among them."""
    with closing(http.client.HTTPConnection(small.host, timeout=20)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, {**found, "": answer.read().decode("latin-1")}


def test_uploads_are_as_the_specification_has_them() -> None:
    content = b"0123456789"
    digest = str(Digest.of(content))
    with small_registry() as small:
        status, opened = ask(small, "POST", "/v2/demo/blobs/uploads/")
        assert status == 202
        status, first = ask(small, "PATCH", opened["location"], content[:4], Content_Range="0-3")
        assert (status, first["range"]) == (202, "0-3")
        assert ask(small, "PATCH", opened["location"], content[:4], Content_Range="0-3")[0] == 416  # a replay
        assert ask(small, "PATCH", first["location"], content[6:], Content_Range="6-9")[0] == 416  # a gap
        status, standing = ask(small, "GET", first["location"])
        assert (status, standing["range"]) == (204, "0-3")
        status, stored = ask(small, "PUT", f"{standing['location']}&digest={digest}", content[4:])
        assert (status, stored["docker-content-digest"]) == (201, digest)
        assert ask(small, "GET", stored["location"])[1][""] == content.decode()
        assert ask(small, "GET", standing["location"])[0] == 404
        status, opened = ask(small, "POST", "/v2/demo/blobs/uploads/")
        assert ask(small, "PUT", f"{opened['location']}&digest={digest}", b"another")[0] == 400
        status, opened = ask(small, "POST", "/v2/demo/blobs/uploads/")
        assert ask(small, "DELETE", opened["location"])[0] == 204
        assert ask(small, "GET", opened["location"])[0] == 404


def test_parts_of_blobs_are_as_the_standard_has_them() -> None:
    content = b"0123456789"
    digest = str(Digest.of(content))
    with small_registry() as small:
        small.content.put_blob("demo", content, digest)
        path = f"/v2/demo/blobs/{digest}"
        etag = ask(small, "HEAD", path)[1]["etag"]
        for asked, status, expected in (
            ("bytes=3-", 206, "3456789"),
            ("bytes=3-5", 206, "345"),
            ("bytes=-4", 206, "6789"),
            ("bytes=9-100", 206, "9"),
            ("bytes=-", 200, "0123456789"),
        ):
            found = ask(small, "GET", path, Range=asked, If_Range=etag)
            assert (found[0], found[1][""]) == (status, expected)
        status, headers = ask(small, "GET", path, Range="bytes=10-")
        assert (status, headers["content-range"]) == (416, "bytes */10")
        assert ask(small, "GET", path, Range="bytes=3-", If_Range='"other"')[0] == 200


def test_tags_come_in_pages_and_referrers_are_filtered() -> None:
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": str(Digest.of(b"{}")), "size": 2}
    kind = "application/vnd.oci.image.manifest.v1+json"
    with small_registry() as small:
        small.content.put_blob("demo", b"{}", config["digest"])  # type: ignore[arg-type]
        plain = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
        for tag in ("a", "b", "c"):
            assert (
                ask(small, "PUT", f"/v2/demo/manifests/{tag}", json.dumps(plain).encode(), Content_Type=kind)[0] == 201
            )
        status, page = ask(small, "GET", "/v2/demo/tags/list?n=2")
        assert (status, json.loads(page[""])["tags"]) == (200, ["a", "b"])
        following = page["link"].partition("<")[2].partition(">")[0]
        assert json.loads(ask(small, "GET", following)[1][""])["tags"] == ["c"]
        assert "link" not in ask(small, "GET", following)[1]
        subject = {"mediaType": kind, "digest": str(Digest.of(b"x")), "size": 1}
        for artifact_type in ("application/x.a", "application/x.b"):
            raw = json.dumps({**plain, "subject": subject, "artifactType": artifact_type}).encode()
            path = f"/v2/demo/manifests/{Digest.of(raw)}"
            assert ask(small, "PUT", path, raw, Content_Type=kind)[1]["oci-subject"] == subject["digest"]
        path = f"/v2/demo/referrers/{subject['digest']}"
        assert len(json.loads(ask(small, "GET", path)[1][""])["manifests"]) == 2
        status, filtered = ask(small, "GET", f"{path}?artifactType=application/x.a")
        assert filtered["oci-filters-applied"] == "artifactType"
        assert [one["artifactType"] for one in json.loads(filtered[""])["manifests"]] == ["application/x.a"]
        assert ask(small, "GET", f"/v2/absent/referrers/{subject['digest']}")[0] == 200
        torn = json.dumps({**plain, "layers": [{**config, "digest": str(Digest.of(b"absent"))}]}).encode()
        assert ask(small, "PUT", "/v2/demo/manifests/torn", torn, Content_Type=kind)[0] == 404
        assert ask(small, "PUT", f"/v2/demo/manifests/{Digest.of(b'x')}", torn, Content_Type=kind)[0] == 400


def test_a_token_is_good_for_its_scope_only() -> None:
    with small_registry(Rules(auth="token")) as small:
        status, headers = ask(small, "POST", "/v2/demo/blobs/uploads/")
        assert status == 401
        assert f'realm="http://{small.token_host}/token"' in headers["www-authenticate"]
        assert 'scope="repository:demo:pull,push"' in headers["www-authenticate"]
        basic = Credentials("jane", "secret").basic

        def token(scope: str) -> str:
            with closing(http.client.HTTPConnection(small.token_host, timeout=20)) as connection:
                connection.request("GET", f"/token?scope={scope}", headers={"Authorization": basic})
                return f"Bearer {json.load(connection.getresponse())['token']}"

        for scope, expected in (
            ("repository:demo:pull,push", 202),
            ("repository:demo:pull", 401),
            ("repository:other:push", 401),
        ):
            assert ask(small, "POST", "/v2/demo/blobs/uploads/", Authorization=token(scope))[0] == expected
