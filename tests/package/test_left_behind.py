"""What a file sets in its libraries, which its package does not bring with it."""

from __future__ import annotations

import pytest

from modelport.package.left_behind import left_behind

IMPORTS = "import os, warnings\nimport numpy as np\nimport os.path\nfrom logging import basicConfig as configure\n"
IMPORTS += "import logging\nlog = logging.getLogger('mine')\n"


@pytest.mark.parametrize(
    "statement",
    [
        "np.seterr(all='raise')",
        "warnings.filterwarnings('ignore')",
        "configure(level=10)",
        "os.environ['OMP_NUM_THREADS'] = '1'",
        "os.environ.update(A='1')",
        "np.random.default_rng = None",
        "del os.environ['A']",
        "os.environ['A'] += 'b'",
        "os.path.altsep += 'b'",
        "np.random.RandomState(0).shuffle([1])",
        "os.environ['A'], os.environ['B'] = 'ab'",
        "np.x: int = 3",
        "_ = np.seterr(all='raise')",
        "setattr(np, 'float', float)",
        "log.setLevel(10)",
        "log.propagate = False",
    ],
)
@pytest.mark.parametrize(
    "block",
    [
        "{}",
        "if True:\n    {}",
        "if __name__ != '__main__':\n    {}",
        "try:\n    pass\nexcept OSError:\n    {}",
        "for _ in 'a':\n    {}",
        "match 1:\n    case 1:\n        {}",
        "with open('a'):\n    {}",
        "import contextlib\nwith contextlib.suppress(OSError):\n    {}",
    ],
)
def test_what_changes_a_library_is_named_with_its_line(statement: str, block: str) -> None:
    source = IMPORTS + block.format(statement)
    line = source.splitlines().index(source.splitlines()[-1]) + 1
    assert left_behind(source) == [(line, statement)]
    assert left_behind(source.encode()) == left_behind(source)


@pytest.mark.parametrize(
    "statement",
    [
        "x = np.zeros(3)",
        "x = {}\nx['a'] = 1",
        "print('hello')",
        "model.add_example('f', {})",
        "def f():\n    np.seterr(all='raise')",
        "class C:\n    np.seterr(all='raise')",
        "if __name__ == '__main__':\n    np.seterr(all='raise')",
        "import matplotlib.pyplot as plt\nplt.plot([1])",
        "with warnings.catch_warnings():\n    warnings.simplefilter('ignore')",
        "import joblib\njoblib.dump({}, 'a')",
        "import subprocess\nsubprocess.run(['a'])",
        "np.random.seed(0)",
        "np.testing.assert_allclose(1, 1)",
        "from sklearn import svm as model\nmodel = model.SVC()\nmodel.fit([], [])",
        "def f():\n    from sklearn import datasets\ndatasets = []\ndatasets.append(1)",
        "def f():\n    from sklearn import datasets\ndatasets.append(1)",
        "log.info('a text')",
        "os.environ: dict",
        "'a text'",
        "np",
    ],
)
def test_all_else_is_not(statement: str) -> None:
    assert left_behind(IMPORTS + statement) == []


def test_a_long_one_is_cut_off() -> None:
    ((_, text),) = left_behind(IMPORTS + f"np.seterr({'x' * 200})")
    assert len(text) == 60
    assert text.endswith("...")
