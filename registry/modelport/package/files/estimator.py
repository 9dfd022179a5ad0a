"""A bare scikit-learn estimator as a model: its signature comes from what it was trained on, its own methods answer.

It is kept as ``.skops``. Where the file holds nothing but reviewed parts (`skops`, `estimators`) whose numbers lead
nowhere else (`bounds`), the package is data-only; otherwise it is code-bearing, though it has no code of its maker's.
"""

from __future__ import annotations

import importlib.util
import io
import json
import tempfile
import zipfile
import zlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, PackError, SetupError
from modelport.model.about import About
from modelport.model.exchange import RefusedError
from modelport.package.files.bounds import check_bounds, check_loaded
from modelport.package.files.columns import message_taken, native
from modelport.package.files.keeping import keep_estimator, keep_file
from modelport.package.files.model import FileModel
from modelport.package.files.outcomes import methods_of, values_of
from modelport.package.files.paths import read_license, state_file, state_path
from modelport.package.files.skops import foreign_parts, read_tree
from modelport.package.state.nodes import nodes
from modelport.package.state.sklearn import SklearnBackend
from modelport.package.tiers import CODE_BEARING, DATA_ONLY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.spec import ModelSpec

__all__ = ["EstimatorModel", "model_of_file", "restore"]

_WAY_OUT = "keep only scikit-learn's own parts in it, or wrap it in a function: Model(predict=my_function)"
_PACK_THERE = "load it where it was made, and pack it there: modelport.pack(MODEL, NAME)"
_DATA = "it is one scikit-learn estimator of reviewed parts, which modelport's own loader runs"


class EstimatorModel(FileModel):
    """A model that is one fitted scikit-learn estimator, pipeline or transformer.

    Args:
        estimator: The fitted estimator.
        method: What its method is called; by default ``predict``, or ``transform`` for a transformer.
        name: What its file is called.

    Raises:
        PackError: It is not fitted, cannot be kept as data, or takes or gives what has no place in a signature.
        SetupError: scikit-learn or skops is not installed.
    """

    kind = "scikit-learn"

    def __init__(self, estimator: Any, *, method: str = "", name: str = "model") -> None:
        _check_fitted(estimator)
        path = state_path(Path(f"{name}.skops"), ".skops")
        try:
            content, modules = keep_estimator(estimator)
        except (PackError, FormatError) as error:
            raise PackError(error.message, hint=_WAY_OUT) from error
        taken = message_taken(estimator, method)
        spec, outputs = methods_of(estimator, taken, method)
        (named,) = spec.methods
        bindings = {named.name: {"file": path, "inputs": taken.binding, "outputs": outputs}}
        self._finish(estimator, spec, bindings, files={path: content}, modules=modules)

    def _finish(
        self,
        estimator: Any,
        spec: ModelSpec,
        bindings: Mapping[str, Any],
        *,
        files: Mapping[str, bytes],
        modules: set[str],
        terms: bytes = b"",
    ) -> None:
        (content,) = files.values()
        foreign = foreign_parts(_tree(content))
        reason = (
            f"its file holds {', '.join(foreign[:3])}, which may do more than compute with what the file says"
            if foreign
            else _DATA
        )
        tier = CODE_BEARING if foreign else DATA_ONLY, reason
        needs = {*modules, "numpy", "sklearn", "skops", *(["pandas"] if any(m.table for m in spec.messages) else [])}
        runners = {name: _runner(estimator, spec, one) for name, one in bindings.items()}
        FileModel.__init__(self, spec, runners, bindings, files=files, modules=needs, tier=tier, license=terms)
        self.trained = estimator


def model_of_file(file: Path, *, method: str = "", data_only: bool = False) -> EstimatorModel:
    """Return the model that is the estimator in a ``.skops`` file of anybody's.

    Args:
        file: The file.
        method: What its method is called.
        data_only: Whether it is loaded only where it holds nothing but reviewed parts.

    Raises:
        PackError: It holds no such estimator, or types that nobody reviewed.
    """
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "model.skops"
        try:
            keep_file(file, kept)
            tree = read_tree(kept)
            if data_only and (foreign := foreign_parts(tree)):
                raise PackError(f"{file} holds {', '.join(foreign[:3])}: it is more than data", hint=_PACK_THERE)
            estimator = _loaded(kept, tree)
        except OSError as error:
            raise PackError(f"{file} cannot be read: {error.strerror}", hint="give a file that is there") from error
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
            raise PackError(f"{file} is not a .skops file: {error}", hint="write it with skops.io.dump") from error
        except FormatError as error:
            raise PackError(error.message.replace(str(kept), str(file)), hint=_WAY_OUT) from error
    return EstimatorModel(estimator, method=method, name=file.stem)


