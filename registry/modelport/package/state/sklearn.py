"""scikit-learn objects as ``.skops``: a zip of a JSON tree and arrays, loaded by an allow-list of types.

skops writes clocks, memory addresses and random order into its files; here they are replaced by the order of the tree,
so that the same trained state gives the same bytes.
"""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from typing import TYPE_CHECKING, Any, ClassVar

from modelport.errors import FormatError, PackError
from modelport.package.modules import Origin, origin
from modelport.package.state.lightgbm import make_canonical, text_problem
from modelport.package.state.nodes import files_in, nodes
from modelport.package.state.numpy import without_padding
from modelport.package.state.zips import check_zip, write_zip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["REVIEWED_TYPES", "SklearnBackend"]

_ADDRESSES = {"_stop_words_id"}  # CountVectorizer and its like compare it with the next one; 0 is nobody's

_LOSSES = ("HalfBinomialLoss", "HalfMultinomialLoss", "HalfSquaredError", "HalfPoissonLoss", "HalfTweedieLossIdentity")
_KERNELS = ("ConstantKernel", "Matern", "Product", "RBF", "Sum", "WhiteKernel")
_SCORES = ("chi2", "f_classif", "f_regression")

REVIEWED_TYPES = frozenset(
    {
        # Compiled containers of arrays: constructing one allocates, and __setstate__ copies arrays and numbers; neither
        # calls anything. What they hold are indices that predictions follow unchecked, so a forged one may read memory
        # that is not its own: no more than the code of a package may do that holds one, and a data-only package has
        # its own, narrower list and checks the bounds (`modelport.package.files`).
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        # Links and losses: their constructors take numbers, and they compute on arrays that are handed in.
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        *(f"sklearn._loss.loss.{name}" for name in _LOSSES),
        # skops reads one from an empty .npy file, which NumPy's own reader checks; it cannot be made without arguments.
        "numpy.dtype",
        # Plain objects of attributes: made by __new__, filled by __dict__ (or as a dict), with no __setstate__ but
        # BaseEstimator's, which compares versions. What they hold went through this very list.
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.multiclass._ConstantPredictor",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.utils._bunch.Bunch",
        *(f"sklearn.gaussian_process.kernels.{name}" for name in _KERNELS),
        # Functions of two arrays; loading names them and calls none.
        *(f"sklearn.feature_selection._univariate_selection.{name}" for name in _SCORES),
        # LightGBM's: estimators that are their attributes; a booster is its text, which is looked through first.
        "collections.OrderedDict",
        "lightgbm.basic.Booster",
        *(f"lightgbm.sklearn.LGBM{name}" for name in ("Classifier", "Model", "Ranker", "Regressor")),
    }
)
"""Types beyond skops' own list that were read and found to be data; a file that asks for another one is not loaded."""


class SklearnBackend:
    """Keeps fitted scikit-learn estimators, pipelines and transformers, and LightGBM's among them."""

    suffix: ClassVar[str] = ".skops"
    imports: ClassVar[tuple[str, ...]] = ("skops",)

    def keeps(self, value: object) -> bool:
        """Tell whether *value* is a scikit-learn estimator."""
        base = sys.modules.get("sklearn.base")
        return base is not None and isinstance(value, base.BaseEstimator)

    def save(self, value: object, file: Path, *, settle: Callable[[Any], None] | None = None) -> tuple[str, ...]:
        """Write the estimator, whose tree *settle* may change; refuse types that nobody reviewed."""
        import skops.io

        try:
            raw = skops.io.dumps(value)
        except Exception as error:  # skops raises whatever an object's own __reduce__ raises
            raise PackError(f"skops cannot keep {type(value).__name__}: {error}") from error
        foreign = sorted(set(skops.io.get_untrusted_types(data=raw)) - REVIEWED_TYPES)
        if foreign:
            raise PackError(
                f"{type(value).__name__} holds {', '.join(map(_shown, foreign))}, which cannot be kept as data",
                hint="fit an estimator made of scikit-learn's own parts, and call other code from the method",
            )
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        tree = json.loads(members.pop("schema.json"))
        if settle:
            settle(tree)
        make_canonical(nodes(tree))
        if problem := text_problem(list(nodes(tree))):
            raise PackError(f"{type(value).__name__} holds {problem}", hint="train it with LightGBM 4")
        files = _renumber(tree)
        renamed = {files[name]: _without_padding(content) for name, content in members.items() if name in files}
        write_zip(file, {**renamed, "schema.json": json.dumps(tree, separators=(",", ":"), sort_keys=False).encode()})
        return tuple(sorted({m.split(".")[0] for m in _modules(tree)} - {"builtins"}))

    def load(self, file: Path) -> object:
        """Return the estimator; refuse a file that asks for a type that nobody reviewed."""
        names = check_zip(file)
        try:
            with zipfile.ZipFile(file) as archive:
                found = list(nodes(json.loads(archive.read("schema.json"))))
            _check_parts(file, names, found)
            return _loaded(file, found)
        except FormatError:
            raise
        except Exception as error:  # a tree names modules and calls constructors, which raise what they like
            raise FormatError(f"{file} is not a .skops file that can be loaded: {error}") from error


