"""MLflow model folders (1.x to 3.x): ONNX, ``.keras``, LightGBM's text and scikit-learn by skops become packages.

``MLmodel`` says which flavours a folder has. Flavours that are pickled are refused, with the way out; nothing of them
is opened. Source: mlflow.org/docs, "MLflow Model Format", and the folders that mlflow 1.30, 2.22 and 3.15 write.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, ModelError, ModelportError
from modelport.package.importers.contents import is_pickle_name, look_through, told_of_code, told_of_left
from modelport.package.importers.found import Imported, Problems
from modelport.package.importers.licenses import UNKNOWN
from modelport.package.importers.mlflow_example import example_arguments
from modelport.package.importers.mlflow_schema import MlflowColumn, read_columns
from modelport.package.importers.source import Source
from modelport.package.importers.words import cell, model_name, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.model import Model

__all__ = ["import_mlflow", "is_mlflow_folder", "model_from_mlflow"]

log = logging.getLogger(__name__)
_DOCUMENT, _LINES = 1024**2, 256 * 1024
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9_.,-]+\])?\s*([=<>!~]=?.*)?")
_MOST = 256
_TOLERANCE = 1e-5
_WAY_OUT = "load it where it was made, and pack it there: modelport.pack(MODEL, NAME)"


def is_mlflow_folder(path: Path) -> bool:
    """Tell whether *path* is an MLflow model folder."""
    return (path / "MLmodel").is_file()


def model_from_mlflow(folder: Path) -> Model:
    """Return the model in the MLflow folder *folder*, with its input example as a golden example.

    Raises:
        NotFoundError: There is nothing there.
        FormatError: It is no such folder, or has only pickled flavours; all problems are in the message.
        PackError: What is in it cannot be packed.
        SetupError: What runs it is not installed.
    """
    with Source(folder) as source:
        return _Folder.read(source).model()[0]


def import_mlflow(path: Path) -> Imported:
    """Return what the MLflow folder at *path* is and says; raises as :func:`model_from_mlflow` does.

    PackError, too, where its estimator has parts that nobody reviewed: those are loaded by whoever packs them.
    """
    with Source(path) as source:
        folder = _Folder.read(source)
        model, note = folder.model(data_only=True)
        contents = look_through(source)
        origin = {
            "from": "mlflow",
            **({"format": folder.version} if folder.version else {}),
            **({"requirements": folder.requirements} if folder.requirements else {}),
            "files": source.records(contents.listed),
        }
    title = one_line(path.resolve().name, 80)
    return Imported(
        name=model_name(title),
        known={"title": title, "license": UNKNOWN},
        origin=origin,
        signature=model.spec.to_json(),
        card=folder.card() + note + told_of_code(contents.code) + told_of_left(contents.left),
        model=model,
    )


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder whose ``MLmodel`` was read.

    Attributes:
        source: Its files.
        said: ``MLmodel``.
        inputs: The columns or tensors that its signature takes.
        outputs: Those that it gives.
        requirements: ``requirements.txt``.
    """

    source: Source
    said: dict[str, Any]
    inputs: tuple[MlflowColumn, ...]
    outputs: tuple[MlflowColumn, ...]
    requirements: list[str]

    @classmethod
    def read(cls, source: Source) -> _Folder:
        """Read what a folder says of itself; all that is wrong with it is told at once."""
        from modelport.catalog.reader import read_yaml

        if "MLmodel" not in source:
            raise FormatError(
                f"{source.path} is no MLflow model: it has no file MLmodel", hint="give the folder that holds MLmodel"
            )
        problems = Problems(source.path)
        said: Any = {}
        try:
            document = read_yaml(source.read("MLmodel", limit=_DOCUMENT), "MLmodel")
            problems.found += map(str, document.problems)
            said = document.value
        except FormatError as error:
            problems.note("MLmodel", error.message)
        said = said if isinstance(said, dict) else {}
        if not isinstance(said.get("flavors"), dict) and not problems.found:
            problems.note("MLmodel: flavors", "is no mapping")
        signature = said.get("signature")
        sides = signature if isinstance(signature, dict) else {}
        inputs, outputs = (read_columns(sides.get(side), f"MLmodel: signature.{side}", problems) for side in _SIDES)
        requirements = _requirements(source, problems)
        problems.stop_if_any("the folder is not as MLflow wrote it: log the model again")
        return cls(source, said, inputs, outputs, requirements)

    @property
    def version(self) -> str:
        """MLflow's version."""
        return one_line(self.said.get("mlflow_version"), 64)

    def model(self, *, data_only: bool = False) -> tuple[Model, str]:
        """Return the model with its example, and for the card why it has none."""
        model = self._model(data_only=data_only)
        example, note = example_arguments(self.source, self.said.get("saved_input_example_info"), model)
        if example is not None:
            method = model.spec.methods[0].name
            try:
                model.add_example(method, example, tolerance=_TOLERANCE)
            except (ModelportError, ModelError) as error:
                note = one_line(error.message, 500)
        if note:
            log.warning("the input example of %s is left out: %s", self.source.path.name, note)
        return model, f"## Its input example is left out\n\n{cell(note, 500)}\n\n" if note else ""

    def _model(self, *, data_only: bool) -> Model:
        problems = Problems(self.source.path)
        for flavour, read in _READERS.items():
            said = self.said["flavors"].get(flavour)
            if not isinstance(said, dict):
                continue
            file, why = read(self, said)
            if why:
                problems.note(f"flavour {flavour}", why)
            elif file in self.source.left_out:
                problems.note(f"flavour {flavour}", f"its file {file[:80]!r} has a name that no entry lists: rename it")
            elif file not in self.source:
                problems.note(f"flavour {flavour}", f"its file {file[:80]!r} is missing")
            else:
                return _load(self.source.file(file), self.inputs, data_only=data_only)
        if not problems.found:
            known = ", ".join(one_line(name, 40) for name in self.said["flavors"]) or "none"
            problems.note("its flavours", f"are {known}: of these nothing can be read without unpickling")
        problems.stop_if_any(_WAY_OUT)
        raise AssertionError  # there was a problem

    def card(self) -> str:
        """Return what MLflow says of the interface: types that a signature has no word for are seen here."""
        rows = [
            f"| {word} | {cell(one.name or 'not named', 60)} | {cell(one.words)} |\n"
            for word, columns in (("takes", self.inputs), ("gives", self.outputs))
            for one in columns[:_MOST]
        ]
        head = "## What MLflow says that it takes and gives\n\n| | Name | Type |\n|---|---|---|\n"
        return f"{head}{''.join(rows)}\n" if rows else ""


