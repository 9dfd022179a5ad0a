"""A device's profile: made by Modelport, or by three files that run with LiteRT and the standard library alone."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelport.catalog import read_yaml
from modelport.catalog.check import check_paths
from modelport.edge.anchor import ANCHORS, anchor_file, write_bundle
from modelport.edge.named import NETWORKS
from modelport.edge.probe import facts, name_of, spread_of
from modelport.package.files.graph import check_graph
from modelport.package.files.litegraph import check_lite
from modelport.package.files.onnx import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from tests.support.commands import Workplace

NAMES = [name for names in ANCHORS.values() for name in names]
DIGESTS = {
    "litert-convolutions-float32": "43513b8c065d4abd8f40c006ee2f59cee81483cba24510a97636a698ad154818",
    "litert-convolutions-int8": "4918e18998bbc4223230b5db8dd1ce0d3d0508e690c8cd8b63f087907d8ab4cc",
    "onnx-convolutions-float32": "2d72b7181133c3032ecd7593630a87b0bed6f62a5aba1a8779b081f0757492f9",
}


def test_an_anchor_is_the_same_bytes_for_ever() -> None:
    # Figures of years are told as multiples of it: another computation needs another name.
    assert {name: hashlib.sha256(anchor_file(name)).hexdigest() for name in NAMES} == DIGESTS


def test_the_anchors_are_files_that_packages_could_hold_and_compute_the_same() -> None:
    picture = np.random.default_rng(0).random((1, 16, 32, 32), dtype=np.float32)
    for name in NAMES:
        (check_graph if name.startswith("onnx-") else check_lite)(anchor_file(name))
    (answer,) = open_session(anchor_file(NAMES[2])).run(None, {"x": picture})
    assert (answer > 0).mean() > 0.25  # it neither dies away nor explodes
    assert 0.1 < answer.std() < 10
    assert np.abs(answer - lite(NAMES[0], picture)).max() < 1e-4
    assert np.abs(answer - lite(NAMES[1], np.round(picture * 32).astype(np.int8)) / 32).mean() < 0.1


def lite(name: str, picture: NDArray[np.generic]) -> NDArray[np.float32]:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - it takes a while

    one = Interpreter(model_content=anchor_file(name), num_threads=1)
    one.allocate_tensors()
    one.set_tensor(one.get_input_details()[0]["index"], np.ascontiguousarray(picture.transpose(0, 2, 3, 1)))
    one.invoke()
    found: NDArray[np.float32] = one.get_tensor(one.get_output_details()[0]["index"])
    return found.transpose(0, 3, 1, 2).astype(np.float32)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    files = write_bundle(folder)
    assert sorted(files) == sorted(folder.iterdir())
    assert len(files) <= 3
    return folder


def test_the_bundle_makes_a_profile_that_a_catalog_takes(bundle: Path, tmp_path: Path) -> None:
    # -I: nothing but what is installed; the block says that Modelport is not.
    block = "import sys, runpy; sys.modules['modelport'] = None; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    file = tmp_path / "devices" / "mine.yaml"
    file.parent.mkdir()
    command = [
        sys.executable,
        "-I",
        "-c",
        block,
        str(bundle / "device_profile.py"),
        "--rounds",
        "2",
        "--out",
        str(file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"submit it as catalog/devices/{name_of(facts())}.yaml" in done.stderr
    assert check_paths([file]) == []
    profile = read_yaml(file.read_bytes(), str(file)).value
    assert set(profile["anchors"]) == set(ANCHORS["litert"])
    assert profile["spread"] >= 1
    assert "ai-edge-litert" in profile["tools"]


def test_the_bundle_asks_for_nothing_but_the_standard_library(bundle: Path) -> None:
    tree = ast.parse((bundle / "device_profile.py").read_text("utf-8"), feature_version=(3, 9))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
    assert found <= sys.stdlib_module_names


def test_what_is_missing_beside_the_program_is_told(bundle: Path, tmp_path: Path) -> None:
    program = tmp_path / "device_profile.py"
    program.write_bytes((bundle / program.name).read_bytes())
    done = asked(program)
    assert (done.returncode, done.stdout) == (1, "")
    both = "litert-convolutions-float32.tflite, litert-convolutions-int8.tflite"
    assert done.stderr == f"error: not beside this program: {both} (copy all three files of the bundle)\n"
    (tmp_path / f"{NAMES[1]}.tflite").write_bytes(b"no network")
    done = asked(program, "--rounds", "0", "--out", tmp_path / "nowhere/mine.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    lost, rounds, missing, damaged = done.stderr.splitlines()  # all at once, and nothing is measured
    assert lost.endswith(f"mine.yaml cannot be written: there is no folder {tmp_path / 'nowhere'}")
    assert rounds == "error: there is no spread of 0 rounds: ask for 2 or more"
    assert missing.startswith("error: not beside this program: litert-convolutions-float32.tflite (copy")
    assert damaged.startswith("error: litert-convolutions-int8.tflite is damaged: copy it again")


def asked(program: Path, *options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, program, *map(str, options)], capture_output=True, text=True, check=False)


def test_a_bundle_asks_for_what_runs_it(bundle: Path) -> None:
    bare = [sys.executable, "-S", str(bundle / "device_profile.py")]  # no installed packages
    done = subprocess.run(bare, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1, "error: ai-edge-litert is not installed: pip install ai-edge-litert\n",
    )  # fmt: skip


def test_the_command_makes_both(workplace: Workplace) -> None:
    file = workplace.folder / "devices" / "mine.yaml"
    file.parent.mkdir()
    done = workplace.modelport("device", "profile", "--rounds", "2", "--out", file, check=True)
    assert (done.stdout, "submit it as catalog/devices/" in done.stderr) == ("", True)
    assert check_paths([file]) == []
    profile = read_yaml(file.read_bytes(), str(file)).value
    assert set(profile["anchors"]) == set(NAMES)
    own = workplace.folder / "catalog/devices/my-board.yaml"
    own.parent.mkdir(parents=True)
    there = workplace.modelport("device", "profile", "--rounds", "2", "--out", own, check=True)
    assert (f"wrote {own}: the catalog has it as my-board" in there.stderr, "submit" in there.stderr) == (True, False)
    lost = workplace.modelport("device", "profile", "--rounds", "2", "--out", "nowhere/mine.yaml")
    assert (lost.returncode, "there is no folder nowhere" in lost.stderr) == (1, True)
    taken = workplace.modelport("device", "bundle", "--out", file)
    assert (taken.returncode, "is a file, and the bundle is a folder" in taken.stderr) == (1, True)
    made = workplace.modelport("device", "bundle", "--out", "bundle", check=True)
    assert len(made.stdout.splitlines()) == 3
    again = workplace.modelport("device", "bundle", "--out", "bundle")
    assert (again.returncode, "is not an empty folder" in again.stderr) == (1, True)
    few = workplace.modelport("device", "profile", "--rounds", "1")
    assert (few.returncode, few.stdout, "no spread of 1 rounds" in few.stderr) == (1, "", True)


def test_measuring_again_keeps_what_people_wrote(workplace: Workplace) -> None:
    file = workplace.folder / "mine.yaml"
    again = ("device", "profile", "--rounds", "2", "--out", file)
    written = "schema: modelport/device/1\ntitle: Board 7\nsource: measured\nstorage: 200000\nwatts: 2.5\n"
    file.write_text(written + "anchors: {litert-mobilenet-v2-int8: 0.25}\nspread: 9.5\n", "utf-8")
    done = workplace.modelport(*again, check=True)
    kept = (
        "of what it said before, this stays, for it was not measured: title, storage, watts, litert-mobilenet-v2-int8"
    )
    assert kept in done.stderr.splitlines()
    profile = read_yaml(file.read_bytes(), str(file)).value
    assert (profile["title"], profile["storage"], profile["watts"]) == ("Board 7", 200000, 2.5)
    assert set(profile["anchors"]) == {*NAMES, "litert-mobilenet-v2-int8"}
    assert profile["spread"] == 9.5
    assert profile["cores"] == facts()["cores"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("schema: modelport/device/1\ntitle: x\nsource: measured\ncpu: Cortex-M0\n", "is of another machine (cpu)"),
        ("schema: modelport/device/1\ntitle: x\nsource: published\n", "is made of published figures"),
        ("groceries: [milk]\n", "is no device's profile"),
        ("{", "is no device's profile"),
    ],
)
def test_measuring_replaces_nothing_else(workplace: Workplace, content: str, why: str) -> None:
    file = workplace.folder / "mine.yaml"
    file.write_text(content, "utf-8")
    done = workplace.modelport("device", "profile", "--rounds", "2", "--out", file)
    assert done.stderr.splitlines() == [f"error: {file} is there, and {why}", "  hint: name another file, or remove it"]
    assert file.read_text("utf-8") == content


def test_a_name_that_the_catalog_would_refuse_is_refused_before_anything_is_measured(workplace: Workplace) -> None:
    folder = workplace.folder / "catalog/devices"
    folder.mkdir(parents=True)
    for said, way in (("My_Board", "my_board"), ("the Board", "the-board")):
        done = workplace.modelport("device", "profile", "--rounds", "1", "--out", folder / f"{said}.yaml")
        assert (done.returncode, done.stdout) == (1, "")
        told = " ".join(done.stderr.split())
        assert f"the catalog takes no profile called '{said}' hint: use lowercase letters" in told
        assert told.endswith(f"--out {folder / way}.yaml")
    assert list(folder.iterdir()) == []


def test_networks_of_which_publications_tell_times_are_anchors_too(workplace: Workplace) -> None:
    file = workplace.folder / "devices" / "mine.yaml"
    file.parent.mkdir()
    network = "mobilenet-v2"
    workplace.modelport("device", "profile", "--rounds", "2", "--networks", network, "--out", file, check=True)
    assert check_paths([file]) == []
    anchors = read_yaml(file.read_bytes(), str(file)).value["anchors"]
    assert set(anchors) == {*NAMES, f"litert-{network}-float32", f"litert-{network}-int8"}
    # 300 million multiplications against 8 million.
    assert anchors[f"litert-{network}-float32"] > 3 * anchors["litert-convolutions-float32"]
    other = workplace.modelport("device", "profile", "--networks", "vgg")
    assert (other.returncode, other.stdout) == (1, "")
    assert f"there is no network vgg hint: there are: {', '.join(NETWORKS)}" in " ".join(other.stderr.split())


def test_a_name_is_one_that_a_catalog_takes() -> None:
    assert name_of({"title": "Raspberry Pi 4 Model B Rev 1.4"}) == "raspberry-pi-4-model-b-rev-1-4"
    assert name_of({"title": "(R) " + "x" * 90}) == "r-" + "x" * 62
    assert name_of({"title": "\u0394"}) == "device"
    assert spread_of([2.0, 1.0, 1.5]) == 2
