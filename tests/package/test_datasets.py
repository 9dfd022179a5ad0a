"""Data sets in packages: a layer each, fetched when asked for; a package has its digest and works without them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.package.conftest import ROOT, adder

from modelport.errors import FormatError, IntegrityError, NotFoundError, PackError
from modelport.image.layers import _package_tree
from modelport.oci import Layout, Registry, push
from modelport.package import Package, load_package, model_from_file, pack
from modelport.package.datasets import find_data, read_data
from modelport.package.modelpack import add_package, file_records, manifest_digest, package_layers
from modelport.package.selection import Selection, kind_of, title_of
from modelport.package.store import open_package, pull_package, push_package
from modelport.publish.claims import package_size
from modelport.types import Reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.commands import Workplace
    from tests.support.registry import DockerRegistry

    from modelport.model import Model

WORDS: dict[str, Any] = {"name": "Sums", "split": "all", "source": "made up", "license": "CC0-1.0"}
CALIBRATION, EVALUATION = "data/calibration.binpb", "data/evaluation.binpb"


def with_data() -> Model:
    model = adder()
    model.add_data("calibration", "add", [{"x": n, "y": 1.5} for n in range(20)], **WORDS)
    inputs = [{"x": n, "y": n} for n in range(50)]
    model.add_data("evaluation", "add", inputs, {"value": [2.0 * n for n in range(49)] + [0.0]}, **WORDS)
    return model


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return Package.read(pack(with_data(), "sums", tmp_path / "package", verify_in=None))


def bare(package: Package) -> Package:
    """Return the package without its data sets' files."""
    for path in (CALIBRATION, EVALUATION):
        (package.folder / path).unlink()
    return Package.read(package.folder)


