"""ONNX files: a data-only package, and a draft entry with what the file says of itself.

Source: ``onnx.proto`` (github.com/onnx/onnx, IR version 13): ModelProto and StringStringEntryProto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import FormatError, NotFoundError
from modelport.package.files.onnx import OnnxModel
from modelport.package.files.paths import MOST_BYTES
from modelport.package.files.wire import fields
from modelport.package.importers.found import Imported
from modelport.package.importers.licenses import spdx
from modelport.package.importers.source import record_of
from modelport.package.importers.words import cell, model_name, one_line, tag, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["import_onnx", "said_by"]

_IR, _PRODUCER, _PRODUCER_VERSION, _DOMAIN, _VERSION, _DOC, _PROPS = 1, 2, 3, 4, 5, 6, 14
_KEY, _VALUE = 1, 2
_TITLES = ("title", "model_name", "name")
_AUTHORS = ("author", "authors", "model_author")
_SUMMARIES = ("description", "summary", "comment")
_TAGS = ("tags", "keywords")
_SHOWN = 40


def import_onnx(path: Path) -> Imported:
    """Return what the ONNX file at *path* is and says of itself.

    Raises:
        NotFoundError: There is nothing there.
        PackError: It is no ONNX file, or its inputs and outputs make no signature.
        SetupError: ONNX Runtime is not installed.
    """
    if not path.exists():
        raise NotFoundError(f"{path} is not there", hint="give an ONNX file")
    if not path.is_file():
        raise FormatError(f"{path} is not a file", hint="give an ONNX file")
    model = OnnxModel(path)
    said = said_by(path)
    words = _first(said, _SUMMARIES)
    known = {
        "title": one_line(_first(said, _TITLES), 80) or one_line(path.stem, 80),
        "summary": one_line(words, 240),
        "author": one_line(_first(said, _AUTHORS), 120),
        "tags": list(dict.fromkeys(filter(None, map(tag, _first(said, _TAGS).split(",")))))[:16],
    }
    origin = {"from": "onnx", "format": f"IR {said['IR version']}", "files": [record_of(path, path.name)]}
    licence = _first(said, ("license", "licence", "license_name", "spdx"))
    if licence and spdx(licence) != text(licence, 8000):
        origin["license"] = text(licence, 8000)
    return Imported(
        name=model_name(path.stem),
        known={"license": spdx(licence), **{key: value for key, value in known.items() if value}},
        origin=origin,
        signature=model.spec.to_json(),
        card=_card(said),
        model=model,
    )


def said_by(path: Path) -> dict[str, str]:
    """Return what an ONNX file, which was looked through, says of itself: its metadata, each by its name."""
    with path.open("rb") as stream:
        content = memoryview(stream.read(MOST_BYTES))
    names = {_PRODUCER: "producer", _PRODUCER_VERSION: "producer version", _DOMAIN: "domain", _DOC: "description"}
    found: dict[str, str] = {"IR version": "0"}
    for number, value in fields(content):
        if isinstance(value, int):
            if number == _IR:
                found["IR version"] = str(value)
            elif number == _VERSION:
                found["model version"] = str(value)
        elif number in names:
            found.setdefault(names[number], _text(value))
        elif number == _PROPS:
            entry = {key: _text(one) for key, one in fields(value) if isinstance(one, memoryview)}
            found.setdefault(entry.get(_KEY, "").strip(), entry.get(_VALUE, ""))
    return {key: value for key, value in found.items() if key and value}


def _text(value: memoryview) -> str:
    return bytes(value[:100_000]).decode("utf-8", "replace")


def _first(said: Mapping[str, str], keys: Iterable[str]) -> str:
    """Return the first of *keys* that is said, however it is capitalised."""
    lower = {key.lower(): value for key, value in said.items()}
    return next((lower[key] for key in keys if lower.get(key)), "")


def _card(said: Mapping[str, str]) -> str:
    rows = [f"| {cell(key, 60)} | {cell(value)} |\n" for key, value in list(said.items())[:_SHOWN]]
    return f"## What the file says of itself\n\n| | |\n|---|---|\n{''.join(rows)}\n"
