"""Folded filters of warnings: fewer of them, and every warning fares as before."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config  # type: ignore[import-untyped]  # it has no types
from sklearn.ensemble import RandomForestClassifier
from tests.serve.running import running

from modelport.serve.filters import Filter, fold_filters, folded

ROOT = Path(__file__).parents[2]
CATEGORIES = [Warning, UserWarning, DeprecationWarning, PendingDeprecationWarning, RuntimeWarning, UnicodeWarning]
MESSAGES = ["old", "new and old", "size changed", "Old", "", "a|b"]
PATTERNS = [*MESSAGES, ".*old", "(size|new)", "size.changed", "new|old"]
MODULES = ["models", "models.inner", "__main__"]
ACTIONS = ["error", "ignore", "always", "default", "module", "once"]

patterns = st.sampled_from(PATTERNS).map(lambda text: re.compile(text, re.IGNORECASE))
FOREST = RandomForestClassifier(2, random_state=0).fit([[0, 1], [2, 3]], [0, 1])

filters = st.tuples(
    st.sampled_from(ACTIONS),
    st.one_of(st.none(), patterns, st.just(re.compile("size"))),
    st.one_of(st.sampled_from(CATEGORIES), st.lists(st.sampled_from(CATEGORIES), min_size=1).map(tuple)),
    st.one_of(st.none(), st.none(), st.sampled_from(MODULES).map(re.compile)),
    st.sampled_from([0, 0, 0, 7]),
)
told = st.tuples(
    st.sampled_from(MESSAGES), st.sampled_from(CATEGORIES), st.sampled_from(MODULES), st.sampled_from([7, 8])
)


def fates(active: list[Filter], said: list[tuple[Any, ...]]) -> list[str]:
    """Return what becomes of each warning under the filters, as Python itself decides."""
    found: list[str] = []
    registry: dict[Any, Any] = {}
    with warnings.catch_warnings(record=True) as log:
        warnings.filters[:] = active  # type: ignore[index]  # a list, which the stubs call a sequence
        for text, category, module, line in said:
            before = len(log)
            try:
                warnings.warn_explicit(text, category, "models.py", line, module, registry)
            except Warning:
                found.append("raised")
            else:
                found.append("told" if len(log) > before else "silent")
    return found


@given(st.lists(filters, max_size=8), st.lists(told, min_size=1, max_size=12))
def test_every_warning_fares_as_before(active: list[Filter], said: list[tuple[Any, ...]]) -> None:
    fewer = folded(active)
    assert len(fewer) <= len(active)
    assert folded(fewer) == fewer
    assert fates(fewer, said) == fates(active, said)


def test_what_libraries_add_is_folded_and_a_forest_predicts_the_same() -> None:
    program = "import sklearn, scipy.special, warnings; print(len(warnings.filters))"
    program += "; from modelport.serve.filters import fold_filters; fold_filters(); print(len(warnings.filters))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before >= 10
    assert after <= before / 2

    forest = RandomForestClassifier(5, random_state=0).fit(np.arange(20).reshape(10, 2), np.arange(10) % 2)
    rows = np.arange(6).reshape(3, 2)
    expected = forest.predict_proba(rows)
    with warnings.catch_warnings():
        fold_filters()
        assert (forest.predict_proba(rows) == expected).all()


def pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


NEIGHBOURS: dict[str, list[Filter]] = {
    "one message": [("ignore", pattern("old"), one, None, 0) for one in CATEGORIES[1:4]],
    "one module": [("ignore", None, one, pattern("models"), 0) for one in CATEGORIES[1:4]],
    "both": [("ignore", pattern("old"), one, pattern("models"), 0) for one in CATEGORIES[1:4]],
    "neither": [("ignore", None, one, None, 0) for one in CATEGORIES[1:4]],
    "messages": [("ignore", pattern(one), UserWarning, None, 0) for one in ("old", "new")],
    "a line": [("ignore", None, one, None, 7) for one in CATEGORIES[1:4]],
}


@pytest.mark.parametrize("kind", ["sequential", "threading", "loky"])
@pytest.mark.parametrize("active", NEIGHBOURS.values(), ids=list(NEIGHBOURS))
def test_a_forest_predicts_under_whatever_was_folded(active: list[Filter], kind: str) -> None:
    jobs = 1 if kind == "sequential" else 2
    forest = RandomForestClassifier(4, random_state=0, n_jobs=jobs)
    forest.fit(np.arange(20).reshape(10, 2), np.arange(10) % 2)
    with warnings.catch_warnings(), parallel_config(backend=kind):
        warnings.filters[:] = folded(active)  # type: ignore[index]  # as above
        assert forest.predict(np.arange(6).reshape(3, 2)).shape == (3,)


@given(st.lists(filters, max_size=6))
def test_scikit_learn_takes_what_was_folded_where_it_takes_the_rest(active: list[Filter]) -> None:
    def takes(some: list[Filter]) -> bool:
        with warnings.catch_warnings():
            warnings.filters[:] = some  # type: ignore[index]  # as above
            try:
                FOREST.predict([[1, 2]])
            except (AssertionError, TypeError):
                return False
        return True

    assert takes(folded(active)) or not takes(active)


def test_a_service_folds_what_it_has_and_answers_under_filters_of_the_models_own() -> None:
    with running("tests.serve.trees", "trees") as service:
        for _ in range(3):
            assert service.call("predict", {"x": 1.0, "y": 2.0}).json() == {"value": 0}
        folded_there = service.call("filters", {}).json()["value"]
    program = "import warnings; from tests.serve.trees import trees; trees(); print(len(warnings.filters))"
    written = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert folded_there <= int(written.stdout) - 5
