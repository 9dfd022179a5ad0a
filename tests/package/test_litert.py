"""LiteRT files as data-only packages: their signatures, their answers, and damaged ones, which end no process.

``lite/scaled.tflite`` gives ``y = x * (1, 2, 3)`` by its one signature; ``lite/two.tflite`` has ``add``, too. Both were
written by TensorFlow's converter from a ``tf.Module`` with these functions.
"""

from __future__ import annotations

import contextlib
import io
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.edge.quantizing import quantized
from modelport.errors import CallError, FormatError, PackError
from modelport.package import Package, load_package, pack
from modelport.package.files.litegraph import check_lite
from modelport.package.files.litert import TRIAL, LiteModel, run_apart
from modelport.package.modelpack import manifest_digest
from modelport.package.packing import verify_clean
from modelport.package.source import model_of

if TYPE_CHECKING:
    from collections.abc import Callable

LITE = Path(__file__).parent / "lite"
GOOD = (LITE / "scaled.tflite").read_bytes()


@pytest.fixture
def scaled(tmp_path: Path, lock: str) -> Package:
    made = LiteModel(LITE / "scaled.tflite", method="scale")
    made.add_example("scale", {"x": [[1, 1, 1], [0.5, -1, 2]]})
    return Package.read(pack(made, "scaled", tmp_path / "package", known_lock=lock, verify_in=None))


def test_the_file_goes_along_as_it_is_and_answers_in_a_clean_environment(scaled: Package, cache: Path) -> None:
    assert (scaled.folder / "state/scaled.tflite").read_bytes() == GOOD
    assert scaled.is_data
    assert verify_clean(scaled.folder, cache).examples == 1


STARTED = """
import sys
from pathlib import Path
from modelport.package.files.litert import LiteModel, noting
started = []
sys.addaudithook(lambda event, _: started.append(event) if event == "subprocess.Popen" else None)
with noting(Path(sys.argv[1])):
    for file in sys.argv[2:]:
        LiteModel(Path(file))
print(len(started))
"""


