"""Packing: the same bytes for the same state, nothing half-made, and a clean environment that is clean."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.package.conftest import adder

from modelport.errors import FormatError, ModelportError, PackError, SetupError
from modelport.package import Package, is_package, model_from_file, pack
from modelport.package.environment import make_environment
from modelport.package.packing import replaced, verify_clean
from modelport.package.writing import write_package

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport import Model

REGISTRY = Path(__file__).parents[2] / "registry"
PYTHON = ".".join(map(str, sys.version_info[:2]))

SOURCE = """
import numpy as np
from sklearn.tree import DecisionTreeClassifier

from modelport import Model

WORDS = {"größer", "kleiner", "gleich"}
tree = DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0], [2.0]], [0, 0, 1])


def classify(x: list[float]) -> list[int]:
    \"\"\"Tell größer from kleiner.\"\"\"
    return tree.predict(np.array([x]).T) if WORDS else []


model = Model(classify=classify)
model.add_example("classify", {"x": [0.0, 5.0]})
"""


def content(folder: Path) -> dict[str, str]:
    return {
        f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(folder.rglob("*"))
        if f.is_file()
    }


def model_without_kept_object(folder: Path) -> Model:
    file = folder / "object.py"
    file.write_text(
        "from modelport import Model\n\nkey = object()\n\n\ndef f(x: float) -> float:\n    return x if key else 0\n\n\n"
        "model = Model(f=f)\n",
        "utf-8",
    )
    model = model_from_file(file)
    file.unlink()
    return model


# The folder


@pytest.mark.parametrize("there", ["file", "folder", "package with notes", "file above"])
def test_what_is_not_a_package_is_not_replaced(there: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    match there:
        case "file":
            out.write_text("mine")
        case "folder":
            out.mkdir()
            (out / "mine.txt").write_text("mine")
        case "package with notes":
            pack(adder(), "adder", out, verify_in=None)
            (out / "notes.txt").write_text("mine")
        case _:
            (tmp_path / "up").write_text("mine")
            out = tmp_path / "up" / "out"
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(PackError) as caught:
        pack(adder(), "other-name", out, verify_in=None)
    assert caught.value.hint
    assert sorted(tmp_path.rglob("*")) == before


def test_a_package_and_an_empty_folder_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    for name in ("first", "second"):
        pack(adder(), name, Path("out"), verify_in=None)
        assert Package.read(tmp_path / "real").name == name
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "real"]


def test_a_failure_leaves_nothing_and_the_old_package(tmp_path: Path) -> None:
    out = pack(adder(), "adder", tmp_path / "out", verify_in=None)
    before = content(out)
    socket = model_without_kept_object(tmp_path)
    for name, model in (("adder", socket), ("Not A Name", adder())):
        with pytest.raises(ModelportError):
            pack(model, name, out, verify_in=None)
        with pytest.raises(ModelportError):
            pack(model, name, tmp_path / "new", verify_in=None)
    with contextlib.suppress(RuntimeError), replaced(out) as folder:
        folder.mkdir()
        raise RuntimeError
    assert content(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_what_is_not_asked_for_is_said(tmp_path: Path, packed: Callable[[str], Package]) -> None:
    package = packed("adder")
    assert is_package(package.folder)
    assert package.info["verified"] is False
    assert package.info["requirements"] == []
    assert package.lock == ""
    assert package.info["tier"]["level"] == "code-bearing"
    assert [e["method"] for e in package.examples] == ["add"]
    assert package.evaluations[0]["metric"] == "accuracy"
    assert package.files() == [
        "code/model.py",
        "evaluations.json",
        "examples/add-001.json",
        "model.proto",
        "package.json",
        "requirements.lock",
        "signature.json",
    ]
    assert not is_package(tmp_path)


# The clean environment


def test_a_package_is_tried_where_only_its_lock_is(tmp_path: Path, lock: str, cache: Path) -> None:
    (tmp_path / "same.py").write_text(SOURCE, "utf-8")
    model = model_from_file(tmp_path / "same.py")
    out = pack(model, "tree", tmp_path / "tree", known_lock=lock, verify_in=cache)
    assert Package.read(out).info["verified"] is True
    assert verify_clean(out, cache).examples == 1

    # Without what it needs it does not load, although that is installed here.
    (out / "requirements.lock").write_text("", "utf-8")
    with pytest.raises(PackError, match=r"does not work in a clean environment: .*No module named 'numpy'"):
        verify_clean(out, cache)


def test_another_answer_is_told(tmp_path: Path, cache: Path) -> None:
    out = pack(adder(), "adder", tmp_path / "adder", verify_in=cache)
    example = out / "examples" / "add-001.json"
    for tolerance, wrong in ((0.0, True), (1.0, False)):
        document = {"method": "add", "input": {"x": 1.0, "y": 2.0}, "output": {"value": 4.0}, "tolerance": tolerance}
        example.write_text(json.dumps(document), "utf-8")
        if wrong:
            with pytest.raises(PackError, match=r"example 1 of add: output\.value is 3\.0, not 4\.0"):
                verify_clean(out, cache)
        else:
            assert verify_clean(out, cache).examples == 1


CODE = """\
from __future__ import annotations
{body}

