"""Third parties' networks, and the smallest of the benchmarks' family, are built and measured as a user does it."""

from __future__ import annotations

import json
import runpy
import shutil
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.bench import networks as bench
from tests.edge.graphs import silero
from tests.edge.networks import face_detector, save
from tests.edge.parents import packed
from tests.package.conftest import cache, lock
from tests.support.commands import ROOT, Workplace

from modelport.catalog import read_yaml
from modelport.catalog.check import check_paths
from modelport.package import Package, pack
from modelport.package.files.litert import LiteModel
from modelport.package.store import keep_package

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["cache", "lock"]

# TensorFlow's variables do not know NumPy 2's arguments yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ABOUT: dict[str, Any] = {"name": "noise", "split": "all of it", "source": "made up", "license": "CC0-1.0"}
CLOTHES = {
    "name": "Fashion-MNIST", "split": "some of it", "source": "https://github.com/zalandoresearch/fashion-mnist",
    "license": "MIT",
}  # fmt: skip
ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """A model whose variants the command built and measured: what it told, and where it wrote that."""

    place: Workplace
    package: Package
    built: Mapping[str, Any]
    document: Mapping[str, Any]
    said: str

    def variants(self) -> dict[str, Any]:
        return {row["name"]: row for row in self.document["variants"]}

    def kept(self) -> dict[str, Any]:
        file = self.place.folder / f"catalog/models/{self.package.name}/variants/1.0.0.yaml"
        assert [str(one) for one in check_paths([file]) if str(file) in str(one)] == []
        found: dict[str, Any] = read_yaml(file.read_bytes(), str(file)).value
        return {row["name"]: row for row in found["variants"]}


def built(package: Package, folder: Path, *names: str) -> tuple[Workplace, dict[str, Any]]:
    """Build these variants of a catalog's model by command; return where, and what was told of each."""
    place = Workplace(folder / "work", store=folder / "store")
    versions = place.folder / f"catalog/models/{package.name}/versions"
    versions.mkdir(parents=True)
    (place.folder / "modelport.toml").write_text("", "utf-8")
    (versions / "1.0.0.yaml").write_text("schema: modelport/version/1\n", "utf-8")
    keep_package(package.folder, folder / "store", tags=["1.0.0"])
    asked = ["variants", "build", f"{package.name}:1.0.0", "--no-verify", "--json", *allowing(package)]
    done = place.modelport(*asked, "--only", *names)
    return place, {row["name"]: row for row in json.loads(done.stdout)}


def measured(package: Package, made: tuple[Workplace, dict[str, Any]], *, fails: bool = False) -> Measured:
    """Measure by command the variants that were *made*, of which one *fails* or none."""
    place, told = made
    asked = ["variants", "measure", f"{package.name}:1.0.0", "--rounds", str(ROUNDS), "--write", "--json"]
    done = place.modelport(*asked, *allowing(package))
    assert done.returncode == fails, done.stderr
    return Measured(place, package, told, json.loads(done.stdout), done.stderr)


def allowing(package: Package) -> list[str]:
    return [] if package.is_data else ["--allow-code"]


def check_figures(row: Mapping[str, Any], built: Mapping[str, Any], device: str) -> None:
    """Assert that all figures of a variant are there, and that they can be true of it."""
    assert (row["status"], row["digest"], row["size"]) == ("ok", built["digest"], built["size"])
    assert 0 < row["download"] == built["download"]
    found = row["measured"][device]
    assert (found["load"]["n"], found["open"]["n"], found["threads"]) == (ROUNDS, ROUNDS, 1)
    assert 0 < found["load"]["min"] <= found["load"]["mean"]
    assert 0 < found["infer"]["min"] <= found["infer"]["p50"] <= found["infer"]["p95"]
    assert found["infer"]["n"] >= 3 * ROUNDS
    assert found["first"] >= found["infer"]["min"]
    assert found["call"]["min"] > found["infer"]["min"] / 2  # the bare file runs within it, at another time
    assert row["size"] <= found["memory"] < 2**31
    assert found["spread"] >= 1
    assert row["ratio"] == pytest.approx(found["infer"]["p50"] / found["anchor"], rel=0.01, abs=0.001)
    assert all(mode["infer"]["n"] >= 3 * ROUNDS for mode in found["modes"])


