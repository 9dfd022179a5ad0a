"""Bytecode without docstrings: the code does what it did, asserts included, and the libraries answer what they did."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from tests.package.trained import TRAINED, X

from modelport.cli.runtime import reads_docstrings
from modelport.package.bytecode import LIBRARIES, without_docstrings
from modelport.package.state.sklearn import SklearnBackend

SOURCE = '''\
"""A module."""
"and what stands below its docstring"
from __future__ import annotations

class Thing:
    """A thing."""

class Other:
    """Another."""
    size: int = 3
    async def nothing(self):
        "Nothing."

def checked(one):
    """Check."""
    "Check again."
    assert one, "it is not"
    return """one"""
'''

ANSWERS = """\
import sys
from pathlib import Path
import numpy as np
import scipy.cluster, scipy.integrate, scipy.interpolate, scipy.ndimage, scipy.signal, scipy.stats
from sklearn.utils import all_estimators
from modelport.package.state.sklearn import SklearnBackend
rows = np.load(sys.argv[1])
print(len(all_estimators()), scipy.stats.norm.cdf(0.5), scipy.stats.gamma(2).ppf(0.3))
for file in sys.argv[2:]:
    print(SklearnBackend().load(Path(file)).predict(rows).tolist())
print(all_estimators.__doc__ is None, sys.flags.optimize)
"""


def test_only_docstrings_go() -> None:
    space: dict[str, Any] = {"__name__": "some"}
    exec(without_docstrings(SOURCE.encode(), "some.py"), space)  # noqa: S102 - the text above
    found = [space["Thing"], space["Other"], space["Other"].nothing, space["checked"]]
    assert [one.__doc__ for one in found] == [None] * 4
    assert space.get("__doc__") is None
    assert space["Other"].__annotations__ == {"size": "int"}
    assert space["checked"].__code__.co_firstlineno == SOURCE.splitlines().index("def checked(one):") + 1
    assert space["checked"](1) == "one"
    with pytest.raises(AssertionError, match="it is not"):
        space["checked"](0)


def test_the_libraries_answer_what_they_answer_with_docstrings(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", X)
    files = [tmp_path / f"{name}.skops" for name in ("boosting-histogram", "clusters", "forest", "pipeline", "vectors")]
    for file in files:
        SklearnBackend().save(TRAINED[file.stem](), file)
    folder = Path(sklearn.__file__).parents[1]
    command = [sys.executable, "-c", ANSWERS, str(tmp_path / "rows.npy"), *map(str, files)]
    told = []
    for variables in ({}, {"PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode")}):
        if variables:
            compiling = [sys.executable, "-m", "modelport.package.bytecode", str(folder)]
            subprocess.run(compiling, check=True, env=os.environ | variables)
        done = subprocess.run(command, check=True, env=os.environ | variables, capture_output=True, text=True)
        told.append(done.stdout.splitlines())
    assert told[0][-1] == "False 0"
    assert told[1][-1] == "True 0"
    assert told[0][:-1] == told[1][:-1]
    assert all(list((tmp_path / "bytecode").rglob(f"{name}/**/*.pyc")) for name in LIBRARIES)


@pytest.mark.parametrize(
    ("line", "reads"),
    [("print(np.mean.__doc__)", True), ("inspect.getdoc(norm)", True), ("help(norm)", True), ("helpful(norm)", False)],
)
def test_code_that_asks_for_docstrings_is_known(line: str, reads: bool, tmp_path: Path) -> None:  # noqa: FBT001
    (tmp_path / "code/inner").mkdir(parents=True)
    (tmp_path / "code/inner/model.py").write_text(f"x = 1\n{line}\n", "utf-8")
    assert reads_docstrings(tmp_path / "code") is reads
    assert not reads_docstrings(tmp_path / "nowhere")
