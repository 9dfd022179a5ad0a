"""A package folder -> a model that answers. Runs the package's code: whoever calls this has decided to trust it.

It needs the standard library, NumPy for tensors, and what the package's own lock holds; nothing else of Modelport's
dependencies, so that it works in the clean environment.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, ModelError, ModelportError
from modelport.model import Example, Model

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LoadedPackage", "load_package", "read_examples"]


@dataclass(frozen=True, slots=True)
class LoadedPackage:
    """A model that answers, and the package it came from.

    Attributes:
        folder: The package's folder.
        info: Its ``package.json``.
        model: The model, with the package's golden examples.
    """

    folder: Path
    info: dict[str, Any]
    model: Model

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.info["name"])


def load_package(folder: Path) -> LoadedPackage:
    """Load the package in *folder* into this process.

    Raises:
        FormatError: The folder is not a whole package, or its code gives another signature than it says.
        ModelError: The package's code failed while it was loaded.
    """
    info, signature = (_read_json(folder / name) for name in ("package.json", "signature.json"))
    methods = _run_code(folder)
    model = Model(**{m["name"]: methods[m["name"]] for m in signature["methods"]})
    if model.spec.to_json() != signature:
        raise FormatError(
            f"{folder}: its code has the signature {model.spec.proto_package}, its signature.json says"
            f" {signature.get('proto_package')}",
            hint="pack the model again",
        )
    model.examples.extend(read_examples(folder))
    return LoadedPackage(folder, info, model)


def read_examples(folder: Path) -> list[Example]:
    """Return the golden examples of the package in *folder*, in order of their files' names."""
    return [Example(**_read_json(file)) for file in sorted((folder / "examples").glob("*.json"))]


def _run_code(folder: Path) -> dict[str, Any]:
    code = folder / "code"
    name = "modelport_package_" + "".join(c if c.isalnum() else "_" for c in folder.resolve().as_posix())
    spec = importlib.util.spec_from_file_location(name, code / "model.py")
    if spec is None or spec.loader is None or not (code / "model.py").is_file():
        raise FormatError(f"{folder} is not a package: it has no code/model.py")
    module = importlib.util.module_from_spec(spec)
    if str(code) not in sys.path:
        sys.path.insert(0, str(code))  # the package's own modules; stays, because functions may import late
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ModelportError:
        raise
    except Exception as error:
        raise ModelError(f"{folder}: its code failed while it was loaded: {type(error).__name__}: {error}") from error
    finally:
        sys.dont_write_bytecode = writes_bytecode
    methods: dict[str, Any] = module.METHODS
    return methods


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise FormatError(f"{file.parent} is not a package: {file.name} is missing") from error
    except ValueError as error:
        raise FormatError(f"{file} is not JSON: {error}") from error