_SIDES = ("inputs", "outputs")


def _load(file: Path, inputs: tuple[MlflowColumn, ...], *, data_only: bool) -> Model:
    """Return the model in a file, by its suffix; an estimator of unreviewed parts only where that was asked for."""
    from modelport.package.source import MODEL_FILES, model_of_path

    if file.suffix == ".skops" and data_only:
        from modelport.package.files.estimator import model_of_file

        return model_of_file(file, data_only=True)
    if file.suffix in MODEL_FILES:
        return model_of_path(file)
    from modelport.package.importers.booster import booster_model

    return booster_model(file, inputs)


def _onnx(folder: _Folder, said: dict[str, Any]) -> tuple[str, str]:
    if said.get("save_as_external_data") is True and f"{said.get('data')}.data" in folder.source:
        return "", "keeps its tensors in another file: save it as one file, save_as_external_data=False"
    return _inside(said.get("data", "model.onnx")), ""


def _sklearn(_: _Folder, said: dict[str, Any]) -> tuple[str, str]:
    form = one_line(said.get("serialization_format", "pickle"), 32)
    if form != "skops":
        return "", f"is pickled ({form}), which is not opened; log it with serialization_format='skops'"
    return _inside(said.get("pickled_model", "model.skops")), ""


def _keras(folder: _Folder, said: dict[str, Any]) -> tuple[str, str]:
    name = f"{_inside(said.get('data', 'data'))}/model.keras"
    if name not in folder.source:
        form = one_line(said.get("save_format") or said.get("save_exported_model") or "another format", 32)
        return "", f"is no .keras file ({form}): save it by model.save('model.keras')"
    return name, ""


def _lightgbm(_: _Folder, said: dict[str, Any]) -> tuple[str, str]:
    name = _inside(said.get("data", "model.lgb"))
    if is_pickle_name(name):
        form = one_line(said.get("serialization_format", "pickle"), 32)
        return (
            "",
            f"is pickled ({form}), which is not opened; log its booster: mlflow.lightgbm.log_model(model.booster_)",
        )
    return name, ""


_READERS = {"onnx": _onnx, "sklearn": _sklearn, "keras": _keras, "tensorflow": _keras, "lightgbm": _lightgbm}
"""How the file of each flavour is found: a function that returns its path, or why it cannot be read."""


def _inside(value: object) -> str:
    """Return a path that ``MLmodel`` names; what is not among the folder's own files is found missing."""
    return value if isinstance(value, str) else ""


def _requirements(source: Source, problems: Problems) -> list[str]:
    """Return the lines of ``requirements.txt`` that name packages: options and addresses are none."""
    if "requirements.txt" not in source:
        return []
    try:
        lines = source.read("requirements.txt", limit=_LINES).decode().splitlines()
    except FormatError as error:
        problems.note("requirements.txt", error.message)
        return []
    except UnicodeDecodeError:
        problems.note("requirements.txt", "is not UTF-8 text")
        return []
    named = [line.partition("#")[0].partition(";")[0].strip() for line in lines]
    kept = [one_line(line, 200) for line in named if _REQUIREMENT.fullmatch(line) and "@" not in line]
    return list(dict.fromkeys(kept))[:_MOST]
