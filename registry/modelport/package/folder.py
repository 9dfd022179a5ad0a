"""The package as a folder, read without running anything of it.

::

    package.json        name, trust tier and why, Python, requirements, where state and code lie
    signature.json      the signature; model.proto is the same for protobuf's tools
    model.proto
    requirements.lock   exact versions with hashes, transitive ones too
    code/model.py       the functions, and the user's own modules beside it; a package that runs files has no code/
    state/              trained objects as data; in a data-only package, the model's file as it was made
    examples/           golden examples: <method>-<number>.json
    evaluations.json    figures measured by who made the model
    data/               data sets, which are fetched when they are asked for: see `datasets`
    LICENSE             the licence of a model file that was made elsewhere, where there is one
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.model.shown import shown_method
from modelport.model.spec import ModelSpec
from modelport.oci.names import check_names
from modelport.package.documents import Budget, read_document, read_regular
from modelport.package.files.reviewed import foreign_files, foreign_requirements, is_reviewed
from modelport.package.locks import read_lock, read_pins
from modelport.package.tiers import DATA_ONLY
from modelport.schema import accepts, validator

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORMAT", "PARTS", "Package", "is_package"]

FORMAT = "modelport/package/1"
PARTS = frozenset({
    "package.json", "signature.json", "model.proto", "requirements.lock", "evaluations.json", "LICENSE",
    "code", "state", "examples", "data",
})  # fmt: skip
"""What may lie in a package's folder."""

_REQUIRED = ("requirements.lock", "model.proto")
_FOLDERS = frozenset({"code", "state", "examples", "data"})
_LARGEST_PROTO = 16 * 1024 * 1024
_MOST_EXAMPLES, _MOST_VALUES, _MOST_PROBLEMS, _LONGEST = 2_000, 40_000, 20, 300


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
            FormatError: A file is missing, is not listed, is no regular file, has a name that another system may take
                for something else, or breaks its schema; all problems are in the message.
        """
        paths, problems = _listing(folder)
        reader = _Reader(folder, [*problems, *_name_problems(paths)])
        info = reader.document("package.json", "package", most_values=_MOST_VALUES)
        spec = reader.signature("signature.json")
        evaluations = reader.document("evaluations.json", "evaluations", most_values=_MOST_VALUES)
        examples = reader.examples([path for path in paths if path.startswith("examples/")])
        package = cls(folder, info, spec, examples, evaluations)
        if package.info is not None:
            package._check_files(reader, paths)
        reader.finish()
        return package

    def __repr__(self) -> str:
        # All that the documents say is too long for the last line of a notebook's cell.
        return f"<Package {self.name} in {self.folder}: {self.shown}>"

    @property
    def shown(self) -> str:
        """Its methods with their types, in one line."""
        return "; ".join(shown_method(self.spec, one) for one in self.spec.methods)

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
        files = self.files()
        return bool(self.info["state"]) and is_reviewed(self.lock, files) and not foreign_files(self.folder, files)

    def files(self) -> list[str]:
        """Return the paths of all files, sorted, with ``/`` between folders.

        Raises:
            FormatError: Something is neither a regular file nor a folder; a link may lead anywhere.
        """
        paths, problems = _listing(self.folder)
        if problems:
            raise problems[0]
        return paths

    def _check_files(self, reader: _Reader, paths: list[str]) -> None:
        """Hold what the package says against what it has: nothing is missing, and no code or state goes unsaid."""
        there, listed = set(paths), {*self.info["code"], *self._state_paths()}
        data_only = self.info["tier"]["level"] == DATA_ONLY
        runs_files = data_only or (bool(self.info.get("methods")) and not self.info["code"])
        required = {*_REQUIRED} | (set() if runs_files else {"code/model.py"})
        problems = [f"{path} is missing" for path in sorted((listed | required) - there)]
        problems += [
            f"{path} is not listed in package.json"
            for path in paths
            if path.startswith(("code/", "state/")) and path not in listed
        ]
        problems += [f"{path} is no part of a package" for path in paths if not _is_part(path)]
        problems += self._data_problems(paths) if not reader.problems else []
        if not problems and not reader.problems:
            problems += self._lock_problems() or self._claim_problems(paths, data_only=data_only)
            problems += self._proto_problems()
        reader.problems += map(FormatError, problems)

    def _data_problems(self, paths: list[str]) -> list[str]:
        """Return where its data sets are not as it says; their bytes are looked at when they are read."""
        said = {one["path"]: one for one in self.info.get("data", {}).values()}
        problems = []
        for path in paths:
            if not path.startswith("data/"):
                continue
            if path not in said:
                problems.append(f"{path} is not listed in package.json")
            elif (size := (self.folder / path).stat().st_size) != said[path]["size"]:
                problems.append(f"{path} has {size} bytes, package.json says {said[path]['size']}")
        methods = {one.name: one for one in self.spec.methods}
        for path, one in said.items():
            method = methods.get(one["method"])
            if method is None:
                problems.append(f"{path} is for a method {one['method']!r}, which there is not")
            elif one.get("compared", "") not in {"", *(f.name for f in self.spec.message(method.output).fields)}:
                problems.append(f"{path} compares {one['compared']!r}, which {method.name} does not give")
        return problems

    def _state_paths(self) -> list[str]:
        return [one["path"] for one in [*self.info["state"], *self.info.get("alternatives", ())]]

    def _lock_problems(self) -> list[str]:
        """Return why its lock is none: no tool may install from it what is not seen here."""
        try:
            read_pins(self.lock)
        except FormatError as error:
            return [error.message]
        return []

    def _proto_problems(self) -> list[str]:
        """Return why ``model.proto`` is not the signature's; other Modelports may word its comments otherwise."""
        from modelport.model.proto import proto_text  # here, for protobuf takes time to import

        try:
            said = read_regular(self.folder / "model.proto", _LARGEST_PROTO).decode()
        except FormatError as error:
            return [error.message]
        except UnicodeDecodeError:
            said = ""
        same = _without_comments(said) == _without_comments(proto_text(self.spec))
        return [] if same else ["model.proto is not that of signature.json"]

    def _claim_problems(self, paths: list[str], *, data_only: bool) -> list[str]:
        """Return what is in it that a package of its tier cannot have."""
        methods = self.info.get("methods", {})
        problems: list[str] = []
        if data_only:
            foreign = [*foreign_files(self.folder, paths), *foreign_requirements(self.lock, paths)]
            problems += [f"it says that it is data-only, and holds or needs {one}" for one in foreign]
        elif self.info["code"]:
            return ["its methods are functions in code/, and package.json says that files are run"] if methods else []
        run = {one["file"] for one in methods.values()}
        second = {one["path"] for one in self.info.get("alternatives", ()) if one["of"] in run}
        problems += [f"no method runs {path}" for path in self._state_paths() if path not in run | second]
        if sorted(methods) != sorted(m.name for m in self.spec.methods):
            problems.append("package.json does not say which file each method runs")
        return problems