def check_answers(row: Mapping[str, Any], parent: Mapping[str, Any]) -> None:
    """Assert that accuracy and agreement are shares of the parent's evaluation data, with the interval of one."""
    accuracy, agreement = row["accuracy"], row["agreement"]
    assert accuracy["n"] == agreement["n"] == parent["n"]
    assert accuracy["data"] == parent["data"]
    assert 0 <= accuracy["interval"][0] <= accuracy["value"] <= accuracy["interval"][1] <= 1
    assert 0 <= agreement["value"] <= 1


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory, lock: str) -> Measured:
    """MediaPipe's detector of faces, of which there is a file alone: right is what it answers itself.

    One of its variants is a package that is whole while its file is not, as of a converter that was cut short.
    """
    folder, random = tmp_path_factory.mktemp("face"), np.random.default_rng(0)
    pictures = [{"input": random.uniform(-1, 1, (1, 128, 128, 3)).astype(np.float32)} for _ in range(8)]
    made = LiteModel(face_detector(), method="detect")
    made.add_example("detect", {"input": np.round(pictures[0]["input"], 2).tolist()}, tolerance=0.1)
    detect = made.methods["detect"]
    right = [detect(detect.input_type(**one)).classificators for one in pictures]
    near = 0.25 * float(np.abs(right).max())
    made.add_data("evaluation", "detect", pictures, {"classificators": right}, tolerance=near, **ABOUT)
    package = Package.read(pack(made, "face", folder / "package", known_lock=lock, verify_in=None))
    made_of_it = built(package, folder, "float32", "float16")
    whole, cut = made_of_it[0].package("face:1.0.0-float32"), folder / "cut"
    shutil.copytree(whole, cut)
    (file,) = (cut / "state").iterdir()
    file.write_bytes(file.read_bytes()[:1000])
    keep_package(cut, folder / "store", tags=["1.0.0-float32"])
    return measured(package, made_of_it, fails=True)


def test_a_third_partys_litert_file_has_all_figures_and_its_own_answers_are_right(face: Measured) -> None:
    rows, parent = face.variants(), face.document["parent"]
    assert (parent["value"], parent["n"]) == (1, 8)
    check_figures(rows["float16"], face.built["float16"], face.document["device"])
    check_answers(rows["float16"], parent)
    assert {one["xnnpack"] for one in rows["float16"]["measured"][face.document["device"]]["modes"]} == {True, False}
    assert rows["float16"]["accuracy"]["value"] == rows["float16"]["agreement"]["value"]  # its parent's are right
    assert rows["float16"]["agreement"]["value"] == 1
    assert rows["float16"]["size"] == face_detector().stat().st_size  # its weights have 16 bits already


def test_a_variant_that_does_not_run_is_told_and_written_while_others_are_measured(face: Measured) -> None:
    assert {name: row["status"] for name, row in face.built.items()} == dict.fromkeys(face.variants(), "ok")
    assert ("1 variant of 2 failed" in face.said, "Traceback" in face.said) == (True, False)
    for rows in (face.variants(), face.kept()):
        assert {name: row["status"] for name, row in rows.items()} == {
            "float32": "failed", "float16": "ok",
        }  # fmt: skip
        failed = rows["float32"]
        assert failed["message"].startswith("it cannot be measured: it is not a LiteRT file")
        assert not {"measured", "accuracy", "agreement"} & failed.keys()


def recordings(folder: Path, sounds: Mapping[str, np.ndarray[Any, Any]]) -> Path:
    """Write *sounds* of numbers from -1 to 1 as recordings of 16 bits at 8,000 Hz; return the folder."""
    for name, sound in sounds.items():
        file = folder / f"{name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(file), "wb") as recording:
            recording.setnchannels(1)
            recording.setsampwidth(2)
            recording.setframerate(8000)
            recording.writeframes((sound * 32767).astype("<i2").tobytes())
    return folder


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory, lock: str) -> Measured:
    """Silero's file, packed by the catalog's own recipe, with recordings that are made up."""
    folder, random = tmp_path_factory.mktemp("voice"), np.random.default_rng(0)
    recipe = runpy.run_path(str(ROOT / "catalog/models/voice-activity/recipe.py"))
    seconds, license_ = np.arange(8000 * recipe["SECONDS"]) / 8000, folder / "LICENSE"
    license_.write_text("MIT License\n", "utf-8")
    vowel = np.tile(recipe["vowel"](8000), 20)
    prompts = {f"vowel-{n}": vowel * n / 10 for n in range(3, 10)} | {f"silence/{n}": np.zeros(9000) for n in range(3)}
    music = {f"tone-{n}": 0.3 * np.sin(2 * np.pi * n * seconds) for n in (220, 440)}
    music["noise"] = random.uniform(-0.2, 0.2, len(seconds))
    data = {
        "silero-vad": silero(), "silero-vad-license": license_,
        "prompts": recordings(folder / "prompts", prompts), "music": recordings(folder / "music", music),
    }  # fmt: skip
    made = recipe["model"](data)
    package = Package.read(pack(made, "voice-activity", folder / "package", known_lock=lock, verify_in=None))
    return measured(package, built(package, folder, "onnx", "onnx-float16", "onnx-int8"))


