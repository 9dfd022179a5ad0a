"""The package as a folder, read without running anything of it.

::

    package.json        name, trust tier and why, Python, requirements, where state and code lie
    signature.json      the signature; model.proto is the same for protobuf's tools
    model.proto
    requirements.lock   exact versions with hashes, transitive ones too
    code/model.py       the functions, and the user's own modules beside it
    state/              trained objects as data
    examples/           golden examples: <method>-<number>.json
    evaluations.json    figures measured by who made the model
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.model.spec import ModelSpec
from modelport.schema import validator

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORMAT", "Package", "is_package"]

FORMAT = "modelport/package/1"


@dataclass(frozen=True, slots=True)
class Package:
    """A package folder whose documents were read and hold to their schemas.

    Attributes:
        folder: Where it lies.
        info: ``package.json``.
        spec: The signature.
        examples: The golden examples' documents.
        evaluations: The evaluations' documents.
    """

    folder: Path
    info: dict[str, Any]
    spec: ModelSpec
    examples: list[dict[str, Any]]
    evaluations: list[dict[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> Package:
        """Read the package in *folder*.

        Raises:
            FormatError: A file is missing or breaks its schema; all problems of ``package.json`` are in the message.
        """
        info = _document(folder / "package.json", "package")
        return cls(
            folder=folder,
            info=info,
            spec=ModelSpec.from_json(_document(folder / "signature.json", "signature")),
            examples=[_document(f, "example") for f in sorted((folder / "examples").glob("*.json"))],
            evaluations=_document(folder / "evaluations.json", "evaluations"),
        )

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.info["name"])

    @property
    def lock(self) -> str:
        """The text of ``requirements.lock``."""
        return (self.folder / "requirements.lock").read_text("utf-8")

    def files(self) -> list[str]:
        """Return the paths of all files, sorted, with ``/`` between folders."""
        found = (f for f in self.folder.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
        return sorted(f.relative_to(self.folder).as_posix() for f in found)


def is_package(folder: Path) -> bool:
    """Tell whether *folder* looks like a package."""
    return (folder / "package.json").is_file() and (folder / "signature.json").is_file()


def _document(file: Path, schema: str) -> Any:
    try:
        document = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise FormatError(f"{file.parent} is not a package: {file.name} is missing") from error
    except ValueError as error:
        raise FormatError(f"{file} is not JSON: {error}") from error
    problems = [
        f"{'.'.join(map(str, e.absolute_path)) or '(top)'}: {e.message}"
        for e in validator(schema).iter_errors(document)
    ]
    if problems:
        raise FormatError(f"{file} breaks its schema: {'; '.join(problems)}")
    return document