def test_each_data_set_is_a_layer_of_its_own(package: Package, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    manifest, _ = add_package(package, layout)
    layers = package_layers(layout, manifest)
    found = {title_of(one): str(one.digest) for one in layers if kind_of(one) == "dataset"}
    assert found == {
        f"data/{purpose}.binpb": f"sha256:{said['sha256']}" for purpose, said in package.info["data"].items()
    }
    whole = sum(one.size for one in [layout.manifest(manifest).children[0], *layers])
    data = sum(said["size"] for said in package.info["data"].values())
    assert package_size(layout, manifest) == whole - data, "a version's size is what a pull brings"
    assert package.info["data"]["evaluation"] | {"size": 0, "sha256": ""} == {
        "path": EVALUATION, "method": "add", "n": 50, "unit": "message", "size": 0, "sha256": "", "metric": "accuracy",
        "compared": "value", "tolerance": 0.0, **WORDS,
    }  # fmt: skip


def test_a_package_without_data_sets_says_nothing_of_them(tmp_path: Path) -> None:
    package = Package.read(pack(adder(), "adder", tmp_path / "package", verify_in=None))
    assert "data" not in package.info
    layout = Layout(tmp_path / "store")
    layers = package_layers(layout, add_package(package, layout)[0])
    assert "dataset" not in {kind_of(one) for one in layers}


def test_the_digest_is_the_same_without_the_files(package: Package, tmp_path: Path) -> None:
    digest, records = manifest_digest(package), file_records(package)
    again = pack(load_package(package.folder).model, "sums", tmp_path / "again", verify_in=None)
    assert manifest_digest(Package.read(again)) == digest
    layout = Layout(tmp_path / "store")
    add_package(package, layout)
    partial = bare(package)
    assert (manifest_digest(partial), file_records(partial)) == (digest, records)
    assert add_package(partial, layout)[0].digest == digest
    with pytest.raises(NotFoundError, match=r"without data/calibration\.binpb") as caught:
        add_package(partial, Layout(tmp_path / "other"))
    assert "modelport pull --kind dataset sums" in caught.value.hint


def test_what_was_packed_is_read_with_the_models_classes_and_without(package: Package) -> None:
    model = load_package(package.folder).model
    for given in (None, model):
        read = list(read_data(package.folder, "evaluation", model=given))
        assert [(one.input.x, one.expected) for one in read[:3]] == [(0.0, 0.0), (1.0, 2.0), (2.0, 4.0)]
    assert isinstance(next(read_data(package.folder, "evaluation", model=model)).input, model.add.input_type)
    assert find_data(package.folder, "evaluation").evaluate(model).value == 0.98


def test_who_did_not_fetch_data_is_told_how(package: Package, tmp_path: Path) -> None:
    folder = bare(package).folder
    assert load_package(folder).model.call("add", {"x": 1.0, "y": 2.0}) == {"value": 3.0}
    with pytest.raises(NotFoundError, match="is here without its calibration data") as caught:
        next(read_data(folder, "calibration"))
    assert caught.value.hint == "data sets come when they are asked for: modelport pull --kind dataset sums"
    with pytest.raises(PackError) as refused:
        pack(load_package(folder).model, "sums", tmp_path / "again", verify_in=None)
    assert "modelport pull --kind dataset sums; then pack it again" in refused.value.hint
    adder_folder = pack(adder(), "adder", tmp_path / "adder", verify_in=None)
    with pytest.raises(NotFoundError, match="adder has no evaluation data"):
        find_data(adder_folder, "evaluation")


def test_other_bytes_are_not_read(package: Package) -> None:
    file = package.folder / CALIBRATION
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    with pytest.raises(IntegrityError, match="is not the calibration data that was packed"):
        next(read_data(package.folder, "calibration"))
    with pytest.raises(FormatError, match=r"package\.json says sha256:"):
        manifest_digest(Package.read(package.folder))
    file.write_bytes(raw[:-1])
    with pytest.raises(FormatError, match=r"data/calibration\.binpb has \d+ bytes, package\.json says"):
        Package.read(package.folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.pop("calibration"), "data/calibration.binpb is not listed in package.json"),
        (lambda data: data["calibration"].update(method="sub"), "is for a method 'sub', which there is not"),
        (lambda data: data["evaluation"].update(compared="sum"), "compares 'sum', which add does not give"),
        (lambda data: data["evaluation"].update(path="data/../x"), "breaks its schema: data.evaluation.path"),
        (lambda data: data["calibration"].update(compared="value"), "breaks its schema: data.calibration"),
        (lambda data: data.update(training=data["calibration"]), "breaks its schema: data"),
    ],
)
def test_what_package_json_says_of_data_is_held_against_the_package(
    package: Package, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    info = json.loads((package.folder / "package.json").read_text("utf-8"))
    change(info["data"])
    (package.folder / "package.json").write_text(json.dumps(info), "utf-8")
    with pytest.raises(FormatError) as caught:
        Package.read(package.folder)
    assert said in caught.value.message


def test_the_model_must_answer_its_data(tmp_path: Path) -> None:
    file = tmp_path / "root.py"
    file.write_text(
        "from modelport import Model\n\ndef root(x: float) -> float:\n    return x**0.5\n\nmodel = Model(root=root)\n",
        "utf-8",
    )
    model = model_from_file(file)
    model.add_data("calibration", "root", [{"x": -1.0}], **WORDS)
    with pytest.raises(PackError, match="the model fails on its calibration data: value: is a complex, not a double"):
        pack(model, "root", tmp_path / "root", verify_in=None)


def test_an_image_has_no_data_sets(package: Package) -> None:
    paths = set(_package_tree(package))
    assert {f"model/{path}" for path in package.files()} - paths == {f"model/{CALIBRATION}", f"model/{EVALUATION}"}


def test_a_pull_brings_data_when_it_is_asked_to(
    package: Package, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    layout = Layout(tmp_path / "source")
    manifest, index = add_package(package, layout)
    push(layout, index, Registry(docker_registry.host), unique_repository, tags=["1"])
    store, cache = tmp_path / "store", tmp_path / "cache"
    reference = Reference.parse(f"{docker_registry.host}/{unique_repository}:1")

    kept = pull_package(store, reference, selection=Selection())
    opened = open_package(store, kept, cache)
    assert kept.manifest.digest == manifest_digest(opened) == manifest.digest
    assert not (opened.folder / "data").exists()
    assert load_package(opened.folder).model.call("add", {"x": 1.0, "y": 2.0}) == {"value": 3.0}
    with pytest.raises(NotFoundError):
        next(read_data(opened.folder, "calibration"))

    kept = pull_package(store, reference, selection=Selection(kinds=frozenset({"dataset"})))
    opened = open_package(store, kept, cache)
    assert sum(one.n for one in read_data(opened.folder, "calibration")) == 20
    assert Package.read(opened.folder).files() == package.files()
    prefix = f"{docker_registry.host}/{unique_repository}"
    assert push_package(store, kept.index, prefix, "sums", "2").digest == index.digest


def test_pack_shows_the_data_sets_and_the_store_keeps_them(workplace: Workplace, tmp_path: Path) -> None:
    source = (ROOT / "tests" / "projects" / "adder.py").read_text("utf-8")
    source += f"model.add_data('calibration', 'add', [{{'x': 1.0, 'y': 2.0}}], **{WORDS})\n"
    file = tmp_path / "sums.py"
    file.write_text(source, "utf-8")
    done = workplace.modelport("pack", str(file), "--no-verify", check=True)
    assert "data sets     calibration: 1 message for add, Sums, all; CC0-1.0, " in done.stderr
    shown = json.loads(workplace.modelport("show", "sums", "--json", check=True).stdout)
    assert [one["path"] for one in shown["files"] if one["kind"] == "dataset"] == [CALIBRATION]
