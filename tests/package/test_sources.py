"""What may be packed: files of Python with bare models, model files, folders, and the cells of a notebook."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import modelport
from modelport.package import Package, load_package

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


def test_cells_of_a_notebook_are_packed_as_they_were_run(workplace: Workplace) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHELL],
        input=json.dumps(CELLS.split("===\n")),
        cwd=workplace.folder,
        env=workplace.variables | {"IPYTHONDIR": str(workplace.folder / "ipython")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first = load_package(workplace.folder / "mover").model
    assert first.call("moved", {"point": {"x": 1, "y": 2}, "by": 0.5}) == {"x": 3.5, "y": 2.5}
    second = load_package(workplace.folder / "mover-two").model
    assert second.call("moved", {"point": {"x": 1, "y": 2}, "by": 2}) == {"x": 5.0, "y": 2.0}
    assert done.stdout.splitlines()[-1].strip("'").startswith("sha256:")
    called = workplace.modelport("call", "ridge", "predict", json.dumps({"x": [[1, 0, 0]]}), check=True)
    assert "values" in called.stdout


def test_pack_is_public_and_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPORT_DATA", str(tmp_path / "data"))
    packed = modelport.pack(LITE / "scaled.tflite", "scaled", out=tmp_path / "scaled", verify=False, method="scale")
    assert (packed.name, packed.digest, packed.folder.name) == ("scaled", "", "scaled")
    assert [m.name for m in packed.package.spec.methods] == ["scale"]
    late = "import sys, modelport; sys.exit('modelport.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", late], check=False).returncode == 0
