"""Logging in and out: what is kept where, what is left alone, and that docker's other friends can use it."""

from __future__ import annotations

import base64
import json
import os
import pty
import shutil
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from oras.provider import Registry as OrasRegistry
from tests.support.registry import DockerRegistry, running_registry
from tests.support.web import Reply, Request, web_server

from modelport.errors import FormatError, RegistryError, SetupError
from modelport.oci import Index, Registry, build_index
from modelport.oci.net.credentials import Credentials, docker_credentials
from modelport.oci.net.login import erase_credentials, store_credentials
from modelport.oci.net.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK = Patience(attempts=2, away_attempts=2, first_delay=0.01)
JANE = Credentials("jane", "se:cret")
INDEX = Index.parse(build_index([]))
HTPASSWD = "jane:$2b$05$abcdefghijklmnopqrstuuWqeDdmk0qhXLYvA33lbC9M700ynI2Oa\n"


@pytest.fixture(scope="module")
def closed_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A real registry that lets nobody in but Jane."""
    with running_registry(tmp_path_factory.mktemp("closed") / "registry", htpasswd=HTPASSWD) as registry:
        yield registry


def modelport(folder: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as somebody whose docker configuration lies in *folder*."""
    environment = {
        **os.environ,
        "DOCKER_CONFIG": str(folder),
        "MODELPORT_DATA": str(folder / "data"),
        "MODELPORT_CA": "",
    }
    command = [sys.executable, "-m", "modelport", *arguments]
    return subprocess.run(
        command, input=given, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def skopeo(*arguments: str, given: str | None = None) -> str:
    if shutil.which("skopeo") is None:
        pytest.fail("skopeo is not installed: `make test` installs it")
    done = subprocess.run(["skopeo", *arguments], input=given, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    return found


def test_what_is_stored_others_can_use(closed_registry: DockerRegistry, tmp_path: Path) -> None:
    host = closed_registry.host
    done = modelport(tmp_path, "login", host, "-u", "jane", "--password-stdin", given="se:cret\n")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert f"logged in to {host} as jane" in done.stderr
    assert "base64, which is no encryption" in done.stderr
    assert "se:cret" not in done.stderr
    config = tmp_path / "config.json"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600

    Registry(host, credentials=docker_credentials(config), patience=QUICK).put_manifest("demo", INDEX, tag="1")
    inspect = ["inspect", "--raw", "--tls-verify=false", "--authfile", str(config)]
    assert json.loads(skopeo(*inspect, f"docker://{host}/demo:1")) == json.loads(INDEX.raw)
    peer = OrasRegistry(hostname=host, insecure=True, auth_backend="basic")
    peer.auth.load_configs(peer.get_container(f"{host}/demo:1"), configs=[str(config)])
    assert peer.get_tags(f"{host}/demo:1") == ["1"]

    assert modelport(tmp_path, "logout", host).stderr == f"logged out of {host}\n"
    assert modelport(tmp_path, "logout", host).stderr == f"{host}: nobody was logged in\n"
    assert document(tmp_path) == {"auths": {}}
    with pytest.raises(RegistryError) as caught:
        Registry(host, credentials=docker_credentials(config), patience=QUICK).tags("demo")
    assert caught.value.hint == f"log in: modelport login {host}"


def test_what_skopeo_stores_is_used(closed_registry: DockerRegistry, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    flags = ["--tls-verify=false", "--authfile", str(config), "-u", "jane", "--password-stdin"]
    skopeo("login", *flags, closed_registry.host, given="se:cret")
    assert docker_credentials(config)(closed_registry.host) == JANE
    assert Registry(closed_registry.host, credentials=docker_credentials(config), patience=QUICK).ping()
    modelport(tmp_path, "logout", closed_registry.host)
    assert docker_credentials(config)(closed_registry.host) is None


def test_a_wrong_password_is_told_and_not_stored(closed_registry: DockerRegistry, tmp_path: Path) -> None:
    done = modelport(tmp_path, "login", closed_registry.host, "-u", "jane", "--password-stdin", given="wrong\n")
    assert done.returncode == 1
    assert "does not let jane in" in done.stderr
    assert "check the user's name and the password" in done.stderr
    assert not (tmp_path / "config.json").exists()


def test_the_password_is_asked_for_on_a_terminal_and_not_shown(closed_registry: DockerRegistry, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "DOCKER_CONFIG": str(tmp_path)}
    command = [sys.executable, "-m", "modelport", "login", closed_registry.host, "--username", "jane"]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=tmp_path, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    while b"password of jane: " not in shown:
        shown += os.read(ours, 1024)
    os.write(ours, b"se:cret\n")
    assert process.wait(30) == 0
    shown += os.read(ours, 4096)
    os.close(ours)
    assert b"logged in" in shown
    assert b"se:cret" not in shown
    assert docker_credentials(tmp_path / "config.json")(closed_registry.host) == JANE


@pytest.mark.parametrize(
    ("arguments", "given", "words"),
    [
        (["-u", "jane"], "", "--password-stdin"),
        (["--password-stdin"], "x", "-u USER"),
        (["-u", "jane", "--password-stdin"], "\n", "a password, are needed"),
        (["-u", "ja:ne", "--password-stdin"], "x\n", "without a colon"),
    ],
)
def test_what_is_missing_is_named(arguments: list[str], given: str, words: str, tmp_path: Path) -> None:
    done = modelport(tmp_path, "login", "127.0.0.1:1", *arguments, given=given)
    assert done.returncode == 1
    assert words in done.stderr


@pytest.mark.parametrize("text", ["https://ghcr.io/jane", "ghcr", "gh cr.io", ""])
def test_what_is_no_host_is_named(text: str, tmp_path: Path) -> None:
    done = modelport(tmp_path, "login", text, "-u", "jane", "--password-stdin", given="x\n")
    assert done.returncode == 1
    assert "is not a re" in done.stderr


def test_a_password_is_no_argument(tmp_path: Path) -> None:
    assert modelport(tmp_path, "login", "ghcr.io", "--password", "x").returncode == 2


@pytest.mark.parametrize("setting", ['insecure = ["box"]', 'ca = "ca.pem"'])
def test_a_repository_does_not_decide_who_hears_a_password(setting: str, tmp_path: Path) -> None:
    (tmp_path / "modelport.toml").write_text(f"[registry]\n{setting}\n", "utf-8")
    done = modelport(tmp_path, "login", "box:5000", "-u", "jane", "--password-stdin", given="x\n")
    assert done.returncode == 1
    assert "box:5000 gets no password" in done.stderr


def test_a_web_site_is_no_registry(tmp_path: Path) -> None:
    with web_server(lambda _: Reply(404)) as web:
        done = modelport(tmp_path, "login", web.host, "-u", "jane", "--password-stdin", given="x\n")
    assert done.returncode == 1
    assert "is no registry" in done.stderr


def test_a_token_registry_is_logged_in_to(tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        if request.path.startswith("/token"):
            right = request.headers.get("Authorization") == JANE.basic
            return Reply(200, b'{"token": "abc"}') if right else Reply(401)
        challenge = f'Bearer realm="http://{request.headers["Host"]}/token",service="s"'
        good = request.headers.get("Authorization") == "Bearer abc"
        return Reply() if good else Reply(401, headers={"WWW-Authenticate": challenge})

    with web_server(answer) as web:
        flags = ["login", web.host, "-u", "jane", "--password-stdin"]
        assert modelport(tmp_path, *flags, given="wrong\n").returncode == 1
        done = modelport(tmp_path, *flags, given="se:cret\n")
    assert done.returncode == 0, done.stderr
    assert web.seen[1].path == "/token?service=s"
    assert docker_credentials(tmp_path / "config.json")(web.host) == JANE


def test_everything_else_in_the_file_stays_as_it_was(tmp_path: Path) -> None:
    before = {
        "psFormat": "x",
        "auths": {"other": {"auth": "eA=="}, "reg": {"auth": "old", "email": "j@x"}},
        "HttpHeaders": {"a": "ü"},
    }
    real = tmp_path / "real.json"
    real.write_text(json.dumps(before), "utf-8")
    real.chmod(0o644)
    config = tmp_path / "config.json"
    config.symlink_to(real)
    kept = store_credentials(config, "reg", JANE)
    assert (kept.place, kept.encrypted) == (str(config), False)
    assert config.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    after = document(tmp_path)
    assert after["auths"].pop("reg") == {"email": "j@x", "auth": base64.b64encode(b"jane:se:cret").decode()}
    before["auths"].pop("reg")  # type: ignore[attr-defined]
    assert after == before
    assert erase_credentials(config, "reg")
    assert document(tmp_path) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "real.json"]


@pytest.mark.parametrize("content", ["{", "[]", '{"auths": 1}', '{"credHelpers": []}'])
def test_a_file_that_is_not_dockers_is_left_alone(content: str, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(content, "utf-8")
    for change in (lambda: store_credentials(config, "reg", JANE), lambda: erase_credentials(config, "reg")):
        with pytest.raises(FormatError, match=r"config\.json"):
            change()
    assert config.read_text("utf-8") == content
    assert [file.name for file in tmp_path.iterdir()] == ["config.json"]


def test_many_may_log_in_at_once(tmp_path: Path) -> None:
    config = tmp_path / "deep" / "config.json"
    hosts = [f"reg{number}" for number in range(16)]
    threads = [threading.Thread(target=store_credentials, args=(config, host, JANE)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(document(config.parent)["auths"]) == sorted(hosts)


def test_docker_hub_is_stored_under_the_name_that_docker_looks_for(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    store_credentials(config, "docker.io", JANE)
    assert list(document(tmp_path)["auths"]) == ["https://index.docker.io/v1/"]
    assert docker_credentials(config)("docker.io") == JANE
    assert erase_credentials(config, "docker.io")


def test_an_identity_token_is_kept_as_one(tmp_path: Path) -> None:
    config, token = tmp_path / "config.json", Credentials("<token>", "refresh")
    store_credentials(config, "reg", token)
    assert document(tmp_path)["auths"]["reg"] == {"identitytoken": "refresh"}
    assert docker_credentials(config)("reg") == token


HELPER = """\
#!/usr/bin/env python3
import json, pathlib, sys
file = pathlib.Path(__file__).parent / "secrets.json"
secrets = json.loads(file.read_text()) if file.exists() else {}
given = sys.stdin.read()
if sys.argv[1] == "store":
    entry = json.loads(given)
    secrets[entry["ServerURL"]] = entry
elif given not in secrets:
    sys.exit(print("credentials not found in native keychain") or 1)
elif sys.argv[1] == "get":
    print(json.dumps(secrets[given]))
else:
    del secrets[given]
file.write_text(json.dumps(secrets))
"""


@pytest.mark.parametrize("setting", [{"credsStore": "own"}, {"credHelpers": {"reg": "own"}}])
def test_a_helper_keeps_the_password_where_one_is_named(setting: dict[str, Any], tmp_path: Path) -> None:
    config, program = tmp_path / "config.json", tmp_path / "docker-credential-own"
    program.write_text(HELPER, "utf-8")
    program.chmod(0o755)
    config.write_text(json.dumps(setting), "utf-8")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    kept = store_credentials(config, "reg", JANE, search_path=path)
    assert (kept.place, kept.encrypted) == (str(program), True)
    assert document(tmp_path) == setting | {"auths": {"reg": {}}}
    assert docker_credentials(config, search_path=path)("reg") == JANE
    assert docker_credentials(config, search_path=path)("other") is None
    assert erase_credentials(config, "reg", search_path=path)
    assert not erase_credentials(config, "reg", search_path=path)
    assert docker_credentials(config, search_path=path)("reg") is None
    assert document(tmp_path) == setting | {"auths": {}}


def test_a_helper_that_fails_is_told(tmp_path: Path) -> None:
    config, program = tmp_path / "config.json", tmp_path / "docker-credential-own"
    program.write_text("#!/bin/sh\necho the keychain is locked; exit 1\n", "utf-8")
    program.chmod(0o755)
    config.write_text('{"credsStore": "own"}', "utf-8")
    for action in (
        lambda: store_credentials(config, "reg", JANE, search_path=str(tmp_path)),
        lambda: docker_credentials(config, search_path=str(tmp_path))("reg"),
    ):
        with pytest.raises(SetupError, match="the keychain is locked"):
            action()
    assert config.read_text("utf-8") == '{"credsStore": "own"}'
