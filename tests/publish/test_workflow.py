"""The workflows themselves, run here: their command lines, in their order, as a shell runs them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.publish.conftest import NAME, NEWEST, Scratch, git
from tests.publish.test_field import measured_in_the_field
from tests.publish.test_publish import pinned, tags_of
from tests.support.commands import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the small environment of the jobs that hold credentials, as they do; return its Python.

    It is made where an older one was.
    """
    folder = tmp_path_factory.mktemp("core")
    # A whole environment of its own: whatever the recipe does in it, it does to nothing else.
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    (folder / f"lib/python3.{sys.version_info[1]}/site-packages/leftover.py").write_text("", "utf-8")
    command = ["make", "-C", str(ROOT), "core", f"CORE={folder}", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "bin/python"


def steps(workflow: str, job: str) -> Iterator[dict[str, Any]]:
    """Yield the modelport steps of a job; what sets up is there already."""
    document = yaml.safe_load((ROOT / f".github/workflows/{workflow}.yml").read_text("utf-8"))
    for step in document["jobs"][job]["steps"]:
        if "modelport" in step.get("run", "") and step.get("id") != "all":
            yield step


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs the jobs' steps, each job on a machine of its own."""

    core: Path
    scratch: Scratch

    def line(self, step: dict[str, Any]) -> str:
        """Return a step's command line, with the environments that are there already."""
        line: str = step["run"].replace("build/core/bin/python", str(self.core))
        return line.replace(".venv/bin/modelport", f"{sys.executable} -m modelport")

    def run(self, workflow: str, job: str, root: Path, **variables: str) -> None:
        for step in steps(workflow, job):
            done = self.shell(self.line(step), root, **variables)
            assert done.returncode == 0, f"{step['run']}: {done.stderr}"

    def shell(self, line: str, root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e", "-c", line], cwd=root, env=self.scratch.place.variables | variables, capture_output=True,
            text=True, check=False,
        )  # fmt: skip


def test_the_small_environment_has_nothing_of_an_older_one(core: Path) -> None:
    done = subprocess.run([core, "-c", "import modelport, leftover"], capture_output=True, text=True, check=False)
    assert "No module named 'leftover'" in done.stderr


def artifact(source: Path, target: Path) -> None:
    """Hand a folder from job to job as the actions do, which leave hidden files out."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*"))
    for file in target.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)


def test_the_workflows_publish_what_was_merged_and_show_it(scratch: Scratch, core: Path, tmp_path: Path) -> None:
    run = Runner(core, scratch).run
    measured_in_the_field(scratch)
    git(scratch.root, "add", "catalog")
    git(scratch.root, "commit", "--quiet", "-m", "Add what devices measured")
    machines = {name: tmp_path / f"machine-{name}" for name in ("pending", "build", "push", "latest", "field", "site")}
    for folder in machines.values():
        subprocess.run(["git", "clone", "--quiet", scratch.root.as_uri(), folder], check=True, capture_output=True)
        shutil.copy(scratch.root / "modelport.toml", folder)
    output = tmp_path / "output"
    run("publish", "pending", machines["pending"], GITHUB_OUTPUT=str(output))
    facts = dict(line.split("=", 1) for line in output.read_text("utf-8").splitlines())
    rows = json.loads(facts["matrix"])["include"]
    assert [row["version"] for row in rows] == ["1.0.0", NEWEST]
    assert facts["count"] == "2"
    for row in rows:
        run("publish", "build", machines["build"], NAME=row["name"], VERSION=row["version"])
        artifact(machines["build"] / "handover", machines["push"] / "handover")
        run("publish", "push", machines["push"])
        for machine in ("build", "push"):
            shutil.rmtree(machines[machine] / "handover")
    run("publish", "latest", machines["latest"])
    assert set(tags_of(scratch)) == {"1.0.0", "1.0.0-r1", NEWEST, f"{NEWEST}-r1", "latest"}
    run("publish", "field", machines["field"], GITHUB_OUTPUT=str(tmp_path / "attached"))
    assert (tmp_path / "attached").read_text("utf-8") == "attached=1\n"
    run("site", "build", machines["site"])
    page = (machines["site"] / f"build/site/models/{NAME}/index.html").read_text("utf-8")
    assert pinned(scratch) in page
    assert "eproduced" in page
    run("publish", "pending", machines["pending"], GITHUB_OUTPUT=str(tmp_path / "again"))
    assert (tmp_path / "again").read_text("utf-8") == 'matrix={"include": []}\ncount=0\n'


@pytest.mark.parametrize(("workflow", "job"), [("publish", "pending"), ("site", "build")])
def test_nothing_is_made_of_a_catalog_with_problems(
    scratch: Scratch, core: Path, tmp_path: Path, workflow: str, job: str
) -> None:
    # Each pull request was right alone, and both together are not: two models have one package.
    model = scratch.catalog / "models" / NAME
    shutil.copytree(model, model.with_name("abacus"))
    file = model.with_name("abacus") / "model.yaml"
    file.write_text(file.read_text("utf-8").replace("name: tally", "name: abacus"), "utf-8")
    runner = Runner(core, scratch)
    first, *_ = steps(workflow, job)
    done = runner.shell(runner.line(first), scratch.root, GITHUB_OUTPUT=str(tmp_path / "output"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "::error file=catalog/models/" in done.stdout


def test_the_check_workflow_tells_what_a_pull_request_breaks(scratch: Scratch, core: Path, tmp_path: Path) -> None:
    fork = tmp_path / "fork"
    subprocess.run(["git", "clone", "--quiet", scratch.root.as_uri(), fork], check=True, capture_output=True)
    step, field = steps("check", "check")
    runner = Runner(core, scratch)

    def check(step: dict[str, Any] = step) -> subprocess.CompletedProcess[str]:
        return runner.shell(runner.line(step), fork, BASE="main")

    for one in (step, field):
        assert (done := check(one)).returncode == 0, done.stderr
    (fork / "catalog/field/shop").mkdir(parents=True)
    (fork / "catalog/field/shop/a.json").write_text("{}", "utf-8")
    assert (check(field).returncode, check().returncode) == (1, 0)
    version = fork / f"catalog/models/{NAME}/versions/{NEWEST}.yaml"
    version.write_text(version.read_text("utf-8").replace("Words weigh more", "Words weigh less"), "utf-8")
    broken = check()
    assert broken.returncode == 1
    assert broken.stdout.startswith("::error file=")
    assert "immutable" in broken.stdout
