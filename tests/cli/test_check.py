"""``modelport check`` as a user meets it: what is checked, against what, and in which words."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.commands import CACHE, ROOT, Workplace

from modelport.catalog import read_yaml, version_yaml
from modelport.oci import Layout, Manifest
from modelport.package.modelpack import file_records
from modelport.package.store import find_package, open_package
from modelport.types import Reference

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import DockerRegistry

EXAMPLES = ROOT / "tests/examples"
HELLO = """\
from modelport import Model

def greet(name: str) -> str:
    \"\"\"Greet somebody.\"\"\"
    return f"Hello, {name}!"

model = Model(greet=greet)
model.add_example("greet", {"name": "Ada"})
"""


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """Give a repository with a catalog of six models."""
    folder = tmp_path / "repository"
    shutil.copytree(EXAMPLES / "positive/a-catalog", folder / "catalog")
    (folder / "modelport.toml").write_text("", encoding="utf-8")
    return Workplace(folder, store=tmp_path / "store")


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_model_is_checked_by_its_name_and_told_what_to_add_first(place: Workplace) -> None:
    done = place.modelport("check", "iris-trees", check=True)
    assert done.stdout == ""
    assert done.stderr.startswith("no problems\niris-trees is complete to ")
    assert len(done.stderr.splitlines()) == 5
    whole = place.modelport("check", check=True)
    assert (whole.stdout, whole.stderr) == ("", "no problems\n")


@pytest.mark.parametrize(
    ("given", "meant"),
    [("iris-tree", "iris-trees"), ("catalog/models/resnet", "catalog/models/resnet-1"), ("catalogue", "catalog")],
)
def test_what_is_not_there_is_told_with_what_was_meant(place: Workplace, given: str, meant: str) -> None:
    done = place.modelport("check", given)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{given} is not there\n  hint: did you mean {meant}" in done.stderr


def test_json_tells_problems_and_completeness(place: Workplace) -> None:
    (place.folder / "catalog/models/gpt/card.md").write_text("", encoding="utf-8")
    done = place.modelport("check", "gpt", "opt", "--json")
    report = json.loads(done.stdout)
    assert [problem["rule"] for problem in report["problems"]] == ["file-empty"]
    (row,) = report["completeness"]
    assert row["name"] == "opt"
    assert row["score"] == 100 - sum(one["points"] for one in row["missing"])


def test_sarif_names_files_from_where_the_check_ran(place: Workplace) -> None:
    (place.folder / "catalog/models/gpt/card.md").write_text("", encoding="utf-8")
    log = json.loads(place.modelport("check", "--format", "sarif").stdout)
    (result,) = log["runs"][0]["results"]
    assert result["ruleId"] == "file-empty"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "catalog/models/gpt/card.md"


def test_what_changed_since_a_branch_is_checked_and_versions_may_not_have(place: Workplace) -> None:
    git(place.folder, "init", "--quiet", "--initial-branch", "main")
    git(place.folder, "add", "--all")
    git(place.folder, "commit", "--quiet", "--message", "First")
    nothing = place.modelport("check", "--since", "main", check=True)
    assert nothing.stderr.startswith("0 entries changed since ")
    version = place.folder / "catalog/models/iris-trees/versions/1.0.0.yaml"
    version.write_text(version.read_text("utf-8") + "# a comment\n", encoding="utf-8")
    (place.folder / "catalog/models/gpt/card.md").write_text("", encoding="utf-8")
    done = place.modelport("check", "--since", "main")
    assert done.returncode == 1
    assert done.stderr.startswith("2 entries changed since ")
    assert [line.partition(" ")[0] for line in done.stdout.splitlines()] == [
        "catalog/models/gpt/card.md:", "catalog/models/iris-trees/versions/1.0.0.yaml:",
    ]  # fmt: skip
    assert "a version is immutable" in done.stdout
    unknown = place.modelport("check", "--since", "nowhere")
    assert (unknown.returncode, "there is no commit 'nowhere'" in unknown.stderr) == (1, True)


def test_an_internal_entry_needs_an_internal_catalog(place: Workplace) -> None:
    model = place.folder / "catalog/models/iris-trees/model.yaml"
    newest = (EXAMPLES / "positive/internal.model.yaml").read_text("utf-8").replace("iris-forest", "iris-trees")
    model.write_text(newest, encoding="utf-8")
    assert "is internal, and this catalog is public" in place.modelport("check").stdout
    (place.folder / "modelport.toml").write_text('[catalog]\naudience = "internal"\n', encoding="utf-8")
    assert place.modelport("check", check=True).stderr == "no problems\n"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Give a repository whose one model's package is in the store."""
    folder = tmp_path_factory.mktemp("packed")
    place = Workplace(folder)
    entry = folder / "catalog/models/hello"
    shutil.copytree(EXAMPLES / "positive/draft", entry)
    model = (entry / "model.yaml").read_text("utf-8").replace("name: draft", "name: hello")
    (entry / "model.yaml").write_text(model, encoding="utf-8")
    (folder / "modelport.toml").write_text("", encoding="utf-8")
    (folder / "hello.py").write_text(HELLO, encoding="utf-8")
    place.modelport("pack", "hello.py", "--no-verify", check=True)
    (entry / "versions").mkdir()
    (entry / "versions/1.0.0.yaml").write_text(version_yaml(version_of("hello", folder / "store")), encoding="utf-8")
    return place


