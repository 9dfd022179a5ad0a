"""Building variants: whole packages of the parent's signature, the same each time; what fails stops no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.edge.parents import BACKEND, CALIBRATION, NETWORK, built, packed
from tests.package.conftest import adder, cache, lock
from tests.package.estimators import DATA, arguments
from tests.package.onnx_files import GOOD
from tests.package.test_litert import LITE

from modelport.edge.cache import Cache, code_of
from modelport.edge.calibration import calls_of_file, digest_of, read_calls, write_calls
from modelport.edge.goldens import answered, far_off
from modelport.edge.interface import BACKENDS, Made, Recipe
from modelport.edge.variant import parent_of
from modelport.errors import InputError
from modelport.model import Example, Model
from modelport.package import Package, load_package, pack
from modelport.package.closeness import differences
from modelport.package.files.litert import LiteModel
from modelport.package.files.onnx import OnnxModel
from modelport.package.modelpack import manifest_digest
from modelport.package.packing import verify_clean
from modelport.package.source import model_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from modelport.edge.build import Outcome

__all__ = ["cache", "lock"]

# TensorFlow's variables do not know NumPy 2's arguments yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EIGHT = {"float32", "float16", "weight-int8", "dynamic-int8", "int8", "mixed-int8", "int4", "rounded"}


@dataclass(frozen=True, slots=True)
class Family:
    """A network's package with its variants: what became of each, and the folder with their packages."""

    parent: Package
    outcomes: Mapping[str, Outcome]
    place: Path

    def variant(self, name: str) -> Package:
        return Package.read(self.place / name)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory, lock: str) -> Family:
    place = tmp_path_factory.mktemp("family")
    parent = packed(NETWORK + CALIBRATION, place / "parent", lock)
    return Family(parent, built(parent, place / "variants"), place / "variants")


@pytest.fixture
def fickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the module of a backend that mostly fails; processes of their own find it, too."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "fickle.py").write_text(BACKEND, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(str(folder))
    return "fickle"


def lite(folder: Path, lock: str) -> Package:
    made = LiteModel(LITE / "scaled.tflite", method="scale")
    made.add_example("scale", {"x": [[1, 1, 1], [0.5, -1, 2]]})
    return Package.read(pack(made, "scaled", folder, known_lock=lock, verify_in=None))


def test_every_variant_is_a_package_that_answers_with_the_parents_signature(family: Family) -> None:
    assert {name: one.status for name, one in family.outcomes.items()} == dict.fromkeys(EIGHT, "ok")
    for name, outcome in family.outcomes.items():
        variant = family.variant(name)
        assert variant.spec.proto_package == family.parent.spec.proto_package
        assert variant.info["variant"]["of"] == str(manifest_digest(family.parent))
        assert outcome.digest == str(manifest_digest(variant))
        assert "state/network.keras" not in variant.files()
        answer = load_package(variant.folder).model.call("score", family.parent.examples[0]["input"])
        expected = family.parent.examples[0]["output"]
        assert np.allclose(answer["value"], expected["value"], atol=0.2 if name == "int4" else 0.05), name


def test_a_variant_needs_what_runs_its_file_and_no_tensorflow(family: Family, cache: Path) -> None:
    variant = family.variant("int8")
    assert [one.partition("==")[0] for one in variant.info["requirements"]] == ["ai-edge-litert", "numpy"]
    assert "tensorflow" not in variant.lock
    assert "keras" not in variant.lock
    assert variant.lock.count("==") < family.parent.lock.count("==") / 2
    assert verify_clean(variant.folder, cache).examples == 1


def test_a_variant_says_what_it_answers_itself_and_has_no_figures_and_no_data_of_its_parents(family: Family) -> None:
    for name in ("float32", "int8"):
        variant = family.variant(name)
        (example,) = variant.examples
        model = load_package(variant.folder).model
        answer = model.call("score", example["input"])
        assert differences(example["output"], answer, example["tolerance"], "") == []
        assert example["tolerance"] >= family.parent.examples[0]["tolerance"]
        assert (variant.evaluations, "data" in variant.info) == ([], False)
    assert family.variant("float32").info["alternatives"][0]["agreed"] == 1


