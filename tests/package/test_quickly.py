"""skops, imported for known files: it reads what it would have read, and trusts no more than it would have."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import all_estimators
from tests.package.trained import TRAINED, X

from modelport.package.state.quickly import _LEFT_OUT, _estimators, _public
from modelport.package.state.sklearn import SklearnBackend

if TYPE_CHECKING:
    from pathlib import Path

QUICK = ["clusters", "forest", "hashed", "neighbours", "pipeline", "text", "tree", "vectors"]

LOAD = """\
import sys
from pathlib import Path
from modelport.package.state.quickly import import_skops_for
from modelport.package.state.sklearn import SklearnBackend
files = [Path(one) for one in sys.argv[1:]]
done = import_skops_for(files)
from skops.io._trusted_types import SKLEARN_ESTIMATOR_TYPE_NAMES as names
print(done, *(type(SklearnBackend().load(file)).__name__ for file in files), len(names))
"""


@pytest.mark.parametrize("name", QUICK)
def test_the_estimators_of_a_file_are_found_and_are_scikit_learns_public_ones(name: str, tmp_path: Path) -> None:
    SklearnBackend().save(TRAINED[name](), tmp_path / "some.skops")
    found = _estimators(tmp_path / "some.skops")
    assert found
    assert None not in found
    assert set(found) <= {kind for _, kind in all_estimators()}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.base", "BaseEstimator"),
        ("sklearn.externals._arff", "ArffDecoder"),
        ("sklearn.ensemble", "RandomForestClassifier"),  # it is at home in _forest
        ("sklearn.ensemble._forest", "BaseForest"),
        ("sklearn.ensemble._forest", "_accumulate_prediction"),
        ("sklearn.tree._tree", "Tree"),
        ("sklearn.utils._testing", "SkipTest"),
        ("sklearn.metrics", "accuracy_score"),
        ("sklearn.svm._classes", "nothing"),
    ],
)
def test_what_is_no_public_estimator_is_none(module: str, name: str) -> None:
    assert _public(module, name) is None


def test_skops_reads_these_files_and_trusts_no_other_estimator(tmp_path: Path) -> None:
    files = [tmp_path / "forest.skops", tmp_path / "clusters.skops"]
    for file in files:
        SklearnBackend().save(TRAINED[file.stem](), file)
    command = [sys.executable, "-c", LOAD, *map(str, files)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert told == ["True", "RandomForestClassifier", "KMeans", "3"]  # a forest holds trees


@pytest.mark.parametrize("name", ["regression", "function", "damaged"])
def test_a_file_that_names_anything_else_gets_skops_as_it_is(name: str, tmp_path: Path) -> None:
    file = tmp_path / "some.skops"
    if name == "damaged":
        file.write_bytes(b"damaged")
    elif name == "function":
        SklearnBackend().save(FunctionTransformer(np.log1p).fit(X), file)
    else:
        SklearnBackend().save(TRAINED[name](), file)  # it has a loss, which is no estimator
    program = LOAD.replace(
        "*(type(SklearnBackend().load(file)).__name__ for file in files), len(names)", "len(names) > 100"
    )
    told = subprocess.run([sys.executable, "-c", program, str(file)], check=True, capture_output=True, text=True).stdout
    assert told.split() == ["False", "True"]


SAME = """\
import sys
from pathlib import Path
import numpy as np
from modelport.package.state.quickly import _LEFT_OUT, import_skops_for
from modelport.package.state.sklearn import SklearnBackend
file = Path(sys.argv[1])
assert import_skops_for([file])
left_out = [name for name in _LEFT_OUT if name not in sys.modules]
answers = SklearnBackend().load(file).predict(np.load(sys.argv[2])).tolist()
from sklearn.cluster import Birch, KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree._tree import Tree
assert callable(Tree.predict)
print(*left_out, *answers)
"""


@pytest.mark.parametrize(("name", "left_out"), [("vectors", [*_LEFT_OUT]), ("tree", ["sklearn.ensemble"])])
def test_what_a_file_does_not_need_is_left_out_and_whole_afterwards(
    name: str, left_out: list[str], tmp_path: Path
) -> None:
    file, estimator = tmp_path / "some.skops", TRAINED[name]()
    SklearnBackend().save(estimator, file)
    np.save(tmp_path / "rows.npy", X)
    command = [sys.executable, "-c", SAME, str(file), str(tmp_path / "rows.npy")]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    answers = [str(one) for one in estimator.predict(X).tolist()]
    assert set(left_out) <= set(told)
    assert told[-len(answers) :] == answers
