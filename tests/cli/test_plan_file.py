"""``plan --out``: a plan by command is the one that a device's runtime keeps to, without an edge server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.commands import Workplace

from modelport.catalog import variants_yaml
from modelport.edge import Runtime
from modelport.errors import NotFoundError
from modelport.oci import Layout, push
from modelport.package import Package, pack
from modelport.package.files.litert import LiteModel
from modelport.package.modelpack import manifest_digest
from modelport.package.store import find_package, keep_package, registry_of
from modelport.types import Reference

if TYPE_CHECKING:
    from tests.support.registry import DockerRegistry

EXAMPLES = Path(__file__).parents[1] / "examples/positive"
LITE = Path(__file__).parents[1] / "package/lite/scaled.tflite"
ASKED = ("plan", "iris-trees", "--device", "board-1", "--budget", "120kB")
ROWS = {"x": [[1, 1, 1]]}


def variant(name: str, digest: str, size: int, accuracy: float) -> dict[str, Any]:
    infer = {"mean": 0.001, "sd": 0.0001, "n": 100}
    return {
        "name": name, "status": "ok", "digest": digest, "runtime": "litert", "size": size,
        "accuracy": {"value": accuracy, "n": 1000, "interval": [accuracy - 0.01, accuracy + 0.01]},
        "measured": {"board-1": {"threads": 1, "load": infer, "infer": infer}},
    }  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Give a catalog in which iris-trees has a variant of 100 kB, which the store has, and one of 300 kB."""
    root = tmp_path_factory.mktemp("plan-file")
    shutil.copytree(EXAMPLES / "a-catalog", root / "catalog")
    (root / "modelport.toml").write_text("", "utf-8")
    lite = LiteModel(LITE, method="scale")
    lite.add_example("scale", ROWS)
    package = Package.read(pack(lite, "iris-trees", root / "package", verify_in=None))
    keep_package(package.folder, root / "store", tags=["1.0.0-int8"])
    known = [variant("float32", "sha256:" + "5" * 64, 300_000, 0.97)]
    known.append(variant("int8", str(manifest_digest(package)), 100_000, 0.9))
    file = root / "catalog/models/iris-trees/variants/1.0.0.yaml"
    file.parent.mkdir()
    document = {"schema": "modelport/variants/1", "of": "sha256:" + "e" * 64, "tools": {}, "variants": known}
    file.write_text(variants_yaml(document), "utf-8")
    return Workplace(root, store=root / "store")


def test_a_budget_reaches_a_device_without_an_edge_server(place: Workplace, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    done = place.modelport(*ASKED, "--out", file, check=True)
    assert done.stdout.startswith("board-1 keeps 1 variant, 100.0 kB of 120.0 kB: ")
    wrote, where = done.stderr.splitlines()
    assert wrote == f'wrote {file}; on the device: Runtime.open(FOLDER, plan=Path("plan.json"))'
    assert "no registry is named: add --registry HOST[:PORT]/PREFIX" in where
    assert "source=Path(STORE)" in where
    with Runtime.open(tmp_path / "device", plan=file, source=place.store) as runtime:
        answer = runtime.call("scale", ROWS, deadline=60)
        assert (answer.place, answer.variant.name, answer.value) == ("device", "int8", {"y": [[1.0, 2.0, 3.0]]})
        assert runtime.plan.document["budget"] == 120_000
    with pytest.raises(NotFoundError) as raised:
        Runtime.open(tmp_path / "other", plan=file)
    assert "modelport plan --out FILE --registry HOST/PREFIX" in raised.value.hint


def test_the_plan_says_from_which_registry_a_device_pulls(
    place: Workplace, tmp_path: Path, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    kept = find_package(place.store or Path(), Reference.parse("iris-trees:1.0.0-int8"))
    assert kept is not None
    registry = registry_of(docker_registry.host)
    push(Layout(place.store or Path()), kept.index, registry, f"{unique_repository}/iris-trees", tags=["1.0.0-int8"])
    file, prefix = tmp_path / "plan.json", f"{docker_registry.host}/{unique_repository}"
    done = place.modelport(*ASKED, "--out", file, "--registry", f"{prefix}/", check=True)
    assert done.stderr.splitlines()[1:] == []
    (model,) = json.loads(file.read_text("utf-8"))["models"]
    assert [one["from"] for one in model["keep"]] == [f"{prefix}/iris-trees"]
    with Runtime.open(tmp_path / "device", plan=file) as runtime:
        assert runtime.call("scale", ROWS).value == {"y": [[1.0, 2.0, 3.0]]}


@pytest.mark.parametrize(
    ("options", "error", "hint"),
    [
        (["--out", "nowhere/plan.json"], "there is no folder nowhere", "name a file in a folder that is there"),
        (["--out", "catalog"], "catalog is a folder: name a file in it", "name a file"),
        (["--registry", "example.org/models"], "--registry says where a plan's file has packages from", "--out FILE"),
        (
            ["--out", "p.json", "--registry", "http://example.org/models"],
            "'http://example.org/models' is an address of the web",
            "write it without http://: example.org/models",
        ),
        (["--out", "p.json", "--registry", "models"], "'models' names no registry's host", "HOST[:PORT]/PREFIX"),
        (
            ["--out", "p.json", "--server", "server-1", "--network", "cable"],
            "a plan in a file is one for a device alone",
            "modelport edge serve",
        ),
    ],
)
def test_what_cannot_be_a_devices_plan_has_a_way_out(
    place: Workplace, options: list[str], error: str, hint: str
) -> None:
    done = place.modelport(*ASKED, *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert error in done.stderr
    assert hint in done.stderr.splitlines()[-1]
    assert not (place.folder / "p.json").exists()