def test_only_what_needs_calibration_says_by_which(family: Family) -> None:
    said = {name: "calibration" in family.variant(name).info["variant"] for name in EIGHT}
    assert said == {name: name in {"int8", "mixed-int8"} for name in EIGHT}
    assert family.outcomes["int8"].calibration == family.variant("int8").info["variant"]["calibration"]


def test_sizes_are_the_files_and_those_of_their_gzip(family: Family) -> None:
    one = family.outcomes["float32"]
    assert one.size == (family.place / "float32/state/network.tflite").stat().st_size
    assert 0 < one.download < one.size
    assert family.outcomes["int8"].size < one.size / 2
    assert family.outcomes["rounded"].download < one.download * 0.7


def test_the_same_input_gives_the_same_digests_anew_and_from_the_cache(family: Family, tmp_path: Path) -> None:
    names = ["float32", "rounded", "weight-int8"]
    first = {name: family.outcomes[name].digest for name in names}
    for folder, before in ((family.place, True), (tmp_path, False)):
        again = built(family.parent, tmp_path / f"again-{before}", only=names, cache=folder / "cache")
        assert {name: one.digest for name, one in again.items()} == first
        assert {one.reused for one in again.values()} == {before}


def test_what_lies_damaged_in_the_cache_is_made_again(tmp_path: Path) -> None:
    kept, key = Cache(tmp_path), "k" * 40
    for content in (b"first", b"second"):
        file = tmp_path / "made.tflite"
        file.write_bytes(content)
        made = kept.keep(key, Made(file, {"by": "hand"}))
        assert made.file.read_bytes() == content
        assert kept.find(key) == made
        made.file.write_bytes(b"damaged")
        assert kept.find(key) is None


