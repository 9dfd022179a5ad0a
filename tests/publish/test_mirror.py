"""A catalog goes to another site, as a file or from registry to registry, and works there when its source is gone."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.publish.conftest import NAME, NEWEST
from tests.support.commands import Workplace
from tests.support.registry import running_registry
from tests.support.small_registry import Rules, small_registry

from modelport.catalog import load_entry
from modelport.oci import Layout, Manifest, Registry
from modelport.oci.archive import export_archive, import_archive
from modelport.oci.archive_file import Archive
from modelport.oci.referrers import layout_referrers, referrers
from modelport.package.modelpack import package_manifest
from modelport.publish.referrer import EVIDENCE_TYPE
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.publish.conftest import Scratch
    from tests.support.registry import DockerRegistry

PREFIX = "models"


@pytest.fixture
def second(tmp_path: Path) -> Iterator[DockerRegistry]:
    """Give the registry of the other site."""
    with running_registry(tmp_path / "second") as running:
        yield running


def published(scratch: Scratch, registry: DockerRegistry) -> Scratch:
    """Return the catalog with both its versions published to *registry*."""
    there = replace(scratch, host=registry.host, prefix=PREFIX)
    there.use(there.host, there.prefix)
    for version in ("1.0.0", NEWEST):
        there.publish("push", there.handover(version))
    return there


def pins(scratch: Scratch) -> dict[str, Digest]:
    return {str(one.version): one.digest for one in load_entry(scratch.catalog / "models" / NAME).versions}


def tags_of(scratch: Scratch) -> dict[str, Digest]:
    tags = [tag for tag in scratch.registry.tags(scratch.repository) if not tag.startswith("sha256-")]
    return {tag: scratch.registry.resolve(scratch.repository, tag).digest for tag in tags}


def can_be_used(scratch: Scratch, host: str, tmp_path: Path, tags: dict[str, Digest]) -> None:
    """Assert that the catalog works with the registry *host* as it did with its first, which has ended."""
    moved = replace(scratch, host=host, place=replace(scratch.place, store=tmp_path / "fresh"))
    moved.use(host, PREFIX)
    assert tags_of(moved) == tags
    for version, digest in pins(scratch).items():
        pulled = moved.place.modelport("pull", f"{NAME}:{version}", check=True).stdout
        assert pulled.split() == [f"{NAME}:{version}", str(digest)]
        (evidence,) = referrers(moved.registry, moved.repository, digest)
        assert evidence.artifact_type == EVIDENCE_TYPE
    called = moved.place.modelport("call", NAME, "tally", '{"text": "one two"}', "--allow-code", check=True)
    assert json.loads(called.stdout) == {"value": 6.0}
    fetched = moved.publish("evidence", "--out", tmp_path / "fetched").stdout.strip()
    told = json.loads((tmp_path / "fetched" / f"{NAME}.json").read_bytes())["reproduced"]
    assert (fetched, {one["version"] for one in told}) == (
        str(tmp_path / "fetched" / f"{NAME}.json"),
        set(pins(scratch)),
    )
    assert "nothing is pending" in moved.publish("pending").stderr


def test_a_catalog_goes_as_a_file_to_a_site_that_no_network_reaches(
    scratch: Scratch, second: DockerRegistry, tmp_path: Path
) -> None:
    file = tmp_path / "catalog.tar"
    with running_registry(tmp_path / "first") as first:
        source = published(scratch, first)
        tags = tags_of(source)
        told = source.place.modelport("mirror", "export", file, check=True)
        again = Workplace(source.root, store=tmp_path / "again")
        again.modelport("mirror", "export", tmp_path / "again.tar", check=True)
    assert {line.split()[0] for line in told.stdout.splitlines()} == {f"{NAME}:{tag}" for tag in tags}
    assert (tmp_path / "again.tar").read_bytes() == file.read_bytes(), "the same catalog is the same file"

    # Nothing of the first site is left but the file.
    written = source.place.modelport("mirror", "import", file, "--to", f"{second.host}/{PREFIX}", check=True)
    expected = {f"{second.host}/{PREFIX}/{NAME}:{tag}": str(digest) for tag, digest in tags.items()}
    assert dict(line.split() for line in written.stdout.splitlines()) == expected
    source.place.modelport("mirror", "import", file, "--to", f"{second.host}/{PREFIX}", check=True)
    can_be_used(source, second.host, tmp_path, tags)


def test_a_catalog_goes_from_registry_to_registry(scratch: Scratch, second: DockerRegistry, tmp_path: Path) -> None:
    with running_registry(tmp_path / "first") as first:
        source = published(scratch, first)
        tags = tags_of(source)
        told = source.place.modelport("mirror", "sync", f"{second.host}/{PREFIX}", check=True)
        assert [line.partition("@")[0] for line in told.stdout.splitlines()] == [
            f"{second.host}/{PREFIX}/{NAME}:{version}" for version in pins(scratch)
        ]
        by_name = ["mirror", "sync", f"{second.host}/other", f"{NAME}:1.0.0", "--from", f"{first.host}/{PREFIX}"]
        source.place.modelport(*by_name, check=True)
    can_be_used(source, second.host, tmp_path, tags)
    assert set(Registry(second.host).tags(f"other/{NAME}")) >= {"1.0.0", "1.0.0-r1"}
    assert NEWEST not in Registry(second.host).tags(f"other/{NAME}")


def test_names_come_before_and_after_options_and_the_answer_may_be_json(
    scratch: Scratch, second: DockerRegistry, tmp_path: Path
) -> None:
    source = published(scratch, second)
    release, there = tags_of(source)["1.0.0"], f"{second.host}/{PREFIX}"
    sync = ["sync", f"{second.host}/synced", "--from", there, f"{NAME}:1.0.0", "--json"]
    synced = json.loads(source.place.modelport("mirror", *sync, check=True).stdout)
    assert synced == [{"reference": f"{second.host}/synced/{NAME}:1.0.0", "digest": str(release)}]
    file = tmp_path / "a.tar"
    export = ["export", "--json", str(file), f"{NAME}:1.0.0"]
    exported = json.loads(source.place.modelport("mirror", *export, check=True).stdout)
    assert (exported["file"], exported["bytes"]) == (str(file), file.stat().st_size)
    assert (exported["tags"][f"{NAME}:1.0.0"], exported["referrers"]) == (str(release), 1)
    to = f"{second.host}/moved"
    imported = json.loads(source.place.modelport("mirror", "import", file, "--to", to, "--json", check=True).stdout)
    assert (imported["to"], imported["tags"][f"{to}/{NAME}:1.0.0"]) == (to, str(release))
    copy = ["copy", f"{there}/{NAME}:1.0.0", f"{second.host}/once:more", "--json"]
    copied = json.loads(source.place.modelport(*copy, check=True).stdout)
    assert copied == {"reference": f"{second.host}/once:more@{release}", "digest": str(release)}


def test_all_that_a_file_would_lack_is_told_at_once(scratch: Scratch, tmp_path: Path) -> None:
    names = [f"{NAME}:1.0.0", f"{NAME}:{NEWEST}"]
    (scratch.root / "modelport.toml").write_text("", "utf-8")
    alone = Workplace(scratch.root, store=tmp_path / "alone")
    layout = Layout(tmp_path / "alone")
    source = Layout(scratch.handover("1.0.0"))
    (release,) = source.tags().values()
    export_archive(source, {names[0]: release}, tmp_path / "one.tar")
    import_archive(Archive(tmp_path / "one.tar"), layout)
    done = alone.modelport("mirror", "export", tmp_path / "a.tar")
    assert done.returncode == 1
    assert "1 of 2 versions cannot be had" in done.stderr
    assert f"name only those that are there: {names[0]}\n" in done.stderr
    exported = alone.modelport("mirror", "export", tmp_path / "a.tar", names[0], check=True)
    assert f"{tmp_path / 'a.tar'} holds 1 tag: " in exported.stderr
    manifest = layout.manifest(package_manifest(layout, release))
    assert isinstance(manifest, Manifest)
    layout.file(manifest.layers[0]).unlink()
    done = alone.modelport("mirror", "export", tmp_path / "b.tar")
    assert "2 of 2 versions cannot be had" in done.stderr
    assert f"{names[0]} is in the store in part only; missing: " in done.stderr


def test_a_file_goes_into_the_store_and_needs_no_registry_then(scratch: Scratch, tmp_path: Path) -> None:
    file = tmp_path / "catalog.tar"
    with running_registry(tmp_path / "first") as first:
        source = published(scratch, first)
        source.place.modelport("mirror", "export", file, f"{NAME}:{NEWEST}", check=True)
    alone = Workplace(source.root, store=tmp_path / "alone")
    (source.root / "modelport.toml").write_text("", "utf-8")
    alone.modelport("mirror", "import", file, check=True)
    pulled = alone.modelport("pull", NAME, check=True).stdout.split()
    assert pulled == [f"{NAME}:{NEWEST}", str(pins(scratch)[NEWEST])]
    layout = Layout(tmp_path / "alone")
    (evidence,) = layout_referrers(layout, pins(scratch)[NEWEST])
    assert evidence.artifact_type == EVIDENCE_TYPE
    alone.modelport("mirror", "export", tmp_path / "again.tar", NAME + ":" + NEWEST, check=True)
    back = Workplace(source.root, store=tmp_path / "back")
    back.modelport("mirror", "import", tmp_path / "again.tar", check=True)
    assert layout_referrers(Layout(tmp_path / "back"), pins(scratch)[NEWEST]) == (evidence,)


def test_a_reference_and_what_only_the_store_has_go_into_a_file(
    scratch: Scratch, second: DockerRegistry, tmp_path: Path
) -> None:
    source = published(scratch, second)
    whole = f"{second.host}/{PREFIX}/{NAME}:1.0.0"
    elsewhere = Workplace(tmp_path, store=tmp_path / "elsewhere")
    elsewhere.modelport("mirror", "export", tmp_path / "a.tar", whole, check=True)
    assert list(Layout(tmp_path / "elsewhere").tags()) == [whole]
    moved = elsewhere.modelport("mirror", "import", tmp_path / "a.tar", "--to", f"{second.host}/moved", check=True)
    release = tags_of(source)["1.0.0"]
    assert moved.stdout.split() == [f"{second.host}/moved/{PREFIX}/{NAME}:1.0.0", str(release)]
    elsewhere.modelport("mirror", "export", tmp_path / "b.tar", whole, check=True)
    assert (tmp_path / "b.tar").read_bytes() == (tmp_path / "a.tar").read_bytes()
    shown = subprocess.run(
        ["skopeo", "inspect", "--raw", f"oci-archive:{tmp_path}/a.tar:{whole}"], check=True, capture_output=True
    )
    assert Digest.of(shown.stdout) == release

    copied = elsewhere.modelport("copy", whole, f"{second.host}/once:more", "--referrers", check=True)
    assert copied.stdout.strip() == f"{second.host}/once:more@{release}"
    assert len(referrers(source.registry, "once", pins(scratch)["1.0.0"])) == 1
    copied = elsewhere.modelport("copy", f"{second.host}/once@{release}", f"{second.host}/bare", check=True)
    assert copied.stdout.strip() == f"{second.host}/bare@{release}"


def test_what_is_not_published_is_told_at_once_and_no_file_is_written(scratch: Scratch, tmp_path: Path) -> None:
    done = scratch.place.modelport("mirror", "export", tmp_path / "a.tar")
    assert done.returncode == 1
    assert "2 of 2 versions cannot be had" in done.stderr
    for version in pins(scratch):
        assert f"{NAME}:{version}" in done.stderr
    assert not (tmp_path / "a.tar").exists()
    done = scratch.place.modelport("mirror", "sync", f"{scratch.host}/elsewhere")
    assert (done.returncode, "2 of 2 versions cannot be had" in done.stderr) == (1, True)


def test_another_package_than_the_catalog_pins_is_not_mirrored(
    scratch: Scratch, second: DockerRegistry, tmp_path: Path
) -> None:
    source = published(scratch, second)
    other = source.registry.manifest(source.repository, "1.0.0")
    source.registry.put_manifest(source.repository, other, tag=NEWEST)
    for arguments in (["export", str(tmp_path / "a.tar")], ["sync", f"{second.host}/elsewhere"]):
        done = source.place.modelport("mirror", *arguments, f"{NAME}:{NEWEST}")
        assert done.returncode == 1
        assert str(pins(scratch)[NEWEST]) in done.stderr
    assert not (tmp_path / "a.tar").exists()


def test_a_release_that_the_target_has_otherwise_never_moves(
    scratch: Scratch, second: DockerRegistry, tmp_path: Path
) -> None:
    source = published(scratch, second)
    source.place.modelport("mirror", "export", tmp_path / "a.tar", check=True)
    other = source.registry.manifest(source.repository, "1.0.0")
    to = f"{second.host}/target"
    source.place.modelport("mirror", "sync", to, f"{NAME}:1.0.0", check=True)
    source.registry.put_manifest(f"target/{NAME}", other, tag=f"{NEWEST}-r1")
    for arguments in (["import", str(tmp_path / "a.tar"), "--to", to], ["sync", to]):
        done = source.place.modelport("mirror", *arguments)
        assert done.returncode == 1
        assert "never moves" in done.stderr
    assert NEWEST not in source.registry.tags(f"target/{NAME}")


def test_a_mirror_is_brought_up_to_date_where_no_tag_may_be_set_again(
    scratch: Scratch, second: DockerRegistry, tmp_path: Path
) -> None:
    source = published(scratch, second)
    file = tmp_path / "a.tar"
    source.place.modelport("mirror", "export", file, check=True)
    with small_registry(Rules(immutable_tags=True, hides_absent=True)) as target:
        for _ in range(2):
            source.place.modelport("mirror", "sync", f"{target.host}/synced", check=True)
            source.place.modelport("mirror", "import", file, "--to", f"{target.host}/brought", check=True)
        for prefix in ("synced", "brought"):
            tags = {tag: target.client().resolve(f"{prefix}/{NAME}", tag).digest for tag in tags_of(source)}
            assert tags == tags_of(source)
        assert target.torn == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "modelport.toml"], "not an oci-archive"),
        (["sync", "nowhere"], "not HOST[:PORT]/PREFIX"),
        (["sync", "localhost:1/x", "localhost:1/y/z:1"], "only names of the catalog"),
        (["export", "a.tar", "absent"], "neither in the catalog nor in the store"),
        (["export", "a.tar", "localhost:1/a/b:1"], "cannot be reached"),
        (["export", "nowhere/a.tar", "localhost:1/a/b:1"], "there is no folder"),  # before anything is pulled
        (["export", "modelport.toml", "localhost:1/a/b:1"], "not an oci-archive that could be replaced"),
        (["export", "-"], "not standard input or output"),
        (["import", "-"], "not standard input or output"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], said: str, scratch: Scratch) -> None:
    done = scratch.place.modelport("mirror", *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
