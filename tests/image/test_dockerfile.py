"""The Dockerfile: built by a real engine it gives an image that answers the same as the assembled one."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.containers import answers, until_ready
from tests.support.ejected import PIP_BASE, build, load_pip_base, locked_wheels, wheel_index
from tests.support.images import manifest_of

from modelport.oci import Layout
from modelport.package import Package
from modelport.package.locks import read_pins

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Workplace
    from tests.support.docker import DockerEngine

TAG = "iris-forest:ejected"
WITHOUT_BYTECODE = """
import importlib.util, pathlib, warnings
warnings.simplefilter("ignore")
for file in pathlib.Path("/opt/modelport").rglob("*.py"):
    code = pathlib.Path(importlib.util.cache_from_source(str(file)))
    if code.exists():
        assert code.read_bytes()[4:8] == bytes([1, 0, 0, 0]), f"{code} is compared with its source at each start"
        continue
    try:
        compile(file.read_bytes(), str(file), "exec")
    except (SyntaxError, ValueError):
        continue
    print(file)
"""


@pytest.fixture(scope="module")
def context(iris: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The context, written by somebody whose files nobody else may read."""
    folder = tmp_path_factory.mktemp("dockerfile") / "context"
    words = [sys.executable, "-m", "modelport", "image", "dockerfile", "iris-forest", "--out", str(folder)]
    writing = partial(
        subprocess.run, words, cwd=iris.folder, env=iris.variables, umask=0o077, capture_output=True, text=True
    )
    said = writing(check=True)
    assert said.stdout.strip() == str(folder / "Dockerfile")
    assert f"docker build --tag iris-forest:1.4.0-service {folder}" in said.stderr
    assert writing(check=False).returncode == 1, "what is there is not overwritten"
    return folder


@pytest.fixture(scope="module")
def ejected(
    context: Path, docker_engine: DockerEngine, base: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The config of the image that an engine builds of the context."""
    wheels = tmp_path_factory.mktemp("wheels")
    load_pip_base(docker_engine, base, tmp_path_factory.mktemp("pip"))
    locked_wheels(context, wheels)
    with wheel_index(wheels) as index:
        build(docker_engine, context, index, TAG)
    assert index not in docker_engine.docker("history", "--no-trunc", TAG).stdout
    config: dict[str, Any] = json.loads(docker_engine.docker("inspect", TAG).stdout)[0]["Config"]
    return config


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


def test_whoever_builds_it_anybody_may_read_it(context: Path) -> None:
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in context.rglob("*")}
    assert modes == {(True, 0o755), (False, 0o644)}


@pytest.mark.parametrize("named", ["layout", "./none", "/nowhere/base"])
def test_a_folder_is_no_base_of_a_dockerfile(iris: Workplace, base: Path, tmp_path: Path, named: str) -> None:
    out = tmp_path / "context"
    wished = str(base) if named == "layout" else named
    done = iris.modelport("image", "dockerfile", "iris-forest", "--out", out, "--base", wished)
    assert done.returncode == 1
    assert f"a Dockerfile cannot build on the folder {wished}" in done.stderr
    assert f"skopeo copy --all oci:{wished} docker://" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("build/base", "docker.io/library/python:3.11-slim"),
        ("registry.example/python:3.11", "registry.example/python:3.11"),
    ],
)
def test_it_builds_on_what_the_settings_name_unless_that_is_a_folder(
    iris: Workplace, tmp_path: Path, base: str, said: str
) -> None:
    (tmp_path / "modelport.toml").write_text(f'[image.base]\n"3.11" = "{base}"\n', "utf-8")
    done = replace(iris, folder=tmp_path).modelport(
        "image", "dockerfile", iris.package("iris-forest"), "--allow-code", "--out", tmp_path / "out", check=True
    )
    assert f"\nARG BASE={said}\n" in (tmp_path / "out/Dockerfile").read_text("utf-8")
    assert ("which the settings name" in done.stderr) == (said != base)


def test_it_says_of_itself_what_the_assembled_image_does(
    ejected: dict[str, Any], iris: Workplace, built: dict[str, Any]
) -> None:
    assert iris.store is not None
    _, manifest = manifest_of(Layout(iris.store), built["image"], "linux/amd64")
    said, below = dict(ejected["Labels"]), "org.opencontainers.image.base."
    assert said.pop(f"{below}name") == PIP_BASE
    assert said == {name: value for name, value in manifest.annotations.items() if not name.startswith(below)}


def test_it_answers_as_without_a_container(
    ejected: dict[str, Any], iris: Workplace, docker_engine: DockerEngine
) -> None:
    assert ejected["User"] == "65532:65532"
    assert not [one for one in ejected["Env"] if one.startswith("PIP_")]
    hardened = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp")  # noqa: S108 - the container's
    name = docker_engine.docker("run", "--detach", *hardened, "--publish", "127.0.0.1:0:3330", TAG).stdout.strip()
    try:
        url = f"http://{docker_engine.docker('port', name, '3330').stdout.strip()}"
        until_ready(url)
        package = Package.read(iris.package("iris-forest"))
        inside = answers(url, None, package)
        with iris.service("iris-forest") as service:
            assert inside == answers(service.url, None, package)
        assert docker_engine.docker("exec", name, "python3.11", "-c", WITHOUT_BYTECODE).stdout == ""
        assert docker_engine.docker("diff", name).stdout == ""
        assert docker_engine.docker("exec", name, *ejected["Healthcheck"]["Test"][1:]).returncode == 0
    finally:
        docker_engine.docker("rm", "--force", name)