def test_the_key_is_of_all_that_a_file_depends_on(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    recipe = Recipe("int8", "litert", tools=("numpy",))
    keys = [
        Cache(tmp_path).key(*given)
        for given in (
            ("modelport.edge.litert", recipe, (one,), ""),
            ("modelport.edge.litert", recipe, (other,), ""),
            ("modelport.edge.litert", recipe, (one,), "0" * 64),
            ("modelport.edge.litert", Recipe("int8", "litert"), (one,), ""),
            ("modelport.edge.litert", Recipe("int8", "litert", options={"bits": 4}, tools=("numpy",)), (one,), ""),
        )
    ]
    assert len(set(keys)) == len(keys)


def test_the_code_and_the_tools_that_convert_are_in_the_key(family: Family) -> None:
    found = {one.name for one in code_of("modelport.edge.litert")}
    assert {"litert.py", "conversion.py", "standins.py", "affine.py"} <= found
    assert {"keras", "litert-quantizer"} <= set(family.outcomes["int8"].tools)
    assert "keras" in family.variant("float32").info["variant"]["tools"]


def test_examples_do_not_tell_which_processor_answered_them(family: Family) -> None:
    """Kernels differ in the last digits; what a variant's package says, and so its digest, does not."""

    def examples(noise: float, factor: float) -> list[Example]:
        def score(x: list[float]) -> list[float]:
            return [factor * one / 3 + noise for one in x]

        model = Model(score=score)
        values = [0.1, 0.7, 2.9, -1.3]
        for tolerance in (1e-4, 0.0):
            model.examples.append(
                Example(
                    method="score",
                    input={"x": values},
                    output={"value": [one / 3 for one in values]},
                    tolerance=tolerance,
                )
            )
        found, agreed = answered(model)
        assert agreed == (2 if factor == 1 else 0)
        for one in found:
            given = model.call("score", one.input)
            assert differences(one.output, given, one.tolerance, "") == []
        return found

    for factor in (1, 1.01):
        assert examples(3e-8, factor) == examples(-2e-8, factor) == examples(0, factor)
    (example,) = family.variant("int8").examples
    assert all(len(repr(one)) <= 9 for one in example["output"]["value"])


def test_how_far_an_answer_is_from_its_parents_does_not_depend_on_the_order_of_its_fields() -> None:
    parents = [Example(method="score", input={}, output={"a": [3.0, 4.0], "b": 0.0, "label": "x"})]
    assert far_off(parents, [{"label": "x", "b": 0.0, "a": [3.0, 4.0]}]) == 0
    assert far_off(parents, [{"b": 1.0, "a": [3.0, 4.0], "label": "y"}]) == pytest.approx(0.2)
    assert far_off(parents, [{"b": 1.0, "a": [3.0], "label": "y"}]) == 0


def test_what_fails_is_told_and_stops_no_other(fickle: str, tmp_path: Path, lock: str) -> None:
    package = lite(tmp_path / "package", lock)
    found = built(package, tmp_path / "out", modules=[fickle])
    assert {name: one.status for name, one in found.items() if one.status == "ok"} == {"copy": "ok"}
    said = {name: one.message for name, one in found.items() if one.status != "ok"}
    assert said.pop("crash") == "its process ended by SIGABRT: a converter talks"
    assert said.pop("raise") == "RuntimeError: it met something new"
    assert (said.pop("refuse"), found["refuse"].hint) == (
        "the operator Gather is not supported", "use another layer",
    )  # fmt: skip
    assert "more memory than" in said.pop("greedy")
    assert "it is not a LiteRT file that runs by itself" in said.pop("garbage")
    assert said.pop("liar") == "fickle says that it made made.tflite, which is not there"
    assert said.pop("later").startswith("it is made of liar, which failed: fickle says")
    assert not said


def test_a_file_that_is_damaged_from_the_beginning_is_said_to_be(fickle: str, tmp_path: Path, lock: str) -> None:
    package = lite(tmp_path / "package", lock)
    (package.folder / "state/scaled.tflite").write_bytes(b"bad!")
    with pytest.raises(InputError, match=r"there are no variants of .*: the file is damaged from its beginning"):
        built(package, tmp_path / "out", modules=[fickle])


def small_network() -> Model:
    import keras  # noqa: PLC0415 - it takes seconds

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Input((2,), name="x"), keras.layers.Dense(3, name="a")]
    return model_of(keras.Sequential(layers, name="network"))


def onnx_file(folder: Path) -> OnnxModel:
    file = folder / "scaled.onnx"
    file.write_bytes(GOOD)
    return OnnxModel(file)


PARENTS: dict[str, tuple[Callable[[Path], Model], str, str]] = {
    "tflite": (lambda _: LiteModel(LITE / "scaled.tflite"), "float16", "state/scaled.tflite"),
    "keras": (lambda _: small_network(), "float32", "state/model.tflite"),
    "onnx": (onnx_file, "copy", "state/scaled.onnx"),
    "skops": (lambda _: model_of(DATA["a forest"]()), "copy", "state/model.onnx"),
}
"""A model file of each kind, a variant of it, and that one's file."""


@pytest.mark.parametrize("kind", PARENTS)
def test_a_model_file_of_any_kind_has_variants_that_are_data_alone(
    kind: str, fickle: str, tmp_path: Path, lock: str
) -> None:
    make, name, file = PARENTS[kind]
    model = make(tmp_path)
    (method,) = model.spec.methods
    given = arguments(model) if file == "state/model.onnx" else {"x": [[1.0] * 3 if "scaled" in file else [1.0] * 2]}
    answer = model.add_example(method.name, given, tolerance=1e-3)
    package = Package.read(pack(model, "some", tmp_path / "package", known_lock=lock, verify_in=None))
    found = built(package, tmp_path / "out", only=[name], modules=[fickle] if name == "copy" else BACKENDS)
    assert (found[name].status, found[name].message) == ("ok", "")
    variant = Package.read(tmp_path / "out" / name)
    assert [one for one in variant.files() if one.startswith("state/")] == [file]
    assert variant.is_data
    assert load_package(variant.folder).model.call(method.name, given).keys() == answer.keys()
    assert variant.examples[0]["tolerance"] == package.examples[0]["tolerance"]


