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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, PackError, SetupError
from modelport.model.exchange import RefusedError
from modelport.package.files.bounds import check_bounds, check_loaded
from modelport.package.files.columns import message_taken, native
from modelport.package.files.model import FileModel
from modelport.package.files.outcomes import methods_of, values_of
from modelport.package.files.paths import read_license, state_file, state_path
from modelport.package.files.reviewed import CODE_BEARING, DATA_ONLY
from modelport.package.files.skops import attributes, foreign_parts, nodes, read_tree, value
from modelport.package.state.sklearn import SklearnBackend
from modelport.package.state.zips import write_zip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.spec import ModelSpec

__all__ = ["EstimatorModel", "model_of_file", "restore"]

_MOST_BYTES = 2**31 - 1
_WAY_OUT = "keep only scikit-learn's own parts in it, or wrap it in a function: Model(predict=my_function)"
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
        content, modules = _kept(estimator)
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


def model_of_file(file: Path, *, method: str = "") -> EstimatorModel:
    """Return the model that is the estimator in a ``.skops`` file of anybody's.

    Raises:
        PackError: It holds no such estimator, or types that nobody reviewed.
    """
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "model.skops"
        try:
            with zipfile.ZipFile(file) as archive:
                if sum(one.file_size for one in archive.infolist()) > _MOST_BYTES:
                    raise PackError(f"{file} unpacks to more than 2 GiB", hint="give a smaller model")
                write_zip(stored, {one: archive.read(one) for one in archive.namelist()})
            estimator = SklearnBackend().load(stored)
        except OSError as error:
            raise PackError(f"{file} cannot be read: {error.strerror}", hint="give a file that is there") from error
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise PackError(f"{file} is not a .skops file: {error}", hint="write it with skops.io.dump") from error
        except FormatError as error:
            raise PackError(error.message.replace(str(stored), str(file)), hint=_WAY_OUT) from error
    return EstimatorModel(estimator, method=method, name=file.stem)


def restore(folder: Path, spec: ModelSpec, bindings: Mapping[str, Any]) -> EstimatorModel:
    """Return the model whose methods an estimator of the package in *folder* answers.

    Raises:
        FormatError: The file is damaged, asks for types that nobody reviewed, or has not what the package says.
    """
    (path,) = {binding["file"] for binding in bindings.values()}
    file = state_file(folder, path)
    tree = read_tree(file)
    _check_needs()
    is_data = not foreign_parts(tree)
    if is_data:
        check_bounds(file, tree)
    estimator = SklearnBackend().load(file)
    if is_data:
        check_loaded(estimator)
    for method in spec.methods:
        _check_binding(estimator, spec, bindings[method.name])
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


def _kept(estimator: Any) -> tuple[bytes, set[str]]:
    """Return an estimator as a file, without what only its training needed, and the modules it asks for."""
    backend = SklearnBackend()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.skops"
        try:
            modules = {*backend.imports, *backend.save(estimator, file)}
        except PackError as error:
            raise PackError(error.message, hint=_WAY_OUT) from error
        with zipfile.ZipFile(file) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        tree = json.loads(members.pop("schema.json"))
        _unite(tree, {})
        for node in nodes(tree):
            _settle(node)
        used = {node["file"] for node in nodes(tree) if isinstance(node.get("file"), str)}
        kept = {name: content for name, content in members.items() if name in used}
        write_zip(file, {**kept, "schema.json": json.dumps(tree, separators=(",", ":")).encode()})
        return file.read_bytes(), modules


def _unite(node: Any, seen: dict[int, Any]) -> None:
    """Write each part that is met again as it was first: skops writes it anew, and reads the first alone."""
    for key, one in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if not isinstance(one, dict | list):
            continue
        number = one.get("__id__") if isinstance(one, dict) else None
        if isinstance(number, int) and number in seen:
            node[key] = seen[number]
            continue
        if isinstance(number, int):
            seen[number] = one
        _unite(one, seen)


def _settle(node: dict[str, Any]) -> None:
    """Forget how many processes and which cache an object was trained with: answers do not depend on it."""
    if node.get("__loader__") != "ObjectNode":
        return
    held = attributes(node)
    for key in {"memory", "n_jobs"} & held.keys():
        if value(held[key]) is not None and held[key].get("__loader__") == "JsonNode":
            held[key] = {k: v for k, v in held[key].items() if k != "__id__"} | {"content": "null"}


def _tree(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return json.loads(archive.read("schema.json"))


def _check_needs() -> None:
    """Say what is missing here before a file is said to be damaged."""
    if missing := [name for name in ("sklearn", "skops") if importlib.util.find_spec(name) is None]:
        raise SetupError(f"{missing[0]} is not installed, which runs this model", hint="pip install scikit-learn skops")


def _check_binding(estimator: Any, spec: ModelSpec, binding: Mapping[str, Any]) -> None:
    if unknown := [name for name in binding["outputs"].values() if not callable(getattr(estimator, name, None))]:
        raise FormatError(f"{type(estimator).__name__} has no {unknown[0]!r}")
    if [m.name for m in spec.methods if len(spec.message(m.output).fields) != len(binding["outputs"])]:
        raise FormatError("its outputs are not those of its signature")


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
