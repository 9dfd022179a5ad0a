"""The folder of the built site: groups of files, each made again only when its key changes.

A hidden file lists every file with its digest and the key of its group. A group whose key is the same and whose files
are still what they were is not even rendered; other files are written only where their bytes differ, each by a rename;
files that no group makes any more are removed. A folder without that list is not ours and is not touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LIST_FILE", "OutputFolder"]

LIST_FILE = ".modelport-site.json"
_SCHEMA = "modelport/site-files/1"


@dataclass(slots=True)
class OutputFolder:
    """A site being written. Use :meth:`open`, then :meth:`put` for each group, then :meth:`close`."""

    folder: Path
    before: Mapping[str, Any]
    groups: dict[str, Any] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    written: int = 0
    unchanged: int = 0
    removed: int = 0

    @classmethod
    def open(cls, folder: Path) -> OutputFolder:
        """Return the folder with what the last build left in it.

        Raises:
            InputError: There is something in the folder that no build of a site has made.
            FormatError: The list of the last build cannot be read.
        """
        file = folder / LIST_FILE
        if not file.exists():
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise InputError(
                    f"{folder} is not empty and was not made by a build of a site, so nothing is written there",
                    hint="name another folder, or empty this one",
                )
            folder.mkdir(parents=True, exist_ok=True)
            _replace(file, _list({}))
        try:
            document = json.loads(file.read_bytes())
            groups = document["groups"] if document["schema"] == _SCHEMA else None
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"{file} is not a list of a site's files: {error}", hint=f"empty {folder}") from error
        if groups is None:
            raise FormatError(f"{file} was made by another version of this program", hint=f"empty {folder}")
        return cls(folder, groups)

    def put(self, group: str, key: str, render: Callable[[], Mapping[str, bytes]]) -> None:
        """Bring the files of a group up to date; *render* is called only when they are not.

        Raises:
            InputError: Another group makes the same file, or a folder where this one has a file.
        """
        last = self.before.get(group)
        if last and last["key"] == key and all(self._holds(path, hexes) for path, hexes in last["files"].items()):
            files = dict(last["files"])
            self._claim(group, files)
            self.unchanged += len(files)
        else:
            content = render()
            files = {path: hashlib.sha256(content[path]).hexdigest() for path in sorted(content)}
            self._claim(group, files)
            for path, hexes in files.items():
                if self._holds(path, hexes):
                    self.unchanged += 1
                else:
                    self._write(path, content[path])
        self.groups[group] = {"key": key, "files": files}

    def close(self) -> None:
        """Remove what is not made any more and write the list of what is."""
        gone = {path for group in self.before.values() for path in group["files"]} - set(self.owners)
        for path in sorted(gone):
            with contextlib.suppress(FileNotFoundError):  # somebody else removed it: that was the aim
                (self.folder / path).unlink()
                self.removed += 1
            for parent in (self.folder / path).parents:
                if parent == self.folder or not parent.is_dir() or any(parent.iterdir()):
                    break
                parent.rmdir()
        content = _list(self.groups)
        if (self.folder / LIST_FILE).read_bytes() != content:
            _replace(self.folder / LIST_FILE, content)

    def _claim(self, group: str, files: Mapping[str, str]) -> None:
        for path in files:
            owner = self.owners.setdefault(path, group)
            above = next((str(p) for p in Path(path).parents if str(p) in self.owners), None)
            if owner != group or above:
                raise InputError(
                    f"{group} and {self.owners[above] if above else owner} both make {above or path}",
                    hint="rename one of the two models",
                )

    def _holds(self, path: str, hexes: str) -> bool:
        try:
            return hashlib.sha256((self.folder / path).read_bytes()).hexdigest() == hexes
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return False

    def _write(self, path: str, content: bytes) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, content)
        self.written += 1


def _list(groups: Mapping[str, Any]) -> bytes:
    return json.dumps({"schema": _SCHEMA, "groups": groups}, sort_keys=True, indent=0).encode() + b"\n"


def _replace(target: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".tmp", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            temporary.chmod(0o644)  # a web server runs as somebody else
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
