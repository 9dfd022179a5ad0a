"""`publish build`: what the entry pins or nothing, without credentials, and a record of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.publish.conftest import NAME, NEWEST, RECIPE, Scratch, git
from tests.publish.test_publish import tags_of
from tests.support.web import Reply, web_server

from modelport.catalog import read_yaml, version_yaml
from modelport.catalog.rules.interface import interface_files
from modelport.publish.evidence import read_evidence
from modelport.types import Digest

if TYPE_CHECKING:
    from pathlib import Path

CANARY = """\
import sys

def note(event, arguments):
    if event == "open" and "config.json" in str(arguments[0]):
        sys.stderr.write("canary: credentials\\n")
    if event == "socket.connect":
        sys.stderr.write(f"canary: {arguments[1]}\\n")

sys.addaudithook(note)
"""


def build(
    scratch: Scratch, version: str, out: Path, *options: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `publish build` with more variables."""
    command = [sys.executable, "-m", "modelport", "publish", "build", NAME, version, "--out", str(out), *options]
    return subprocess.run(
        command, cwd=scratch.root, env=scratch.place.variables | variables, capture_output=True, text=True, check=False
    )


@pytest.fixture
def watched(scratch: Scratch, tmp_path: Path) -> dict[str, str]:
    """Return variables that let every look at credentials and every connection be told on stderr."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch/sitecustomize.py").write_text(CANARY, "utf-8")
    (tmp_path / "docker").mkdir()
    login = {"auths": {scratch.host: {"auth": "YTpi"}, "localhost:1": {"auth": "YTpi"}}}
    (tmp_path / "docker/config.json").write_text(json.dumps(login), "utf-8")
    return {"PYTHONPATH": str(tmp_path / "watch"), "DOCKER_CONFIG": str(tmp_path / "docker")}


def test_a_build_reads_no_credentials_and_asks_no_registry(
    scratch: Scratch, watched: dict[str, str], tmp_path: Path
) -> None:
    done = build(scratch, NEWEST, tmp_path / "out", **watched)
    assert done.returncode == 0, done.stderr
    assert "canary" not in done.stderr
    files = {f.relative_to(tmp_path / "out").parts[0] for f in (tmp_path / "out").rglob("*")}
    assert files == {"oci-layout", "index.json", "blobs", "evidence.json"}
    again, before = (
        {f.relative_to(tree): f.read_bytes() for tree in [place] for f in tree.rglob("*") if f.is_file()}
        for place in (tmp_path / "out", scratch.handover())
    )
    assert again == before, "the same version gives the same folder"


def test_the_canary_sings(scratch: Scratch, watched: dict[str, str]) -> None:
    with web_server(lambda _: Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})) as web:
        scratch.use(web.host, "models")
        command = [sys.executable, "-m", "modelport", "publish", "pending"]
        done = subprocess.run(
            command,
            cwd=scratch.root,
            env=scratch.place.variables | watched,
            capture_output=True,
            text=True,
            check=False,
        )
    assert "canary: credentials" in done.stderr
    assert f"canary: {(*web.host.split(':')[:1], int(web.host.split(':')[1]))}" in done.stderr


@pytest.mark.parametrize("status", [401, 403])
def test_a_registry_that_lets_nobody_look_is_an_error_or_empty_where_that_is_asked_for(
    scratch: Scratch, status: int
) -> None:
    with web_server(lambda _: Reply(status, headers={"WWW-Authenticate": 'Basic realm="x"'})) as web:
        scratch.use(web.host, "models")
        for action in (["pending", "--json"], ["evidence", "--out", "evidence"]):
            refused = scratch.publish(*action, check=False)
            assert (refused.returncode, refused.stdout) == (1, ""), action
            assert f"the registry answered {status}" in refused.stderr
            assert "hint: " in refused.stderr
        done = scratch.publish("pending", "--json", "--denied-is-missing")
        evidence = scratch.publish("evidence", "--out", "evidence", "--denied-is-missing")
    assert len(json.loads(done.stdout)["include"]) == 2
    assert f"cannot be seen ({status})" in done.stderr
    assert evidence.stdout == ""
    assert f"cannot be seen ({status})" in evidence.stderr


def test_evidence_of_a_registry_that_fails_is_not_taken_as_none(scratch: Scratch) -> None:
    with web_server(lambda _: Reply(418)) as web:
        scratch.use(web.host, "models")
        done = scratch.publish("evidence", "--out", "evidence", "--denied-is-missing", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "418" in done.stderr


@pytest.mark.parametrize("options", [(), ("--accept-rebuilt",)])
def test_a_rebuild_of_another_digest_is_never_handed_over(
    scratch: Scratch, tmp_path: Path, options: tuple[str, ...]
) -> None:
    done = build(scratch, NEWEST, tmp_path / "out", *options, DRIFT="0.001")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be published as this version" in done.stderr
    assert "hint:" in done.stderr
    assert not (tmp_path / "out").exists()
    evidence = read_evidence(tmp_path / "evidence")
    outcomes = [one["outcome"] for one in evidence[NAME]["reproduced"]] if evidence else []
    assert outcomes == (["within-tolerance"] if options else [])


def test_a_recipe_that_makes_something_else_is_told_where_it_differs(scratch: Scratch, tmp_path: Path) -> None:
    done = build(scratch, NEWEST, tmp_path / "out", "--accept-rebuilt", DRIFT="1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "example 1: output" in done.stderr
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "evidence").exists()


def test_an_older_version_needs_the_whole_history(scratch: Scratch, tmp_path: Path) -> None:
    # That it is built from its own recipe is shown by the fixture: the recipe here makes another version.
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth", "1", scratch.root.as_uri(), str(clone))
    command = [sys.executable, "-m", "modelport", "publish", "build", NAME, "1.0.0", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=clone, env=scratch.place.variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "fetch-depth: 0" in done.stderr


@pytest.mark.parametrize("variable", ["GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"])
def test_an_older_version_is_asked_of_its_own_repository(scratch: Scratch, tmp_path: Path, variable: str) -> None:
    # git sets some of these for its hooks, and people for their scripts.
    (tmp_path / "other").mkdir()
    git(tmp_path / "other", "init", "--quiet")
    done = build(scratch, "1.0.0", tmp_path / "out", **{variable: str(tmp_path / "other/.git")})
    assert done.returncode == 0, done.stderr


FALSE = {
    "tier": ("tier: code-bearing", "tier: data-only"),
    "size": (r"size: \d+\nresources", "size: 1\nresources"),
    "requirements": (r"requirements: \[[^\]]*\]", "requirements: [numpy==2.4.6]"),
    "evaluations": (
        r"evaluations: \[\]",
        "evaluations: [{data: All, split: all, n: 9, metric: accuracy, value: 1.0, measured_by: publisher}]",
    ),
    "examples": (r"output: \{value: [0-9.]+\}", "output: {value: 42.0}"),
    "files": (r"(path: model.proto\n    kind: doc\n    size: )\d+", r"\g<1>7"),
}  # fmt: skip


@pytest.mark.parametrize("key", FALSE)
def test_no_version_says_what_its_package_does_not_hold(scratch: Scratch, tmp_path: Path, key: str) -> None:
    file = scratch.catalog / f"models/{NAME}/versions/{NEWEST}.yaml"
    text, count = re.subn(*FALSE[key], file.read_text("utf-8"))
    assert count == 1
    file.write_text(with_digests(text), "utf-8")
    scratch.place.modelport("check", check=True)
    for done in (build(scratch, NEWEST, tmp_path / "out"), scratch.publish("push", scratch.handover(), check=False)):
        assert (done.returncode, done.stdout) == (1, "")
        assert "says of tally 1.1.0 what its package does not hold: " in done.stderr
        assert f"{key} is not what the package holds" in done.stderr
    assert not (tmp_path / "out").exists()
    assert tags_of(scratch) == {}


def with_digests(text: str) -> str:
    """Return a version with the digests that files of such an interface would have, as a liar would write it."""
    version = read_yaml(text.encode(), "version").value
    for record in version["files"]:
        for _, content in interface_files(version, {record["path"]: record}).values():
            record |= {"size": len(content), "digest": str(Digest.of(content))}
    return version_yaml(version)


def test_a_version_of_the_first_contract_may_tell_its_python_closer(scratch: Scratch, tmp_path: Path) -> None:
    file = scratch.catalog / f"models/{NAME}/versions/{NEWEST}.yaml"
    text, count = re.subn(r"resources: .*\n|(?<=version/)2|(?<=3\.\d\d)(?=\"\n)", older, file.read_text("utf-8"))
    assert count == 3
    file.write_text(text, "utf-8")
    done = build(scratch, NEWEST, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    scratch.publish("push", tmp_path / "out")
    scratch.publish("push", scratch.handover("1.0.0"))
    scratch.place.modelport("check", "--level", "registry", NAME, check=True)
    # A contract that is not the first one says MAJOR.MINOR.
    file.write_text(text.replace("version/1", "version/2"), "utf-8")
    assert "is not a Python version" in scratch.place.modelport("check").stdout


def older(part: re.Match[str]) -> str:
    return {"2": "1", "": ".7"}.get(part[0], "")


def test_another_python_is_refused_before_anything_is_built(scratch: Scratch, tmp_path: Path) -> None:
    file = scratch.catalog / f"models/{NAME}/versions/{NEWEST}.yaml"
    here = f'python: "{sys.version_info[0]}.{sys.version_info[1]}"'
    text = file.read_text("utf-8")
    assert here in text
    file.write_text(text.replace(here, 'python: "3.99"'), "utf-8")
    done = build(scratch, NEWEST, tmp_path / "out")
    assert done.returncode == 1
    assert "was packed with Python 3.99" in done.stderr


def test_a_folder_that_is_not_empty_is_left_alone(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("mine", "utf-8")
    done = build(scratch, NEWEST, tmp_path / "out")
    assert done.returncode == 1
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["mine"]


def test_pack_records_what_it_reproduced_and_nothing_when_it_reused(scratch: Scratch, tmp_path: Path) -> None:
    entry = scratch.catalog / "models" / NAME
    first = scratch.place.modelport("pack", entry, check=True)
    assert "reproduced" in first.stderr
    document = read_evidence(tmp_path / "evidence")[NAME]
    assert [(one["version"], one["outcome"]) for one in document["reproduced"]] == [(NEWEST, "identical")]
    assert "reproduced" not in scratch.place.modelport("pack", entry, check=True).stderr
    (entry / "recipe.py").write_text(RECIPE.replace("2.0", "3.001"), "utf-8")
    scratch.place.modelport("pack", entry, check=True)
    newest = read_evidence(tmp_path / "evidence")[NAME]["reproduced"][0]
    assert newest["outcome"] == "within-tolerance"


def test_the_site_shows_evidence_and_tells_what_is_none(scratch: Scratch, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    build(scratch, NEWEST, tmp_path / "out")
    date = read_evidence(folder)[NAME]["reproduced"][0]["date"]
    site = ["site", "build", "--out", str(tmp_path / "site"), "--evidence", str(folder)]
    scratch.place.modelport(*site, check=True)
    assert date in (tmp_path / f"site/models/{NAME}/index.html").read_text("utf-8")
    (folder / "other.json").write_text('{"schema": "modelport/evidence/9"}', "utf-8")
    broken = scratch.place.modelport(*site)
    assert broken.returncode == 1
    assert "other.json is not evidence" in broken.stderr
    assert "Traceback" not in broken.stderr