def test_a_third_partys_onnx_file_has_all_figures_and_what_could_not_be_built_stays_told(voice: Measured) -> None:
    rows, parent = voice.variants(), voice.document["parent"]
    assert set(rows) == {"onnx", "onnx-float16"}
    for name, row in rows.items():
        check_figures(row, voice.built[name], voice.document["device"])
        check_answers(row, parent)
        assert "xnnpack" not in row["measured"][voice.document["device"]]
    assert rows["onnx"]["size"] == silero().stat().st_size
    assert (rows["onnx"]["agreement"]["value"], rows["onnx"]["accuracy"]["value"]) == (1, parent["value"])
    assert rows["onnx-float16"]["size"] <= 0.53 * rows["onnx"]["size"]
    assert (voice.built["onnx-int8"]["status"], "inside If" in voice.built["onnx-int8"]["message"]) == ("failed", True)
    kept = voice.kept()
    assert {name: row["status"] for name, row in kept.items()} == {
        "onnx": "ok", "onnx-float16": "ok", "onnx-int8": "failed",
    }  # fmt: skip
    assert kept["onnx-int8"]["message"] == voice.built["onnx-int8"]["message"]


CLOTHING = """\
from typing import Annotated

import keras
import numpy as np

from modelport import Model, Tensor

network = keras.saving.load_model({network!r})
data = np.load({data!r})


def classify(images: Annotated[np.ndarray, Tensor("uint8", "n", 28, 28)]) -> list[int]:
    return network.predict(images, verbose=0).argmax(axis=1).tolist() if len(images) else []


model = Model(classify=classify)
model.add_example("classify", {{"images": data["test"][:1].tolist()}})
model.add_data("evaluation", "classify", {{"images": data["test"]}}, {{"value": data["labels"].tolist()}}, **{about!r})
"""


def fitted(images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401 - Keras ships no types
    """Return the benchmarks' separable network of a quarter of the width, of which the last layer alone has learnt.

    That takes no training, which would take longer than all else here: it is a regression on what the others answer.
    """
    import keras  # noqa: PLC0415 - it takes seconds

    keras.utils.set_random_seed(0)
    network = bench._separable(0.25)  # another that is like it would be another family
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # one look is all that it gets
    network(images[:256], training=True)
    features = np.c_[keras.Model(network.input, network.layers[-2].output)(images).numpy(), np.ones(len(images))]
    wanted = np.eye(10)[labels] - 0.1
    found = np.linalg.solve(features.T @ features + 0.01 * np.eye(features.shape[1]), features.T @ wanted)
    network.layers[-1].set_weights([10 * found[:-1], 10 * found[-1]])
    return network


@pytest.fixture(scope="module")
def clothing(tmp_path_factory: pytest.TempPathFactory, lock: str) -> Measured:
    folder = tmp_path_factory.mktemp("clothing")
    (images, labels), (test, right) = bench.fashion("train"), bench.fashion("t10k")
    network = save(fitted(images[:2048], labels[:2048]), folder / "separable.keras")
    np.savez(folder / "data.npz", test=test[:400], labels=right[:400])
    source = CLOTHING.format(network=str(network), data=str(folder / "data.npz"), about=CLOTHES)
    package = packed(source, folder / "parent", lock)
    return measured(package, built(package, folder, "float32", "weight-int8"))


def test_the_smallest_of_the_benchmarks_networks_has_learnt_and_so_have_its_variants(
    clothing: Measured,
) -> None:
    rows, parent = clothing.variants(), clothing.document["parent"]
    assert set(rows) == {"float32", "weight-int8"}
    assert parent["n"] == 400
    assert parent["value"] > 0.3  # of ten kinds
    for name, row in rows.items():
        check_figures(row, clothing.built[name], clothing.document["device"])
        check_answers(row, parent)
        apart = abs(row["accuracy"]["value"] - parent["value"])
        assert apart <= 1 - row["agreement"]["value"] + 1e-9  # where both say the same kind, both are right or wrong
    assert rows["float32"]["agreement"]["value"] >= 0.99
    assert rows["weight-int8"]["size"] < 0.6 * rows["float32"]["size"]
    assert clothing.kept().keys() == rows.keys()
