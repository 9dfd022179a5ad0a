"""The catalog's folders: which files may lie there, and what is in them. Nothing of their meaning is looked at here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelport.catalog.document import Document, printable
from modelport.catalog.files import LIMITS, VERSION_LIMIT, read_file
from modelport.catalog.problem import Problem
from modelport.catalog.reader import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PROFILES", "RawEntry", "entry_folders", "profile_files", "read_entry", "stray_file"]

PROFILES = {"devices": "device", "networks": "network"}
"""The catalog's folders beside ``models/``, and what each file in them is the profile of."""

_REQUIRED = {"model.yaml": "write what the model is", "card.md": "write for whom it is, what it does and its limits"}
_WEIGHTS = {
    ".bin", ".ckpt", ".gguf", ".gz", ".h5", ".hdf5", ".joblib", ".keras", ".npy", ".npz", ".onnx", ".pb", ".pickle",
    ".pkl", ".pt", ".pth", ".safetensors", ".skops", ".tar", ".tflite", ".whl", ".zip",
}  # fmt: skip
_SNIFFED = 1024


@dataclass(frozen=True, slots=True)
class RawEntry:
    """An entry as it lies on disk.

    Attributes:
        folder: Where it lies.
        shown: How reports name the folder.
        texts: The text of each file that could be read, by its name: ``card.md``, ``versions/1.0.0.yaml``.
        model: ``model.yaml``; its value is None when it is missing or cannot be read.
        versions: The versions' documents by the stem of their file's name, sorted by it.
        variants: What is known of versions' variants, in the same way.
        problems: What is wrong with the files themselves.
    """

    folder: Path
    shown: str
    texts: dict[str, str] = field(default_factory=dict)
    model: Document = field(default_factory=lambda: Document("", None))
    versions: dict[str, Document] = field(default_factory=dict)
    variants: dict[str, Document] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def card(self) -> str:
        """The Markdown of ``card.md``."""
        return self.texts.get("card.md", "")

    @property
    def has_recipe(self) -> bool:
        """Whether the entry holds a recipe."""
        return "recipe.py" in self.texts

    def problem(self, name: str, message: str, *, rule: str, hint: str = "", line: int = 0) -> Problem:
        """Return a problem with the file called *name*, or, when it is empty, with the folder."""
        file = f"{self.shown}/{name}" if name else self.shown
        return Problem(file=file, line=line, rule=rule, message=message, hint=hint)


def entry_folders(catalog: Path) -> list[Path]:
    """Return the folders of a catalog's entries, sorted by name."""
    models = catalog / "models"
    return sorted(p for p in models.iterdir() if p.is_dir()) if models.is_dir() else []


def profile_files(catalog: Path) -> list[Path]:
    """Return all that lies in a catalog's ``devices/`` and ``networks/``, sorted."""
    folders = [catalog / name for name in PROFILES]
    return [item for folder in folders if folder.is_dir() for item in sorted(folder.iterdir())]


def stray_file(shown: str) -> Problem:
    """Return the problem with a file among the entries' folders, which reports call *shown*."""
    hint = "models/ holds one folder for each model"
    return Problem(file=shown, rule="file-unexpected", message="does not belong here", hint=hint)


def read_entry(folder: Path, *, shown: str) -> RawEntry:
    """Read the entry in *folder*, which reports call *shown*.

    Raises:
        OSError: A file cannot be read for a reason that is not its content's.
    """
    found = _Found(shown)
    if folder.is_symlink():
        found.note("", "is a symbolic link", rule="file-symlink", hint="put the folder itself in its place")
    else:
        for item in sorted(folder.iterdir()):
            found.take(item)
        for name in sorted(_REQUIRED.keys() - found.seen):
            found.note(name, "is missing", rule="file-missing", hint=_REQUIRED[name])
    return RawEntry(
        folder=folder,
        shown=shown,
        texts=found.texts,
        model=found.model or Document(f"{shown}/model.yaml", None),
        versions=found.documents["versions"],
        variants=found.documents["variants"],
        problems=tuple(found.problems),
    )


@dataclass(slots=True)
class _Found:
    """What was found so far while a folder is read."""

    shown: str
    seen: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    model: Document | None = None
    documents: dict[str, dict[str, Document]] = field(default_factory=lambda: {"versions": {}, "variants": {}})
    problems: list[Problem] = field(default_factory=list)

    def note(self, name: str, message: str, *, rule: str, hint: str = "") -> None:
        file = f"{self.shown}/{printable(name)}" if name else self.shown
        self.problems.append(Problem(file=file, rule=rule, message=message, hint=hint))

    def take(self, item: Path) -> None:
        self.seen.add(item.name)
        if item.name == "model.yaml":
            content = self._content(item, item.name, LIMITS[item.name])
            self.model = None if content is None else read_yaml(content, f"{self.shown}/{item.name}")
        elif item.name in LIMITS:
            self._take_text(item)
        elif item.name in self.documents and item.is_dir() and not item.is_symlink():
            for one in sorted(item.iterdir()):
                self._take_document(one, item.name)
        elif item.name != "__pycache__":  # Python leaves it beside a recipe; git does not see it
            self._refuse(item, item.name)

    def _take_document(self, item: Path, place: str) -> None:
        name = f"{place}/{item.name}"
        if item.suffix != ".yaml":
            self._refuse(item, name)
            return
        content = self._content(item, name, VERSION_LIMIT)
        if content is not None:
            self.documents[place][item.stem] = read_yaml(content, f"{self.shown}/{printable(name)}")

    def _take_text(self, item: Path) -> None:
        content = self._content(item, item.name, LIMITS[item.name])
        if content is None:
            return
        try:
            self.texts[item.name] = text = content.decode()
        except UnicodeDecodeError:
            self.note(item.name, "is not UTF-8 text", rule="encoding", hint="save the file as UTF-8")
            return
        if "\0" in text:
            self.note(item.name, "is not text: it holds a zero byte", rule="file-binary")
        if not text.strip():
            self.note(item.name, "is empty", rule="file-empty", hint=_REQUIRED.get(item.name, "write it, or remove it"))

    def _content(self, item: Path, name: str, limit: int) -> bytes | None:
        content = read_file(item, f"{self.shown}/{printable(name)}", limit=limit)
        if isinstance(content, bytes):
            return content
        self.problems.append(content)
        return None

    def _refuse(self, item: Path, name: str) -> None:
        """Say why *item* may not lie here."""
        start = (
            b""
            if item.is_dir() and not item.is_symlink()
            else read_file(item, f"{self.shown}/{printable(name)}", limit=_SNIFFED)
        )
        if isinstance(start, Problem) and start.rule != "file-size":
            self.problems.append(start)
        elif item.suffix.lower() in _WEIGHTS or (isinstance(start, bytes) and b"\0" in start):
            hint = "push the package to a registry; the entry names its digest"
            self.note(name, "is binary: weights never enter git", rule="file-binary", hint=hint)
        else:
            hint = "an entry holds model.yaml, card.md, versions/*.yaml, variants/*.yaml, recipe.py and recipe.lock"
            self.note(name, "does not belong here", rule="file-unexpected", hint=hint)
