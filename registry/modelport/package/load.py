"""A package folder -> a model that answers. Runs the package's code: whoever calls this has decided to trust it.

What is in the folder decides, not what it says of itself: without ``code/`` nothing of it is run, and its files go to
their format's reviewed loader; with ``code/``, a package that says it is data-only is refused.

It needs the standard library, NumPy for tensors, and what the package's own lock holds; nothing else of Modelport's
dependencies, so that it works in the clean environment.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from modelport.errors import FormatError, ModelError, ModelportError, SignatureError
from modelport.model import Evaluation, Example, Model, ModelSpec
from modelport.package.datasets import described
from modelport.package.documents import read_document
from modelport.package.files.restoring import restore
from modelport.package.importing import Source, import_as_it_lies
from modelport.package.modules import PACKED_PREFIX
from modelport.package.state import standing_in
from modelport.package.tiers import DATA_ONLY

__all__ = ["LoadedPackage", "forget", "load_package", "read_examples", "run_code", "second_forms"]


@dataclass(frozen=True, slots=True)
class LoadedPackage:
    """A model that answers, and the package it came from.

    Attributes:
        folder: The package's folder.
        info: Its ``package.json``.
        model: The model, with the package's golden examples, figures and data sets; packed again, it gives the same
            digest.
    """

    folder: Path
    info: dict[str, Any]
    model: Model

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.info["name"])


def load_package(folder: Path, *, alternatives: bool = False) -> LoadedPackage:
    """Load the package in *folder* into this process.

    Args:
        folder: The package's folder.
        alternatives: Whether trained objects are run in their second forms, where the package has some. A variant has
            nothing else.

    Raises:
        FormatError: The folder is not a whole package, or its code gives another signature than it says.
        ModelError: The package's code failed while it was loaded.
    """
    info, signature = (_object(folder / name) for name in ("package.json", "signature.json"))
    examples, evaluations = read_examples(folder), _read_evaluations(folder)
    has_code = (folder / "code").exists()
    alternatives = alternatives or "variant" in info
    with standing_in(folder, second_forms(info) if alternatives else {}):
        if has_code:
            model = _model_of_code(folder, info, signature)
        else:
            model = _model_of_files(folder, info, signature, alternatives=alternatives)
    model.examples.extend(examples)
    model.evaluations.extend(evaluations)
    model.data_sets.update(described(folder, info))
    model.package = folder.resolve()
    return LoadedPackage(folder, info, model)


def _model_of_files(folder: Path, info: dict[str, Any], signature: dict[str, Any], *, alternatives: bool) -> Model:
    model = restore(folder, info, signature, alternatives=alternatives)
    tier = info.get("tier")
    if isinstance(tier, dict) and tier.get("level") == DATA_ONLY != model.tier["level"]:
        raise FormatError(f"{folder} says that it is data-only, and {model.tier['reason']}", hint="do not use it")
    return model


def second_forms(info: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the path of the second form, and what it refuses, by the first one's path."""
    try:
        forms = info.get("alternatives", ())
        return {
            str(one["of"]): {"path": str(one["path"]), "refuses": [str(kind) for kind in one.get("refuses", ())]}
            for one in forms
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise FormatError("package.json says nothing that can be read of alternatives", hint="pack it again") from error


def _model_of_code(folder: Path, info: dict[str, Any], signature: dict[str, Any]) -> Model:
    tier = info.get("tier")
    if isinstance(tier, dict) and tier.get("level") == DATA_ONLY:
        raise FormatError(f"{folder} says that it is data-only, and holds code", hint="do not use it")
    model = _model(folder, signature, run_code(folder))
    said = ModelSpec.from_own_json(signature).proto_package
    # The interface counts: the same words and ranges may be said otherwise by another version of Modelport.
    if model.spec.proto_package != said:
        raise FormatError(
            f"{folder}: its code has the signature {model.spec.proto_package}, its signature.json says {said}",
            hint="pack the model again",
        )
    return model


def read_examples(folder: Path) -> list[Example]:
    """Return the golden examples of the package in *folder*, in order of their files' numbers."""
    examples = []
    for file in sorted((folder / "examples").glob("*.json"), key=lambda one: (len(one.name), one.name)):
        try:
            examples.append(Example(**_object(file)))
        except TypeError as error:
            raise FormatError(f"{file} is not an example: {error}") from error
    return examples


def _read_evaluations(folder: Path) -> list[Evaluation]:
    """Return the figures of the package in *folder*; one that was put together by hand may have none."""
    file = folder / "evaluations.json"
    documents = read_document(file) if file.exists() else []
    try:
        return [_evaluation(dict(one)) for one in documents]
    except (TypeError, ValueError) as error:
        raise FormatError(f"{file} is not a list of evaluations: {error}") from error


def _evaluation(values: dict[str, Any]) -> Evaluation:
    interval = values.pop("interval", None)
    return Evaluation(**values, interval=tuple(interval) if interval else None)


def _model(folder: Path, signature: dict[str, Any], methods: object) -> Model:
    try:
        names = [str(method["name"]) for method in signature["methods"]]
    except (KeyError, TypeError) as error:
        raise FormatError(f"{folder / 'signature.json'} is not a signature: its methods have no names") from error
    has = methods if isinstance(methods, dict) else {}
    if missing := [name for name in names if not callable(has.get(name))]:
        raise FormatError(f"{folder}: its code has no method {', '.join(missing)}", hint="pack the model again")
    try:
        return Model(**{name: has[name] for name in names})
    except SignatureError as error:
        raise FormatError(f"{folder}: its code has no signature: {error.message}", hint=error.hint) from error


def run_code(folder: Path) -> object:
    """Run ``code/model.py`` as a module of its own name and return its ``METHODS``."""
    code = (folder / "code").resolve()
    file = code / "model.py"
    if not file.is_file():
        raise FormatError(f"{folder} is not a package: it has no code/model.py")
    name = f"{PACKED_PREFIX}{hashlib.sha256(str(code).encode()).hexdigest()[:16]}"
    loader = Source(name, str(file))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None  # noqa: S101 - a loader of a file gives one
    module = importlib.util.module_from_spec(spec)
    _make_importable(code)
    sys.modules[name] = module  # where classes look up their annotations
    try:
        loader.exec_module(module)
    except ModelportError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"{folder}: its code failed while it was loaded: {type(error).__name__}: {error}") from error
    return getattr(module, "METHODS", None)


