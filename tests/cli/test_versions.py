"""Versions of what was packed here: a name in the store, which says what it means to services; no part of packages."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

import pytest
import yaml

from modelport.oci import Index, Registry
from modelport.oci.manifest import build_index
from modelport.package.store import keep_package

if TYPE_CHECKING:
    from tests.support.commands import Workplace
    from tests.support.registry import DockerRegistry

SOURCE = """\
from modelport import Model


def twice(x: float) -> float:
    return {times} * x


model = Model(twice=twice)
"""


@pytest.fixture
def versioned(workplace: Workplace) -> Workplace:
    """Give a place whose store has ``twice`` as 1.0.0."""
    (workplace.folder / "twice.py").write_text(SOURCE.format(times=2), "utf-8")
    done = workplace.modelport("pack", "twice.py", "--no-verify", "--version", "1.0.0", check=True)
    assert done.stdout.startswith("twice:1.0.0 sha256:")
    return workplace


def test_a_version_is_another_name_of_the_same_package(versioned: Workplace) -> None:
    again = json.loads(versioned.modelport("pack", "twice.py", "--no-verify", "--json", check=True).stdout)
    rows = json.loads(versioned.modelport("store", "list", "--json", check=True).stdout)
    assert {row["name"]: row["digest"] for row in rows} == {
        f"twice:{tag}": again["digest"] for tag in ("1.0.0", "latest")
    }


def test_a_version_stays_what_it_was(versioned: Workplace) -> None:
    (versioned.folder / "twice.py").write_text(SOURCE.format(times=2.0), "utf-8")
    for version, status in (("1.0.0", 1), ("1.0.1", 0)):
        done = versioned.modelport("pack", "twice.py", "--no-verify", "--version", version)
        assert done.returncode == status
        assert ("twice:1.0.0 is in the store, and is another package" in done.stderr) == bool(status)
    versioned.modelport("pack", "twice.py", "--no-verify", "--version", "1.0.1", check=True)


@pytest.mark.parametrize(("words", "said"), [(("twice",), "1.0.0"), (("twice", "--version", "3.0.0"), "3.0.0")])
def test_the_service_says_its_version(versioned: Workplace, words: tuple[str, ...], said: str) -> None:
    with (
        versioned.service(*words) as service,
        urllib.request.urlopen(f"{service.url}/openapi.json", timeout=60) as answer,  # noqa: S310 - our own loopback address
    ):
        assert json.load(answer)["info"]["version"] == said


@pytest.mark.parametrize("tag", ["1.0.0-mixed-int8", "latest"])
def test_the_service_of_a_variant_says_its_parents_version_and_its_name(versioned: Workplace, tag: str) -> None:
    keep_variant(versioned, "mixed-int8", tags=[tag, "1.0.0-mixed-int8"])
    with (
        versioned.service(f"twice:{tag}", "--allow-code") as service,
        urllib.request.urlopen(f"{service.url}/openapi.json", timeout=60) as answer,  # noqa: S310 - our own loopback address
    ):
        assert json.load(answer)["info"]["version"] == "1.0.0-mixed-int8"


@pytest.mark.parametrize(("tags", "said"), [(["1.0.0-mixed-int8"], "1.0.0-mixed-int8"), (["other"], "")])
def test_a_variants_image_is_called_by_its_parents_version_and_its_name(
    versioned: Workplace, tags: list[str], said: str
) -> None:
    keep_variant(versioned, "mixed-int8", tags=tags)
    words = ("image", "dockerfile", f"twice:{tags[0]}", "--allow-code", "--out", "context")
    done = versioned.modelport(*words, check=True)
    name = f"twice:{said or 'latest-mixed-int8'}-service"
    assert f"docker build --tag {name} context" in done.stderr
    text = (versioned.folder / "context" / "Dockerfile").read_text("utf-8")
    assert (f'org.opencontainers.image.version="{said}"' in text) == bool(said)


def test_manifests_are_of_a_variants_image_as_it_was_pushed(
    versioned: Workplace, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    said = "1.0.0-mixed-int8"
    digest = keep_variant(versioned, "mixed-int8", tags=[said])
    image = Index.parse(build_index([], annotations={"org.modelport.package.digest": digest}))
    Registry(docker_registry.host).put_manifest(unique_repository, image, tag=f"{said}-service")
    words = ("deploy", "kubernetes", f"twice:{said}", "--image", f"{docker_registry.host}/{unique_repository}")
    objects = list(yaml.safe_load_all(versioned.modelport(*words, check=True).stdout))
    assert {one["metadata"]["labels"]["app.kubernetes.io/version"] for one in objects} == {said}


def keep_variant(place: Workplace, name: str, *, tags: list[str]) -> str:
    """Put the package ``twice`` into the store as a variant of itself, and return its digest."""
    done = place.modelport("pull", "twice:1.0.0", "--out", "variant", "--json", check=True)
    file = place.folder / "variant" / "package.json"
    info = json.loads(file.read_text("utf-8"))
    info["variant"] = {"name": name, "of": json.loads(done.stdout)["digest"], "recipe": {}, "tools": {}}
    file.write_text(json.dumps(info), "utf-8")
    return str(keep_package(file.parent, place.folder / "store", tags=tags).manifest.digest)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pack", "twice.py", "--version", "one"), "'one' is not a version"),
        (("pack", "twice.py", "--version", "1.0.0", "--out", "there"), "a folder has none"),
        (("serve", "twice", "--version", "v1", "--port", "0"), "'v1' is not a version"),
        (("serve", "twice", "--runtime", "converted", "--port", "0"), "twice has no second forms"),
    ],
)
def test_what_is_wrong_is_said_at_once(versioned: Workplace, words: tuple[str, ...], said: str) -> None:
    done = versioned.modelport(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "making the clean environment" not in done.stderr
