# ruff: noqa: ANN401, PLC0415 - objects of any type are kept; heavy imports are late
"""Small trained objects of all families, made anew by each call: what they hold is the same each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

X = np.random.default_rng(0).normal(size=(40, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def fitted(name: str, module: str, **options: Any) -> Callable[[], Any]:
    def train() -> Any:
        from importlib import import_module

        return getattr(import_module(f"sklearn.{module}"), name)(**options).fit(X, Y)

    return train


def pipeline() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    columns = ColumnTransformer([("scaled", StandardScaler(), [0, 1]), ("other", MinMaxScaler(), slice(2, 4))])
    return make_pipeline(columns, MLPClassifier((3,), solver="lbfgs", random_state=0, max_iter=2000)).fit(X, Y)


def selection() -> Any:
    from sklearn.feature_selection import SelectKBest
    from sklearn.impute import SimpleImputer
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline

    return make_pipeline(SimpleImputer(), SelectKBest(k=2), GaussianNB()).fit(X, Y)


def text() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts = ["good film", "bad film", "very good", "very bad"]
    return make_pipeline(TfidfVectorizer(vocabulary={"good", "bad", "film", "very"}), LogisticRegression()).fit(
        texts, ["yes", "no", "yes", "no"]
    )


def hashed() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    hashing = HashingVectorizer(n_features=16, norm=None, dtype=np.float32)
    return make_pipeline(hashing, TfidfTransformer(), LogisticRegression()).fit(
        ["good film", "bad film", "very good", "very bad"], ["yes", "no", "yes", "no"]
    )


def leaves(name: str = "LGBMClassifier", **options: Any) -> Callable[[], Any]:
    def train() -> Any:
        import lightgbm

        return getattr(lightgbm, name)(n_estimators=3, verbose=-1, random_state=0, **options).fit(X, Y)

    return train


def leaves_in_a_pipeline() -> Any:
    from lightgbm import LGBMRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = LGBMRegressor(n_estimators=2, verbose=-1, linear_tree=True, min_child_samples=5)
    return make_pipeline(StandardScaler(), model).fit(X, Y)


def booster() -> Any:
    import lightgbm

    kinds = np.column_stack([X[:, :3], Y * 2 + np.arange(40) % 2])
    data = lightgbm.Dataset(kinds, Y + (kinds[:, 3] == 3), categorical_feature=[3])
    options = {"objective": "multiclass", "num_class": 3, "min_data_per_group": 5, "max_cat_to_onehot": 2}
    return lightgbm.train({**options, "cat_smooth": 1, "min_data_in_leaf": 3, "verbose": -1}, data, 2)


class Network:
    """Keras numbers layers by how many a process has made, so it is told all names."""

    def __call__(self) -> Any:
        import keras

        keras.utils.set_random_seed(0)
        dense = keras.layers.Dense
        layers = [keras.layers.Input((4,), name="in"), dense(3, activation="relu", name="a"), dense(1, name="b")]
        network = keras.Sequential(layers, name="network")
        network.compile("adam", "mse")
        network.fit(X.astype("float32"), Y.astype("float32"), epochs=1, verbose=0)
        network.predict = lambda x, predict=network.predict: predict(x, verbose=0)
        return network


TRAINED: dict[str, Callable[[], Any]] = {
    "array": lambda: np.arange(6, dtype=">i4").reshape(2, 3),
    "array-fortran": lambda: np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "array-scalar": lambda: np.float32(0.1),
    "boosting": fitted("GradientBoostingClassifier", "ensemble", n_estimators=3, random_state=0),
    "boosting-histogram": fitted("HistGradientBoostingClassifier", "ensemble", max_iter=3, random_state=0),
    "booster": booster,
    "clusters": fitted("KMeans", "cluster", n_clusters=2, n_init=1, random_state=0),
    "forest": fitted("RandomForestClassifier", "ensemble", n_estimators=3, random_state=0),
    "neighbours": fitted("KNeighborsClassifier", "neighbors"),
    "hashed": hashed,
    "leaves": leaves(),
    "leaves-pipeline": leaves_in_a_pipeline,
    "network": Network(),
    "pipeline": pipeline,
    "regression": fitted("TweedieRegressor", "linear_model"),
    "selection": selection,
    "text": text,
    "tree": fitted("DecisionTreeClassifier", "tree", random_state=0),
    "vectors": fitted("SVC", "svm"),
}