def forget(folder: Path) -> None:
    """Let go of what was imported from the code of the package in *folder*, so that it can be run anew."""
    code = str((folder / "code").resolve())
    sys.path[:] = [place for place in sys.path if place != code]
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(f"{code}/"):
            del sys.modules[name]


def _make_importable(code: Path) -> None:
    """Let the package's own modules be found, for good: functions may import late.

    Raises:
        ModelError: A module of that name is there already, or installed: Python knows one module by a name, and whoever
            imports the other one in this process would be given the package's.
    """
    for place in code.iterdir():
        own = place.name.removesuffix(".py")
        other = _elsewhere(own) if place.name != "model.py" and own.isidentifier() else None
        if other and not _same_file(place, Path(other)):
            raise ModelError(
                f"{code.parent} has a module {own!r} of its own, and another one is from {other}",
                hint="load it where the other one is not, in a process of its own, or rename the module and pack again",
            )
    if str(code) not in sys.path:
        import_as_it_lies(code)
        sys.path.insert(0, str(code))


def _elsewhere(module: str) -> str | None:
    """Return where *module* comes from in this process, or would come from without the package."""
    if file := getattr(sys.modules.get(module), "__file__", None):
        return str(file)
    if module in sys.stdlib_module_names:
        return "Python itself"
    installed = [one for one in sys.path if Path(one).name in {"site-packages", "dist-packages"}]
    spec = PathFinder.find_spec(module, installed)
    return spec.origin if spec and spec.has_location else None


def _same_file(place: Path, other: Path) -> bool:
    own = place if place.is_file() else place / "__init__.py"
    return own.is_file() and other.is_file() and own.read_bytes() == other.read_bytes()


def _object(file: Path) -> dict[str, Any]:
    document = read_document(file)
    if not isinstance(document, dict):
        raise FormatError(f"{file} is JSON, but not an object")
    return document
