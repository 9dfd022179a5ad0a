"""The package as a folder, read without running anything of it.

::

    package.json        name, trust tier and why, Python, requirements, where state and code lie
    signature.json      the signature; model.proto is the same for protobuf's tools
    model.proto
    requirements.lock   exact versions with hashes, transitive ones too
    code/model.py       the functions, and the user's own modules beside it; a data-only package has no code/
    state/              trained objects as data; in a data-only package, the model's file as it was made
    examples/           golden examples: <method>-<number>.json
    evaluations.json    figures measured by who made the model
    LICENSE             the licence of a model file that was made elsewhere, where there is one
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.model.spec import ModelSpec
from modelport.package.documents import read_document
from modelport.package.files.reviewed import DATA_ONLY, foreign_files, foreign_requirements, is_reviewed
from modelport.package.locks import read_lock, read_pins
from modelport.schema import validator

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORMAT", "PARTS", "Package", "is_package"]

FORMAT = "modelport/package/1"
PARTS = frozenset({
    "package.json", "signature.json", "model.proto", "requirements.lock", "evaluations.json", "LICENSE",
    "code", "state", "examples",
})  # fmt: skip
"""What may lie in a package's folder."""

_REQUIRED = ("requirements.lock", "model.proto")


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
            FormatError: A file is missing, is not listed, is no regular file, or breaks its schema; all problems of a
                document are in the message.
        """
        package = cls(
            folder=folder,
            info=_document(folder / "package.json", "package"),
            spec=_signature(folder / "signature.json"),
            examples=[_document(f, "example") for f in sorted((folder / "examples").glob("*.json"))],
            evaluations=_document(folder / "evaluations.json", "evaluations"),
        )
        package._check_files()
        return package

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.info["name"])

    @property
    def lock(self) -> str:
        """The text of ``requirements.lock``; FormatError where it is no text."""
        return read_lock(self.folder / "requirements.lock")

    @property
    def is_data(self) -> bool:
        """Whether loading it executes nothing of its own; told by what is in the folder, whatever it says.

        Raises:
            FormatError: Its lock holds something else than pins with hashes, or a file is no regular one.
        """
        return not foreign_files(self.files()) and bool(self.info["state"]) and is_reviewed(self.lock)

    def files(self) -> list[str]:
        """Return the paths of all files, sorted, with ``/`` between folders.

        Raises:
            FormatError: Something is neither a regular file nor a folder; a link may lead anywhere.
        """
        found = []
        for one in self.folder.rglob("*"):
            path = one.relative_to(self.folder)
            if "__pycache__" in path.parts:
                raise FormatError(f"{one.parent} holds bytecode, which would run unread", hint="remove __pycache__")
            if one.is_symlink() or not (one.is_file() or one.is_dir()):
                raise FormatError(f"{one} is not a regular file", hint="a package holds files and folders, no links")
            if one.is_file():
                found.append(path.as_posix())
        return sorted(found)

    def _check_files(self) -> None:
        """Hold what the package says against what it has: nothing is missing, and no code or state goes unsaid."""
        there, listed = set(self.files()), {*self.info["code"], *(one["path"] for one in self.info["state"])}
        data_only = self.info["tier"]["level"] == DATA_ONLY
        required = {*_REQUIRED} | (set() if data_only else {"code/model.py"})
        problems = [f"{path} is missing" for path in sorted((listed | required) - there)]
        problems += [
            f"{path} is not listed in package.json"
            for path in sorted(there - listed)
            if path.startswith(("code/", "state/"))
        ]
        problems += self._lock_problems() if not problems else []
        problems += self._claim_problems(data_only=data_only) if not problems else []
        if problems:
            raise FormatError(f"{self.folder} is not a package: {'; '.join(problems)}")

    def _lock_problems(self) -> list[str]:
        """Return why its lock is none: no tool may install from it what is not seen here."""
        try:
            read_pins(self.lock)
        except FormatError as error:
            return [error.message]
        return []

    def _claim_problems(self, *, data_only: bool) -> list[str]:
        """Return what is in it that a package of its tier cannot have."""
        methods = self.info.get("methods", {})
        if not data_only:
            return ["its methods are functions in code/, and package.json says that files are run"] if methods else []
        foreign = [*foreign_files(self.files()), *foreign_requirements(self.lock)]
        problems = [f"it says that it is data-only, and holds or needs {one}" for one in foreign]
        if sorted(methods) != sorted(m.name for m in self.spec.methods):
            problems.append("package.json does not say which file each method runs")
        return problems


def is_package(folder: Path) -> bool:
    """Tell whether *folder* looks like a package."""
    return (folder / "package.json").is_file() and (folder / "signature.json").is_file()


def _signature(file: Path) -> ModelSpec:
    try:
        return ModelSpec.from_json(_document(file, "signature"))
    except FormatError as error:
        raise FormatError(f"{file}: {error.message}" if str(file) not in error.message else error.message) from error


def _document(file: Path, schema: str) -> Any:
    document = read_document(file)
    try:
        problems = [
            f"{'.'.join(map(str, e.absolute_path)) or '(top)'}: {e.message}"
            for e in validator(schema).iter_errors(document)
        ]
    except RecursionError as error:
        raise FormatError(f"{file} is nested too deeply") from error
    if problems:
        raise FormatError(f"{file} breaks its schema: {'; '.join(problems)}")
    return document
