"""What is packed -> the model it is: ``FILE.py[:ATTRIBUTE]``, a recipe, a trained object, a model file."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.errors import ModelError, ModelportError, PackError
from modelport.model import Model
from modelport.package.blame import blame
from modelport.package.modules import PACKED_PREFIX
from modelport.package.state.keras import KerasBackend
from modelport.package.state.sklearn import SklearnBackend

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

__all__ = ["MODEL_FILES", "model_from_file", "model_from_recipe", "model_of", "model_of_path"]


MODEL_FILES = {".onnx": "onnx", ".skops": "estimator", ".keras": "network", ".tflite": "litert"}
"""The suffixes of files that are models, with the module of `modelport.package.files` that reads each."""


def model_of(value: object, *, name: str = "model", method: str = "") -> Model:
    """Return *value* as a model: a Model, a fitted scikit-learn estimator, a Keras model, or the path of a model file.

    Args:
        value: Any of these.
        name: What the file of a trained object is called in the package.
        method: What the method of a trained object or a file is called.

    Raises:
        PackError: It is none of these, or cannot be kept as data.
    """
    if isinstance(value, Model):
        if method:
            raise PackError("a Model names its methods itself", hint=f"write Model({method}=my_function)")
        return value
    if isinstance(value, str | Path):
        return model_of_path(Path(value), method=method)
    made = _model_of_object(value, name=name, method=method)
    if made is None:
        raise PackError(
            f"{_what(value)} is neither a Model nor a trained model of scikit-learn or Keras",
            hint="wrap what calls it in a function with annotations: Model(predict=my_function)",
        )
    return made


def model_of_path(path: Path, *, method: str = "") -> Model:
    """Return the model that is a file (see ``MODEL_FILES``) or an MLflow model's folder.

    Raises:
        PackError: It is none, cannot be read, or holds what has no place in a signature.
        SetupError: What reads it is not installed.
    """
    if (path / "MLmodel").is_file():
        from modelport.package.importers.mlflow import model_from_mlflow

        return model_from_mlflow(path)
    if path.suffix not in MODEL_FILES:
        raise PackError(f"{path} is no model file: those end in {', '.join(MODEL_FILES)}", hint="give one of these")
    reader = importlib.import_module(f"modelport.package.files.{MODEL_FILES[path.suffix]}")
    made: Model = reader.model_of_file(path, method=method)
    return made


def model_from_file(file: Path, attribute: str | None = None, *, method: str = "") -> Model:
    """Run *file* and return the model it makes: its *attribute*, or the only model among its names.

    An attribute may also be a bare scikit-learn estimator or Keras model, whose method is then called *method*.

    Raises:
        PackError: The file fails, or has no model or several.
    """
    module = _run(file)
    models = {name: value for name, value in vars(module).items() if isinstance(value, Model)}
    if attribute is not None:
        value = getattr(module, attribute, None)
        made = value if isinstance(value, Model) else _model_of_object(value, name=attribute, method=method)
        if made is None:
            raise PackError(
                f"{file}: {attribute!r} is {_what(value)}, not a Model",
                hint=_what_instead(file, module, value),
            )
        return model_of(made, method=method) if isinstance(value, Model) else made
    different = list({id(m): m for m in models.values()}.values())
    if len(different) != 1:
        raise PackError(
            f"{file} has {len(different)} models" + (f": {', '.join(models)}" if models else ""),
            hint=f"name one: {file}:{next(iter(models))}" if models else _no_model(file, module),
        )
    return model_of(different[0], method=method)


def _model_of_object(value: object, *, name: str, method: str) -> Model | None:
    """Return the model that a trained object is by itself, or None."""
    if SklearnBackend().keeps(value):
        from modelport.package.files.estimator import EstimatorModel

        return EstimatorModel(value, name=name, method=method)
    if KerasBackend().keeps(value):
        from modelport.package.files.network import NetworkModel

        return NetworkModel(value, name=name, method=method)
    return None


def _no_model(file: Path, module: ModuleType) -> str:
    """Return the way out where a file has no Model: it may have a trained object that is one by itself."""
    bare = _bare(module)
    return f"name what it trained: {file}:{bare[0]}" if bare else "make one: model = Model(method=function)"


def _what_instead(file: Path, module: ModuleType, value: object) -> str:
    """Return the way out where an attribute is no model: what else the file has, or a function that calls it."""
    models = [name for name, one in vars(module).items() if isinstance(one, Model)]
    offered = ", ".join(f"{file}:{name}" for name in [*models, *_bare(module)])
    call = "" if value is None else "call it from a function with annotations, Model(predict=that_function)"
    listed = f"what can be packed: {offered}" if offered else "" if call else "the file has no model"
    return "; ".join(one for one in (call, listed) if one)


def _bare(module: ModuleType) -> list[str]:
    """Return the names of a file's trained objects that are models by themselves."""
    keeps = SklearnBackend().keeps, KerasBackend().keeps
    return [name for name, value in vars(module).items() if any(keep(value) for keep in keeps)]


