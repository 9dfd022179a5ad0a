"""``modelport variants``: built, listed, called and served like any package; pushed into a release, pulled alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from tests.edge.parents import CALIBRATION, NETWORK
from tests.support.commands import ROOT, Workplace

from modelport.oci import Index, Layout, Platform, Registry, build_index, build_manifest, push
from modelport.package.modelpack import ANNOTATION_VARIANT
from modelport.publish.release import IMAGE_OF

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.support.registry import DockerRegistry

ARGUMENTS = json.dumps({"x": [1.0, -0.5], "y": [0.5, 0.25]})
SOME = ["float32", "int8", "rounded"]


@dataclass(frozen=True, slots=True)
class Built:
    """A workplace whose store has a network and some variants of it, and what the command said of them."""

    place: Workplace
    done: subprocess.CompletedProcess[str]

    def digests(self) -> dict[str, str]:
        listed = json.loads(self.place.modelport("variants", "list", "some", "--json", check=True).stdout)
        return {row["name"]: row["digest"] for row in listed}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Built:
    place = Workplace(tmp_path_factory.mktemp("variants"))
    (place.folder / "some.py").write_text(NETWORK + CALIBRATION, "utf-8")
    place.modelport("pack", "some.py", "--no-verify", check=True)
    return Built(place, place.modelport("variants", "build", "some", "--only", *SOME, "--json", check=True))


def test_what_was_built_is_told_as_a_catalog_keeps_it(made: Built) -> None:
    rows = {row["name"]: row for row in json.loads(made.done.stdout)}
    assert list(rows) == SOME
    assert {row["status"] for row in rows.values()} == {"ok"}
    assert rows["int8"]["runtime"] == "litert"
    assert rows["int8"]["size"] < rows["float32"]["size"] / 2
    assert len(rows["int8"]["calibration"]) == 64
    assert "litert-quantizer" in rows["int8"]["tools"]
    assert "calibration" not in rows["float32"]
    assert made.digests() == {name: row["digest"] for name, row in rows.items()}


def test_a_long_recipe_ends_between_words(made: Built) -> None:
    rows = json.loads(made.place.modelport("variants", "list", "some", "--json", check=True).stdout)
    listed = made.place.modelport("variants", "list", "some", check=True).stdout
    lines = listed.partition("\n\n")[0].splitlines()[1:]
    for row, line in zip(rows, lines, strict=True):
        said = line[line.index("by=") : line.index("sha256:")].split()
        words = [f"{key}={one if isinstance(one, str) else json.dumps(one)}" for key, one in row["recipe"].items()]
        whole = [word for word in said if word != "…"]
        assert words[: len(whole)] == whole
        assert ("…" in said) == (len(whole) < len(words))


def test_a_list_says_what_its_columns_are(made: Built) -> None:
    rows = {row["name"]: row for row in json.loads(made.place.modelport("variants", "list", "some", "--json").stdout)}
    listed, _, legend = made.place.modelport("variants", "list", "some", check=True).stdout.partition("\n\n")
    heads, *lines = listed.splitlines()
    assert " ".join(heads.split()) == "variant status size of float (%) gzip recipe digest, or why it failed"
    end = heads.index("of float (%)") + len("of float (%)")
    for line, row in zip(lines, rows.values(), strict=True):
        share = 100 * row["size"] / rows["float32"]["size"]
        assert line[:end].endswith(f" {share:.0f}")
    assert [line.partition(":")[0] for line in legend.splitlines()] == ["size", "gzip"]


def test_built_again_it_is_the_same_and_says_that_it_was_made_before(made: Built) -> None:
    again = made.place.modelport("variants", "build", "some", "--only", "float32", check=True)
    assert "float32: reused\n" in again.stderr
    assert f"{made.digests()['float32'][:19]}" in again.stdout
    assert again.stdout.splitlines()[0].split()[:2] == ["variant", "status"]
    assert list(made.digests()) == SOME  # what was not asked for is still listed


def test_a_variant_is_called_and_served_like_any_package_and_is_trusted_like_its_parent(made: Built) -> None:
    parent, variant = (
        json.loads(made.place.modelport("call", name, "score", ARGUMENTS, check=True).stdout)
        for name in ("some", "some:latest-int8")
    )
    assert parent["value"] == pytest.approx(variant["value"], abs=0.05)
    with made.place.service("some:latest-int8") as service:
        assert service.call_json("score", json.loads(ARGUMENTS)) == variant
        assert service.call_protobuf("score", json.loads(ARGUMENTS)) == variant


def test_a_variant_of_code_that_was_packed_elsewhere_is_no_more_trusted_than_that(made: Built, tmp_path: Path) -> None:
    stranger = Workplace(tmp_path)
    folder = made.place.package("some")
    asked = stranger.modelport("variants", "build", folder, "--only", "float32")
    assert (asked.returncode, "--allow-code" in asked.stderr) == (1, True)
    out = tmp_path / "out"
    stranger.modelport("variants", "build", folder, "--only", "float32", "--allow-code", "--out", out, check=True)
    assert (out / "float32" / "state" / "network.tflite").is_file()
    refused = stranger.modelport("call", out / "float32", "score", ARGUMENTS)
    assert (refused.returncode, "nobody vouches for it" in refused.stderr) == (1, True)


def test_what_fails_is_in_the_table_and_the_status_says_so(made: Built, tmp_path: Path) -> None:
    (tmp_path / "rows.npy").write_bytes(b"no array")
    broken = made.place.modelport("variants", "build", "some", "--calibration", tmp_path / "rows.npy")
    assert (broken.returncode, broken.stdout) == (1, "")
    assert "cannot be read as calibration inputs" in broken.stderr
    unknown = made.place.modelport("variants", "build", "some", "--only", "int2")
    assert "there is no variant int2" in unknown.stderr
    grandchild = made.place.modelport("variants", "build", "some:latest-int8")
    assert "it is a variant itself (int8)" in grandchild.stderr
    for done in (broken, unknown, grandchild):
        assert "Traceback" not in done.stderr


def test_a_package_without_variants_says_how_there_are_some(workplace: Workplace) -> None:
    workplace.modelport("pack", ROOT / "tests/projects/adder.py", "--no-verify", check=True)
    none = workplace.modelport("variants", "list", "adder", check=True)
    assert (none.stdout, "modelport variants build adder" in none.stderr) == ("", True)
    assert json.loads(workplace.modelport("variants", "list", "adder", "--json", check=True).stdout) == []
    pushed = workplace.modelport("variants", "push", "adder", "127.0.0.1:9/adder:latest")
    assert (pushed.returncode, "has no variants in the store" in pushed.stderr) == (1, True)
    built = workplace.modelport("variants", "build", "adder")
    assert (built.returncode, "and adder has none" in built.stderr) == (1, True)


def test_figures_for_a_catalog_lead_to_an_entry_and_a_version_first(workplace: Workplace) -> None:
    workplace.modelport("pack", ROOT / "tests/projects/adder.py", "--no-verify", check=True)
    (workplace.folder / "modelport.toml").touch()  # a catalog's clone
    entry = workplace.folder / "catalog/models/adder"
    entry.parent.mkdir(parents=True)
    asked = ("variants", "measure", "adder", "--write")
    assert "hint: modelport init adder, then modelport submit adder 1.0.0\n" in workplace.modelport(*asked).stderr
    (entry / "versions").mkdir(parents=True)
    assert "hint: modelport submit adder 1.0.0\n" in workplace.modelport(*asked).stderr
    (entry / "versions/1.2.0.yaml").touch()
    assert "submit adder VERSION, or measure one that is listed: adder:1.2.0\n" in workplace.modelport(*asked).stderr


def test_variants_go_into_the_release_beside_what_is_there_and_come_alone(
    made: Built, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    reference = f"{docker_registry.host}/{unique_repository}:1.0.0"
    absent = made.place.modelport("variants", "push", "some", reference)
    assert (absent.returncode, "push the model there first" in absent.stderr) == (1, True)
    model = json.loads(made.place.modelport("push", "some", reference, "--json", check=True).stdout)["digest"]
    registry = Registry(docker_registry.host)
    platform = with_image(registry, unique_repository, "1.0.0", model, tmp_path)
    lines = [f"{docker_registry.host}/{unique_repository}:1.0.0{more}" for more in (*(f"-{one}" for one in SOME), "")]
    for _ in range(2):
        pushed = made.place.modelport("variants", "push", "some", reference, check=True)
        assert pushed.stdout.splitlines() == lines
        release = registry.manifest(unique_repository, "1.0.0")
        assert isinstance(release, Index)
        names = [one.annotations.get(ANNOTATION_VARIANT) for one in release.manifests]
        assert names == [None, *SOME, None]
        assert [one.platform for one in release.manifests] == [None, None, None, None, platform]
    assert set(registry.tags(unique_repository)) == {"1.0.0", *(f"1.0.0-{name}" for name in SOME)}
    user = Workplace(tmp_path / "user")
    user.folder.mkdir()
    pulled = user.modelport("pull", reference, "--variant", "int8", check=True)
    assert pulled.stdout == f"{reference}-int8 {made.digests()['int8']}\n"
    assert not (tmp_path / "user/store/blobs/sha256" / model.partition(":")[2]).exists()
    alone = user.modelport("pull", f"{reference}-int8", check=True)
    assert alone.stdout == f"{reference}-int8 {made.digests()['int8']}\n"
    assert user.modelport("pull", reference, check=True).stdout == f"{reference} {model}\n"


def with_image(registry: Registry, repository: str, tag: str, model: str, folder: Path) -> Platform:
    """Add an image to the release, as `image push` does."""
    layout, platform = Layout(folder / "images"), Platform("linux", "amd64")
    raw = build_manifest(layout.put_blob(b"{}"), [layout.put_blob(b"a layer")], annotations={IMAGE_OF: model})
    image = replace(layout.put_manifest(raw), platform=platform)
    index = layout.put_manifest(build_index([image], annotations={IMAGE_OF: model}))
    push(layout, index, registry, repository)
    release = registry.manifest(repository, tag)
    assert isinstance(release, Index)
    both = Index.parse(build_index([*release.manifests, image], annotations=release.annotations))
    registry.put_manifest(repository, both, tag=tag)
    return platform
