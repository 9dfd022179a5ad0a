"""The Dockerfile: built by a real engine it gives an image that answers the same as the assembled one."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.containers import answers, command, until_ready

from modelport.image.base.make import TAG as BASE_TAG
from modelport.image.engine import Engine
from modelport.oci import Layout, Platform
from modelport.package import Package
from modelport.package.locks import read_pins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Workplace
    from tests.support.docker import DockerEngine

TAG = "iris-forest:ejected"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as it is overridden
        del format, args


@contextmanager
def index_of(folder: Path) -> Iterator[str]:
    """Give the address, on this machine, of a page that lists the wheels in *folder*, as pip reads it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def download(folder: Path, *words: str | Path) -> None:
    """Let pip bring distributions from the index that it is set up for; a build in an engine need not reach that."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--dest", str(folder), *map(str, words)], check=True, capture_output=True, timeout=600)


@pytest.fixture(scope="module")
def context(iris: Workplace, docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dockerfile") / "context"
    said = command(iris, docker_engine, "image", "dockerfile", "iris-forest", "--out", folder)
    assert said.stdout.strip() == str(folder / "Dockerfile")
    assert f"docker build --tag iris-forest:1.2.0-service {folder}" in said.stderr
    again = command(iris, docker_engine, "image", "dockerfile", "iris-forest", "--out", folder, check=False)
    assert again.returncode == 1, "what is there is not overwritten"
    return folder


@pytest.fixture(scope="module")
def pip_base(docker_engine: DockerEngine, base: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the name, in the engine, of the base that `make base` makes, with pip as its wheel."""
    layout = Layout(base)
    with docker_engine.client() as client:
        version = client.version()
        engine = Engine(client, docker_engine.host, Platform(version["Os"], version["Arch"]))
        engine.load(layout, layout.resolve(BASE_TAG), "base:1")
    folder = tmp_path_factory.mktemp("pip")
    download(folder, "pip")
    (wheel,) = folder.glob("*.whl")
    (folder / "Dockerfile").write_text(f"FROM base:1\nCOPY {wheel.name} /pip.whl\nENV PYTHONPATH=/pip.whl\n", "utf-8")
    docker_engine.docker("build", "--quiet", "--tag", "base:pip", str(folder))
    return "base:pip"


def test_the_context_holds_only_what_the_image_runs(context: Path, iris: Workplace) -> None:
    names = {pin.name for pin in read_pins((context / "requirements.lock").read_text("utf-8"))}
    assert "onnxruntime" in names
    assert "scikit-learn" not in names, "only the other form of the forest needs it"
    assert Package.read(context / "model").spec == Package.read(iris.package("iris-forest")).spec
    assert not (context / "modelport/cli").exists()
    text = (context / "Dockerfile").read_text("utf-8")
    assert "\nUSER 65532:65532\n" in text
    assert "--require-hashes" in text
    assert "apt-get install" in "".join(line for line in text.splitlines() if line.startswith("#"))


def test_built_by_an_engine_it_answers_as_without_a_container(
    context: Path, iris: Workplace, docker_engine: DockerEngine, pip_base: str, tmp_path: Path
) -> None:
    download(tmp_path, "--only-binary", ":all:", "--require-hashes",
             "-r", context / "requirements.lock", "-r", context / "service.lock")  # fmt: skip
    with index_of(tmp_path) as index:
        arguments = {"BASE": pip_base, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": index}
        words = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        docker_engine.docker("build", "--quiet", "--network", "host", *words, "--tag", TAG, str(context))
    config = json.loads(docker_engine.docker("inspect", TAG).stdout)[0]["Config"]
    assert config["User"] == "65532:65532"
    assert not [one for one in config["Env"] if one.startswith("PIP_")]
    assert index not in docker_engine.docker("history", "--no-trunc", TAG).stdout
    hardened = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp")  # noqa: S108 - the container's
    name = docker_engine.docker("run", "--detach", *hardened, "--publish", "127.0.0.1:0:3330", TAG).stdout.strip()
    try:
        url = f"http://{docker_engine.docker('port', name, '3330').stdout.strip()}"
        until_ready(url)
        package = Package.read(iris.package("iris-forest"))
        inside = answers(url, None, package)
        with iris.service("iris-forest") as service:
            assert inside == answers(service.url, None, package)
        assert docker_engine.docker("diff", name).stdout == ""
        assert docker_engine.docker("exec", name, *config["Healthcheck"]["Test"][1:]).returncode == 0
    finally:
        docker_engine.docker("rm", "--force", name)
