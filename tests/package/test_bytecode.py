"""Bytecode: made once for each file; without docstrings the code does what it did, and so do the libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.package.installing import python
from tests.package.trained import TRAINED, X

from modelport.cli.runtime import reads_docstrings
from modelport.package.bytecode import LIBRARIES, compile_folder, without_docstrings
from modelport.package.environment import make_environment
from modelport.package.requirements import closure
from modelport.package.requirements import lock as make_lock
from modelport.package.state.sklearn import SklearnBackend

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = ".".join(map(str, sys.version_info[:2]))
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

asked = []
def words(thing):
    asked.append(thing)
    return "Words."

Thing.__doc__ = words(Thing)
for other in (Thing, Other):
    other.__doc__ = words(other)
    other.names = 1
def told(thing):
    thing.__doc__ = "Told."
    return thing
'''

ANSWERS = """\
import sys
from pathlib import Path
import joblib, narwhals, numpy as np
import scipy.cluster, scipy.integrate, scipy.interpolate, scipy.ndimage, scipy.signal, scipy.stats
from sklearn.utils import all_estimators
from modelport.package.state.sklearn import SklearnBackend
rows = np.load(sys.argv[1])
print(len(all_estimators()), scipy.stats.norm.cdf(0.5), scipy.stats.gamma(2).ppf(0.3))
for file in sys.argv[2:]:
    print(SklearnBackend().load(Path(file)).predict(rows).tolist())
some = joblib.Parallel, narwhals.DataFrame, scipy.stats.norm.pdf, all_estimators
print([one.__doc__ is None for one in some], sys.flags.optimize)
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
    # None is written at the import, and what is asked for afterwards is.
    assert (space["asked"], space["other"], space["Thing"].names) == ([], space["Other"], 1)
    assert space["told"](space["Thing"]).__doc__ == "Told."


def test_a_file_is_compiled_once_and_says_of_itself_where_it_lies(tmp_path: Path) -> None:
    folders = [tmp_path / name / "sklearn" for name in ("one", "two", "bare")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text('"""A module."""\ndef checked(): ...\n', "utf-8")
        (folder / "template.py").write_text("{{ name }} = ", "utf-8")
        compile_folder(folder.parent, tmp_path / "kept", docstrings=folder.parent.name != "bare")
    found = [file for folder in folders for file in (folder / "__pycache__").iterdir()]
    assert found[0].samefile(found[1])
    assert len({file.stat().st_ino for file in found}) == len(list((tmp_path / "kept").glob("*/*"))) == 2
    for folder, documented in zip(folders, (True, True, False), strict=True):
        script = "import sklearn; print(sklearn.checked.__code__.co_filename, sklearn.__doc__ is not None)"
        assert python(script, folder.parent) == f"{folder / '__init__.py'} {documented}"


def test_the_libraries_answer_what_they_answer_with_docstrings(tmp_path: Path, lock: str, cache: Path) -> None:
    np.save(tmp_path / "rows.npy", X)
    files = [tmp_path / f"{name}.skops" for name in ("boosting-histogram", "clusters", "forest", "pipeline", "vectors")]
    for file in files:
        SklearnBackend().save(TRAINED[file.stem](), file)
    pins = make_lock(closure({"numpy": "", "scikit-learn": "", "skops": ""}), known=lock)
    told = []
    for docstrings in (True, False):
        made = make_environment(pins, cache, python=PYTHON, docstrings=docstrings)
        command = [str(made.python), "-c", ANSWERS, str(tmp_path / "rows.npy"), *map(str, files)]
        done = subprocess.run(
            command, check=True, env=made.variables(os.environ), capture_output=True, text=True, cwd=tmp_path
        )
        told.append(done.stdout.splitlines())
    assert told[0][-1] == f"{[False] * len(LIBRARIES)} 0"
    assert told[1][-1] == f"{[True] * len(LIBRARIES)} 0"
    assert told[0][:-1] == told[1][:-1]


@pytest.mark.parametrize(
    ("line", "reads"),
    [("print(np.mean.__doc__)", True), ("inspect.getdoc(norm)", True), ("help(norm)", True), ("helpful(norm)", False)],
)
def test_code_that_asks_for_docstrings_is_known(line: str, reads: bool, tmp_path: Path) -> None:  # noqa: FBT001
    (tmp_path / "code/inner").mkdir(parents=True)
    (tmp_path / "code/inner/model.py").write_text(f"x = 1\n{line}\n", "utf-8")
    assert reads_docstrings(tmp_path / "code") is reads
    assert not reads_docstrings(tmp_path / "nowhere")
