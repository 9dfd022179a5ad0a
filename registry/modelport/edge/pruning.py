# ruff: noqa: ANN401 - scikit-learn has no types
"""Forests with fewer trees, which answer nearly as the whole one does.

A forest's answer is the mean of its trees' answers, so that a few of them stand for all. Which, is chosen by what the
forest is fed, where that is known: one tree after the other, always the one that brings the mean nearest to that of all
trees. It needs no labels, and each choice begins with the smaller ones. Where nothing is known, the first trees are
nearly as good: of forests of letters (20,000 rows, 26 classes) they are right as often as chosen ones, and agree with
the whole one about one answer in a hundred less at most.

A boosted model's trees each mend what those before them left, so that only its first ones are a model.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Forest", "best", "forest_in", "is_of_trees", "last_step"]

_ALIKE = ("ForestClassifier", "ForestRegressor", "BaggingClassifier", "BaggingRegressor")
_OTHER_TREES = ("BaseDecisionTree", "BaseHistGradientBoosting", "IsolationForest")
_BOOSTED = ("GradientBoostingClassifier", "GradientBoostingRegressor")


def forest_in(estimator: Any) -> Forest | None:
    """Return the forest that *estimator* is, or with which it ends, a pipeline; None where there is none."""
    kinds = {
        one.__name__ for one in type(last_step(estimator)).__mro__ if one.__module__.startswith("sklearn.ensemble.")
    }
    if kinds.intersection(_BOOSTED):
        return Forest(estimator, boosted=True)
    if kinds.intersection(_ALIKE) and all(hasattr(tree, "tree_") for tree in last_step(estimator).estimators_):
        return Forest(estimator, boosted=False)
    return None


def is_of_trees(estimator: Any) -> bool:
    """Tell whether what *estimator* answers is looked up in trees: a forest's, boosted ones', or a single one's."""
    last = last_step(estimator)
    if forest_in(estimator) is not None:
        return True
    return any(one.__name__ in _OTHER_TREES and one.__module__.startswith("sklearn.") for one in type(last).__mro__)


def last_step(estimator: Any) -> Any:
    """Return the last step of pipelines, or the estimator itself."""
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[-1][1]
    return estimator


class Forest:
    """A fitted ensemble of trees, or a pipeline that ends with one.

    Args:
        estimator: The ensemble.
        boosted: Whether its trees build upon each other.

    Attributes:
        count: How many trees it has; of a boosted one, how many steps, which have a tree for each class.
    """

    def __init__(self, estimator: Any, *, boosted: bool) -> None:
        self.estimator, self.is_boosted = estimator, boosted
        self.count = len(last_step(estimator).estimators_)

    @property
    def numbers(self) -> int:
        """How many numbers its ONNX form has, roughly: nine for each node, four for each class at each leaf."""
        import numpy as np

        last = last_step(self.estimator)
        trees = last.estimators_ if isinstance(last.estimators_, list) else last.estimators_.ravel().tolist()
        classes = 1 if self.is_boosted else int(np.sum(getattr(last, "n_classes_", 1)))
        return sum(9 * tree.tree_.node_count + 4 * classes * tree.tree_.n_leaves for tree in trees)

    def votes(self, rows: Any) -> NDArray[Any]:
        """Return what each tree answers to *rows*: trees x rows x chances of classes, or values.

        Raises:
            ValueError: It does not take such rows.
        """
        import numpy as np

        steps = self.estimator
        while hasattr(steps, "steps"):
            rows = steps[:-1].transform(rows) if len(steps.steps) > 1 else rows
            steps = steps.steps[-1][1]
        columns = getattr(steps, "estimators_features_", [None] * self.count)
        rows = np.asarray(rows, np.float32)
        return np.stack(
            [
                _vote(steps, tree, rows if one is None else rows[:, one])
                for tree, one in zip(steps.estimators_, columns, strict=True)
            ]
        )

    def pruned(self, places: Sequence[int]) -> Any:
        """Return the estimator with the trees at *places* alone, in their old order; it answers their mean."""
        return _withlast_step(self.estimator, _cut(last_step(self.estimator), sorted(places)))


def _vote(ensemble: Any, tree: Any, rows: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    if not hasattr(tree, "predict_proba"):
        found = np.asarray(tree.predict(rows), float)
        return found.reshape(len(rows), -1)
    answer = tree.predict_proba(rows)
    if isinstance(answer, list):
        return np.hstack(answer)
    if answer.shape[1] == ensemble.n_classes_:
        return np.asarray(answer)
    spread = np.zeros((len(rows), ensemble.n_classes_))  # a bag may lack a class
    spread[:, tree.classes_.astype(int)] = answer
    return spread


def _cut(ensemble: Any, places: list[int]) -> Any:
    made = copy.copy(ensemble)
    trees = ensemble.estimators_
    made.estimators_ = [trees[one] for one in places] if isinstance(trees, list) else trees[places]
    made.n_estimators = len(places)
    for name in ("estimators_features_", "_seeds"):
        if isinstance(whole := getattr(ensemble, name, None), list):
            setattr(made, name, [whole[one] for one in places])
        elif whole is not None:
            setattr(made, name, whole[places])
    if hasattr(ensemble, "n_estimators_"):
        made.n_estimators_ = len(places)
    return made


def _withlast_step(estimator: Any, last: Any) -> Any:
    if not hasattr(estimator, "steps"):
        return last
    made = copy.copy(estimator)
    name, inner = estimator.steps[-1]
    made.steps = [*estimator.steps[:-1], (name, _withlast_step(inner, last))]
    return made


def best(votes: NDArray[Any], count: int) -> list[int]:
    """Return the places of *count* trees whose mean is near to that of all: one after the other, the best one next.

    Args:
        votes: What each tree answers, see `Forest.votes`.
        count: How many.
    """
    import numpy as np

    flat = votes.reshape(len(votes), -1).astype(float)
    whole, sizes = flat.mean(axis=0), np.square(flat).sum(axis=1)
    total, left, found = np.zeros_like(whole), np.ones(len(flat), dtype=bool), list[int]()
    for size in range(1, count + 1):
        # |total + vote - size * whole|^2 but for what is the same for all votes.
        far = sizes + 2 * flat @ (total - size * whole)
        place = int(np.where(left, far, np.inf).argmin())
        found.append(place)
        left[place] = False
        total += flat[place]
    return found
