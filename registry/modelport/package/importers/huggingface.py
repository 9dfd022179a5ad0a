"""A downloaded Hugging Face folder: its ONNX file as a data-only package, or an entry that needs its own library.

What ``README.md`` says in its front matter (github.com/huggingface/hub-docs, modelcard.md) and ``config.json`` becomes
a draft entry. Figures of its ``model-index`` are claims: they stand in the card as published, and are no evaluations.
Pickled weights (``pytorch_model.bin`` and their like) are not opened; code that comes along is told of, and not run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, PackError
from modelport.package.files.onnx import OnnxModel
from modelport.package.importers.contents import look_through, told_of_code, told_of_left
from modelport.package.importers.found import Imported, Problems
from modelport.package.importers.json_text import read_mapping
from modelport.package.importers.readme import Readme
from modelport.package.importers.source import Source
from modelport.package.importers.words import cell, model_name, one_line, requirement

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["import_huggingface"]

_ONNX = ("model.onnx", "onnx/model.onnx")
_CONFIGS = (
    "config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json",
    "video_preprocessor_config.json", "generation_config.json", "model_index.json",
)  # fmt: skip
_NAMES_CODE = ("auto_map", "custom_pipelines")
_LICENSES = ("LICENSE", "LICENSE.txt", "LICENSE.md")
_LIBRARIES = {"transformers_version": "transformers", "_diffusers_version": "diffusers"}
_SHOWN = 20


def import_huggingface(path: Path) -> Imported:
    """Return what the downloaded folder at *path* says of its model.

    Raises:
        NotFoundError: There is nothing there.
        FormatError: It is no such folder, or has no weights that can be used without unpickling; all is told at once.
        SetupError: ONNX Runtime is not installed, and it has an ONNX file.
    """
    with Source(path) as source:
        if "README.md" not in source and "config.json" not in source:
            raise FormatError(
                f"{path} is no folder of a Hugging Face model: it has neither README.md nor config.json",
                hint="give the folder that `hf download` or save_pretrained wrote",
            )
        problems = Problems(path)
        readme = Readme.read(source, problems)
        config = read_mapping(source, "config.json", problems) if "config.json" in source else {}
        contents = look_through(source)
        if not contents.weights:
            left = "; ".join(f"{name}: {why}" for name, why in list(contents.left.items())[:_SHOWN])
            problems.note("its weights", f"are pickles or missing: {left or 'no file of weights'}")
        problems.stop_if_any(
            "where it was made, write them as data: save_pretrained(..., safe_serialization=True), or export to ONNX"
        )
        model, why = _model(source)
        code = [*contents.code, *_named_code(source)]
        files = source.records(contents.listed)
    needs = _requirements(config, readme)
    terms, terms_text = readme.license()
    origin = {
        "from": "huggingface",
        **({} if model else {"runtime": _runtime(needs)}),
        **({"requirements": needs} if needs and not model else {}),
        **({"license": terms_text} if terms_text else {}),
        "files": files,
    }
    title = readme.title or one_line(path.resolve().name, 80)
    return Imported(
        name=model_name(title if readme.title else path.resolve().name),
        known={"title": title, "license": terms, **readme.facts()},
        origin=origin,
        signature=model.spec.to_json() if model else None,
        card=readme.claims() + _labels(config) + why + told_of_code(code) + told_of_left(contents.left),
        model=model,
    )


def _model(source: Source) -> tuple[OnnxModel | None, str]:
    """Return the folder's ONNX file as a model; or None, and for the card why there is none."""
    name = next((name for name in _ONNX if name in source), None)
    if name is None:
        return None, ""
    terms = next((source.file(one) for one in _LICENSES if one in source), None)
    try:
        return OnnxModel(source.file(name), license=terms), ""
    except PackError as error:
        return (
            None,
            f"## Why it is not packed\n\n{name} is there, and cannot be packed: {cell(error.message, 1000)}\n\n",
        )


def _requirements(config: dict[str, Any], readme: Readme) -> list[str]:
    found = [requirement(package, config.get(key)) for key, package in _LIBRARIES.items() if key in config]
    library = requirement(one_line(readme.said.get("library_name"), 64))
    known = {one.partition("==")[0] for one in found}
    return [one for one in [*found, library if library not in known else ""] if one]


def _runtime(needs: list[str]) -> dict[str, str]:
    return {"language": "python", **({"client": one_line(needs[0].replace("==", " "), 64)} if needs else {})}


def _labels(config: dict[str, Any]) -> str:
    labels = config.get("id2label")
    if not isinstance(labels, dict) or not labels:
        return ""
    named = [f"{cell(number, 20)}: {cell(label, 60)}" for number, label in list(labels.items())[:_SHOWN]]
    more = f", and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return f"## Labels\n\n{', '.join(named)}{more}\n\n"


def _named_code(source: Source) -> list[str]:
    """Return the code that the configurations name, in the folder or elsewhere; libraries fetch it from there."""
    found: list[str] = []
    for name in _CONFIGS:
        said = read_mapping(source, name, Problems(source.path)) if name in source else {}
        waiting: list[Any] = [said.get(key) for key in _NAMES_CODE]
        while waiting:
            one = waiting.pop(0)
            if isinstance(one, dict | list):
                waiting += one.values() if isinstance(one, dict) else one
            elif isinstance(one, str):
                found.append(one)
    return found
