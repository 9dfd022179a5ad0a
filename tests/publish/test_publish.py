"""The way of a version from a merge to the registry: missed, built anew, verified, pushed under tags, pulled again."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.publish.conftest import NAME, NEWEST, Scratch
from tests.support.artifacts import put_release
from tests.support.web import Reply, Request, forwarded, web_server

from modelport.catalog import load_entry
from modelport.errors import NotFoundError, RegistryError
from modelport.oci import Index, Layout, push
from modelport.publish.evidence import read_evidence
from modelport.publish.handover import read_handover
from modelport.publish.referrer import EVIDENCE_TYPE, push_evidence
from modelport.publish.release import Place, plan_release, push_release, release_numbers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.registry import DockerRegistry


def tags_of(scratch: Scratch) -> dict[str, str]:
    """Return what each tag of the model stands for; empty when nothing of it can be seen."""
    try:
        tags = scratch.registry.tags(scratch.repository)
    except NotFoundError:
        return {}
    named = [tag for tag in tags if not tag.startswith("sha256-")]  # those are the lists of referrers
    return {tag: str(scratch.registry.resolve(scratch.repository, tag).digest) for tag in named}


def pinned(scratch: Scratch, version: str = NEWEST) -> str:
    entry = load_entry(scratch.catalog / "models" / NAME)
    return next(str(one.digest) for one in entry.versions if str(one.version) == version)


def pending(scratch: Scratch) -> list[str]:
    listed = json.loads(scratch.publish("pending", "--json").stdout)["include"]
    return [row["version"] for row in listed]


def yank(scratch: Scratch, version: str) -> None:
    with (scratch.catalog / "models" / NAME / "model.yaml").open("a", encoding="utf-8") as file:
        file.write(f'yanked: [{{version: "{version}", reason: "It counts wrongly."}}]\n')


def files_of(registry: DockerRegistry, scratch: Scratch) -> dict[str, int]:
    place = registry.storage / "docker/registry/v2/repositories" / scratch.repository
    return {str(file): file.stat().st_mtime_ns for file in place.rglob("*") if file.is_file()}


def test_a_merged_version_is_missed_pushed_and_pulled_by_version_and_by_digest(scratch: Scratch) -> None:
    assert pending(scratch) == ["1.0.0", NEWEST]
    for version in ("1.0.0", NEWEST):
        pushed = scratch.publish("push", scratch.handover(version)).stdout.strip()
        release = tags_of(scratch)[f"{version}-r1"]
        assert pushed == f"{scratch.host}/{scratch.repository}:{version}-r1@{release}"
    assert pending(scratch) == []
    tags = tags_of(scratch)
    assert set(tags) == {"1.0.0", "1.0.0-r1", NEWEST, f"{NEWEST}-r1", "latest"}
    assert tags["latest"] == tags[NEWEST] == tags[f"{NEWEST}-r1"]
    index = scratch.registry.manifest(scratch.repository, NEWEST)
    assert isinstance(index, Index)
    assert [str(one.digest) for one in index.manifests] == [pinned(scratch)]
    by_version = scratch.place.modelport("pull", f"{NAME}:{NEWEST}", check=True).stdout
    assert by_version == f"{NAME}:{NEWEST} {pinned(scratch)}\n"
    reference = f"{scratch.host}/{scratch.repository}@{pinned(scratch)}"
    by_digest = scratch.place.modelport("pull", reference, check=True).stdout
    assert by_digest == f"{reference} {pinned(scratch)}\n"


def test_skopeo_reads_what_was_built_and_what_was_pushed(scratch: Scratch) -> None:
    scratch.publish("push", scratch.handover())
    tree = [f"oci:{scratch.handover()}:{NAME}:{NEWEST}", f"docker://{scratch.host}/{scratch.repository}:latest"]
    for place in tree:
        done = subprocess.run(
            ["skopeo", "inspect", "--raw", "--tls-verify=false", place], capture_output=True, check=True
        )
        assert [one["digest"] for one in json.loads(done.stdout)["manifests"]] == [pinned(scratch)]
    copy = ["skopeo", "copy", "--all", "--quiet", "--src-tls-verify=false", tree[1], f"dir:{scratch.built}/copy"]
    subprocess.run(copy, check=True, capture_output=True)


def test_a_second_push_writes_nothing(scratch: Scratch, docker_registry: DockerRegistry) -> None:
    first = scratch.publish("push", scratch.handover())
    before = files_of(docker_registry, scratch)
    again = scratch.publish("push", scratch.handover())
    assert again.stdout == first.stdout
    assert "nothing to write" in again.stderr
    assert files_of(docker_registry, scratch) == before


def test_a_dry_run_says_what_it_would_write_and_writes_nothing(scratch: Scratch) -> None:
    done = scratch.publish("push", scratch.handover(), "--dry-run")
    assert f"would write {NEWEST}-r1, {NEWEST}, latest" in done.stderr
    assert tags_of(scratch) == {}


def test_a_release_tag_never_moves_and_another_release_takes_the_next_number(scratch: Scratch) -> None:
    layout = Layout(scratch.built / "other")
    foreign = put_release(layout, b"foreign")
    push(layout, foreign, scratch.registry, scratch.repository, tags=[f"{NEWEST}-r1", NEWEST, f"{NEWEST}-rc", "latest"])
    assert NEWEST in pending(scratch)
    scratch.publish("push", scratch.handover())
    tags = tags_of(scratch)
    assert tags[f"{NEWEST}-r1"] == str(foreign.digest)
    assert tags[f"{NEWEST}-r2"] == tags[NEWEST] == tags["latest"] != str(foreign.digest)


def test_whoever_comes_second_does_not_take_a_release_tag_away(scratch: Scratch) -> None:
    handover = read_handover(scratch.handover(), scratch.catalog)
    plan = plan_release(handover, Place(scratch.registry, scratch.repository))
    layout = Layout(scratch.built / "other")
    foreign = put_release(layout, b"foreign")
    push(layout, foreign, scratch.registry, scratch.repository, tags=[f"{NEWEST}-r1"])
    with pytest.raises(RegistryError, match="never moves"):
        push_release(plan, handover)
    assert tags_of(scratch) == {f"{NEWEST}-r1": str(foreign.digest)}


def change_model(scratch: Scratch, old: str, new: str) -> None:
    file = scratch.catalog / "models" / NAME / "model.yaml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


WITHHELD: dict[str, tuple[Callable[[Scratch], None], str]] = {
    "a yanked version": (lambda scratch: yank(scratch, NEWEST), "this version is yanked"),
    "a yanked model": (
        lambda scratch: change_model(scratch, "lifecycle: published", "lifecycle: yanked\nreason: It leaks."),
        "the model is yanked",
    ),
    "a draft": (
        lambda scratch: change_model(scratch, "lifecycle: published", "lifecycle: draft"), "the model is a draft",
    ),
    "an internal model in a public catalog": (
        lambda scratch: change_model(scratch, "lifecycle: published", "lifecycle: published\naudience: internal"),
        "the model is internal, and this catalog is public",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", WITHHELD)
def test_what_is_not_to_be_published_is_neither_missed_nor_built_nor_pushed(
    scratch: Scratch, tmp_path: Path, kind: str
) -> None:
    change, said = WITHHELD[kind]
    change(scratch)
    done = scratch.publish("pending", "--all", "--json", check=False)
    rows = json.loads(done.stdout)["include"] if done.returncode == 0 else []
    assert [row["version"] for row in rows] == (["1.0.0"] if kind == "a yanked version" else [])
    for action in (["build", NAME, NEWEST, "--out", str(tmp_path / "out")], ["push", str(scratch.handover())]):
        refused = scratch.publish(*action, check=False)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert f"{NAME} {NEWEST} is not to be published: {said}" in refused.stderr
        assert "hint: " in refused.stderr
    assert tags_of(scratch) == {}
    assert not (tmp_path / "out").exists()


def test_a_yanked_version_is_not_the_latest(scratch: Scratch) -> None:
    yank(scratch, NEWEST)
    scratch.publish("push", scratch.handover("1.0.0"))
    tags = tags_of(scratch)
    assert tags["latest"] == tags["1.0.0"]


def test_an_internal_model_is_published_from_an_internal_catalog(scratch: Scratch) -> None:
    change_model(scratch, "lifecycle: published", "lifecycle: published\naudience: internal")
    with (scratch.root / "modelport.toml").open("a", encoding="utf-8") as file:
        file.write('[catalog]\naudience = "internal"\n')
    assert pending(scratch) == ["1.0.0", NEWEST]
    scratch.publish("push", scratch.handover())
    assert "latest" in tags_of(scratch)


def withdraw_all(scratch: Scratch) -> None:
    with (scratch.catalog / "models" / NAME / "model.yaml").open("a", encoding="utf-8") as file:
        file.write(
            "yanked:\n" + "".join(f'  - {{version: "{v}", reason: It counts wrongly.}}\n' for v in ("1.0.0", NEWEST))
        )
    change_model(scratch, "lifecycle: published", "lifecycle: yanked\nreason: It counts wrongly.")


def test_latest_is_taken_away_when_nothing_is_left_or_that_it_cannot_be_is_an_error(
    scratch: Scratch, docker_registry: DockerRegistry
) -> None:
    for version in ("1.0.0", NEWEST):
        scratch.publish("push", scratch.handover(version))
    withdraw_all(scratch)
    assert "would remove the tag" in scratch.publish("latest", "--dry-run").stderr
    refused = scratch.publish("latest", check=False)  # this registry can only remove what a digest names
    assert refused.returncode == 1
    assert "latest still stands for a version that nobody should use" in refused.stderr
    assert "hint: remove this tag by hand" in refused.stderr
    tags = docker_registry.storage / "docker/registry/v2/repositories" / scratch.repository / "_manifests/tags"

    def forward(request: Request) -> Reply:
        """Stand before the registry and remove tags for it, as newer ones do."""
        if request.method == "DELETE":
            shutil.rmtree(tags / request.path.rpartition("/")[2])
            return Reply(202)
        return forwarded(request, scratch.host)

    with web_server(forward) as web:
        scratch.use(web.host, scratch.prefix)
        assert "removing the tag" in scratch.publish("latest").stderr
        assert set(tags_of(scratch)) == {"1.0.0", "1.0.0-r1", NEWEST, f"{NEWEST}-r1"}
        again = scratch.publish("latest")
    assert again.stderr == f"{NAME}: it has no version to publish\n"


def test_latest_leaves_a_yanked_version_though_the_one_to_use_is_not_there_yet(scratch: Scratch) -> None:
    scratch.publish("push", scratch.handover())
    yank(scratch, NEWEST)
    done = scratch.publish("latest", "--dry-run")
    assert "1.0.0 is not published yet, and latest stands for a version that is withdrawn" in done.stderr


def test_a_prerelease_does_not_pass_for_a_release_of_its_version(scratch: Scratch) -> None:
    scratch.publish("push", scratch.handover())
    document = scratch.registry.manifest(scratch.repository, NEWEST)
    for tag in (f"{NEWEST}-rc.1", f"{NEWEST}-r1x", f"{NEWEST}-r01", f"{NEWEST}-rc.1-r1"):
        scratch.registry.put_manifest(scratch.repository, document, tag=tag)
    tags = [tag for tag in Place(scratch.registry, scratch.repository).tags() if tag != f"{NEWEST}-r1"]
    assert release_numbers(NEWEST, tags) == []
    assert release_numbers(f"{NEWEST}-rc.1", tags) == [1]


def test_no_push_moves_the_release_tag_of_any_version(scratch: Scratch) -> None:
    scratch.publish("push", scratch.handover("1.0.0"))
    before = tags_of(scratch)
    handover = read_handover(scratch.handover(), scratch.catalog)
    plan = plan_release(handover, Place(scratch.registry, scratch.repository))
    with pytest.raises(RegistryError, match="never moves"):
        push_release(replace(plan, tags=("1.0.0-r1",)), handover)
    assert tags_of(scratch) == before


def test_latest_goes_back_when_its_version_is_yanked(scratch: Scratch) -> None:
    assert f"{NAME}: {NEWEST} is not published yet\n" in scratch.publish("latest").stderr
    for version in ("1.0.0", NEWEST):
        scratch.publish("push", scratch.handover(version))
    yank(scratch, NEWEST)
    assert "would write latest" in scratch.publish("latest", "--dry-run").stderr
    assert tags_of(scratch)["latest"] == tags_of(scratch)[NEWEST]
    scratch.publish("latest")
    assert tags_of(scratch)["latest"] == tags_of(scratch)["1.0.0"]


def test_a_version_that_is_there_may_be_asked_for_to_be_built_again(scratch: Scratch) -> None:
    for version in ("1.0.0", NEWEST):
        scratch.publish("push", scratch.handover(version))
    listed = json.loads(scratch.publish("pending", "--all", "--json").stdout)["include"]
    assert [row["version"] for row in listed] == [NEWEST]


def test_that_it_was_reproduced_is_told_beside_the_release_and_fetched_from_there(
    scratch: Scratch, tmp_path: Path
) -> None:
    for version in ("1.0.0", NEWEST):
        scratch.publish("push", scratch.handover(version))
    release = tags_of(scratch)[NEWEST]
    file = tmp_path / f"fetched/{NAME}.json"
    assert scratch.publish("evidence", "--out", tmp_path / "fetched").stdout.strip() == str(file)
    (known,) = read_evidence(file.parent).values()
    assert {one["version"]: one["digest"] for one in known["reproduced"]} == {
        version: pinned(scratch, version) for version in ("1.0.0", NEWEST)
    }
    handover = read_handover(scratch.handover(), scratch.catalog)
    earlier = {**handover.evidence, "reproduced": [{**handover.evidence["reproduced"][0], "date": "2020-02-29"}]}
    push_evidence(Place(scratch.registry, scratch.repository), handover.manifest, earlier)
    scratch.publish("evidence", "--out", tmp_path / "fetched")
    dates = [one["date"] for one in read_evidence(file.parent)[NAME]["reproduced"] if one["version"] == NEWEST]
    assert (len(dates), dates[1]) == (2, "2020-02-29")
    assert tags_of(scratch)[NEWEST] == release, "the release is what it was"
    listing = scratch.registry.manifest(scratch.repository, pinned(scratch).replace(":", "-"))
    assert [one.artifact_type for one in listing.children] == [EVIDENCE_TYPE]


def test_the_job_that_pushes_tells_the_day_itself(scratch: Scratch) -> None:
    file = scratch.handover() / "evidence.json"
    document = json.loads(file.read_bytes())
    today = dt.datetime.now(tz=dt.UTC).date()
    document["reproduced"][0] |= {"date": str(today - dt.timedelta(days=3)), "platform": "linux riscv64"}
    file.write_text(json.dumps(document), "utf-8")
    (told,) = read_handover(scratch.handover(), scratch.catalog).evidence["reproduced"]
    assert dt.date.fromisoformat(told["date"]) - today <= dt.timedelta(days=1)
    assert told["date"] >= str(today)
    assert told["platform"] == "linux riscv64"


def test_evidence_that_somebody_else_left_is_told_and_not_shown(scratch: Scratch, tmp_path: Path) -> None:
    scratch.publish("push", scratch.handover())
    document = json.loads((scratch.handover() / "evidence.json").read_bytes())
    place, subject = Place(scratch.registry, scratch.repository), scratch.registry.manifest(scratch.repository, NEWEST)
    document["reproduced"][0]["digest"] = str(subject.descriptor.digest)
    push_evidence(place, subject.children[0], document)
    done = scratch.publish("evidence", "--out", tmp_path / "fetched")
    assert "speaks of another package" in done.stderr
    assert not (tmp_path / "fetched").exists()


def test_what_is_pending_goes_to_a_job_as_its_matrix(scratch: Scratch, tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.write_text("before=1\n", "utf-8")
    shown = scratch.publish("pending", "--github-output", output).stdout
    assert [line.split()[:2] for line in shown.splitlines()] == [[NAME, "1.0.0"], [NAME, NEWEST]]
    first, matrix, count = output.read_text("utf-8").splitlines()
    assert (first, count) == ("before=1", "count=2")
    rows = json.loads(matrix.removeprefix("matrix="))["include"]
    assert rows[1] == {"name": NAME, "version": NEWEST, "digest": pinned(scratch), "python": rows[0]["python"]}


def test_without_a_registry_nothing_is_pending_and_nothing_can_be_pushed(scratch: Scratch) -> None:
    (scratch.root / "modelport.toml").write_text("", "utf-8")
    done = scratch.publish("pending", "--json")
    assert json.loads(done.stdout) == {"include": []}
    assert "has no registry" in done.stderr
    refused = scratch.publish("push", scratch.handover(), check=False)
    assert refused.returncode == 1
    assert "registry.prefix" in refused.stderr or "[registry]" in refused.stderr


def test_an_entry_without_a_recipe_is_named_and_left_out(scratch: Scratch) -> None:
    for file in ("recipe.py", "recipe.lock"):
        (scratch.catalog / "models" / NAME / file).unlink()
    done = scratch.publish("pending", "--json")
    assert json.loads(done.stdout) == {"include": []}
    assert "has no recipe" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build", "nobody", "1.0.0", "--out", "x"], "no model nobody"),
        (["build", NAME, "9.0.0", "--out", "x"], "no version 9.0.0"),
        (["build", NAME, "1.0", "--out", "x"], "is not a version"),
        (["push", "nowhere"], "nowhere is not a folder"),
        (["push", "catalog"], "is not an OCI image layout"),
    ],
)
def test_a_mistake_is_told_with_the_way_out(scratch: Scratch, arguments: list[str], said: str) -> None:
    done = scratch.publish(*arguments, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr
