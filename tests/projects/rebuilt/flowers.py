"""scikit-learn: a pipeline and a forest, one of them under two names, with figures."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelport import Evaluation, Model

_X = np.random.default_rng(0).normal(size=(30, 2))
_Y = (_X.sum(axis=1) > 0).astype(int)
forest = RandomForestClassifier(n_estimators=3, random_state=0).fit(_X, _Y)
trained = {"forest": forest, "scaled": make_pipeline(StandardScaler(), forest).fit(_X, _Y)}
NAMES = {"groß": 1, "klein": 0}


def classify(length: list[float], width: list[float]) -> list[int]:
    """Tell groß from klein."""
    return [int(one) for one in forest.predict(np.column_stack([length, width]))]


def vote(length: list[float], width: list[float]) -> list[str]:
    """Say what most of the models say."""
    rows = np.column_stack([length, width])
    votes = np.mean([one.predict(rows) for one in trained.values()], axis=0)
    return [name for vote in votes for name, number in NAMES.items() if number == round(vote)]


model = Model(classify=classify, vote=vote)
model.add_example("vote", {"length": [1.0, -1.0], "width": [0.5, -2.0]})
for step in range(12):
    model.add_example("classify", {"length": [float(step), -1.0], "width": [0.5, 0.25]}, tolerance=0.5 * (step % 2))
model.add_evaluation(Evaluation.accuracy(correct=28, n=30, data="drawn by chance", split="all", tolerance=0.05))
model.add_evaluation(Evaluation(data="drawn by chance", split="all", n=30, metric="mean error", value=1))
