"""Manifests on the command line: where the image is looked for, and what is said of where it lies."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.package.conftest import adder

from modelport.package import pack

if TYPE_CHECKING:
    from tests.support.commands import Workplace
    from tests.support.registry import DockerRegistry

OCI_INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture
def place(workplace: Workplace, docker_registry: DockerRegistry, unique_repository: str) -> tuple[Workplace, str]:
    """Give a place, and a repository whose 1.0.0 is a model, with an index that says it is the model's image."""
    pack(adder(), "adder", workplace.folder / "adder", verify_in=None)
    repository = f"{docker_registry.host}/{unique_repository}"
    workplace.modelport("push", "./adder", f"{repository}:1.0.0", check=True)
    shown = json.loads(workplace.modelport("show", "./adder", "--json", check=True).stdout)
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [],
        "annotations": {"org.modelport.package.digest": shown["digest"]},
    }
    request = urllib.request.Request(
        f"http://{docker_registry.host}/v2/{unique_repository}/manifests/1.0.0-service",
        json.dumps(index).encode(),
        {"Content-Type": OCI_INDEX},
        method="PUT",
    )
    urllib.request.urlopen(request, timeout=60).close()  # noqa: S310 - our own registry
    return workplace, repository


def test_the_image_is_beside_the_model_that_a_registrys_reference_names(place: tuple[Workplace, str]) -> None:
    workplace, repository = place
    done = workplace.modelport("deploy", "compose", f"{repository}:1.0.0", "--out", "out", check=True)
    service = yaml.safe_load((workplace.folder / "out" / "compose.yaml").read_text("utf-8"))["services"]["adder"]
    assert service["image"].startswith(f"{repository}@sha256:")
    assert "warning" not in done.stderr
    assert any(f"next: {one} --file out/compose.yaml" in done.stderr for one in ("docker compose", "docker-compose"))


@pytest.mark.parametrize("form", ["kubernetes", "kserve", "knative"])
def test_an_image_on_this_machine_is_warned_of_where_nodes_pull_it(place: tuple[Workplace, str], form: str) -> None:
    workplace, repository = place
    done = workplace.modelport("deploy", form, f"{repository}:1.0.0", check=True)
    assert f"warning: {repository.partition('/')[0]} is this machine" in done.stderr


def test_more_at_least_than_at_most_is_refused(place: tuple[Workplace, str]) -> None:
    workplace, repository = place
    words = ("--replicas", "5", "--max-replicas", "2")
    done = workplace.modelport("deploy", "kubernetes", f"{repository}:1.0.0", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert "5 replicas at least and 2 at most" in done.stderr
