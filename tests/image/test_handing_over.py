"""An image handed over: as a file to other tools, to the engine by its digest, and through a registry."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.image.loaded import TAG
from tests.support.containers import answers, command, until_ready

from modelport.image.archive import image_archive
from modelport.package import Package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Workplace
    from tests.support.containers import Container
    from tests.support.docker import DockerEngine
    from tests.support.registry import DockerRegistry

    from modelport.image.engine import Engine
    from modelport.oci import Layout


@pytest.fixture
def repository(docker_registry: DockerRegistry, unique_repository: str) -> str:
    return f"{docker_registry.host}/{unique_repository}"


@contextmanager
def composed(engine: DockerEngine, folder: Path) -> Iterator[tuple[str, str]]:
    """Bring up the Compose file in *folder*; give the container and its address when it is ready."""
    compose = ["docker-compose", "--project-name", "modelport-test"]
    variables = {**os.environ, **engine.variables}
    subprocess.run([*compose, "up", "--detach"], cwd=folder, env=variables, check=True, capture_output=True)
    try:
        asking = subprocess.run([*compose, "ps", "--quiet"], cwd=folder, env=variables, check=True, capture_output=True)
        name = asking.stdout.decode().strip()
        url = f"http://{engine.docker('port', name, '3330').stdout.strip()}"
        until_ready(url)
        yield name, url
    finally:
        subprocess.run([*compose, "down"], cwd=folder, env=variables, check=True, capture_output=True)


class TestHandingOver:
    def test_other_tools_take_the_archive_for_both_of_its_forms(
        self, engine: Engine, layout: Layout, tmp_path: Path
    ) -> None:
        chosen = engine.choose(layout, layout.resolve(TAG), TAG)
        file = tmp_path / "image.tar"
        with file.open("wb") as stream:
            stream.writelines(image_archive(layout, chosen, TAG))
        told = {}
        for kind in ("oci-archive", "docker-archive"):
            inspected = subprocess.run(
                ["skopeo", "inspect", f"{kind}:{file}"], capture_output=True, text=True, check=True
            )
            told[kind] = json.loads(inspected.stdout)
        assert told["oci-archive"]["Digest"] == str(chosen.digest)
        assert told["docker-archive"]["Layers"] == told["oci-archive"]["Layers"]
        assert told["docker-archive"]["Labels"] == told["oci-archive"]["Labels"]

    def test_the_engine_knows_it_by_its_configs_digest(self, engine: Engine, layout: Layout) -> None:
        chosen = engine.choose(layout, layout.resolve(TAG), TAG)
        document = layout.manifest(chosen)
        assert engine.load(layout, chosen, "by-another-name:1") in {
            str(one.digest) for one in (chosen, document.children[0])
        }

    def test_pushed_it_is_pulled_by_digest_and_composed_and_answers_the_same(
        self, place: Workplace, docker_engine: DockerEngine, repository: str, running: Container, tmp_path: Path,
    ) -> None:  # fmt: skip
        missing = command(place, docker_engine, "deploy", "compose", "iris-forest", "--image", repository, check=False)
        assert missing.returncode == 1
        assert "modelport image push iris-forest:1.4.0" in missing.stderr
        pushed = command(place, docker_engine, "image", "push", "iris-forest", repository, "--no-release")
        digest = pushed.stdout.strip().rpartition("@")[2]
        docker_engine.docker("pull", f"{repository}@{digest}")
        words = ("deploy", "compose", "iris-forest", "--image", repository, "--out", tmp_path, "--port", "0")
        command(place, docker_engine, *words)
        text = (tmp_path / "compose.yaml").read_text("utf-8")
        assert yaml.safe_load(text)["services"]["iris-forest"]["image"] == f"{repository}@{digest}"
        package = Package.read(place.package("iris-forest"))
        with composed(docker_engine, tmp_path) as (name, url):
            assert answers(url, None, package) == [doors[:2] for doors in answers(running.url, None, package)]
            by_digest, by_hand = (
                json.loads(docker_engine.docker("inspect", one).stdout)[0] for one in (name, running.name)
            )
        assert by_digest["Image"] == by_hand["Image"], "pulled, it is the image that was loaded"
        for right in ("ReadonlyRootfs", "CapDrop", "SecurityOpt", "PidsLimit", "Tmpfs"):
            assert by_digest["HostConfig"][right] == by_hand["HostConfig"][right]
