# ruff: noqa: ANN401, PLC0415 - Keras ships no types, and is imported late
"""The LiteRT backend: what each form is, that it answers like its parent, and that it is the same bytes again."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.edge.making import digests, digests_elsewhere, make_all
from tests.edge.networks import calls_of, face_detector, lifeless, pictures, save, separable

from modelport.edge.converting import converted
from modelport.edge.distance import TOO_FAR, check_distance, distance
from modelport.edge.interface import NotMadeError, Source
from modelport.edge.lite_file import parsed
from modelport.edge.litert import BACKEND
from modelport.edge.quantizing import quantized
from modelport.edge.trial import MODES, try_file
from modelport.package.files.litegraph import check_lite
from modelport.package.state.standins import LiteRtStandIn

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.edge.interface import Calibration, Made

# Keras's own way with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NAMES = ["float32", "float16", "weight-int8", "dynamic-int8", "int8", "mixed-int8", "int4", "rounded"]
CALLS = calls_of(pictures(60, seed=1))


@pytest.fixture(scope="module")
def keras_model() -> Any:
    return separable()


@pytest.fixture(scope="module")
def parent(keras_model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(keras_model, tmp_path_factory.mktemp("parent") / "net.keras")


@pytest.fixture(scope="module")
def made(parent: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    return make_all(BACKEND, parent, tmp_path_factory.mktemp("made"), CALLS)


def test_a_keras_model_has_eight_forms_which_say_how_they_were_made(made: dict[str, Made]) -> None:
    assert list(made) == NAMES
    assert made["int8"].recipe["by"] in {"converter", "quantizer"}
    said = {name: one.recipe["weights"] for name, one in made.items()}
    assert said == {
        "float32": "float32", "float16": "float16", "weight-int8": "int8", "dynamic-int8": "int8", "int8": "int8",
        "mixed-int8": "int8", "int4": "int4", "rounded": "float32",
    }  # fmt: skip
    json.dumps([one.recipe for one in made.values()], allow_nan=False)


# Of random weights: what is measured of trained ones is in tests/bench/variants.py.
FAR = {
    "float32": 1e-5, "float16": 2e-3, "weight-int8": 0.02, "dynamic-int8": 0.03, "int8": 0.06,
    "mixed-int8": 0.04, "int4": 0.3, "rounded": 0.04,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_each_form_takes_and_gives_what_the_keras_model_does(
    name: str,
    made: dict[str, Made],
    keras_model: Any,
) -> None:
    stand_in = LiteRtStandIn.load(made[name].file)
    for images in (pictures(1, seed=5), pictures(30, seed=6), pictures(7, seed=7)):
        expected = np.asarray(keras_model(images.astype(np.float32)))
        answer = stand_in.predict(images, verbose=0)
        assert answer.dtype == np.float32
        assert np.linalg.norm(answer - expected) <= FAR[name] * np.linalg.norm(expected)
        # Bytes mean the numbers that they are, whatever the file's own input is.
        assert (stand_in(images) == stand_in(images.astype(np.float32))).all()


@pytest.mark.parametrize("name", NAMES)
def test_each_form_runs_in_each_mode_of_litert_under_its_parents_names(name: str, made: dict[str, Made]) -> None:
    tried = [try_file(made[name].file, "litert", mode) for mode in MODES["litert"]]
    assert tried[0] == tried[1]
    dtype = "int8" if name == "int8" else "float32"
    ports = [[(one["name"], one["dtype"], one["shape"]) for one in tried[0][side]] for side in ("inputs", "outputs")]
    assert ports == [[("x", dtype, [-1, 12, 12])], [("Identity", dtype, [-1, 10])]]


def test_fewer_bits_are_fewer_bytes_and_rounded_weights_are_a_third_of_the_download(made: dict[str, Made]) -> None:
    sizes = {name: one.file.stat().st_size for name, one in made.items()}
    assert sizes["int4"] < sizes["dynamic-int8"] < sizes["float16"] < sizes["rounded"] == sizes["float32"]
    assert sizes["float16"] <= 0.6 * sizes["float32"]
    assert sizes["int8"] <= 0.45 * sizes["float32"]
    download = gzip.compress(made["rounded"].file.read_bytes(), 9, mtime=0)
    assert len(download) <= 0.4 * sizes["float32"]


def test_files_hold_nothing_but_the_model(made: dict[str, Made]) -> None:
    for one in made.values():
        content = one.file.read_bytes()
        check_lite(content)
        assert not any(word in content for word in (b"CONVERSION_METADATA", b"conv2d", b"StatefulPartitioned", b"MLIR"))


def test_the_same_parent_gives_the_same_bytes_in_another_process_and_folder(
    parent: Path, made: dict[str, Made], tmp_path: Path
) -> None:
    assert digests_elsewhere("modelport.edge.litert", parent, CALLS, tmp_path, made) == digests(made)


def test_ranges_do_not_depend_on_the_order_of_the_calls(made: dict[str, Made]) -> None:
    content = made["float32"].file.read_bytes()
    assert quantized(content, "int8", CALLS) == quantized(content, "int8", CALLS[::-1])


def test_activations_of_16_bits_are_given_numbers_in_the_range_of_16_bits(made: dict[str, Made]) -> None:
    content = made["float32"].file.read_bytes()
    found = quantized(content, "int16", CALLS)
    (details,) = LiteRtStandIn(found)._inputs
    assert np.dtype(details["dtype"]) == np.int16
    images = pictures(20, seed=9)
    expected, answer = (LiteRtStandIn(one)(images) for one in (content, found))
    assert np.linalg.norm(answer - expected) <= 0.03 * np.linalg.norm(expected)
    # In a range of 8 bits they would all be next to nothing, and nothing would say so.
    assert np.abs(np.rint(images / details["quantization"][0])).max() > 127


def test_what_litert_runs_in_one_mode_alone_is_not_kept(tmp_path: Path) -> None:
    """XNNPACK takes the scales that the quantizer finds in a lifeless network; LiteRT's own kernels overflow."""
    file = save(lifeless(), tmp_path / "lifeless.keras")
    recipe = next(one for one in BACKEND.recipes(file) if one.name == "int8")
    base, out = tmp_path / "float32.tflite", tmp_path / "out"
    base.write_bytes(converted(file))
    out.mkdir()
    with pytest.raises(NotMadeError, match="its answers to the calibration inputs are 100% off"):  # the converter's
        BACKEND.make(recipe, Source(base, file, CALLS), out)
    said = "by the quantizer: LiteRT cannot run it without XNNPACK: .*no_integer_overflow_from_quantization"
    with pytest.raises(NotMadeError, match=said):
        BACKEND.make(recipe, Source(base, base, CALLS), out)