def _check_parts(file: Path, names: set[str], found: list[dict[str, Any]]) -> None:
    if unused := names - files_in(found) - {"schema.json"}:
        raise FormatError(f"{file} holds {min(unused)!r}, to which nothing in it refers")
    if problem := text_problem(found):
        raise FormatError(f"{file} holds {problem}")


def _loaded(file: Path, found: list[dict[str, Any]]) -> object:
    """Return what is in *file*, whose nodes are *found*; skops itself judges it, in one reading where it can."""
    from skops.io import get_untrusted_types, load
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        named = {f"{node.get('__module__')}.{node.get('__class__')}" for node in found}
        return load(file, trusted=sorted(named & REVIEWED_TYPES))
    except UntrustedTypesFoundException:  # some kinds of nodes name their types in other ways
        asked = get_untrusted_types(file=file)
        if foreign := sorted({*asked} - REVIEWED_TYPES):
            raise FormatError(f"{file} asks for types that nobody reviewed: {', '.join(foreign)}") from None
        return load(file, trusted=asked)


def _shown(kind: str) -> str:
    """Return a type's name as a user knows it."""
    return kind.rpartition(".")[2] if origin(kind) is Origin.SCRIPT else kind


def _renumber(tree: Any) -> dict[str, str]:
    """Number the tree's object ids and its files in the order they are met; return each file's new name.

    Sets are sorted, and addresses that estimators keep of their own accord are forgotten.
    """
    ids: dict[int, int] = {}
    files: dict[str, str] = {}
    for node in nodes(tree):
        if isinstance(node.get("__id__"), int):
            node["__id__"] = _number(ids, node)
        if isinstance(node.get("file"), str):
            old = node["file"]
            node["file"] = files.setdefault(old, f"{len(files):06d}.{old.rpartition('.')[2]}")
        if node.get("__loader__") == "SetNode":
            node["content"].sort(key=_content)
        for key in _ADDRESSES & node.keys():
            node[key]["content"] = "0"
    return files


def _without_padding(content: bytes) -> bytes:
    """Return an ``.npy`` file whose records have zeros between their fields, where NumPy leaves what memory held."""
    import numpy as np

    if not content.startswith(b"\x93NUMPY"):
        return content
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    stream = io.BytesIO()
    np.save(stream, without_padding(array), allow_pickle=False)
    return stream.getvalue()


def _content(node: Any) -> str:
    """Return what a node holds, without addresses, to sort by."""
    return re.sub(r'"__id__": \d+', "", json.dumps(node))


def _number(ids: dict[int, int], node: dict[str, Any]) -> int:
    # Plain values are interned or not as Python pleases: whether two of them share an address says nothing.
    key = -len(ids) - 1 if node.get("__loader__") == "JsonNode" else node["__id__"]
    return ids.setdefault(key, len(ids) + 1)


def _modules(tree: Any) -> set[str]:
    return {node["__module__"] for node in nodes(tree) if isinstance(node.get("__module__"), str)}