def add(x: float, y: float) -> float:
    '''Add two numbers.'''
    {inner}
    return x + y

METHODS = {{'add': add}}
"""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A package whose code a test writes."""
    return pack(adder(), "adder", tmp_path / "adder", verify_in=None)


@pytest.mark.parametrize(
    ("body", "inner", "said"),
    [
        ("import pytest", "", "No module named 'pytest'"),
        ("", "import hypothesis", "No module named 'hypothesis'"),
        ("import sys; sys.exit(0)", "", "SystemExit: 0"),
        ("import os; os._exit(0)", "", "ended with status 0"),
        ("import os; print('{}'); import os; os._exit(3)", "", "ended with status 3"),
        ("print(1 / 0)", "", "ZeroDivisionError"),
        ("", "return x -", "SyntaxError"),
    ],
)
def test_what_goes_wrong_there_is_told_without_a_traceback(
    body: str, inner: str, said: str, plain: Path, cache: Path
) -> None:
    (plain / "code" / "model.py").write_text(CODE.format(body=body, inner=inner), "utf-8")
    with pytest.raises(PackError, match=said) as caught:
        verify_clean(plain, cache)
    assert "Traceback" not in str(caught.value)


def test_what_lies_around_is_not_seen(plain: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (plain.parent / "lying_here.py").write_text("", "utf-8")
    monkeypatch.chdir(plain.parent)
    monkeypatch.setenv("PYTHONPATH", str(plain.parent))
    (plain / "code" / "model.py").write_text(CODE.format(body="import lying_here", inner=""), "utf-8")
    with pytest.raises(PackError, match="No module named 'lying_here'"):
        verify_clean(plain, cache)


def test_printing_does_no_harm(plain: Path, cache: Path) -> None:
    body = "import atexit; print('[1]'); atexit.register(print, 'bye')"
    (plain / "code" / "model.py").write_text(CODE.format(body=body, inner="print(x)"), "utf-8")
    assert verify_clean(plain, cache).examples == 1


def test_many_who_need_an_environment_wait_for_the_one_who_makes_it(tmp_path: Path) -> None:
    built, made = [], []

    def need() -> None:
        made.append(make_environment("", tmp_path, python=PYTHON, on_build=lambda: built.append(1)))

    threads = [threading.Thread(target=need) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert built == [1]
    assert len({one.folder for one in made}) == 1
    # One whose interpreter is gone is made anew.
    made[0].python.unlink()
    need()
    assert built == [1, 1]
    assert made[0].python.exists()


def test_an_environment_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SetupError, match="clean environment cannot be made") as caught:
        make_environment("", tmp_path, python="3.99")
    assert "Python 3.99 must be installed" in caught.value.hint
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(SetupError, match="clean environment cannot be made") as caught:
        make_environment("nothing-of-this-name==1.0 --hash=sha256:" + "0" * 64 + "\n", tmp_path, python=PYTHON)
    assert "index must be reachable" in caught.value.hint


def test_names_of_files_are_checked_when_they_are_packed(tmp_path: Path, lock: str) -> None:
    helper = tmp_path / "odd_names_helper"
    helper.mkdir()
    (helper / "__init__.py").write_text("def double(x):\n    return 2 * x\n", "utf-8")
    (helper / "what?.txt").write_text("", "utf-8")
    (tmp_path / "odd.py").write_text(
        "from modelport import Model\nfrom odd_names_helper import double\n\n\ndef f(x: float) -> float:\n"
        "    return double(x)\n\n\nmodel = Model(f=f)\n",
        "utf-8",
    )
    with pytest.raises(FormatError, match=r"what\?\.txt' cannot be a file's name"):
        write_package(model_from_file(tmp_path / "odd.py"), "odd", tmp_path / "out", known_lock=lock, verified=False)


def test_a_file_that_lies_where_the_author_works_is_missed(
    plain: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lookup.txt").write_text("1", "utf-8")
    monkeypatch.chdir(tmp_path)
    (plain / "code" / "model.py").write_text(CODE.format(body="", inner="open('lookup.txt').close()"), "utf-8")
    with pytest.raises(PackError, match=r"FileNotFoundError.*lookup\.txt") as caught:
        verify_clean(plain, cache)
    assert "its own __file__" in caught.value.hint
