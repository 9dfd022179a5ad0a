"""How a package's own modules are imported: from their source alone, which is what its digests speak of.

Python writes bytecode beside what it imports, late imports of a running model too, and believes what lies there. A
package's folder has neither: written, it would be no package any longer; believed, it would run unread.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType

__all__ = ["Source", "import_as_it_lies"]

_FOLDERS: list[tuple[str, ...]] = [()]
"""The folders: a tuple that is replaced, since other threads import meanwhile."""

_LOCK = Lock()


class Source(SourceFileLoader):
    """A loader of a module's source that neither reads nor writes bytecode."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source, as `importlib.abc.InspectLoader.get_code` asks."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def import_as_it_lies(folder: Path) -> None:
    """Let modules in *folder*, and in what is under it, be imported by `Source`, for as long as this process lasts."""
    with _LOCK:
        _FOLDERS[0] = tuple(dict.fromkeys((*_FOLDERS[0], str(folder))))
        if _finder not in sys.path_hooks:
            sys.path_hooks.insert(0, _finder)
    for place in list(sys.path_importer_cache):
        if _is_under(place, str(folder)):
            sys.path_importer_cache.pop(place, None)  # whoever looked there before got Python's own finder


def _finder(place: str) -> FileFinder:
    """Return what finds modules in *place*: a hook of ``sys.path_hooks``.

    Raises:
        ImportError: It is no folder of a package's code.
    """
    if not any(_is_under(place, folder) for folder in _FOLDERS[0]):
        raise ImportError(f"{place} is not a package's code")
    return FileFinder(place, (ExtensionFileLoader, EXTENSION_SUFFIXES), (Source, SOURCE_SUFFIXES))


def _is_under(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder + os.sep)
