# ruff: noqa: ANN401 - ONNX's generated classes have no types
"""The ONNX backend: what each form is, that it answers like its parent, and that it is the same bytes again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from tests.edge.graphs import calls_of_bytes, magika, network, samples, silero
from tests.edge.making import digests, digests_elsewhere, make, make_all
from tests.edge.parents import built
from tests.package.conftest import lock
from tests.package.onnx_files import GOOD

from modelport.edge.interface import NotMadeError
from modelport.edge.onnx import BACKEND
from modelport.edge.onnx_quantizing import SCALES, distance, quantized, simplified
from modelport.edge.trial import try_file
from modelport.package import Package, load_package, pack
from modelport.package.files.labels import labels_of
from modelport.package.files.onnx import OnnxModel, open_session

if TYPE_CHECKING:
    from modelport.edge.interface import Calibration, Made

__all__ = ["lock"]

NAMES = ["onnx", "onnx-float16", "onnx-int8"]
CALLS = samples(40, seed=1)


def save(model: Any, file: Path) -> Path:
    file.write_bytes(model.SerializeToString())
    return file


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(network(), tmp_path_factory.mktemp("parent") / "net.onnx")


@pytest.fixture(scope="module")
def made(parent: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    return make_all(BACKEND, parent, tmp_path_factory.mktemp("made"), CALLS)


def test_a_graph_has_three_forms_which_say_how_they_were_made(parent: Path, made: dict[str, Made]) -> None:
    assert list(made) == NAMES
    assert [one.recipe["weights"] for one in made.values()] == ["float32", "float16", "int8"]
    assert made["onnx"].file.read_bytes() == parent.read_bytes()
    json.dumps([one.recipe for one in made.values()], allow_nan=False)


@pytest.mark.parametrize(("name", "far", "size"), [("onnx-float16", 1e-3, 0.55), ("onnx-int8", 0.05, 0.4)])
def test_each_form_answers_as_its_parent_in_fewer_bytes_under_the_same_names(
    name: str, far: float, size: float, made: dict[str, Made], parent: Path
) -> None:
    content = made[name].file.read_bytes()
    assert 0 < distance(content, parent.read_bytes(), samples(30, seed=2)) < far
    assert len(content) <= size * parent.stat().st_size
    assert try_file(made[name].file, "onnx", "cpu") == try_file(parent, "onnx", "cpu")
    image = np.concatenate([one["image"] for one in samples(7, seed=3)])
    (scores,) = open_session(content).run(["scores"], {"image": image})
    assert (scores.shape, scores.dtype) == ((7, 10), np.float32)


def test_files_hold_the_labels_and_nothing_else_that_no_runtime_needs(made: dict[str, Made]) -> None:
    for name in NAMES[1:]:
        content = made[name].file.read_bytes()
        assert labels_of(content) == list("abcdefghij")
        words = (b"somebody", b"Conv_0", b"onnxruntime", b"onnx.quant", b"com.microsoft", b"QuantizeLinear_Output")
        assert not [word for word in words if word in content]


def test_the_same_parent_gives_the_same_bytes_in_another_process_and_folder(
    parent: Path, made: dict[str, Made], tmp_path: Path
) -> None:
    assert digests_elsewhere("modelport.edge.onnx", parent, CALLS, tmp_path, made) == digests(made)


def test_of_two_ways_to_scale_weights_the_nearer_one_is_kept_whatever_the_order_of_the_calls(
    made: dict[str, Made], parent: Path
) -> None:
    reference = parent.read_bytes()
    simple = simplified(onnx.load_model_from_string(reference))
    ways = {one: quantized(simple, CALLS[::-1], scales=one, operators="all") for one in SCALES}
    far = {name: distance(content, reference, CALLS) for name, content in ways.items()}
    kept = made["onnx-int8"]
    # Its channels are of very different sizes, and a normalisation before makes them more so.
    assert kept.recipe["scales"] == min(far, key=lambda name: far[name]) == "channel"
    assert kept.file.read_bytes() == ways["channel"]
    assert kept.recipe["distance"] == pytest.approx(far["channel"], rel=0.05)


def test_a_normalisation_becomes_part_of_its_convolution_before_it_is_rounded(made: dict[str, Made]) -> None:
    names = [node.op_type for node in onnx.load(made["onnx-int8"].file).graph.node]
    assert "BatchNormalization" not in names
    assert names.count("Conv") == 2
    assert names.count("QuantizeLinear") >= 3


def test_weights_that_16_bits_cannot_hold_stay_as_they_are(tmp_path: Path) -> None:
    file = save(network(normalised=False, scale=1e6), tmp_path / "large.onnx")
    with pytest.raises(NotMadeError, match="no tensor of 256 or more 32-bit weights that fit in 16 bits"):
        make(BACKEND, "onnx-float16", file, tmp_path)
    model = network()
    numbers = numpy_helper.to_array(model.graph.initializer[1]).copy()
    numbers[0, 0, 0, 0] = 70_000
    model.graph.initializer[1].CopyFrom(numpy_helper.from_array(numbers, "w2"))
    half = make(BACKEND, "onnx-float16", save(model, tmp_path / "one.onnx"), tmp_path / "other")
    assert half.recipe["tensors"] == 2
    assert distance(half.file.read_bytes(), model.SerializeToString(), CALLS) < 1e-3


@pytest.mark.parametrize("calls", [None, []])
def test_integers_need_calibration(calls: Calibration | None, parent: Path, tmp_path: Path) -> None:
    with pytest.raises(NotMadeError, match="there are no calibration inputs") as found:
        make(BACKEND, "onnx-int8", parent, tmp_path, calls)
    assert "add_data('calibration'" in found.value.hint


def test_calls_for_other_inputs_are_refused_in_words(parent: Path, tmp_path: Path) -> None:
    with pytest.raises(NotMadeError, match=r"ONNX Runtime's quantizer fails: .*picture"):
        make(BACKEND, "onnx-int8", parent, tmp_path, [{"picture": CALLS[0]["image"]}])


@pytest.mark.parametrize(("name", "opset"), [("onnx-float16", 8), ("onnx-int8", 9)])
def test_old_opsets_are_refused_with_the_way_out(name: str, opset: int, tmp_path: Path) -> None:
    file = save(network(opset=opset, normalised=False), tmp_path / "old.onnx")
    with pytest.raises(NotMadeError, match=f"it is written in opset {opset}") as found:
        make(BACKEND, name, file, tmp_path, CALLS)
    assert "convert_version" in found.value.hint


def test_what_has_no_weights_or_is_no_such_file_has_no_forms(made: dict[str, Made], tmp_path: Path) -> None:
    assert BACKEND.recipes(made["onnx-int8"].file) == ()
    assert BACKEND.recipes(tmp_path / "model.tflite") == ()
    (tmp_path / "small.onnx").write_bytes(GOOD)
    assert BACKEND.recipes(tmp_path / "small.onnx") == ()
    assert [one.name for one in BACKEND.recipes(made["onnx"].file)] == NAMES
    (tmp_path / "cut.onnx").write_bytes(made["onnx"].file.read_bytes()[:5000])
    with pytest.raises(NotMadeError, match=r"cut\.onnx: it is not an ONNX file"):
        BACKEND.recipes(tmp_path / "cut.onnx")


def test_what_others_trained_to_tell_files_apart_tells_them_apart_in_each_form(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    files = sorted([*(root / "tests").glob("*/*.py"), *(root / "schemas").glob("*.json"), *root.glob("*.*")])
    calls = calls_of_bytes([one for one in files if one.is_file()])[:60]
    family = make_all(BACKEND, magika(), tmp_path, calls[::2])
    reference = magika().read_bytes()
    whole = open_session(reference)
    expected = [whole.run(None, dict(one))[0].argmax() for one in calls[1::2]]
    for name, size, wrong in (("onnx-float16", 0.51, 0), ("onnx-int8", 0.27, 1)):
        content = family[name].file.read_bytes()
        assert len(content) <= size * len(reference)
        session = open_session(content)
        answers = [session.run(None, dict(one))[0].argmax() for one in calls[1::2]]
        assert np.count_nonzero(np.array(answers) != expected) <= wrong, name
    # All in integers, its written-out normalisations give every file the same answer.
    simple = simplified(onnx.load_model_from_string(reference))
    everything = quantized(simple, calls[::2], scales="tensor", operators="all")
    assert distance(everything, reference, calls[::2]) > 0.5
    assert family["onnx-int8"].recipe["operators"] == "products"


def test_what_remembers_and_decides_is_narrowed_inside_its_branches_and_not_made_integers(tmp_path: Path) -> None:
    half = make(BACKEND, "onnx-float16", silero(), tmp_path)
    assert half.file.stat().st_size <= 0.53 * silero().stat().st_size
    sessions = [open_session(file.read_bytes()) for file in (silero(), half.file)]
    random = np.random.default_rng(0)
    for rate, size in ((16_000, 576), (8_000, 288)):
        states = [np.zeros((2, 1, 128), np.float32)] * 2
        for _ in range(20):
            sound = random.uniform(-0.5, 0.5, (1, size)).astype(np.float32)
            both = [
                one.run(["output", "stateN"], {"input": sound, "state": state, "sr": np.array(rate)})
                for one, state in zip(sessions, states, strict=True)
            ]
            states = [state for _, state in both]
            assert np.abs(both[0][0] - both[1][0]).max() < 0.01
    nothing = {"input": np.zeros((1, 288), np.float32), "state": np.zeros((2, 1, 128), np.float32)}
    calls = [{**nothing, "sr": np.array(8_000)}]
    with pytest.raises(NotMadeError, match="nothing to compute in integers: what it computes is inside If"):
        make(BACKEND, "onnx-int8", silero(), tmp_path, calls)


def test_variants_of_a_package_are_packages_that_answer_and_the_rest_goes_on(
    parent: Path, tmp_path: Path, lock: str
) -> None:
    model = OnnxModel(parent, method="tell")
    image = {"image": CALLS[0]["image"].tolist()}
    model.add_example("tell", image, tolerance=1e-4)
    package = Package.read(pack(model, "net", tmp_path / "package", known_lock=lock, verify_in=None))
    backend = ["modelport.edge.onnx"]
    without = built(package, tmp_path / "without", modules=backend)
    assert {name: one.status for name, one in without.items()} == {
        "onnx": "ok", "onnx-float16": "ok", "onnx-int8": "failed",
    }  # fmt: skip
    assert without["onnx-int8"].message
    outcomes = built(package, tmp_path / "with", modules=backend, calibration=CALLS)
    assert {one.status for one in outcomes.values()} == {"ok"}
    assert outcomes["onnx-int8"].size < outcomes["onnx-float16"].size < outcomes["onnx"].size
    expected = np.array(package.examples[0]["output"]["scores"])
    for name in NAMES:
        answer = load_package(tmp_path / "with" / name).model.call("tell", image)
        assert np.allclose(answer["scores"], expected, atol=0.1 * np.abs(expected).max()), name