def test_a_variant_has_no_variants_and_neither_has_what_holds_no_model(family: Family, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is a variant itself") as caught:
        parent_of(family.variant("int8"), "sha256:" + "0" * 64)
    assert str(manifest_digest(family.parent)) in caught.value.hint
    package = Package.read(pack(adder(), "adder", tmp_path / "adder", verify_in=None))
    with pytest.raises(InputError, match="adder has none"):
        parent_of(package, str(manifest_digest(package)))


def test_only_names_of_variants_are_taken(family: Family, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no variant int2") as caught:
        built(family.parent, tmp_path, only=["int2", "int8"], cache=family.place / "cache")
    assert "weight-int8" in caught.value.hint


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (np.zeros((5, 3), np.float32), "the wrong shape: a call has [1, 3], the model takes ['any', 2]"),
        (np.zeros((5, 2, 2), np.float32), "the wrong shape"),
        (np.full((5, 2), np.nan, np.float32), "infinite or none"),
        (np.full((5, 2), "a"), "are <U1, and the model takes float32"),
    ],
)
def test_calibration_that_does_not_fit_fails_what_needs_it_alone(
    rows: np.ndarray[Any, Any], said: str, family: Family, tmp_path: Path
) -> None:
    np.save(tmp_path / "rows.npy", rows)
    calls = calls_of_file(tmp_path / "rows.npy")
    found = built(
        family.parent, tmp_path, only=["int8", "float16"], cache=family.place / "cache", calibration=calls
    )  # fmt: skip
    assert found["int8"].status == "failed"
    assert said in found["int8"].message
    assert found["float16"].digest == family.outcomes["float16"].digest


def test_without_calibration_data_what_needs_it_fails_and_says_how_there_is_some(
    family: Family, tmp_path: Path, lock: str
) -> None:
    package = packed(NETWORK, tmp_path / "bare", lock)
    found = built(package, tmp_path / "out", only=["int8", "rounded"], cache=family.place / "cache")
    assert (found["int8"].status, found["rounded"].status) == ("failed", "ok")
    assert found["int8"].message == "some has no calibration data"
    assert "--calibration FILE" in found["int8"].hint
    assert "add_data" in found["int8"].hint


def test_calibration_is_what_the_package_hands_its_network(family: Family, tmp_path: Path) -> None:
    columns = np.linspace(-1, 1, 40), np.linspace(1, -1, 40) ** 3
    np.save(tmp_path / "rows.npy", np.array(columns, np.float32).T)
    assert digest_of(calls_of_file(tmp_path / "rows.npy")) == family.outcomes["int8"].calibration


def test_calls_are_read_as_they_were_written(tmp_path: Path) -> None:
    calls: list[dict[str, np.ndarray[Any, Any]]] = [
        {"x": np.arange(6.0).reshape(1, 6), "state/0": np.zeros((2, 1), np.int8)},
        {"x": np.ones((1, 6))},
    ]
    write_calls(calls, tmp_path / "calls.npz")
    again = read_calls(tmp_path / "calls.npz")
    assert [sorted(call) for call in again] == [["state/0", "x"], ["x"]]
    assert digest_of(again) == digest_of(calls)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_file_without_arrays_is_no_calibration(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "rows.npy").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as calibration inputs"):
        calls_of_file(tmp_path / "rows.npy")


def test_arrays_of_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        calls_of_file(tmp_path / "rows.npy")
