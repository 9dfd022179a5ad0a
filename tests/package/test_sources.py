"""What may be packed: files of Python with bare models, model files, folders, and the cells of a notebook."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import modelport
from modelport.errors import CallError, InputError
from modelport.package import Package, load_package
from modelport.package.source import model_of

if TYPE_CHECKING:
    from tests.support.commands import Workplace

LITE = Path(__file__).parent / "lite"
TRAINED = """
import numpy as np
from sklearn.linear_model import Ridge
X = np.arange(8.0).reshape(4, 2)
line = Ridge().fit(X, X[:, 0])
"""


def test_a_file_of_python_may_hold_a_bare_estimator(workplace: Workplace) -> None:
    (workplace.folder / "bare.py").write_text(TRAINED, "utf-8")
    done = workplace.modelport("pack", "bare.py", "--no-verify")
    assert "name what it trained: bare.py:line" in done.stderr
    options = ("--name", "ridge", "--method", "height", "--no-verify", "--out", "made")
    done = workplace.modelport("pack", "bare.py:line", *options, check=True)
    assert "height(x: float64[n, 2]) -> values: float64[n]" in done.stderr
    assert "data-only: it is one scikit-learn estimator" in done.stderr
    package = Package.read(workplace.folder / "made")
    assert (package.name, package.is_data) == ("ridge", True)


def test_what_fails_while_it_is_run_says_where_and_why(workplace: Workplace) -> None:
    (workplace.folder / "bad.py").write_text("x = 1\ny = x / 0\n", "utf-8")
    done = workplace.modelport("pack", "bad.py", "--no-verify")
    assert done.returncode == 1
    assert "bad.py failed: line 2: ZeroDivisionError: division by zero" in done.stderr


def test_a_file_of_skops_is_packed_and_answers(workplace: Workplace) -> None:
    (workplace.folder / "train.py").write_text(
        f"{TRAINED}\nimport skops.io\nskops.io.dump(line, 'line.skops')\n", "utf-8"
    )
    workplace.python(workplace.folder / "train.py")
    workplace.modelport("pack", "line.skops", "--no-verify", check=True)
    done = workplace.modelport("call", "line", "predict", json.dumps({"x": [[1.0, 2.0]]}), check=True)
    assert json.loads(done.stdout)["values"] == pytest.approx([1.0], abs=0.2)


def test_a_folder_that_is_no_model_is_an_entry_or_nothing(workplace: Workplace) -> None:
    (workplace.folder / "empty").mkdir()
    assert workplace.modelport("pack", "empty").returncode == 1


CELLS = '''
from typing import NamedTuple
from modelport import Model, pack
===
class Point(NamedTuple):
    x: float
    y: float
===
offset = 2.0
def moved(point: Point, by: float) -> Point:
    """Move a point."""
    return Point(point.x + by + offset, point.y + by)
===
model = Model(moved=moved)
model.add_example("moved", {"point": {"x": 1, "y": 2}, "by": 0.5})
packed = pack(model, "mover", out="mover", verify=False)
===
offset = 3.0
def moved(point: Point, by: float) -> Point:
    return Point(point.x * by + offset, point.y)
===
pack(Model(moved=moved), "mover-two", out="mover-two", verify=False)
===
import numpy as np
from sklearn.linear_model import Ridge
pack(Ridge().fit(np.eye(3), [1, 2, 3]), "ridge", verify=False).digest
'''

SHELL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.load(sys.stdin):
    shell.run_cell(cell, store_history=True).raise_error()
print(shell.user_ns["_"])
"""


