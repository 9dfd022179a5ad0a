# ruff: noqa: ANN401 - scikit-learn has no types
"""The backend of scikit-learn's estimators: their ONNX form, integers, and of forests smaller ones with fewer trees.

::

    onnx               what `modelport.package` keeps as a second form, made and compared in the same way
    onnx-pruned-<N>    the same of N trees: a half, a quarter and a tenth of them (`pruning`)
    onnx-int8          weights and activations in integers, after calibration: of what multiplies by weights

Quantizers do not touch trees, which compare and look up: fewer trees and gzip are what makes a forest small. Of
networks, and of projections before another step, integers are made as of any graph (`modelport.edge.onnx`), from the
form with 32-bit floats. Each form but this is held against the estimator that it is made of, on rows that are made up;
what it does to strange numbers is noted with it.

A ``.skops`` file is read by the package's own loader alone, which knows what it may hold. Where it holds more than
data (boosted models have a generator of random numbers), the recipe says so: it is loaded as a package with code is.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from modelport.edge.interface import Made, NotMadeError, Recipe
from modelport.edge.onnx import INTEGER_TOOLS, MOST_CALLS, in_integers
from modelport.edge.onnx_graph import has_weights, read_model
from modelport.edge.pruning import best, forest_in, is_of_trees, last_step
from modelport.errors import FormatError, SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelport.edge.interface import Calibration, Source
    from modelport.edge.pruning import Forest

__all__ = ["BACKEND", "Trees"]

_LOG = logging.getLogger(__name__)
_PRUNED = "onnx-pruned-"
_PARTS = (2, 4, 10)
_FEWEST = 2  # trees: of one, it is no forest
_LARGE = 400_000_000  # numbers: of so many a file comes near to the 2 GB that protobuf writes
_TOOLS = ("skl2onnx", *INTEGER_TOOLS, "scikit-learn")
_INT8 = "onnx-int8"


class Trees:
    """Makes ONNX files of scikit-learn's estimators with skl2onnx."""

    def recipes(self, parent: Path) -> Sequence[Recipe]:
        """Return ``onnx`` and ``onnx-int8`` for a ``.skops`` file, and of a forest those with fewer trees.

        Of trees there are no integers: that is said when they are asked for, and needs no calibration.
        """
        if parent.suffix != ".skops":
            return ()
        estimator = _loaded(parent)[0]
        forest = forest_in(estimator)
        counts = sorted({forest.count // part for part in _PARTS}, reverse=True) if forest else []
        chosen = forest is not None and not forest.is_boosted
        fewer = [
            Recipe(f"{_PRUNED}{count}", "onnx", takes_calibration=chosen, options={"trees": count}, tools=_TOOLS)
            for count in counts
            if count >= _FEWEST
        ]
        options = {"calls": MOST_CALLS}
        integers = Recipe(_INT8, "onnx", needs_calibration=not is_of_trees(estimator), options=options, tools=_TOOLS)
        return (Recipe("onnx", "onnx", tools=_TOOLS), *fewer, integers)

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
        made = (
            _in_integers(estimator, source.calibration, file) if recipe.name == _INT8 else _converted(estimator, file)
        )
        return Made(file, how | made)


def _none(estimator: Any) -> NotMadeError:
    """Return why skl2onnx gives nothing that loads; of a very large forest, nothing that fits in a file."""
    named = " and ".join(type(step).__name__ for _, step in getattr(estimator, "steps", ()))
    none = f"skl2onnx has no form of {named or type(estimator).__name__} that ONNX Runtime runs"
    forest = forest_in(estimator)
    if forest is None or forest.numbers < _LARGE:
        return NotMadeError(none)
    return NotMadeError(
        f"{none}: its trees are some {forest.numbers:,} numbers, and an ONNX file has room for 2 GB",
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

    most = min(len(calibration), MOST_CALLS)
    calls = [calibration[number * len(calibration) // most] for number in range(most)]
    try:
        rows = np.vstack([array for call in calls for array in call.values()])
        return best(forest.votes(rows), count), "by calibration"
    except (TypeError, ValueError) as error:
        said = " ".join(str(error).split())[:300]
        raise NotMadeError(f"the forest does not take the calibration inputs: {said}") from error


def _converted(estimator: Any, file: Path) -> dict[str, Any]:
    """Write the ONNX form of *estimator* that answers as it does; return on how many rows, and what it must refuse."""
    _check_converter()
    from modelport.package.agreement import first_that_agrees
    from modelport.package.inner import InnerEstimator
    from modelport.package.state.conversion import NotConvertedError, onnx_of

    inner = InnerEstimator(estimator)
    try:
        return first_that_agrees(onnx_of(estimator), file, lambda: inner.compared(file), none="")
    except NotConvertedError as error:
        raise (NotMadeError(str(error)) if str(error) else _none(estimator)) from error


def _check_converter() -> None:
    try:
        import skl2onnx  # noqa: F401 - else there would just be no form
    except ImportError as error:
        raise SetupError("skl2onnx is not installed", hint="pip install 'modelport[variants]'") from error


def _in_integers(estimator: Any, calibration: Calibration | None, file: Path) -> dict[str, Any]:
    """Write the form of *estimator* in integers; return how it was made. It refuses all strange numbers.

    Integers have no place for what is no number, or out of range, and would answer as if it were one.
    """
    if is_of_trees(estimator):
        raise NotMadeError(
            f"{type(last_step(estimator)).__name__} has no form in integers: trees compare numbers, and multiply by no"
            " weights",
            hint="a forest with fewer trees is smaller: onnx-pruned-<N>",
        )
    _check_converter()
    import numpy as np

    from modelport.package.files.refusals import REFUSED
    from modelport.package.state.conversion import Column, onnx_forms

    width = getattr(estimator, "n_features_in_", None)
    forms = [] if width is None else onnx_forms(estimator, [[Column("x", "float", width)]])
    if not (content := next(iter(forms), b"")):
        raise _none(estimator)
    calls = [{"x": np.hstack(list(call.values())).astype(np.float32)} for call in calibration or ()]
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / file.name
        plain.write_bytes(content)
        if not has_weights(read_model(plain)):
            raise NotMadeError(
                f"{type(last_step(estimator)).__name__} multiplies by no weights that are worth narrowing"
            )
        made, how = in_integers(plain, calls)
    file.write_bytes(made)
    return {**how, "refuses": sorted(REFUSED)}


BACKEND: Final = Trees()
"""The backend, as `modelport.edge.interface` looks for it."""