def restore(folder: Path, spec: ModelSpec, bindings: Mapping[str, Any]) -> EstimatorModel:
    """Return the model whose methods an estimator of the package in *folder* answers.

    Raises:
        FormatError: The file is damaged, asks for types that nobody reviewed, or has not what the package says.
    """
    if len(spec.methods) != 1:
        raise FormatError("it has several methods, and one estimator answers one")
    (binding,) = bindings.values()
    path = binding["file"]
    file = state_file(folder, path)
    tree = read_tree(file)
    _check_needs()
    estimator = _loaded(file, tree)
    _check_method(estimator, spec, binding)
    model = EstimatorModel.__new__(EstimatorModel)
    modules = {str(node["__module__"]).split(".")[0] for node in nodes(tree) if isinstance(node.get("__module__"), str)}
    model._finish(  # noqa: SLF001 - as its constructor does
        estimator,
        spec,
        bindings,
        files={path: file.read_bytes()},
        modules=modules - {"builtins"},
        terms=read_license(folder),
    )
    return model


def _loaded(file: Path, tree: Any) -> Any:
    """Return the estimator in a file; the numbers of one that is data are looked at before it answers anything."""
    is_data = not foreign_parts(tree)
    if is_data:
        check_bounds(file, tree)
    estimator = SklearnBackend().load(file)
    if is_data:
        check_loaded(estimator)
    return estimator


def _check_fitted(estimator: Any) -> None:
    try:
        from sklearn.exceptions import NotFittedError
        from sklearn.utils.validation import check_is_fitted
    except ImportError as error:
        raise SetupError("scikit-learn is not installed", hint="pip install scikit-learn") from error
    try:
        check_is_fitted(estimator)
    except (NotFittedError, TypeError) as error:
        raise PackError(
            f"{type(estimator).__name__} has no fitted state: there is nothing to pack yet",
            hint="train it first: estimator.fit(X, y)",
        ) from error


def _tree(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return json.loads(archive.read("schema.json"))


def _check_needs() -> None:
    """Say what is missing here before a file is said to be damaged."""
    if missing := [name for name in ("sklearn", "skops") if importlib.util.find_spec(name) is None]:
        raise SetupError(f"{missing[0]} is not installed, which runs this model", hint="pip install scikit-learn skops")


def _check_method(estimator: Any, spec: ModelSpec, binding: Mapping[str, Any]) -> None:
    """Hold what a package says of its method against what the estimator itself takes and gives.

    Nothing else of the estimator is ever called: fit_transform, for one, would learn from what a caller sends.
    """
    (method,) = spec.methods
    try:
        taken = message_taken(estimator, method.name)
        own, outputs = methods_of(estimator, taken, method.name)
    except PackError as error:
        raise FormatError(error.message) from error
    said = binding["inputs"], binding["outputs"], _types(spec)
    if said != (taken.binding, outputs, _types(own)):
        raise FormatError(f"it says of {type(estimator).__name__} what the estimator does not do", hint="pack it again")


def _types(spec: ModelSpec) -> list[Any]:
    """Return a signature's types without words: a maker may have said more of a field than the estimator does."""
    (method,) = spec.methods
    messages = [spec.message(name) for name in (method.input, method.output)]
    return [(m.name, m.table, [replace(field, about=About()) for field in m.fields]) for m in messages]


def _runner(estimator: Any, spec: ModelSpec, binding: Mapping[str, Any]) -> Any:
    (method,) = spec.methods
    return partial(_run, estimator, spec.message(method.input), spec.message(method.output), binding)


def _run(estimator: Any, taken: Any, given: Any, binding: Mapping[str, Any], message: Any) -> Mapping[str, Any]:
    try:
        values = native(message, taken, binding["inputs"])
        return values_of(estimator, values, given, binding["outputs"])
    except ValueError as error:
        # It was loaded and is whole: a value that it does not take is the caller's.
        raise RefusedError(f"the estimator refuses these values: {' '.join(str(error).split())[:200]}") from error