def version_of(name: str, store: Path) -> dict[str, Any]:
    kept = find_package(store, Reference.parse(name))
    assert kept is not None
    package, manifest = open_package(store, kept, CACHE), Layout(store).manifest(kept.manifest)
    assert isinstance(manifest, Manifest)
    return {
        "schema": "modelport/version/1", "version": "1.0.0", "released": "2026-11-21",
        "changes": [{"kind": "added", "text": "First version."}], "digest": str(kept.manifest.digest),
        "size": sum(blob.size for blob in manifest.children), "tier": package.info["tier"]["level"],
        "python": package.info["python"], "requirements": package.info["requirements"], "files": file_records(package),
        "signature": package.spec.to_json(), "examples": package.examples, "evaluations": package.evaluations,
    }  # fmt: skip


def test_a_version_is_held_against_its_package_in_the_store(packed: Workplace) -> None:
    assert packed.modelport("check", "--level", "registry", check=True).stderr == "no problems\n"
    file = packed.folder / "catalog/models/hello/versions/1.0.0.yaml"
    right = file.read_text("utf-8")
    try:
        wrong = read_yaml(file.read_bytes(), "x").value
        wrong["size"] += 1
        wrong["python"] = "3.10"
        next(one for one in wrong["files"] if one["path"] == "package.json")["size"] += 1
        file.write_text(version_yaml(wrong), encoding="utf-8")
        assert packed.modelport("check", check=True).stderr == "no problems\n"
        done = packed.modelport("check", "--level", "registry", "--json")
    finally:
        file.write_text(right, encoding="utf-8")
    found = {problem["path"]: problem for problem in json.loads(done.stdout)["problems"]}
    assert {problem["rule"] for problem in found.values()} == {"package-differs"}
    assert found.keys() == {"size", "python", "files"}
    assert found["files"]["message"].endswith(": package.json")


def test_a_version_is_held_against_its_package_in_the_registry(
    packed: Workplace, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    other = Workplace(tmp_path / "other", store=tmp_path / "store")
    shutil.copytree(packed.folder / "catalog", other.folder / "catalog")
    prefix = f"{docker_registry.host}/{unique_repository}"
    (other.folder / "modelport.toml").write_text(f'[registry]\nprefix = "{prefix}"\n', encoding="utf-8")
    missing = other.modelport("check", "--level", "registry")
    assert missing.returncode == 1
    assert "names a package that cannot be had" in missing.stdout
    assert "modelport push" in missing.stdout
    packed.modelport("push", "hello", f"{prefix}/hello:1.0.0", check=True)
    assert other.modelport("check", "--level", "registry", check=True).stderr == "no problems\n"
    assert not (tmp_path / "store").exists()  # a look at a registry fills no store
    (other.folder / "modelport.toml").write_text("", encoding="utf-8")
    nowhere = other.modelport("check", "--level", "registry")
    assert "the settings name no registry" in nowhere.stdout