def is_package(folder: Path) -> bool:
    """Tell whether *folder* looks like a package."""
    return (folder / "package.json").is_file() and (folder / "signature.json").is_file()


class _Reader:
    """Reads the documents of a package, and gathers what is wrong with any of them."""

    def __init__(self, folder: Path, problems: list[FormatError]) -> None:
        self.folder = folder
        self.problems = problems
        self._budget = Budget()

    def document(self, path: str, schema: str, *, most_values: int | None = None) -> Any:
        """Return the document at *path*, or note why it is none and return None."""
        file = self.folder / path
        try:
            document = read_document(file, self._budget, most_values=most_values)
            if accepts(schema, document):
                return document
            errors = list(islice(validator(schema).iter_errors(document), _MOST_PROBLEMS))
        except FormatError as error:
            if not any(one.message.startswith(f"{file} ") for one in self.problems):  # the listing may have said it
                self.problems.append(error)
            return None
        except RecursionError:
            self.problems.append(FormatError(f"{file} is nested too deeply"))
            return None
        said = [f"{'.'.join(map(str, e.absolute_path)) or '(top)'}: {_short(e.message)}" for e in errors]
        if said:
            self.problems.append(FormatError(f"{file} breaks its schema: {'; '.join(said)}"))
        return None if said else document

    def signature(self, path: str) -> Any:
        """Return the signature at *path*, or note why it is none and return None."""
        document = self.document(path, "signature", most_values=_MOST_VALUES)
        if document is None:
            return None
        try:
            return ModelSpec.from_json(document)
        except FormatError as error:
            self.problems.append(FormatError(f"{self.folder / path}: {error.message}", hint=error.hint))
            return None

    def examples(self, paths: list[str]) -> list[Any]:
        """Return the golden examples at *paths*; none where there are too many, or where they are too large."""
        if len(paths) > _MOST_EXAMPLES:
            self.problems.append(FormatError(f"{self.folder} has {len(paths)} examples, more than {_MOST_EXAMPLES}"))
            return []
        found = []
        for path in paths:
            found.append(self.document(path, "example"))
            if self._budget.left < 0:
                break
        return found

    def finish(self) -> None:
        """Raise what was gathered, if anything was."""
        if len(self.problems) == 1 and self.problems[0].message.startswith(str(self.folder)):
            raise self.problems[0]
        if self.problems:
            said = [
                one.message.removeprefix(f"{self.folder} is not a package: ").removeprefix(f"{self.folder}/")
                for one in self.problems[:_MOST_PROBLEMS]
            ]
            more = len(self.problems) - len(said)
            said += [f"and {more} more"] if more else []
            raise FormatError(f"{self.folder} is not a package: {'; '.join(said)}", hint=self.problems[0].hint)


def _listing(folder: Path) -> tuple[list[str], list[FormatError]]:
    """Return the paths of all files, sorted, with ``/`` between folders, and what is neither file nor folder."""
    found, problems = [], []
    for one in folder.rglob("*"):
        path = one.relative_to(folder)
        if "__pycache__" in path.parts:
            hint = "remove __pycache__"
            if path.parts[-1] == "__pycache__":
                problems.append(FormatError(f"{one} holds bytecode, which would run unread", hint=hint))
        elif one.is_symlink() or not (one.is_file() or one.is_dir()):
            problems.append(
                FormatError(f"{one} is not a regular file", hint="a package holds files and folders, no links")
            )
        elif one.is_file():
            found.append(path.as_posix())
    return sorted(found), problems


def _name_problems(paths: list[str]) -> list[FormatError]:
    try:
        check_names(paths)
    except FormatError as error:
        return [error]
    return []


def _without_comments(proto: str) -> list[str]:
    """Return the lines of a ``.proto`` file; as `modelport.model.proto` writes them, no text in quotes has a ``//``."""
    return [line for one in proto.split("\n") if (line := one.partition("//")[0].strip())]


def _is_part(path: str) -> bool:
    first, _, rest = path.partition("/")
    if first == "examples":
        return rest.endswith(".json") and "/" not in rest
    return first in PARTS and bool(rest) == (first in _FOLDERS)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
