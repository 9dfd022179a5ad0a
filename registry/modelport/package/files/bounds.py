"""The numbers in a ``.skops`` file that compiled code takes for places in memory without looking: looked at before.

scikit-learn walks a tree by the numbers of its nodes and features, adds up a boosted model's trees into an array of the
caller's width, and writes an encoder's columns where its categories say. A file with other numbers than training makes
would read and write beside the arrays.
"""

from __future__ import annotations

import io
import zipfile
from importlib import import_module
from operator import index
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.package.files.columns import WIDEST
from modelport.package.files.objects import inside
from modelport.package.files.skops import attributes, value
from modelport.package.state.nodes import nodes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["check_bounds", "check_loaded"]

_TREES = "sklearn.tree._classes"
_BOOSTED = "sklearn.ensemble._gb"
_LEAF = -1
_MOST_DEGREES = 1000


def check_bounds(file: Path, tree: Any) -> None:
    """Check the numbers of the ``.skops`` file whose *tree* holds nothing foreign.

    Raises:
        FormatError: They lead outside of what they belong to, or an attribute stands in a method's place.
    """
    with zipfile.ZipFile(file) as archive:
        trees = 0
        try:
            for node in nodes(tree):
                if node.get("__loader__") == "ObjectNode":
                    held = attributes(node)
                    _check_names(node, held)
                    trees += _check_object(node, held, archive)
        except FormatError as error:
            raise FormatError(f"{file} holds {error.message}") from error
        except Exception as error:  # what reads an array, and whatever is missing, raises as it likes
            raise FormatError(f"{file} holds a part that is not as scikit-learn makes it: {error}") from error
    if trees != sum(node.get("__loader__") == "TreeNode" for node in nodes(tree)):
        raise FormatError(f"{file} holds a tree outside of an estimator of trees")


def check_loaded(estimator: Any) -> None:
    """Check what a loaded estimator tells best: that its parts fill the arrays that they make.

    Raises:
        FormatError: They do not.
    """
    for one in inside(estimator):
        check = _LOADED.get(type(one).__module__)
        try:
            if check:
                check(one)
        except FormatError:
            raise
        except Exception as error:  # whatever is missing raises as it likes
            raise FormatError(f"{type(one).__name__} is not as scikit-learn makes it: {error}") from error


def _check_start(boosted: Any) -> None:
    """Check that a boosted model begins with as many values as its trees are added to."""
    import numpy as np

    if not hasattr(boosted, "estimators_"):
        return
    first = boosted._raw_predict_init(np.zeros((1, boosted.n_features_in_), np.float32))  # noqa: SLF001 - its own start
    trees = boosted.estimators_.shape[1]
    if first.shape != (1, trees):
        raise FormatError(f"{type(boosted).__name__} adds {trees} trees to {first.shape[1]} values")


def _check_powers(powers: Any) -> None:
    """Check that an array of powers has a column for each of them: other columns would hold what the memory did."""
    if not hasattr(powers, "_n_out_full"):
        return
    width, least, most = map(index, (powers.n_features_in_, powers._min_degree, powers._max_degree))  # noqa: SLF001 - as fit() sets them
    if not (0 <= least <= most <= _MOST_DEGREES and 1 <= width <= WIDEST):
        raise FormatError("columns that are not its powers")
    counts = [
        powers._num_combinations(width, first, most, powers.interaction_only, powers.include_bias)  # noqa: SLF001 - as fit() counts
        for first in (0, least)
    ]
    if counts != [index(powers._n_out_full), index(powers.n_output_features_)]:  # noqa: SLF001 - as fit() sets it
        raise FormatError("columns that are not its powers")


def _check_chain(chain: Any) -> None:
    """Check that a chain gives each of its answers a place of its own."""
    import numpy as np

    if hasattr(chain, "order_"):
        order = np.asarray(chain.order_)
        if order.dtype.kind not in "iu" or sorted(order.tolist()) != list(range(len(chain.estimators_))):
            raise FormatError("a chain that names its answers not each once")


