"""Data-only packages: a model's file as it is, a signature from its graph, and nothing that is executed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnxruntime.capi import onnxruntime_pybind11_state as state
from tests.package import onnx_files
from tests.package.onnx_files import BOOL, FLOAT, FLOAT16, GOOD, HOSTILE, INT64, STRING, field, value_info
from tests.serve.running import problem_of, running

from modelport import OnnxModel, Port
from modelport.errors import CallError, FormatError, ModelError, PackError, SignatureError
from modelport.model import ModelSpec
from modelport.model.about import About
from modelport.package import Package, load_package, pack
from modelport.package.files.graph import check_graph
from modelport.package.files.labels import labels_of
from modelport.package.files.onnx import refusal
from modelport.package.files.reviewed import is_reviewed
from modelport.package.packing import verify_clean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def onnx(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        file = tmp_path / "scaled.onnx"
        file.write_bytes(content)
        return file

    return write


@pytest.fixture
def scaled(onnx: Callable[[bytes], Path], tmp_path: Path, lock: str) -> Package:
    """A data-only package, untried."""
    made = OnnxModel(onnx(GOOD), method="scale", doc="Scale columns.", inputs={"x": Port("table", "rows of three")})
    made.add_example("scale", {"table": [[1, 1, 1], [0.5, -1, 2]]})
    return Package.read(pack(made, "scaled", tmp_path / "package", known_lock=lock, verify_in=None))


def identity(kind: int, *shape: int | str) -> bytes:
    inside, outside = value_info("x", kind, *shape), value_info("y", kind, *shape)
    return onnx_files.model(
        onnx_files.graph(onnx_files.node("Identity", ["x"], ["y"]), inputs=[inside], outputs=[outside])
    )


def edit(package: Package, **changes: object) -> None:
    file = package.folder / "package.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changes}), "utf-8")


def test_the_file_goes_along_as_it_is_and_answers_in_a_clean_environment(scaled: Package, cache: Path) -> None:
    content = (scaled.folder / "state/scaled.onnx").read_bytes()
    assert hashlib.sha256(content).digest() == hashlib.sha256(GOOD).digest()
    assert scaled.info["tier"]["level"] == "data-only"
    assert not (scaled.folder / "code").exists()
    assert is_reviewed(scaled.lock)
    verified = verify_clean(scaled.folder, cache)
    assert (verified.examples, verified.memory > 10_000_000) == (1, True)
    model = load_package(scaled.folder).model
    assert model.call("scale", {"table": [[1, 1, 1]]}) == {"y": [[1.0, 2.0, 3.0]]}
    assert model.call("scale", {"table": [["NaN", "Infinity", 0]]}) == {"y": [["NaN", "Infinity", 0.0]]}
    assert model.methods["scale"].description == "Scale columns."


def test_the_signature_comes_from_the_graph(scaled: Package) -> None:
    taken, given_ = (scaled.spec.message(name) for name in ("ScaleIn", "ScaleOut"))
    assert [(f.name, str(f.type)) for f in taken.fields] == [("table", "float32[n, 3]")]
    assert [(f.name, str(f.type)) for f in given_.fields] == [("y", "float32[n, 3]")]
    assert taken.fields[0].about == About("rows of three")
    assert ModelSpec.from_own_json(scaled.spec.to_json()) == scaled.spec


@pytest.mark.parametrize(
    ("kind", "shape", "shown", "value"),
    [
        (FLOAT, (), "float", 0.5),
        (INT64, (), "int64", -3),
        (BOOL, (), "bool", True),
        (FLOAT16, (), "float16[]", 0.5),
        (FLOAT, (2,), "float32[2]", [1.0, "-Infinity"]),
        (INT64, ("batch size", "k"), "int64[?, k]", [[1, 2]]),
        (STRING, (), "string", "größe"),
        (STRING, ("n",), "list of string", ["a", ""]),
    ],
)
def test_each_kind_of_tensor_is_a_field(
    onnx: Callable[[bytes], Path], kind: int, shape: tuple[int | str, ...], shown: str, value: object
) -> None:
    model = OnnxModel(onnx(identity(kind, *shape)))
    assert str(model.spec.message("PredictIn").fields[0].type) == shown
    assert model.call("predict", {"x": value}) == {"y": value}
    codec = model.codec
    answer = model.methods["predict"].call_bytes(
        codec.to_bytes(codec.from_json({"x": value}, "PredictIn"), "PredictIn")
    )
    assert codec.to_json(codec.from_bytes(answer, "PredictOut"), "PredictOut") == {"y": value}


@pytest.mark.parametrize("arguments", [{"table": []}, {"table": [[]]}])
def test_no_elements_are_refused_before_a_graph_may_end_the_process(scaled: Package, arguments: dict[str, Any]) -> None:
    with pytest.raises(CallError, match=r"ScaleIn refuses these values: no elements in table|dimension 1 is 0"):
        load_package(scaled.folder).model.call("scale", arguments)


def of_one_node(operator: str, *inputs: bytes) -> bytes:
    names = ["x", "z"][: len(inputs)] if len(inputs) > 1 else ["x", "x"]
    one = onnx_files.node(operator, names, ["y"])
    given_ = value_info("y", FLOAT, *("n", "k")[: 1 if "z" in names else 2])
    return onnx_files.model(onnx_files.graph(one, inputs=list(inputs), outputs=[given_]))


NUMBERS, PLACES = value_info("x", FLOAT, "n"), value_info("z", INT64, "m")
REFUSED: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "a product": (
        of_one_node("MatMul", value_info("x", FLOAT, "n", "k")), {"x": [[1, 2]]},
        "in MatMul: MatMul dimension mismatch",
    ),
    "a place": (
        of_one_node("Gather", NUMBERS, PLACES), {"x": [1, 2], "z": [7]},
        "in Gather: indices element out of data bounds, idx=7 must be within the inclusive range [-2,1]",
    ),
    "a sum": (
        of_one_node("Add", NUMBERS, value_info("z", FLOAT, "m")), {"x": [1, 2, 3], "z": [1, 2]},
        "in Add: Attempting to broadcast an axis by a dimension other than 1. 2 by 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_graph_refuses_is_the_callers_mistake(name: str, onnx: Callable[[bytes], Path]) -> None:
    content, arguments, said = REFUSED[name]
    model = OnnxModel(onnx(content))
    with pytest.raises(CallError) as caught:
        model.call("predict", arguments)
    assert caught.value.problems == (f"(the message): the graph refuses these values {said}",)
    with pytest.raises(CallError):
        model.methods["predict"].call_bytes(
            model.codec.to_bytes(model.codec.from_json(arguments, "PredictIn"), "PredictIn")
        )


def test_a_service_tells_the_caller_too(onnx: Callable[[bytes], Path], tmp_path: Path, lock: str) -> None:
    content, arguments, said = REFUSED["a place"]
    folder = pack(OnnxModel(onnx(content)), "picked", tmp_path / "picked", known_lock=lock, verify_in=None)
    with running("modelport.serve", str(folder), "--port", "0") as service:
        assert service.call("predict", arguments | {"z": [1, 0]}).json() == {"y": [2.0, 1.0]}
        problem = problem_of(service.call("predict", arguments), 422, "arguments-do-not-fit")
    assert problem["errors"] == [{"path": "(the message)", "message": f"the graph refuses these values {said}"}]


def test_memory_that_runs_out_is_not_the_callers_mistake(onnx: Callable[[bytes], Path]) -> None:
    huge = onnx_files.node("ConstantOfShape", ["x"], ["y"])
    graph = onnx_files.graph(huge, inputs=[value_info("x", INT64, 1)], outputs=[value_info("y", FLOAT, "n")])
    with pytest.raises(ModelError, match="Failed to allocate memory"):
        OnnxModel(onnx(onnx_files.model(graph))).call("predict", {"x": [10**15]})


def test_failures_of_the_runtime_are_its_own() -> None:
    assert refusal(RuntimeError("anything")) == ""
    assert refusal(state.Fail("[ONNXRuntimeError] : 1 : FAIL : the thread pool is gone")) == ""
    assert refusal(state.RuntimeException("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : while running Add node")) == ""
    said = refusal(state.InvalidArgument("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid\n dimensions for x"))
    assert said == "the graph refuses these values: Got invalid dimensions for x"
    assert len(refusal(state.InvalidArgument("x" * 10_000))) == len("the graph refuses these values: ") + 200


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_more_than_data_is_not_packed_and_not_loaded(
    name: str, onnx: Callable[[bytes], Path], scaled: Package
) -> None:
    content, said = HOSTILE[name]
    with pytest.raises(PackError, match=said) as caught:
        OnnxModel(onnx(content))
    assert "scaled.onnx: " in caught.value.message
    (scaled.folder / "state/scaled.onnx").write_bytes(content)
    with pytest.raises(FormatError, match=said):
        load_package(scaled.folder)


def test_bytes_that_look_like_another_format_are_read_as_onnx(onnx: Callable[[bytes], Path]) -> None:
    content = field(2, "xxORTM") + GOOD  # ONNX Runtime knows its own format by the bytes from the fifth on
    assert content[4:8] == b"ORTM"
    assert OnnxModel(onnx(content)).call("predict", {"x": [[1, 1, 1]]}) == {"y": [[1.0, 2.0, 3.0]]}


def test_a_function_of_the_file_itself_is_no_foreign_operator() -> None:
    own = field(25, field(1, "f") + field(7, onnx_files.node("Relu", ["x"], ["y"])) + field(10, "mine"))
    check_graph(onnx_files.scaled(own, nodes=(onnx_files.node("f", ["x"], ["z"], domain="mine"),)))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_file_or_refused(content: bytes) -> None:
    for one in (content, GOOD + content, GOOD[: len(content)] + content):
        with contextlib.suppress(FormatError):
            check_graph(one)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_byte_raises_nothing_else(place: int, byte: int) -> None:
    with contextlib.suppress(FormatError):
        check_graph(GOOD[:place] + bytes([byte]) + GOOD[place + 1 :])


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"inputs": {"z": Port("z")}}, PackError, "the graph has no 'z'"),
        ({"inputs": {"x": Port(shape=("n", 4))}}, PackError, r"has the shape \['n', 3\] in the graph"),
        ({"inputs": {"x": Port(shape=("n",))}}, PackError, r"cannot have \['n'\]"),
        ({"inputs": {"x": Port("größe")}}, SignatureError, "a name starts with a letter"),
        ({"method": "2"}, SignatureError, "a name starts with a letter"),
        ({"takes": "Table", "gives": "Table"}, PackError, "there twice"),
        ({"takes": "TensorInt8"}, PackError, "reserved"),
        ({"license": "nowhere"}, PackError, "cannot be read"),
    ],
)
def test_what_a_person_says_has_to_fit_the_graph(
    options: dict[str, Any], error: type[Exception], said: str, onnx: Callable[[bytes], Path]
) -> None:
    with pytest.raises(error, match=said):
        OnnxModel(onnx(GOOD), **options)


def test_a_sequence_has_no_place_in_a_signature(onnx: Callable[[bytes], Path]) -> None:
    outputs = [field(1, "y") + field(2, field(4, field(1, field(1, field(1, FLOAT)))))]
    graph = onnx_files.graph(onnx_files.node("SplitToSequence", ["x"], ["y"]), inputs=[onnx_files.X], outputs=outputs)
    with pytest.raises(PackError, match=r"'y' is a seq\(tensor\(float\)\)") as caught:
        OnnxModel(onnx(onnx_files.model(graph)))
    assert 'options={"zipmap": False}' in caught.value.hint


def test_a_licence_goes_along(onnx: Callable[[bytes], Path], tmp_path: Path, lock: str) -> None:
    (tmp_path / "COPYING").write_text("Do as you like.\n", "utf-8")
    made = OnnxModel(onnx(GOOD), license=tmp_path / "COPYING")
    package = Package.read(pack(made, "free", tmp_path / "free", known_lock=lock, verify_in=None))
    assert (package.folder / "LICENSE").read_text("utf-8") == "Do as you like.\n"
    assert package.is_data


CLAIMS: dict[str, tuple[Callable[[Package], object], str]] = {
    "code": (lambda p: (p.folder / "code/model.py").write_text("METHODS = {}", "utf-8"), "is not listed"),
    "listed code": (lambda p: edit(p, code=["code/model.py"]), "data-only, and holds or needs code"),
    "state of another kind": (
        lambda p: (p.folder / "state/scaled.onnx").rename(p.folder / "state/scaled.skops"), r"scaled\.onnx is missing",
    ),
    "listed state of another kind": (
        lambda p: edit(p, state=[*p.info["state"], {"path": "state/x.skops", "type": "x"}]),
        r"data-only, and holds or needs state/x\.skops",
    ),
    "another distribution": (
        lambda p: (p.folder / "requirements.lock").write_text(f"{p.lock}evil==1 --hash=sha256:{'0' * 64}\n", "utf-8"),
        "data-only, and holds or needs evil",
    ),
    "an older release": (
        lambda p: (p.folder / "requirements.lock").write_text(p.lock.replace("time==1.", "time==0."), "utf-8"),
        r"data-only, and holds or needs onnxruntime 0\.\S+ \(reviewed from",
    ),
    "a pin behind a blank": (
        lambda p: (p.folder / "requirements.lock").write_text(f"{p.lock} evil==1 --hash=sha256:{'0' * 64}\n", "utf-8"),
        "is no pin with hashes: 'evil==1 ",
    ),
    "no word of a method": (lambda p: edit(p, methods={"other": p.info["methods"]["scale"]}), "which file each method"),
}  # fmt: skip


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_to_be_data_is_not_believed(name: str, scaled: Package) -> None:
    change, said = CLAIMS[name]
    (scaled.folder / "code").mkdir(exist_ok=True)
    if name == "listed code":
        (scaled.folder / "code/model.py").write_text("METHODS = {}", "utf-8")
    if name == "listed state of another kind":
        (scaled.folder / "state/x.skops").write_bytes(b"")
    change(scaled)
    if not any((scaled.folder / "code").iterdir()):
        (scaled.folder / "code").rmdir()
    with pytest.raises(FormatError, match=said):
        Package.read(scaled.folder)
    if (scaled.folder / "code").exists():
        with pytest.raises(FormatError, match="says that it is data-only, and holds code"):
            load_package(scaled.folder)


BINDINGS: dict[str, tuple[dict[str, Any], str]] = {
    "a file outside": ({"file": "../scaled.onnx"}, "is not a file of the package"),
    "a file that is not there": ({"file": "state/other.onnx"}, "is not a file of the package"),
    "another input": ({"inputs": {"table": "w"}}, "ScaleIn is not what state/scaled.onnx has: x"),
    "another field": ({"inputs": {"rows": "x"}}, "ScaleIn is not what state/scaled.onnx has: x"),
    "no outputs": ({"outputs": {}}, "ScaleOut is not what"),
    "no mapping": ({"inputs": "x"}, "nothing that can be read|is not what"),
}


@pytest.mark.parametrize("name", BINDINGS)
def test_what_a_package_says_of_its_file_has_to_be_so(name: str, scaled: Package) -> None:
    change, said = BINDINGS[name]
    edit(scaled, methods={"scale": {**scaled.info["methods"]["scale"], **change}})
    with pytest.raises(FormatError, match=said):
        load_package(scaled.folder)


def test_a_signature_that_the_graph_does_not_have_is_refused(scaled: Package, onnx: Callable[[bytes], Path]) -> None:
    shutil.copy(onnx(identity(FLOAT, "n", 4)), scaled.folder / "state/scaled.onnx")
    with pytest.raises(FormatError, match=r"in the graph|is not a float32\[n, 3\]"):
        load_package(scaled.folder)


def test_a_lock_that_cannot_be_read_is_not_data(scaled: Package) -> None:
    assert scaled.is_data
    lock = scaled.folder / "requirements.lock"
    lock.write_text(f"{scaled.lock} evil==1 --hash=sha256:{'0' * 64}\n", "utf-8")
    with pytest.raises(FormatError, match="is no pin with hashes"):
        _ = scaled.is_data


@pytest.mark.parametrize("name", ["x.npy", "x.safetensors", "x.onnx"])
def test_a_data_only_package_holds_nothing_that_no_loader_of_its_own_reads(name: str, scaled: Package) -> None:
    (scaled.folder / "state" / name).write_bytes(b"\x80\x04N.")
    edit(scaled, state=[*scaled.info["state"], {"path": f"state/{name}", "type": "x"}])
    with pytest.raises(FormatError, match=f"no method runs state/{name}"):
        Package.read(scaled.folder)
    assert scaled.is_data == name.endswith(".onnx")


def test_a_package_with_code_cannot_say_that_files_are_run(packed: Callable[[str], Package]) -> None:
    package = packed("adder")
    edit(package, methods={"add": {"file": "state/x.onnx", "inputs": {}, "outputs": {}}})
    with pytest.raises(FormatError, match="its methods are functions in code/"):
        Package.read(package.folder)
    assert not package.is_data


def test_a_lock_of_nothing_is_nobodys() -> None:
    assert not is_reviewed("")


def test_native_calls_take_arrays_by_place_and_by_name(scaled: Package) -> None:
    method = load_package(scaled.folder).model.methods["scale"]
    rows = np.ones((2, 3), np.float32)
    for message in (method.input_type(rows), method.input_type(table=rows)):
        assert method(message).y.tolist() == [[1, 2, 3], [1, 2, 3]]
    with pytest.raises(ValueError, match="no elements in table"):
        method.input_type(np.ones((0, 3), np.float32))


def note(key: str, value: str) -> bytes:
    return field(14, field(1, key) + field(2, value))


@pytest.mark.parametrize(
    "value",
    ['["red", "green", "blue"]', "red,green,blue", "red\ngreen\nblue\n", '{"0": "red", "1": "green", "2": "blue"}'],
)
def test_labels_in_the_notes_are_told(value: str, onnx: Callable[[bytes], Path]) -> None:
    content = onnx_files.scaled(note("names", value.strip()))
    (field,) = OnnxModel(onnx(content)).spec.message("PredictOut").fields
    assert field.about.doc == "one for each label, in this order: red, green, blue"
    port = Port(doc="columns", unit="cm", minimum=0)
    (field,) = OnnxModel(onnx(content), outputs={"y": port}).spec.message("PredictOut").fields
    assert field.about == About("columns", "cm", 0)


def test_labels_of_a_classifier_are_told() -> None:
    strings = field(5, field(1, "classlabels_strings") + field(9, "no") + field(9, "yes") + field(20, 8))
    assert labels_of(onnx_files.scaled(nodes=(onnx_files.node("ZipMap", ["x"], ["z"], attributes=strings),))) == [
        "no",
        "yes",
    ]


def test_no_labels_or_several_lists_are_none() -> None:
    assert labels_of(GOOD) == []
    assert labels_of(onnx_files.scaled(note("names", "a,b"), note("labels", "c,d"))) == []
    assert labels_of(onnx_files.scaled(note("names", "[1, 2]"))) == []
