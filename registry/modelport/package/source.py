"""A Python file -> the model in it: ``FILE.py[:ATTRIBUTE]``, or a recipe's ``model()``."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from typing import TYPE_CHECKING

from modelport.errors import ModelError, ModelportError, PackError
from modelport.model import Model
from modelport.package.blame import blame
from modelport.package.modules import PACKED_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

__all__ = ["model_from_file", "model_from_recipe"]


def model_from_file(file: Path, attribute: str | None = None) -> Model:
    """Run *file* and return the model it makes: its *attribute*, or the only Model among its names.

    Raises:
        PackError: The file fails, or has no model or several.
    """
    module = _run(file)
    models = {name: value for name, value in vars(module).items() if isinstance(value, Model)}
    if attribute is not None:
        value = getattr(module, attribute, None)
        if not isinstance(value, Model):
            raise PackError(
                f"{file}: {attribute!r} is {_what(value)}, not a Model",
                hint=f"its models are: {', '.join(models) or 'none'}",
            )
        return value
    different = list({id(m): m for m in models.values()}.values())
    if len(different) != 1:
        raise PackError(
            f"{file} has {len(different)} models" + (f": {', '.join(models)}" if models else ""),
            hint=f"name one: {file}:{next(iter(models))}" if models else "make one: model = Model(method=function)",
        )
    return different[0]


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
    if not isinstance(made, Model):
        raise PackError(f"{file}: model() returned a {type(made).__name__}, not a Model")
    return made


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
        spec.loader.exec_module(module)
    except ModelError as error:  # a method failed on an example
        raise ModelError(f"{file} failed: {_told(error, resolved)}", hint=error.hint) from error
    except ModelportError:
        raise
    except (Exception, SystemExit) as error:
        raise PackError(f"{file} failed: {_told(error, resolved)}") from error
    return module


def _what(value: object) -> str:
    return "not there" if value is None else f"a {type(value).__name__}"


def _told(error: BaseException, file: Path) -> str:
    """Return the error and the line of the user's code where it came up; the file, too, where that is another one."""
    place = blame(error, file.resolve().parent)
    text = error.message if isinstance(error, ModelError) else f"{type(error).__name__}: {error}"
    if place is None:
        return text
    return f"{'' if place[0] == file.name else f'{place[0]}, '}line {place[1]}: {text}"