def model_from_recipe(file: Path, data: Mapping[str, Path]) -> Model:
    """Run a recipe's ``model()``, or ``model(data)`` with the folder of each data set, and return what it makes.

    Raises:
        PackError: The recipe fails or returns no model.
    """
    module = _run(file)
    function = getattr(module, "model", None)
    if not callable(function):
        raise PackError(f"{file} has no function model()", hint="a recipe defines model(), which returns a Model")
    takes_data = bool(inspect.signature(function).parameters)
    try:
        made = function(dict(data)) if takes_data else function()
    except ModelError as error:  # a method failed on an example
        raise ModelError(f"{file}: model() failed: {_told(error, file)}", hint=error.hint) from error
    except ModelportError:
        raise
    except (Exception, SystemExit) as error:
        raise PackError(f"{file}: model() failed: {_told(error, file)}") from error
    model = made if isinstance(made, Model) else _model_of_object(made, name="model", method="")
    if model is None:
        raise PackError(f"{file}: model() returned a {type(made).__name__}, not a Model")
    return model


def _run(file: Path) -> ModuleType:
    """Run *file* as a module of its own name, with its folder importable, as ``python FILE`` would."""
    if not file.is_file():
        raise PackError(f"{file} is not a file")
    resolved = file.resolve()
    name = f"{PACKED_PREFIX}{hashlib.sha256(str(resolved).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None:
        raise PackError(f"{file} is not a Python file", hint="give a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(resolved.parent) not in sys.path:
        sys.path.insert(0, str(resolved.parent))
    try:
        with _own_command_line(file):
            spec.loader.exec_module(module)
    except ModelError as error:  # a method failed on an example
        raise ModelError(f"{file} failed: {_told(error, resolved)}", hint=error.hint) from error
    except ModelportError:
        raise
    except SystemExit as error:
        hint = "it ends when it is run; what is only for its command line goes under if __name__ == '__main__'"
        raise PackError(f"{file} failed: {_told(error, resolved)}", hint=hint) from error
    except Exception as error:
        raise PackError(f"{file} failed: {_told(error, resolved)}") from error
    return module


@contextmanager
def _own_command_line(file: Path) -> Iterator[None]:
    """Let a file that reads the command line see its own, without arguments, and not ours."""
    outer, sys.argv = sys.argv, [str(file)]
    try:
        yield
    finally:
        sys.argv = outer


def _what(value: object) -> str:
    return "not there" if value is None else f"a {type(value).__name__}"


def _told(error: BaseException, file: Path) -> str:
    """Return the error and the line of the user's code where it came up; the file, too, where that is another one."""
    place = blame(error, file.resolve().parent)
    text = error.message if isinstance(error, ModelError) else f"{type(error).__name__}: {error}"
    if place is None:
        return text
    return f"{'' if place[0] == file.name else f'{place[0]}, '}line {place[1]}: {text}"
