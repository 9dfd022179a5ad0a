"""What CI may do: the judges find nothing, and laws of our own that no judge knows are held by every workflow."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from modelport.cli import _parser

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").iterdir())
# A bare Debian has no make, no git and no certificates: this one line brings them.
BARE_DEBIAN = "apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates git make python3"
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
IMAGE = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")
CODE = {"pack", "submit", "demo", "call", "serve"}
"""The commands that run what was contributed, beside ``publish build``."""

Job = dict[str, Any]


def read(file: Path) -> dict[str, Any]:
    # The base loader leaves `on` a text.
    document: dict[str, Any] = yaml.load(file.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - knows no types
    return document


def jobs() -> list[tuple[str, str, Job]]:
    return [(file.stem, name, job) for file in WORKFLOWS for name, job in read(file)["jobs"].items()]


def runs(job: Job) -> list[str]:
    return [step["run"] for step in job.get("steps", ()) if "run" in step]


def commands(job: Job) -> list[list[str]]:
    """Return the arguments of each modelport command that the job runs."""
    lines = [shlex.split(line) for line in runs(job)]
    starts = (["build/core/bin/python", "-m", "modelport"], [".venv/bin/modelport"])
    return [line[len(start) :] for line in lines for start in starts if line[: len(start)] == start]


def runs_contributed_code(job: Job) -> bool:
    return any(c[0] in CODE or c[:2] == ["publish", "build"] for c in commands(job)) or any(
        line in {"make demo", "make catalog", "make coverage", "make test", ".ci/run"} for line in runs(job)
    )


def writes(job: Job) -> set[str]:
    return {key for key, value in job.get("permissions", {}).items() if value != "read"}


def every_job(*, where: Callable[[str, Job], bool] = lambda _, __: True) -> pytest.MarkDecorator:
    chosen = [(w, n, j) for w, n, j in jobs() if where(w, j)]
    assert chosen
    return pytest.mark.parametrize("job", [j for _, _, j in chosen], ids=[f"{w}-{n}" for w, n, _ in chosen])


def from_pull_requests(workflow: str, _: Job) -> bool:
    return "pull_request" in read(ROOT / f".github/workflows/{workflow}.yml")["on"]


every_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / name
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, cwd=ROOT)


# The judges


def test_the_schemas_of_workflows_and_of_dependabot_are_kept() -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    assert done.returncode == 0, done.stdout + done.stderr
    done = tool("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def audit(folder: Path | str) -> list[dict[str, Any]]:
    """Return what zizmor finds at medium or above; it must have read what is there."""
    done = tool("zizmor", "--offline", "--persona", "auditor", "--format", "json", folder)
    found = json.loads(done.stdout)
    return [one for one in found if one["determinations"]["severity"] in {"Medium", "High"}]


def test_zizmor_finds_nothing_at_medium_or_above() -> None:
    assert [(one["ident"], one["desc"]) for one in audit(".github")] == []


def test_zizmor_would_find_something(tmp_path: Path) -> None:
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "bad.yml").write_text(
        "on: pull_request_target\njobs: {a: {runs-on: ubuntu-24.04, steps: [{uses: actions/checkout@v4}]}}\n", "utf-8"
    )
    assert {"dangerous-triggers", "unpinned-uses"} <= {one["ident"] for one in audit(tmp_path)}


# Every workflow


@every_workflow
def test_no_workflow_runs_a_strangers_code_with_our_rights(file: Path) -> None:
    workflow = read(file)
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(workflow["on"])
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow


@every_workflow
def test_all_that_is_used_is_pinned_by_what_it_is(file: Path) -> None:
    for line in file.read_text("utf-8").splitlines():
        name, _, value = line.strip().removeprefix("- ").partition(": ")
        if name == "uses":
            assert PINNED.fullmatch(value) or value.startswith("./.github/workflows/"), line
        if name in {"container", "image"}:
            assert IMAGE.fullmatch(value.partition(" #")[0]), line


@every_workflow
def test_nothing_is_kept_from_run_to_run(file: Path) -> None:
    text = file.read_text("utf-8")
    assert "actions/cache" not in text
    assert not re.search(r"^\s*cache\S*:", text, re.MULTILINE)


# Every job


@every_job()
def test_a_job_ends_and_leaves_no_token_behind(job: Job) -> None:
    if "uses" not in job:
        assert 0 < int(job["timeout-minutes"]) <= 120
    assert "inherit" not in str(job.get("secrets", ""))
    for step in job.get("steps", ()):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


@every_job()
def test_each_step_is_one_command_that_runs_anywhere(job: Job) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in runs(job):
        assert "${{" not in line
        assert line.count("\n") <= 1
        if line in {BARE_DEBIAN, ".ci/run"}:
            continue
        assert not set(line) & set(";|&`><()"), line
        words = shlex.split(line)
        if words[0] == "make":
            assert set(words[1:]) <= targets, line
        else:
            assert commands({"steps": [{"run": line}]}), line


@every_job()
def test_each_modelport_command_is_one_that_there_is(job: Job) -> None:
    for command in commands(job):
        words = [word.replace("$VERSION", "1.0.0") for word in command]
        options = _parser(words[0]).parse_args(words)
        assert callable(options.run)


# Who may what


@every_job(where=from_pull_requests)
def test_what_a_pull_request_starts_has_no_secrets_and_may_write_nothing(job: Job) -> None:
    assert job["permissions"] == {"contents": "read"}
    assert "environment" not in job
    assert "uses" not in job
    assert not re.search(r"secrets\.|github\.token|GITHUB_TOKEN|login-action", json.dumps(job))


@every_job(where=lambda _, job: runs_contributed_code(job))
def test_what_runs_a_recipe_holds_no_credentials(job: Job) -> None:
    assert job["permissions"] == {"contents": "read"}
    assert "environment" not in job
    assert not re.search(r"secrets|github\.token|GITHUB_TOKEN|login-action|id-token", json.dumps(job))


@every_job(where=lambda _, job: "packages" in writes(job))
def test_what_may_push_runs_nothing_that_was_contributed(job: Job) -> None:
    assert not runs_contributed_code(job)
    assert job["environment"] == "registry"
    # And little of others': the few locked distributions of `make core`, none of which is built here.
    assert [line for line in runs(job) if line.startswith("make")] == ["make core"]
    allowed = {("publish", "push"), ("publish", "latest"), ("publish", "field")}
    assert {tuple(command[:2]) for command in commands(job)} <= allowed


def test_only_these_jobs_may_write_or_say_who_they_are() -> None:
    rights = {f"{workflow}/{name}": writes(job) for workflow, name, job in jobs() if writes(job)}
    assert rights == {
        "publish/push": {"packages"},
        "publish/latest": {"packages"},
        "publish/field": {"packages"},
        "publish/site": {"pages", "id-token"},
        "site/deploy": {"pages", "id-token"},
    }


def test_secrets_are_named_only_where_an_environment_guards_them() -> None:
    for workflow, name, job in jobs():
        if "secrets." in json.dumps(job):
            assert job.get("environment") in {"registry", "registry-read"}, f"{workflow}/{name}"


def test_only_who_writes_is_where_the_secrets_for_writing_are() -> None:
    for workflow, name, job in jobs():
        if job.get("environment") == "registry":
            assert "packages" in writes(job), f"{workflow}/{name}"


@every_job(where=lambda _, job: "login-action" in json.dumps(job))
def test_all_log_in_to_the_registry_of_the_settings_and_githubs_token_goes_to_github_alone(job: Job) -> None:
    (step,) = (step for step in job["steps"] if step.get("uses", "").startswith("docker/login-action@"))
    assert step["with"] == {
        "registry": "${{ vars.REGISTRY_HOST || 'ghcr.io' }}",
        "username": "${{ vars.REGISTRY_USER || github.actor }}",
        "password": "${{ secrets.REGISTRY_PASSWORD || (!vars.REGISTRY_HOST && github.token || '') }}",
    }
    reads = "packages" not in writes(job)
    assert step.get("if") == ("${{ !vars.REGISTRY_HOST || vars.REGISTRY_USER }}" if reads else None)


@pytest.mark.parametrize(("workflow", "name"), [("publish", "pending"), ("site", "build")])
def test_the_catalog_as_a_whole_is_checked_before_anything_is_made_of_it(workflow: str, name: str) -> None:
    (job,) = (job for w, n, job in jobs() if (w, n) == (workflow, name))
    assert commands(job)[0] == ["check", "--format", "github"]
    places = [place for place, step in enumerate(job["steps"]) if "modelport" in step.get("run", "")]
    login = next(n for n, step in enumerate(job["steps"]) if "login-action" in step.get("uses", ""))
    assert places[0] < login


def test_publishing_starts_on_main_only() -> None:
    triggers = read(ROOT / ".github/workflows/publish.yml")["on"]
    assert set(triggers) == {"push", "schedule", "workflow_dispatch"}
    assert triggers["push"]["branches"] == ["main"]
    needs = {name: job.get("needs") for w, name, job in jobs() if w == "publish"}
    assert needs["build"] == "pending"
    assert needs["push"] == ["pending", "build"]
    assert needs["field"] == ["pending", "push"]
    assert needs["site"] == ["push", "latest", "field"]


def test_pip_installs_only_what_has_a_known_hash() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for line in re.findall(r"^\t.*pip (?:install|sync).*$", makefile, re.MULTILINE):
        assert "--require-hashes" in line or "--no-deps --editable ." in line, line
    core = next(
        line for line in makefile.splitlines() if "requirements/core.lock" in line and "pip" in line and "\t" in line
    )
    assert "--only-binary :all:" in core
