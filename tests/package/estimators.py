# ruff: noqa: ANN401, PLC0415 - objects and trees of any type are kept; heavy imports are late
"""Bare scikit-learn estimators of the tests, trained anew by each call, and ways to write their files otherwise."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.package.trained import X, Y

from modelport.package.state.zips import write_zip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from modelport.package import Package

LABELS = np.array(["no", "yes"])[Y]
TEXTS = ["a good film", "a bad film", "so good", "so bad"]


def of(module: str, name: str, target: Any = LABELS, **options: Any) -> Callable[[], Any]:
    def train() -> Any:
        from importlib import import_module

        return getattr(import_module(f"sklearn.{module}"), name)(**options).fit(X, target)

    return train


def piped(*steps: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(*steps)


def texts() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    return piped(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, ["yes", "no", "yes", "no"])


def table() -> Any:
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    data = pd.DataFrame({"age (years)": [1.0, 2.0, 3.0, 4.0], "colour": ["red", "green", "red", "green"]})
    columns = ColumnTransformer(
        [("one", OneHotEncoder(handle_unknown="ignore"), ["colour"]), ("two", StandardScaler(), ["age (years)"])]
    )
    return piped(columns, LogisticRegression()).fit(data, [1, 0, 1, 0])


def voting() -> Any:
    from sklearn.ensemble import VotingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB

    return VotingClassifier([("one", LogisticRegression()), ("two", GaussianNB())]).fit(X, LABELS)


def stacking() -> Any:
    from sklearn.ensemble import StackingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB

    return StackingClassifier([("one", LogisticRegression()), ("two", GaussianNB())]).fit(X, LABELS)


def logarithms() -> Any:
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import FunctionTransformer

    return piped(FunctionTransformer(np.square), LinearRegression()).fit(X, X[:, 0])


def chain() -> Any:
    from sklearn.linear_model import LinearRegression
    from sklearn.multioutput import RegressorChain

    return RegressorChain(LinearRegression(), order=[1, 0]).fit(X, X[:, :2])


DATA: dict[str, Callable[[], Any]] = {
    "a forest": of("ensemble", "RandomForestClassifier", n_estimators=3, random_state=0, n_jobs=2),
    "a boosted model": of("ensemble", "GradientBoostingClassifier", n_estimators=3, random_state=0),
    "boosted numbers": of("ensemble", "GradientBoostingRegressor", X[:, 1], n_estimators=3, random_state=0),
    "a line": of("linear_model", "Ridge", X[:, 0]),
    "two lines": of("linear_model", "LinearRegression", X[:, :2]),
    "labels without chances": of("svm", "LinearSVC"),
    "a network": of("neural_network", "MLPClassifier", hidden_layer_sizes=(3,), solver="lbfgs", random_state=0),
    "bags": of("ensemble", "BaggingClassifier", n_estimators=2, random_state=0),
    "chances set right": of("calibration", "CalibratedClassifierCV", cv=2),
    "a scaler": of("preprocessing", "StandardScaler"),
    "powers": of("preprocessing", "PolynomialFeatures", degree=(2, 3)),
    "a chain": chain,
    "a tree": of("tree", "DecisionTreeClassifier", random_state=np.random.RandomState(0)),
    "bins": of("preprocessing", "KBinsDiscretizer", n_bins=3, quantile_method="averaged_inverted_cdf"),
    "a process": of("gaussian_process", "GaussianProcessClassifier"),
    "votes": voting,
    "a stack": stacking,
    "logarithms": logarithms,
    "texts": texts,
    "a table": table,
}
"""Estimators whose packages are data-only."""

CODE: dict[str, Callable[[], Any]] = {
    "support vectors": of("svm", "SVC"),
    "neighbours": of("neighbors", "KNeighborsClassifier"),
    "a boosted histogram": of("ensemble", "HistGradientBoostingClassifier", max_iter=2),
    "clusters": of("cluster", "KMeans", None, n_clusters=2, n_init=1, random_state=0),
}
"""Estimators whose compiled code believes the numbers in a file: their packages are code-bearing."""


def arguments(model: Any) -> dict[str, Any]:
    """Return arguments of a model's only method, as JSON: two rows of what it takes."""
    (method,) = model.spec.methods
    values = {"double": [1.5, 2.0], "string": ["red", "a good film"], "int64": [1, 2]}
    rows = X[:2].tolist()
    fields = model.spec.message(method.input).fields
    return {f.name: rows if f.name == "x" else values[str(f.type).removeprefix("list of ")] for f in fields}


def rewrite(package: Package, change: Callable[[dict[str, Any], dict[str, bytes]], object]) -> Path:
    """Write the package's ``.skops`` file anew, after *change* has had its tree and its other members."""
    (file,) = (package.folder / "state").glob("*.skops")
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    tree = json.loads(members.pop("schema.json"))
    change(tree, members)
    write_zip(file, {**members, "schema.json": json.dumps(tree).encode()})
    return file


def parts(tree: Any, name: str) -> Iterator[dict[str, Any]]:
    """Return the nodes of a tree that are objects of the class *name*."""
    if isinstance(tree, dict):
        if tree.get("__class__") == name:
            yield tree
        for one in tree.values():
            yield from parts(one, name)
    elif isinstance(tree, list):
        for one in tree:
            yield from parts(one, name)


def held(tree: Any, name: str) -> dict[str, Any]:
    """Return the attributes of the first object of the class *name*."""
    content: dict[str, Any] = next(parts(tree, name))["content"]["content"]
    return content


def plain(value: Any) -> dict[str, Any]:
    """Return the node of a plain value."""
    return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(value)}


def add(attributes: dict[str, Any], tree: Any, name: str, key: str, node: Any) -> None:
    """Give the first object of the class *name* another attribute."""
    attributes[key] = node
    text = {"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"}
    next(parts(tree, name))["content"]["key_types"]["content"].append(text)