CLASSES = '''
from collections import namedtuple
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple
from pydantic import BaseModel, Field
from modelport import Model, pack
===
@dataclass
class Plain:
    v: int = 2
===
@dataclass
class Plain:
    v: int = 1
===
if True:
    @dataclass(frozen=True)
    class Lists:
        """Some values."""

        values: list[float] = field(default_factory=list)

        @property
        def total(self) -> float:
            return sum(self.values)
===
class Checked(BaseModel):
    n: int = Field(3, description="how many")
===
class Point(NamedTuple):
    """A point in the plane."""

    x: float
    y: float = 0.5
===
class Colour(Enum):
    RED = 1

    def shown(self) -> str:
        return self.name.lower()
===
Made = NamedTuple("Made", [("a", int), ("b", float)])
Made._field_defaults = {"b": 1.5}
Made.__new__.__defaults__ = (1.5,)
Made.__doc__ = "Made by a call."
===
def plain(plain: Plain) -> Plain:
    return plain
def total(lists: Lists) -> float:
    return lists.total
def checked(checked: Checked) -> Checked:
    return checked
def moved(point: Point) -> Point:
    return point
def shown(colour: Colour) -> str:
    return colour.shown()
def made(made: Made) -> Made:
    return made
model = Model(plain=plain, total=total, checked=checked, moved=moved, shown=shown, made=made)
pack(model, "classes", out="classes", verify=False)
===
@dataclass
class Plain:
    v: int = 2
===
pack(model, "classes", out="again", verify=False)
'''


def run_cells(workplace: Workplace, cells: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", SHELL],
        input=json.dumps(cells.split("===\n")),
        cwd=workplace.folder,
        env=workplace.variables | {"IPYTHONDIR": str(workplace.folder / "ipython")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_classes_of_a_notebook_are_packed_as_they_were_run(workplace: Workplace) -> None:
    run_cells(workplace, CLASSES)
    model = load_package(workplace.folder / "classes").model
    assert model.call("plain", {}) == {"v": 1}
    assert model.call("total", {"values": [1, 2]}) == {"value": 3.0}
    assert model.call("checked", {}) == {"n": 3}
    assert model.call("moved", {"x": 1}) == {"x": 1.0, "y": 0.5}
    assert model.call("shown", {"colour": "RED"}) == {"value": "red"}
    assert model.call("made", {"a": 1}) == {"a": 1, "b": 1.5}
    assert [model.spec.message(m).doc for m in ("Point", "Made")] == ["A point in the plane.", "Made by a call."]
    again = load_package(workplace.folder / "again").model  # what a later cell defined is not what was run
    assert again.call("plain", {}) == {"v": 1}


def test_cells_of_a_notebook_are_packed_as_they_were_run(workplace: Workplace) -> None:
    done = run_cells(workplace, CELLS)
    first = load_package(workplace.folder / "mover").model
    assert first.call("moved", {"point": {"x": 1, "y": 2}, "by": 0.5}) == {"x": 3.5, "y": 2.5}
    second = load_package(workplace.folder / "mover-two").model
    assert second.call("moved", {"point": {"x": 1, "y": 2}, "by": 2}) == {"x": 5.0, "y": 2.0}
    assert done.stdout.splitlines()[-1].strip("'").startswith("sha256:")
    called = workplace.modelport("call", "ridge", "predict", json.dumps({"x": [[1, 0, 0]]}), check=True)
    assert "values" in called.stdout


def test_a_bare_model_takes_golden_examples(workplace: Workplace) -> None:
    (workplace.folder / "bare.py").write_text(TRAINED, "utf-8")
    (workplace.folder / "one.json").write_text('{"x": [[1, 2]]}', "utf-8")
    examples = ("--example", '{"x": [[0, 1], [2, 3]]}', "--example", "predict:@one.json", "--tolerance", "1e-9")
    done = workplace.modelport("pack", "bare.py:line", *examples, "--no-verify", "--out", "made", check=True)
    assert "no golden examples" not in done.stderr
    kept = Package.read(workplace.folder / "made").examples
    assert [(one["method"], one["input"], one["tolerance"]) for one in kept] == [
        ("predict", {"x": [[0, 1], [2, 3]]}, 1e-9),
        ("predict", {"x": [[1, 2]]}, 1e-9),
    ]


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ('{"x": [[0, 1', "is not JSON"),
        ("1", "is not a JSON object"),
        ("[1]", "x: has 1 dimensions"),  # a list is the only argument, or a stream's messages
        ("@nowhere.json", "cannot be read: No such file"),
        ("@latin.json", "is not JSON"),
        ("nope:{}", "no method 'nope'"),
        ('{"y": 1}', "x: is missing"),
    ],
)
def test_an_example_that_is_none_is_refused(workplace: Workplace, example: str, said: str) -> None:
    (workplace.folder / "bare.py").write_text(TRAINED, "utf-8")
    (workplace.folder / "latin.json").write_bytes(b"\xff")
    done = workplace.modelport("pack", "bare.py:line", "--example", example, "--no-verify", "--out", "made")
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr


