# ruff: noqa: ANN401 - scikit-learn has no types
"""The backend of scikit-learn's estimators: their ONNX form, and of forests smaller ones with fewer trees.

::

    onnx               what `modelport.package` keeps as a second form, made and compared in the same way
    onnx-pruned-<N>    the same of N trees: a half, a quarter and a tenth of them (`pruning`)

Quantizers do not touch trees: fewer trees and gzip are what makes a forest small. Each form is held against the
estimator that it is made of, on rows that are made up; what it does to strange numbers is noted with it.

A ``.skops`` file is read by the package's own loader alone, which knows what it may hold. Where it holds more than
data (boosted models have a generator of random numbers), the recipe says so: it is loaded as a package with code is.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from modelport.edge.interface import Made, NotMadeError, Recipe
from modelport.edge.pruning import best, forest_in
from modelport.errors import FormatError, SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelport.edge.interface import Calibration, Source
    from modelport.edge.pruning import Forest

__all__ = ["BACKEND", "Trees"]

_LOG = logging.getLogger(__name__)
_PRUNED = "onnx-pruned-"
_PARTS = (2, 4, 10)
_FEWEST = 2  # trees: of one, it is no forest
_MOST_CALLS = 512
_LARGE = 4_500_000  # numbers: about as many as `modelport.package.files.graph` looks through
_TOOLS = ("skl2onnx", "onnx", "onnxruntime", "scikit-learn")


class Trees:
    """Makes ONNX files of scikit-learn's estimators with skl2onnx."""

    def recipes(self, parent: Path) -> Sequence[Recipe]:
        """Return ``onnx`` for a ``.skops`` file, and of a forest those with fewer trees."""
        if parent.suffix != ".skops":
            return ()
        forest = forest_in(_loaded(parent)[0])
        counts = sorted({forest.count // part for part in _PARTS}, reverse=True) if forest else []
        fewer = [
            Recipe(f"{_PRUNED}{count}", "onnx", options={"trees": count}, tools=_TOOLS)
            for count in counts
            if count >= _FEWEST
        ]
        return (Recipe("onnx", "onnx", tools=_TOOLS), *fewer)

    def make(self, recipe: Recipe, source: Source, out: Path) -> Made:
        """Make the file; raises as `modelport.edge.interface.Backend.make` does."""
        estimator, foreign = _loaded(source.parent)
        forest = forest_in(estimator)
        how: dict[str, Any] = {"by": "skl2onnx"}
        if forest:
            how["trees"] = forest.count
        if recipe.name.startswith(_PRUNED):
            if forest is None:
                raise NotMadeError(f"{type(estimator).__name__} is no forest, of which trees could be left out")
            count = int(recipe.name.removeprefix(_PRUNED))
            places, chosen = _places(forest, count, source.calibration)
            estimator = forest.pruned(places)
            how |= {"trees": count, "of": forest.count, "chosen": chosen}
        if foreign:
            how["holds"] = foreign[:3]
        file = out / f"{source.parent.stem}.onnx"
        return Made(file, how | _converted(estimator, file))


def _none(estimator: Any) -> NotMadeError:
    """Return why skl2onnx gives nothing that loads; of a large forest, nothing that is looked through."""
    named = " and ".join(type(step).__name__ for _, step in getattr(estimator, "steps", ()))
    none = f"skl2onnx has no form of {named or type(estimator).__name__} that ONNX Runtime runs"
    forest = forest_in(estimator)
    if forest is None or forest.numbers < _LARGE:
        return NotMadeError(none)
    return NotMadeError(
        f"{none}: its trees are some {forest.numbers:,} numbers, and a file of 5,000,000 parts is not looked through",
        hint="take a variant with fewer trees, or train it with larger leaves: min_samples_leaf=5",
    )


def _loaded(file: Path) -> tuple[Any, list[str]]:
    """Return the estimator in *file*, and what of it is more than data.

    Raises:
        NotMadeError: It is damaged, or holds types that nobody reviewed.
        SetupError: scikit-learn or skops is not installed.
    """
    try:
        import skops.io  # noqa: F401 - said once, for all that import parts of it
    except ImportError as error:
        raise SetupError("skops is not installed", hint="pip install 'modelport[variants]' scikit-learn") from error
    from modelport.package.files.bounds import check_bounds, check_loaded
    from modelport.package.files.skops import foreign_parts, read_tree
    from modelport.package.state.sklearn import SklearnBackend

    try:
        tree = read_tree(file)
        foreign = foreign_parts(tree)
        if not foreign:
            check_bounds(file, tree)
        estimator = SklearnBackend().load(file)
        if not foreign:
            check_loaded(estimator)
    except FormatError as error:
        raise NotMadeError(error.message.replace(str(file), file.name), hint=error.hint) from error
    if foreign:
        _LOG.info("%s holds more than data: %s", file.name, ", ".join(foreign))
    return estimator, foreign


def _places(forest: Forest, count: int, calibration: Calibration | None) -> tuple[list[int], str]:
    """Return which trees are left, and how they were chosen."""
    if not 0 < count <= forest.count:
        raise NotMadeError(f"it has {forest.count} trees, not {count}")
    if forest.is_boosted or not calibration:
        return list(range(count)), "the first"
    import numpy as np

    most = min(len(calibration), _MOST_CALLS)
    calls = [calibration[number * len(calibration) // most] for number in range(most)]
    try:
        rows = np.vstack([array for call in calls for array in call.values()])
        return best(forest.votes(rows), count), "by calibration"
    except (TypeError, ValueError) as error:
        said = " ".join(str(error).split())[:300]
        raise NotMadeError(f"the forest does not take the calibration inputs: {said}") from error


def _converted(estimator: Any, file: Path) -> dict[str, Any]:
    """Write the ONNX form of *estimator* that answers as it does; return on how many rows, and what it must refuse."""
    try:
        import skl2onnx  # noqa: F401 - else there would just be no form
    except ImportError as error:
        raise SetupError("skl2onnx is not installed", hint="pip install 'modelport[variants]'") from error
    from modelport.package.agreement import first_that_agrees
    from modelport.package.inner import InnerEstimator
    from modelport.package.state.conversion import NotConvertedError, onnx_of

    inner = InnerEstimator(estimator)
    try:
        return first_that_agrees(onnx_of(estimator), file, lambda: inner.compared(file), none="")
    except NotConvertedError as error:
        raise (NotMadeError(str(error)) if str(error) else _none(estimator)) from error


BACKEND: Final = Trees()
"""The backend, as `modelport.edge.interface` looks for it."""
