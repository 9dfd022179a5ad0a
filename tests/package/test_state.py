# ruff: noqa: ANN401, PLC0415 - objects of any type are kept; heavy imports are late
"""State backends: bytes of the content alone, back as it was, and nothing hostile is loaded."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.package.trained import TRAINED

from modelport.errors import FormatError, PackError
from modelport.package.state import backend_for, free_path, load_state
from modelport.package.state.zips import check_zip, write_zip

if TYPE_CHECKING:
    from collections.abc import Callable

# TensorFlow's variables do not know NumPy 2's arguments yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STATE_OF = """\
import hashlib, sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from tests.package.trained import TRAINED
from modelport.package.state import backend_for
for name, train in sorted(TRAINED.items()):
    value = train()
    file = Path({out!r}) / name
    backend_for(value).save(value, file)
    print(name, hashlib.sha256(file.read_bytes()).hexdigest())
"""


NAMES = sorted(TRAINED)


def saved(value: Any, folder: Path, name: str = "one") -> Path:
    backend = backend_for(value)
    assert backend is not None
    file = folder / "state" / f"{name}{backend.suffix}"
    file.parent.mkdir(exist_ok=True)
    backend.save(value, file)
    return file


def loaded(file: Path) -> Any:
    return load_state(str(file.parents[1] / "code" / "model.py"), f"state/{file.name}")


@pytest.mark.parametrize("name", NAMES)
def test_two_saves_and_a_save_of_what_was_loaded_are_the_same_bytes(name: str, tmp_path: Path) -> None:
    value = TRAINED[name]()
    first, second = saved(value, tmp_path), saved(value, tmp_path, "two")
    assert first.read_bytes() == second.read_bytes()
    third = saved(loaded(first), tmp_path, "three")
    assert third.read_bytes() == first.read_bytes()


@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith("array")])
def test_what_comes_back_answers_as_before(name: str, tmp_path: Path) -> None:
    value = TRAINED[name]()
    x: Any = ["good film", "bad film"] if name in {"hashed", "text"} else np.linspace(0, 5, 8).reshape(2, 4)
    again = loaded(saved(value, tmp_path))
    np.testing.assert_array_equal(np.asarray(again.predict(x)), np.asarray(value.predict(x)))


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    running = []
    for seed, folder in (("1", "a"), ("2", "b")):
        (tmp_path / folder).mkdir()
        script = STATE_OF.format(folder=str(Path(__file__).parents[2]), out=str(tmp_path / folder))
        registry = str(Path(__file__).parents[2] / "registry")
        variables = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": registry, "TF_CPP_MIN_LOG_LEVEL": "3"}
        running.append(
            subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=variables)
        )
    said = [process.communicate()[0] for process in running]
    assert said[0] == said[1]
    assert len(said[0].splitlines()) == len(NAMES)


# NumPy


@given(
    hnp.arrays(
        st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes(), hnp.array_dtypes(allow_subarrays=True)),
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3),
    )
)
def test_arrays_come_back_as_they_were(array: np.ndarray[Any, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        back = np.asarray(loaded(saved(array, Path(folder))))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert repr(back.tolist()) == repr(array.tolist())


def test_what_lies_between_the_fields_of_a_record_does_not_count(tmp_path: Path) -> None:
    kind = np.dtype({"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [0, 8], "itemsize": 16})
    files = []
    for fill in (0, 255):
        array = np.frombuffer(bytes([fill]) * 32, dtype=kind).copy()
        array["a"], array["b"] = 1, 2.0
        files.append(saved(array, tmp_path, f"fill-{fill}").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: np.array([1, "a"], dtype=object), "holds Python objects"),
        (lambda: np.array([(1, "a")], dtype=[("n", int), ("o", object)]), "holds Python objects"),
        (lambda: np.ma.masked_equal([1, 2], 2), "more than the array in it"),
        (lambda: np.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), "more than the array in it"),
        (lambda: np.array(["a", "b"], dtype=np.dtypes.StringDType()), "holds Python objects"),
        (lambda: np.zeros(2, __import__("ml_dtypes").bfloat16), "no form in .npy"),
    ],
)
def test_arrays_that_would_come_back_as_something_else_are_refused(
    make: Callable[[], Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(PackError, match=said):
        saved(make(), tmp_path)


def npy_header(text: str, body: bytes = b"") -> bytes:
    padded = text.encode() + b" " * (118 - len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + body


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\x80\x04N.",
        npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", b"\0" * 15),
        npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", b"\0" * 17),
        npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (10**9,), }"),
        npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,), }"),
        npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"),
        npy_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"\x80\x04N."),
        npy_header("__import__('os').system('touch /tmp/hacked')"),
        npy_header("{'descr': " + "(" * 40 + ")" * 40 + ", 'fortran_order': False, 'shape': (1,)}"),
    ],
)
def test_hostile_arrays_are_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "state" / "x.npy"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(FormatError, match=r"x\.npy is not an \.npy file"):
        loaded(file)


# scikit-learn


def rewrite(file: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    write_zip(file, members)


@pytest.fixture
def skops_file(tmp_path: Path) -> Path:
    return saved(TRAINED["tree"](), tmp_path)


def set_root(module: str, kind: str) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        tree = json.loads(members["schema.json"])
        tree["__module__"], tree["__class__"] = module, kind
        members["schema.json"] = json.dumps(tree).encode()

    return change


def put(name: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda members: members.__setitem__(name, content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_root("os", "system"), "asks for types that nobody reviewed: os.system"),
        (set_root("builtins", "eval"), "eval"),
        (set_root("nothing_there", "Thing"), "nothing_there.Thing"),
        (put("extra.bin", b"x"), "holds 'extra.bin', to which nothing in it refers"),
        (put("schema.json", b"["), "is not a .skops file"),
        (put("schema.json", b"[" * 100_000), "is not a .skops file"),
        (put("schema.json", b"{}"), "is not a .skops file|to which nothing"),
        (lambda members: members.pop("schema.json"), "is not a .skops file"),
        (lambda members: members.update({n: b"" for n in members if n.endswith(".npy")}), "is not a .skops file"),
    ],
)
def test_hostile_estimators_are_refused(
    skops_file: Path, change: Callable[[dict[str, bytes]], None], said: str
) -> None:
    rewrite(skops_file, change)
    with pytest.raises(FormatError, match=said):
        loaded(skops_file)


def test_estimators_that_would_run_code_are_refused_when_packed(tmp_path: Path) -> None:
    from sklearn.preprocessing import FunctionTransformer

    with pytest.raises(PackError, match="which cannot be kept as data"):
        saved(FunctionTransformer(os.system), tmp_path)


@pytest.mark.parametrize("share", [0, 0.3, 0.7, 0.999])
@pytest.mark.parametrize("name", ["tree", "network", "array"])
def test_truncated_files_are_refused(name: str, share: float, tmp_path: Path) -> None:
    file = saved(TRAINED[name](), tmp_path)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FormatError):
        loaded(file)


# Keras


@pytest.fixture
def keras_file(tmp_path: Path) -> Path:
    return saved(TRAINED["network"](), tmp_path)


def test_a_lambda_layer_is_refused_when_packed(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
    with pytest.raises(PackError, match=r"holds __lambda__, keras\.layers\.Lambda"):
        saved(model, tmp_path)


def layer(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        one = config["config"]["layers"][1]
        one.update(changes)
        for key in [k for k, v in changes.items() if v is None]:
            one.pop(key)
        members["config.json"] = json.dumps(config).encode()

    return change


def linked(members: dict[str, bytes]) -> None:
    import h5py

    stream = io.BytesIO(members["model.weights.h5"])
    with h5py.File(stream, "r+") as weights:
        weights["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    members["model.weights.h5"] = stream.getvalue()


def external(members: dict[str, bytes]) -> None:
    import h5py

    stream = io.BytesIO(members["model.weights.h5"])
    with h5py.File(stream, "r+") as weights:
        weights.create_dataset("elsewhere", (8,), "u1", external=[("/etc/passwd", 0, 8)])
    members["model.weights.h5"] = stream.getvalue()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (layer(class_name="Lambda"), "holds code, not data: keras.layers.Lambda"),
        (layer(class_name="Lambda", module=None, registered_name=None), "holds code, not data: Lambda"),
        (layer(module="os", class_name="system"), "holds code, not data: os.system"),
        (layer(module="keras.utils", class_name="get_file"), "cannot|could not|is not a .keras file"),
        (layer(module="builtins", class_name="eval"), "is not a .keras file"),
        (layer(class_name="TFSMLayer", config={"filepath": "x"}), "holds code"),
        (layer(config={"units": "many"}), "is not a .keras file"),
        (put("extra.py", b"x"), "holds 'extra.py', which is no part"),
        (put("config.json", b"[" * 100_000), "is not a .keras file"),
        (put("model.weights.h5", b"none"), "is not a .keras file"),
        (linked, "lie in another file"),
        (external, "lie in another file"),
    ],
)
def test_hostile_networks_are_refused(keras_file: Path, change: Callable[[dict[str, bytes]], None], said: str) -> None:
    rewrite(keras_file, change)
    with pytest.raises(FormatError, match=said):
        loaded(keras_file)


# Zips, names


def test_zips_that_say_two_things_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    write_zip(file, {"a": b"1", "b": b"2"})
    whole = file.read_bytes()
    assert check_zip(file) == {"a", "b"}
    for content in (b"x" + whole, whole + b"x", whole.replace(b"b", b"c", 1), whole.replace(b"2", b"3", 1), b""):
        file.write_bytes(content)
        with pytest.raises(FormatError):
            check_zip(file)


@pytest.mark.parametrize("names", [["../a"], ["/a"], ["a/../b"], ["a\\b"], ["a", "a"], [""], ["ä"]])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_in_zips_are_plain(names: list[str], tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(FormatError):
        check_zip(file)


def test_compressed_zips_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 1_000_000)
    with pytest.raises(FormatError, match="is not stored"):
        check_zip(tmp_path / "x.zip")


@given(st.lists(st.text(min_size=1, max_size=4)))
def test_paths_of_state_differ_even_where_case_does_not_count(names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        taken.append(free_path(name, ".npy", taken))
    assert len({path.lower() for path in taken}) == len(names)
    assert all(path.isascii() for path in taken)


def test_state_that_is_missing_or_of_an_unknown_kind_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "x.pkl").write_bytes(b"\x80\x04N.")
    with pytest.raises(FormatError, match=r"no state backend reads '\.pkl'"):
        loaded(tmp_path / "state" / "x.pkl")
    with pytest.raises(FormatError, match="is missing from the package"):
        loaded(tmp_path / "state" / "y.npy")