def test_a_file_is_tried_in_a_process_of_its_own_once(tmp_path: Path) -> None:
    def started(notes: Path, *names: str) -> int:
        command = [sys.executable, "-c", STARTED, str(notes), *(str(LITE / name) for name in names)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert started(tmp_path / "notes", "scaled.tflite", "scaled.tflite") == 1
    assert started(tmp_path / "notes", "scaled.tflite", "two.tflite") == 1
    (tmp_path / "file").touch()  # no folder: nothing can be noted, and all goes on
    assert started(tmp_path / "file", "scaled.tflite", "scaled.tflite") == 1


def test_it_answers_the_same_after_a_reload_and_gives_the_same_digest(
    scaled: Package, tmp_path: Path, lock: str
) -> None:
    model = load_package(scaled.folder).model
    assert model.call("scale", {"x": [[1, 1, 1]]}) == {"y": [[1.0, 2.0, 3.0]]}
    again = Package.read(pack(model, "scaled", tmp_path / "again", known_lock=lock, verify_in=None))
    assert manifest_digest(again) == manifest_digest(scaled)


def test_each_signature_is_a_method() -> None:
    model = model_of(LITE / "two.tflite")
    shown = {m.name: [str(f.type) for f in model.spec.message(m.input).fields] for m in model.spec.methods}
    assert shown == {"add": ["int32[2]", "int32[2]"], "scale": ["float32[n, 3]"]}
    assert model.call("add", {"a": [1, 2], "b": [3, 4]}) == {"total": [4, 6]}
    assert model.call("scale", {"x": [[1, 1, 1], [2, 2, 2]]}) == {"y": [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]}
    with pytest.raises(PackError, match="it has 2 signatures: add, scale"):
        model_of(LITE / "two.tflite", method="both")


def test_labels_that_go_along_are_told(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("labels.txt", "red\ngreen\nblue\n")
    (tmp_path / "labelled.tflite").write_bytes(GOOD + stream.getvalue())
    spec = LiteModel(tmp_path / "labelled.tflite").spec
    (field,) = spec.message("PredictOut").fields
    assert field.about.doc == "one for each label, in this order: red, green, blue"


@pytest.fixture(scope="module")
def integers() -> bytes:
    """The good file with integers alone, inputs and outputs too, for numbers from -2 to 2."""
    rows = np.random.default_rng(0).uniform(-2, 2, (50, 1, 3)).astype(np.float32)
    return quantized(GOOD, "int8", [{"x": row} for row in rows])


def test_a_packages_real_numbers_are_those_of_a_file_of_integers_too(scaled: Package, integers: bytes) -> None:
    (scaled.folder / "state/scaled.tflite").write_bytes(integers)
    model = load_package(scaled.folder).model
    for rows in ([[1, 1, 1]], [[0.5, -1, 2], [0, 0, 0], [-2, 1.5, -0.25]]):
        answer = np.array(model.call("scale", {"x": rows})["y"])
        assert np.abs(answer - np.array(rows) * (1, 2, 3)).max() <= 12 / 255 * 1.5  # -6 to 6, in steps of a byte
    far = model.call("scale", {"x": [[1e9, -1e9, 0]]})["y"]
    assert np.allclose(far, [[2, -4, 0]], atol=0.1)
    with pytest.raises(CallError):
        model.call("scale", {"x": [[float("nan"), 0, 0]]})


def test_a_file_of_integers_by_itself_has_a_signature_of_integers(integers: bytes, tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(integers)
    model = model_of(tmp_path / "small.tflite", method="scale")
    shown = [[str(one.type) for one in model.spec.message(name).fields] for name in ("ScaleIn", "ScaleOut")]
    assert shown == [["int8[n, 3]"], ["int8[n, 3]"]]
    raw = model.call("scale", {"x": [[127, -128, 0]]})["y"]
    assert np.asarray(raw).dtype.kind == "i"


@pytest.mark.parametrize("value", [[], [[1, 2]], "x"])
def test_what_does_not_fit_is_the_callers_mistake(scaled: Package, value: object) -> None:
    with pytest.raises(CallError):
        load_package(scaled.folder).model.call("scale", {"x": value})


def table_of(content: bytes, *path: tuple[int, int]) -> int:
    """Return where a table stands: each step is a field that is a vector of tables, and which of them."""
    place = struct.unpack_from("<I", content, 0)[0]
    for number, item in path:
        vector = field_of(content, place, number)
        vector += struct.unpack_from("<I", content, vector)[0]
        place = vector + 4 + 4 * item
        place += struct.unpack_from("<I", content, place)[0]
    return int(place)


def field_of(content: bytes, table: int, number: int) -> int:
    """Return where a field of a table stands."""
    fields = table - struct.unpack_from("<i", content, table)[0]
    return int(table + struct.unpack_from("<H", content, fields + 4 + 2 * number)[0])


def changed(number: int, value: int, *path: tuple[int, int], form: str = "<I") -> bytes:
    """Return the good file with another number in a field."""
    content = bytearray(GOOD)
    struct.pack_into(form, content, field_of(GOOD, table_of(GOOD, *path), number), value)
    return bytes(content)


def in_vector(number: int, value: int, *path: tuple[int, int]) -> bytes:
    """Return the good file with another first number in a vector."""
    content = bytearray(GOOD)
    place = field_of(GOOD, table_of(GOOD, *path), number)
    struct.pack_into("<i", content, place + struct.unpack_from("<I", GOOD, place)[0] + 4, value)
    return bytes(content)


GRAPH, TENSOR, NODE = (2, 0), (0, 0), (3, 0)
HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "a beginning that is not TFL3"),
    "text": (b"not a model at all\n", "a beginning that is not TFL3"),
    "a pickle": (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n", "a beginning that is not TFL3"),
    "cut": (GOOD[:-60], "leads out of the file|does not lie in the file|does not end"),
    "a root far away": (struct.pack("<I", 2**31) + GOOD[4:], "leads out of the file"),
    "a custom operator": (changed(0, 32, (1, 0), form="<b"), "which LiteRT itself does not have"),
    "a delegate": (changed(0, 51, (1, 0), form="<b"), "which LiteRT itself does not have"),
    "a tensor of no buffer": (changed(2, 10**6, GRAPH, TENSOR), "a tensor's buffer that is not there"),
    "an input that is no tensor": (in_vector(1, 99, GRAPH), "input or output that is not there"),
    "an output that is no tensor": (in_vector(2, -1, GRAPH), "input or output that is not there"),
    "an operator's tensor that is none": (in_vector(1, 77, GRAPH, NODE), "an operator's tensor that is not there"),
    "a shape below zero": (in_vector(0, -4, GRAPH, TENSOR), "without a shape of its own|larger or smaller"),
    "a huge shape": (in_vector(0, 2**31 - 1, GRAPH, TENSOR), "without a shape|larger or smaller"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_more_than_data_is_not_packed_and_not_loaded(name: str, tmp_path: Path, scaled: Package) -> None:
    content, said = HOSTILE[name]
    (tmp_path / "bad.tflite").write_bytes(content)
    with pytest.raises(PackError, match=said) as caught:
        LiteModel(tmp_path / "bad.tflite")
    assert "bad.tflite: " in caught.value.message
    (scaled.folder / "state/scaled.tflite").write_bytes(content)
    with pytest.raises(FormatError, match=said):
        load_package(scaled.folder)


def test_a_file_that_ends_the_runtime_ends_the_trial_alone() -> None:
    # No file is known that passes the look and ends LiteRT: the trial itself ends as such a one would make it.
    with pytest.raises(FormatError, match=r"LiteRT cannot run it: it ends the process \(-6\)"):
        run_apart(GOOD, program="import os; os.abort()")


def test_a_file_that_does_not_end_is_given_up() -> None:
    with pytest.raises(FormatError, match=r"does not come to an end with it in 0\.5 s"):
        run_apart(GOOD, program="import time; time.sleep(60)", patience=0.5)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_file_or_refused(content: bytes) -> None:
    for one in (content, GOOD[:8] + content, GOOD[: len(GOOD) - len(content)] + content):
        with contextlib.suppress(FormatError):
            check_lite(one)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_byte_raises_nothing_else(place: int, byte: int) -> None:
    with contextlib.suppress(FormatError):
        check_lite(GOOD[:place] + bytes([byte]) + GOOD[place + 1 :])


def test_changed_files_that_pass_the_look_end_no_process() -> None:
    random = np.random.default_rng(4)
    passed: list[bytes] = []
    while len(passed) < 4:
        content = bytearray(GOOD)
        content[int(random.integers(len(GOOD)))] ^= 1 << int(random.integers(8))
        with contextlib.suppress(FormatError):
            check_lite(bytes(content))
            passed.append(bytes(content))
    for one in passed:
        command = [sys.executable, "-c", TRIAL]
        done = subprocess.run(command, input=one, capture_output=True, timeout=60, check=False)
        assert done.returncode in {0, 1}, done.stderr


def edit(package: Package, **changes: object) -> None:
    file = package.folder / "package.json"
    info = json.loads(file.read_text("utf-8"))
    info["methods"]["scale"] |= changes
    file.write_text(json.dumps(info), "utf-8")


BINDINGS: dict[str, tuple[Callable[[Package], None], str]] = {
    "another signature": (lambda p: edit(p, signature="other"), "has no signature 'other'"),
    "another input": (lambda p: edit(p, inputs={"x": "w"}), "ScaleIn is not what"),
    "no outputs": (lambda p: edit(p, outputs={}), "ScaleOut is not what"),
    "a file outside": (lambda p: edit(p, file="../scaled.tflite"), "is not a file of the package"),
    "a kind that nobody runs": (lambda p: edit(p, file="state/scaled.pkl"), "no loader runs"),
}


@pytest.mark.parametrize("name", BINDINGS)
def test_what_a_package_says_of_its_file_has_to_be_so(name: str, scaled: Package) -> None:
    change, said = BINDINGS[name]
    change(scaled)
    with pytest.raises(FormatError, match=said):
        load_package(scaled.folder)