_LOADED: dict[str, Callable[[Any], None]] = {
    _BOOSTED: _check_start,
    "sklearn.preprocessing._polynomial": _check_powers,
    "sklearn.multioutput": _check_chain,
}
"""What is looked at in the loaded parts of each module."""


def _check_names(node: dict[str, Any], held: dict[str, Any]) -> None:
    kind = getattr(import_module(node["__module__"]), node["__class__"])
    for key in held:
        own = getattr(kind, key, None)
        if callable(own) or hasattr(own, "__get__"):
            raise FormatError(f"{kind.__name__} with an attribute in place of its method {key!r}")


def _check_object(node: dict[str, Any], held: dict[str, Any], archive: zipfile.ZipFile) -> int:
    """Check one object; return how many trees are its own."""
    if node["__module__"] == _TREES and "tree_" in held:  # without: the pattern of others, which answers nothing
        _check_tree(held["tree_"], _whole(held, "n_features_in_"), archive)
        return 1
    if node["__module__"] == _BOOSTED and "estimators_" in held:
        _check_boosted(held)
    if node["__class__"] == "OneHotEncoder" and "categories_" in held:
        _check_encoder(held, archive)
    return 0


def _check_tree(node: dict[str, Any], width: int, archive: zipfile.ZipFile) -> None:
    """Check that each node of a tree leads to later ones, and asks for a feature that there is."""
    import numpy as np

    if node["__loader__"] != "TreeNode":
        raise FormatError("an estimator of trees without a tree")
    parts = attributes(node)
    steps = _array(parts["nodes"], archive)
    left, right, feature = (steps[name].astype(np.int64) for name in ("left_child", "right_child", "feature"))
    places = np.arange(len(steps))
    inner = left != _LEAF
    fits = (left[inner] > places[inner]) & (right[inner] > places[inner]) & (feature[inner] >= 0)
    fits &= (left[inner] < len(steps)) & (right[inner] < len(steps)) & (feature[inner] < width)
    if steps.ndim != 1 or not len(steps) or value(parts["node_count"]) != len(steps) or not fits.all():
        raise FormatError("a tree that leads out of itself")


def _check_boosted(held: dict[str, Any]) -> None:
    width, each = _whole(held, "n_features_in_"), _whole(held, "n_trees_per_iteration_")
    rows = [row["content"] for row in held["estimators_"]["content"]]
    flat = [one for row in rows for one in row]
    first = held["init_"]
    plain = first.get("__module__") == "sklearn.dummy" or value(first) == "zero"
    if not plain or any(len(row) != each for row in rows) or not flat:
        raise FormatError("a boosted model whose trees are not one for each value")
    if any(
        one["__class__"] != "DecisionTreeRegressor" or _whole(attributes(one), "n_features_in_") != width
        for one in flat
    ):
        raise FormatError("a boosted model whose trees are made for other features")


def _check_encoder(held: dict[str, Any], archive: zipfile.ZipFile) -> None:
    sizes = [value(one) for one in held["_n_features_outs"]["content"]]
    categories = held["categories_"]["content"]
    if sizes != [_categories(one, archive) for one in categories] or bool in map(type, sizes):
        raise FormatError("an encoder whose columns are not its categories")


def _categories(node: dict[str, Any], archive: zipfile.ZipFile) -> int:
    """Return how many categories an array has that can be looked up in it."""
    if node["type"] == "json":
        return len(node["content"])
    known = _array(node, archive)
    if known.ndim != 1 or not (known[:-1] < known[1:])[: len(known) - 1 - bool(known[-1:] != known[-1:])].all():
        raise FormatError("an encoder whose categories are not sorted")
    return len(known)


def _array(node: dict[str, Any], archive: zipfile.ZipFile) -> Any:
    import numpy as np

    return np.load(io.BytesIO(archive.read(node["file"])), allow_pickle=False)


def _whole(held: dict[str, Any], key: str) -> int:
    found = value(held[key])
    if type(found) is not int or found < 1:
        raise FormatError(f"an estimator whose {key} is {str(found)[:60]!r}")
    return found
