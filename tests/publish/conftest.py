"""A small catalog in git, made as people make one: an entry with two versions, each built and handed over once."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.support.commands import ROOT, Workplace

from modelport.oci import Registry
from modelport.package.requirements import lock as make_lock
from modelport.package.requirements import parse_lock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import DockerRegistry

NAME = "tally"
NEWEST = "1.1.0"
RECIPE = '''\
"""Counts words."""

from __future__ import annotations

import os

from modelport import Model


def model() -> Model:
    """Make the model; DRIFT stands for a processor that computes a little otherwise."""
    weight = 2.0 + float(os.environ.get("DRIFT", "0"))

    def tally(text: str) -> float:
        """Weigh the words of a text."""
        return weight * len(text.split())

    made = Model(tally=tally)
    made.add_example("tally", {"text": "one two three"}, tolerance=0.5)
    return made
'''
MODEL = """\
schema: modelport/model/2
name: tally
title: Word tally
summary: Weighs a text by how many words it has, as a first model of a small catalog does.
task: text-classification
publisher: {name: Small catalog}
authors: [{name: Ada Example}]
maintainers: [{name: Ada Example}]
license: Apache-2.0
lifecycle: published
intended_use: It shows the way of a version from a merge to the registry, and counts words on that way.
limits: It knows nothing about words but where one ends.
training_data: []
"""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A catalog's repository with a registry of its own, and what was built from it."""

    place: Workplace
    built: Path
    host: str
    prefix: str

    @property
    def root(self) -> Path:
        return self.place.folder

    @property
    def catalog(self) -> Path:
        return self.root / "catalog"

    @property
    def registry(self) -> Registry:
        return Registry(self.host)

    @property
    def repository(self) -> str:
        return f"{self.prefix}/{NAME}"

    def handover(self, version: str = NEWEST) -> Path:
        """Return what `publish build` wrote for *version*; a copy that a test may damage."""
        return self.built / version

    def publish(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.place.modelport("publish", *arguments, check=check)

    def use(self, host: str, prefix: str) -> None:
        (self.root / "modelport.toml").write_text(f'[registry]\nprefix = "{host}/{prefix}"\n', "utf-8")


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the catalog with its two versions, and build both as the workflow does; tests take copies."""
    folder = tmp_path_factory.mktemp("publish")
    root, pins = folder / "root", (ROOT / "requirements/dev.lock").read_text("utf-8")
    entry = root / "catalog/models" / NAME
    entry.mkdir(parents=True)
    (root / "modelport.toml").write_text("", "utf-8")
    (root / ".gitignore").write_text("/build/\n", "utf-8")
    needed = {name: version for name, version in parse_lock(pins) if name in {"protobuf", "packaging"}}
    (entry / "recipe.lock").write_text(make_lock(needed, known=pins), "utf-8")
    (entry / "model.yaml").write_text(MODEL, "utf-8")
    (entry / "card.md").write_text("Counts words.\n", "utf-8")
    (entry / "recipe.py").write_text(RECIPE, "utf-8")
    place = Workplace(root, store=folder / "store")
    git(root, "init", "--quiet")
    for version, weight, change in (("1.0.0", "2.0", []), (NEWEST, "3.0", ["--change", "Words weigh more."])):
        (entry / "recipe.py").write_text(RECIPE.replace("2.0", weight), "utf-8")
        place.modelport("submit", NAME, version, "--date", "2026-11-21", *change, check=True)
        git(root, "add", ".")
        git(root, "commit", "--quiet", "-m", f"Add {version}")
    for version in (NEWEST, "1.0.0"):
        done = place.modelport("publish", "build", NAME, version, "--out", folder / "built" / version, check=True)
        assert done.stdout.startswith(f"{folder}/built/{version} sha256:")
    return folder


@pytest.fixture
def scratch(original: Path, tmp_path: Path, docker_registry: DockerRegistry, unique_repository: str) -> Scratch:
    """Give a copy of the catalog and of what was built, with a place of its own in a real registry."""
    shutil.copytree(original / "root", tmp_path / "root")
    shutil.copytree(original / "built", tmp_path / "built")
    place = Workplace(tmp_path / "root", store=tmp_path / "store")
    scratch = Scratch(place, tmp_path / "built", docker_registry.host, unique_repository)
    scratch.use(scratch.host, scratch.prefix)
    return scratch
