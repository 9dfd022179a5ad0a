"""``modelport pull``: the whole, a part, a plan; and what other commands say of a part."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.package.conftest import adder
from tests.support.commands import CACHE
from tests.support.damage import overwrite
from tests.support.registry import running_registry
from tests.support.web import Reply, Request, Web, forwarded, web_server

from modelport.errors import NotFoundError
from modelport.oci import Descriptor, Layout, Manifest, Registry, build_index, build_manifest, push
from modelport.oci.media import TITLE
from modelport.oci.store.files import locked
from modelport.package import Package, pack
from modelport.package.modelpack import add_package, manifest_digest
from modelport.package.selection import ANNOTATION_VARIANT
from modelport.package.store import keep_package
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Workplace
    from tests.support.registry import DockerRegistry


ADD = ("add", '{"x": 1, "y": 2}')
STATE = bytes(range(256)) * 5000  # the same in every run: unpacked packages are kept between runs
DATA = b"a,b\n1,2\n"


@pytest.fixture
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Package:
    """A package with a file that is a layer of its own, another one for each test."""
    folder = pack(adder(), "adder", tmp_path / "package", verify_in=None)
    with (folder / "code" / "model.py").open("a", encoding="utf-8") as code:
        code.write(f"# {request.node.name}\n")
    (folder / "state").mkdir()
    (folder / "state" / "table.bin").write_bytes(STATE)
    info = json.loads((folder / "package.json").read_text("utf-8"))
    info["state"] = [{"path": "state/table.bin", "type": "bytes"}]
    (folder / "package.json").write_text(json.dumps(info), "utf-8")
    return Package.read(folder)


@pytest.fixture
def web(docker_registry: DockerRegistry) -> Iterator[Web]:
    """A way to the registry on which every request is seen."""

    def through(request: Request) -> Reply:
        return forwarded(request, docker_registry.host)

    with web_server(through) as server:
        yield server


@pytest.fixture
def reference(web: Web, package: Package, unique_repository: str, tmp_path: Path) -> str:
    """What the package is called in the registry."""
    layout = Layout(tmp_path / "source")
    _, index = add_package(package, layout)
    push(layout, index, Registry(web.host), unique_repository, tags=["1"])
    web.seen.clear()
    return f"{web.host}/{unique_repository}:1"


def blobs(web: Web) -> list[str]:
    return [r.path.rpartition("/")[2] for r in web.seen if "/blobs/" in r.path and r.method == "GET"]


def listed(place: Workplace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(place.modelport("store", "list", "--json", check=True).stdout)
    return rows


def test_the_digest_of_the_package_is_data_and_that_of_its_release_is_talk(
    workplace: Workplace, reference: str
) -> None:
    done = workplace.modelport("pull", reference, check=True)
    (row,) = listed(workplace)
    assert done.stdout == f"{reference} {row['digest']}\n"
    index = Layout(workplace.folder / "store").resolve(reference)
    assert f"its release, an index that lists the package, is {index.digest}" in done.stderr
    pushed = workplace.modelport("push", reference, f"{reference}-again", check=True)
    assert pushed.stdout == f"{reference}-again@{index.digest}\n"
    assert f"the package is {row['digest']}" in pushed.stderr
    as_json = workplace.modelport("push", reference, f"{reference}-again", "--json", check=True).stdout
    assert json.loads(as_json) == {
        "reference": f"{reference}-again@{index.digest}", "digest": row["digest"], "release": str(index.digest)
    }  # fmt: skip


def test_a_plan_is_printed_and_nothing_is_pulled(workplace: Workplace, web: Web, reference: str) -> None:
    done = workplace.modelport("pull", reference, "--plan", check=True)
    assert blobs(web) == []
    assert not (workplace.folder / "store").exists()
    assert "state/table.bin" in done.stdout
    assert done.stdout.splitlines()[0].split() == ["FILE", "KIND", "SIZE"]
    assert done.stdout.splitlines()[-1].endswith("to move")
    plan = json.loads(workplace.modelport("pull", reference, "--plan", "--json", check=True).stdout)
    assert {row["kind"] for row in plan["files"]} == {"weight", "weight.config", "doc", "code", ""}
    assert plan["bytes"] == sum(row["size"] for row in plan["files"])
    workplace.modelport("pull", reference, check=True)
    assert sorted(blobs(web)) == sorted(row["digest"] for row in plan["files"])
    web.seen.clear()
    plan = json.loads(workplace.modelport("pull", reference, "--plan", "--json", check=True).stdout)
    assert (plan["bytes"], all(row["here"] for row in plan["files"])) == (0, True)
    assert "nothing to move" in workplace.modelport("pull", reference, check=True).stderr
    assert blobs(web) == []


def test_a_part_is_no_package_and_everybody_says_so(
    workplace: Workplace, web: Web, package: Package, reference: str, tmp_path: Path
) -> None:
    shutil.rmtree(CACHE / "packages" / manifest_digest(package).hex, ignore_errors=True)  # or that is used, and whole
    done = workplace.modelport("pull", reference, "--kind", "doc", "--kind", "code", check=True)
    assert f"modelport pull {reference} brings the rest" in done.stderr
    assert str(Digest.of(STATE)) not in blobs(web)
    assert [row["state"] for row in listed(workplace)] == ["partial"]
    for command in (("call", reference, *ADD, "--allow-code"), ("show", reference), ("serve", reference)):
        refused = workplace.modelport(*command)
        assert (refused.returncode, refused.stdout) == (1, ""), command
        assert "in the store in part only; missing: " in refused.stderr
        assert f"state/table.bin ({len(STATE)} bytes)" in refused.stderr
        assert f"modelport pull {reference} brings the rest" in refused.stderr
    # It is no damage, and nothing of it is garbage.
    workplace.modelport("store", "check", check=True)
    workplace.modelport("store", "gc", "--grace", "0s", check=True)
    # Where the registry has the rest, nothing is missing; elsewhere nothing is tagged.
    workplace.modelport("push", reference, f"{reference}-again", check=True)
    with running_registry(tmp_path / "elsewhere") as elsewhere:
        refused = workplace.modelport("push", reference, f"{elsewhere.host}/adder:1")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "in the store in part only; missing: " in refused.stderr
        with pytest.raises(NotFoundError):
            Registry(elsewhere.host).manifest("adder", "1")
    # The rest, and only that.
    web.seen.clear()
    workplace.modelport("pull", reference, check=True)
    assert str(Digest.of(STATE)) in blobs(web)
    assert len(blobs(web)) == 2  # the table and the small files of its kind's configuration
    assert [row["state"] for row in listed(workplace)] == ["pulled"]


def test_a_part_is_written_as_files(workplace: Workplace, package: Package, reference: str) -> None:
    out = workplace.folder / "out"
    done = workplace.modelport("pull", reference, "--only", "state/*", "--only", "model.*", "--out", out, check=True)
    assert "wrote" in done.stderr
    written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert written == {path for path in package.files() if path.startswith(("state/", "model."))}
    assert all((out / path).read_bytes() == (package.folder / path).read_bytes() for path in written)
    whole = workplace.folder / "whole"
    workplace.modelport("pull", reference, "--out", whole, check=True)
    assert Package.read(whole).files() == package.files()


def test_what_is_in_the_store_needs_no_registry_and_no_catalog(
    workplace: Workplace, package: Package, reference: str
) -> None:
    kept = keep_package(package.folder, workplace.folder / "store", tags=["1.0.0", "latest"])
    workplace.modelport("pull", reference, check=True)  # another place has it, too: that changes nothing
    planned = json.loads(workplace.modelport("pull", "adder", "--plan", "--json", check=True).stdout)
    assert (planned["bytes"], planned["release"]) == (0, str(kept.index.digest))
    for name, found in (("adder", "adder:latest"), ("adder:1.0.0", "adder:1.0.0")):
        done = workplace.modelport("pull", name, check=True)
        assert done.stdout == f"{found} {kept.manifest.digest}\n"
        assert f"{found} is in the store already" in done.stderr
    refused = workplace.modelport("pull", "adder", "--variant", "int8")
    assert (refused.returncode, "adder:latest has no variant 'int8'" in refused.stderr) == (1, True)
    overwrite(Layout(workplace.folder / "store").file(Descriptor.of(STATE)), STATE[::-1])
    damaged = workplace.modelport("pull", "adder")
    assert (damaged.returncode, "adder:latest is in the store, but damaged: " in damaged.stderr) == (1, True)


def test_a_part_without_a_registry_is_said_to_be_one(workplace: Workplace, reference: str) -> None:
    workplace.modelport("pull", reference, "--kind", "doc", check=True)
    layout = Layout(workplace.folder / "store")
    layout.tag("adder:1.0.0", layout.resolve(reference))
    for flags in ((), ("--plan",)):
        done = workplace.modelport("pull", "adder:1.0.0", *flags)
        assert (done.returncode, done.stdout) == (1, "")
        assert "adder:1.0.0 is in the store" in done.stderr
        assert "in part only, and there is no registry to pull it from" in done.stderr


def test_what_a_killed_pull_left_beside_a_folder_is_removed_by_the_next(workplace: Workplace, reference: str) -> None:
    dead, new, alive = (workplace.folder / f".od.new-abcdefg{n}" for n in range(3))
    for left in (dead, new, alive):
        (left / "package").mkdir(parents=True)
    (dead / ".lock").touch()
    with locked(alive / ".lock"):
        workplace.modelport("pull", reference, "--out", "od", check=True)
    assert {one.name for one in workplace.folder.glob(".od*")} == {new.name, alive.name}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--only", "state/none.bin"), "state/table.bin (weight)"),
        (("--only", "nothing/*"), "there are: "),
        (("--only", "table.bin"), ", state/table.bin"),
        (("--only", "nothing/*", "--out", "out"), "there are: "),
        (("--kind", "dataset"), "its files: "),
        (("--variant", "int8"), "its variants: none"),
    ],
)
def test_who_chooses_nothing_is_told_what_there_is(
    workplace: Workplace, reference: str, flags: tuple[str, ...], words: str
) -> None:
    done = workplace.modelport("pull", reference, *flags)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert not (workplace.folder / "out").exists()


def test_a_folder_that_is_not_empty_is_refused_before_anything_moves(
    workplace: Workplace, web: Web, reference: str
) -> None:
    (workplace.folder / "out").mkdir()
    (workplace.folder / "out" / "mine").touch()
    done = workplace.modelport("pull", reference, "--out", "out")
    assert done.returncode == 1
    assert "not an empty folder" in done.stderr
    assert web.seen == []


def test_a_data_set_comes_only_when_asked_for(
    workplace: Workplace, web: Web, package: Package, unique_repository: str, tmp_path: Path
) -> None:
    layout = Layout(tmp_path / "source")
    root = with_data_set(layout, add_package(package, layout)[0])
    push(layout, root, Registry(web.host), unique_repository, tags=["1"])
    reference = f"{web.host}/{unique_repository}:1"
    web.seen.clear()
    workplace.modelport("pull", reference, check=True)
    assert str(Digest.of(DATA)) not in blobs(web)
    assert [row["state"] for row in listed(workplace)] == ["pulled"]  # whole enough to be used
    out = workplace.folder / "out"
    workplace.modelport("pull", reference, "--kind", "dataset", "--out", out, check=True)
    assert (out / "data/holdout.csv").read_bytes() == DATA
    assert str(Digest.of(DATA)) in blobs(web)


def with_data_set(layout: Layout, manifest: Descriptor) -> Descriptor:
    """Return a release of the same package with a layer of kind dataset more."""
    document = layout.manifest(manifest)
    assert isinstance(document, Manifest)
    names = {TITLE: "data/holdout.csv", "org.cncf.model.filepath": "data/holdout.csv"}
    data = layout.put_blob(DATA, media_type="application/vnd.cncf.model.dataset.v1.raw", annotations=names)
    raw = build_manifest(
        document.config,
        [*document.layers, data],
        artifact_type=document.artifact_type,
        annotations=document.annotations,
    )
    return layout.put_manifest(build_index([layout.put_manifest(raw)]))


def test_a_variant_comes_instead_of_the_model(
    workplace: Workplace, web: Web, package: Package, unique_repository: str, tmp_path: Path
) -> None:
    layout = Layout(tmp_path / "source")
    model, _ = add_package(package, layout)
    small = shutil.copytree(package.folder, tmp_path / "small")
    (small / "state" / "table.bin").write_bytes(STATE[: 1 << 20])
    variant, _ = add_package(Package.read(small), layout)
    entries = [model, replace(variant, annotations={ANNOTATION_VARIANT: "int8"})]
    push(layout, layout.put_manifest(build_index(entries)), Registry(web.host), unique_repository, tags=["1"])
    reference = f"{web.host}/{unique_repository}:1"
    web.seen.clear()
    done = workplace.modelport("pull", reference, "--variant", "int8", check=True)
    assert done.stdout == f"{reference}-int8 {variant.digest}\n"
    assert str(Digest.of(STATE)) not in blobs(web)
    assert str(Digest.of(STATE[: 1 << 20])) in blobs(web)
    listed = json.loads(workplace.modelport("store", "list", "--json", check=True).stdout)
    assert [(row["name"], row["digest"], row["variant"]) for row in listed] == [
        (f"{reference}-int8", str(variant.digest), "int8")  # the release's name would mean another package
    ]
    shown = workplace.modelport("store", "list", check=True).stdout
    assert [line.partition("pulled")[2] for line in shown.splitlines()] == [", variant int8"]
    done = workplace.modelport("pull", reference, check=True)
    assert done.stdout == f"{reference} {model.digest}\n"
    assert str(Digest.of(STATE)) in blobs(web)
    refused = workplace.modelport("pull", reference, "--variant", "int4")
    assert "its variants: int8; choose one" in refused.stderr
    # The release's tag means the model; the variant has its own, and comes as itself all the same.
    again = workplace.modelport("pull", reference, "--variant", "int8", "--out", tmp_path / "out", "--json", check=True)
    said = json.loads(again.stdout)
    assert (said["digest"], said["name"]) == (str(variant.digest), f"{reference}-int8")
    assert (tmp_path / "out/state/table.bin").stat().st_size == 1 << 20
    known = {row["name"]: row for row in json.loads(workplace.modelport("store", "list", "--json").stdout)}
    assert {name: (row["digest"], row.get("variant")) for name, row in known.items()} == {
        reference: (str(model.digest), None),
        f"{reference}-int8": (str(variant.digest), "int8"),
    }
    # By a digest, which is the release's, it is kept by its own.
    release = f"{reference}@{said['release']}"
    done = workplace.modelport("pull", release, "--variant", "int8", check=True)
    assert done.stdout == f"{web.host}/{unique_repository}@{variant.digest} {variant.digest}\n"
    assert release not in workplace.modelport("store", "list", check=True).stdout
