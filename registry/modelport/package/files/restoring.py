"""A package without code -> its model: each method runs a file, by the reviewed loader of the file's kind."""

from __future__ import annotations

from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.model.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from modelport.package.files.model import FileModel

__all__ = ["restore", "second_form"]

_LOADERS = {".onnx": "onnx", ".tflite": "litert", ".skops": "estimator", ".keras": "network"}
"""The module of this folder that runs files of each kind; its ``restore`` takes the folder, the signature, bindings."""


def restore(folder: Path, info: Mapping[str, Any], signature: Any, *, alternatives: bool = False) -> FileModel:
    """Return the model of the package in *folder*, from what its ``package.json`` and signature say.

    With *alternatives*, its file is run in the second form, where it has one.

    Raises:
        FormatError: They do not say what the files hold, or a file cannot be loaded.
        SetupError: What runs files of this kind is not installed.
    """
    spec = ModelSpec.from_own_json(signature)
    bindings = info.get("methods")
    if not isinstance(bindings, dict) or set(bindings) != {m.name for m in spec.methods}:
        raise FormatError(f"{folder}: package.json does not say which file each method runs", hint="pack it again")
    if streaming := [m.name for m in spec.methods if m.streams]:
        raise FormatError(f"{folder}: {', '.join(streaming)} streams, and a file answers one message at a time")
    try:
        if form := second_form(info, bindings) if alternatives else None:
            from modelport.package.files.converted import restore_converted  # here, for it imports what others need not

            return restore_converted(folder, spec, bindings, form)
        model: FileModel = _loader(bindings).restore(folder, spec, bindings)
    except FormatError as error:
        raise FormatError(f"{folder}: {error.message}", hint=error.hint) from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{folder}: package.json says of its methods nothing that can be read") from error
    return model


def second_form(info: Mapping[str, Any], bindings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what ``package.json`` says of the second form of the file that all methods run, where it has one."""
    files = {binding["file"] for binding in bindings.values()}
    return next((one for one in info.get("alternatives", ()) if {one["of"]} == files), None)


def _loader(bindings: Mapping[str, Any]) -> Any:
    suffixes = {PurePosixPath(binding["file"]).suffix for binding in bindings.values()}
    if len(suffixes) != 1 or not suffixes <= _LOADERS.keys():
        raise FormatError(f"no loader runs its files: {', '.join(sorted(suffixes))}", hint="a newer modelport may")
    return import_module(f"modelport.package.files.{_LOADERS[suffixes.pop()]}")