@pytest.mark.parametrize("calls", [None, []])
def test_integers_need_calibration(calls: Calibration | None, parent: Path, tmp_path: Path) -> None:
    recipe = next(one for one in BACKEND.recipes(parent) if one.name == "int8")
    with pytest.raises(NotMadeError, match="there are no calibration inputs"):
        BACKEND.make(recipe, Source(parent, parent, calls), tmp_path)


def test_integers_whose_answers_are_far_off_are_refused(made: dict[str, Made]) -> None:
    assert 0 < made["int8"].recipe["distance"] < 0.1
    for far in (TOO_FAR * 1.01, float("nan"), float("inf")):
        with pytest.raises(NotMadeError, match=r"its answers to the calibration inputs are .* off"):
            check_distance(far)
    check_distance(TOO_FAR)


def test_several_inputs_of_a_keras_model_keep_their_names_and_their_order(tmp_path: Path) -> None:
    import keras

    one, other = keras.Input((2,), name="wide"), keras.Input((3,), name="broad")
    file = save(keras.Model([one, other], keras.layers.Concatenate()([other, one])), tmp_path / "two.keras")
    made = BACKEND.make(BACKEND.recipes(file)[0], Source(file, file), tmp_path)
    inputs = try_file(made.file, "litert", "plain")["inputs"]
    assert [(port["name"], port["shape"]) for port in inputs] == [("wide", [-1, 2]), ("broad", [-1, 3])]


def test_what_has_no_floats_or_is_no_such_file_has_no_forms(made: dict[str, Made], tmp_path: Path) -> None:
    assert BACKEND.recipes(made["weight-int8"].file) == ()
    assert BACKEND.recipes(tmp_path / "model.onnx") == ()
    assert [one.name for one in BACKEND.recipes(made["float32"].file)] == NAMES
    (tmp_path / "cut.tflite").write_bytes(made["float32"].file.read_bytes()[:1000])
    with pytest.raises(NotMadeError, match=r"cut\.tflite: it is not a LiteRT file"):
        BACKEND.recipes(tmp_path / "cut.tflite")


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    random = np.random.default_rng(0)
    calls = [{"input": random.uniform(-1, 1, (1, 128, 128, 3)).astype(np.float32)} for _ in range(8)]
    return make_all(BACKEND, face_detector(), tmp_path_factory.mktemp("face"), calls)


def test_a_third_partys_file_without_a_signature_has_all_forms(face: dict[str, Made]) -> None:
    """Its weights have 16 bits already, and its operators' numbers stand in the field of old files."""
    assert list(face) == NAMES
    assert face["float16"].file.read_bytes() == face_detector().read_bytes()
    reference = face["float32"].file.read_bytes()
    random = np.random.default_rng(1)
    calls = [{"input": random.uniform(-1, 1, (1, 128, 128, 3)).astype(np.float32)} for _ in range(3)]
    far = {name: distance(one.file.read_bytes(), reference, calls) for name, one in face.items()}
    assert far["float16"] == 0
    assert max(far[name] for name in ("weight-int8", "dynamic-int8", "rounded")) < 0.15
    assert far["int8"] < 0.3
    sizes = {name: one.file.stat().st_size for name, one in face.items()}
    assert max(sizes[name] for name in ("weight-int8", "dynamic-int8", "int8")) <= 0.36 * sizes["float32"]
    for one in face.values():
        tried = try_file(one.file, "litert", "plain")
        assert [port["name"] for port in tried["outputs"]] == ["regressors", "classificators"]
        assert parsed(one.file.read_bytes()).signatureDefs in (None, [])