def test_pack_takes_examples_as_python_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPORT_DATA", str(tmp_path / "data"))
    flowers = pd.DataFrame({"the width": [1.0, 2.0, 3.0], "height": [2.0, 1.0, 0.5]})
    line = Ridge().fit(flowers, [1.0, 2.0, 3.0])
    given = [flowers.head(2), ("predict", {"the_width": np.ones(1), "height": [0.5]})]
    packed = modelport.pack(line, "line", out=tmp_path / "line", verify=False, examples=given, tolerance=1e-9)
    assert [one["input"] for one in packed.package.examples] == [
        {"the_width": [1.0, 2.0], "height": [2.0, 1.0]},
        {"the_width": [1.0], "height": [0.5]},
    ]
    model = model_of(line)
    apart = model.predict(flowers["the width"], height=[2.0, 1.0, 0.5])
    assert np.array_equal(model.predict(flowers.assign(**{"?": 1})).values, apart.values)
    with pytest.raises(CallError, match="height: is missing"):
        model.predict(flowers[["the width"]])


def test_a_model_with_several_methods_is_told_whose_example_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELPORT_DATA", str(tmp_path / "data"))
    model = modelport.Model(one=_once, two=_once)
    with pytest.raises(InputError, match="does not say which method it is for: one, two"):
        modelport.pack(model, "two", out=tmp_path / "a", verify=False, examples=[("one", {"x": 1.0}), {"x": 1.0}])
    assert not model.examples


def _once(x: float) -> float:
    return x


def test_what_was_packed_says_so_in_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("DATA", "STORE", "CACHE"):
        monkeypatch.setenv(f"MODELPORT_{name}", str(tmp_path / name.lower()))
    model = modelport.Model(once=_once)
    with caplog.at_level("INFO", "modelport"):
        kept = modelport.pack(model, "once", verify=False)
    typed = "once(x: double) -> value: double"
    assert repr(kept) == (
        f"<Packed once: {kept.digest}, kept in the store; {typed}; try: modelport call once once '{{...}}'>"
    )
    assert f"packed {kept!r}" in caplog.text
    written = modelport.pack(model, "once", verify=False, out=tmp_path / "out")
    assert f"written to {tmp_path / 'out'}; {typed}" in repr(written)
    assert repr(written.package) == f"<Package once in {tmp_path / 'out'}: {typed}>"


def test_the_public_names_are_listed() -> None:
    assert set(modelport.__all__) <= set(dir(modelport))
    assert modelport.Changes(add=("pandas",)).add == ("pandas",)


def test_pack_is_public_and_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPORT_DATA", str(tmp_path / "data"))
    packed = modelport.pack(LITE / "scaled.tflite", "scaled", out=tmp_path / "scaled", verify=False, method="scale")
    assert (packed.name, packed.digest, packed.folder.name) == ("scaled", "", "scaled")
    assert [m.name for m in packed.package.spec.methods] == ["scale"]
    late = "import sys, modelport; sys.exit('modelport.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", late], check=False).returncode == 0
