"""The folder of the built site: groups of files, each made again only when its key changes.

A hidden file lists every file with its digest and the key of its group. A group whose key is the same and whose files
are still what they were is not even rendered; other files are written only where their bytes differ, each by a rename;
files that no group makes any more are removed. A folder without that list is not ours and is not touched.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import InputError
from modelport_site.written import LIST_FILE, check_parents, list_bytes, read_list

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LIST_FILE", "OutputFolder"]


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
            FormatError: The list of the last build is not one that a build writes.
        """
        file = folder / LIST_FILE
        if not os.path.lexists(file):
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise InputError(
                    f"{folder} is not empty and was not made by a build of a site, so nothing is written there",
                    hint="name another folder, or empty this one",
                )
            folder.mkdir(parents=True, exist_ok=True)
            _replace(file, list_bytes({}))
        return cls(folder, read_list(folder))

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
        """Remove what is not made any more, unless somebody else changed it, and write the list of what is."""
        before = {path: hexes for group in self.before.values() for path, hexes in group["files"].items()}
        for path in sorted(before.keys() - self.owners.keys()):
            if self._holds(path, before[path]):
                (self.folder / path).unlink(missing_ok=True)  # somebody else may just have removed it
                self.removed += 1
            for parent in (self.folder / path).parents:
                if parent == self.folder or not parent.is_dir() or any(parent.iterdir()):
                    break
                parent.rmdir()
        content = list_bytes(self.groups)
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
        file = self.folder / path
        try:
            return not file.is_symlink() and hashlib.sha256(file.read_bytes()).hexdigest() == hexes
        except OSError:  # gone, unreadable or no file: not what was written, whatever it is
            return False

    def _write(self, path: str, content: bytes) -> None:
        target = self.folder / path
        check_parents(self.folder, path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target, content)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise InputError(
                f"{target} cannot be written: something that no build made is in the way ({error.strerror})",
                hint=f"move {error.filename2 or error.filename} away, or name another folder",
            ) from error
        self.written += 1


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
