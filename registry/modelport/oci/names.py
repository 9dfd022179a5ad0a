"""Names of files in archives: which can be written on every system without leaving the folder or meeting another."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_name", "check_names"]

_NAME_LIMIT = 1024
_PART_LIMIT = 255
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)


def check_name(name: str) -> str:
    """Return *name*; raise FormatError, saying what is wrong with it, when it cannot be unpacked safely."""
    why = _trouble(name)
    if why:
        raise FormatError(
            f"{name!r} cannot be a file's name in an archive: {why}", hint="rename the file and pack it again"
        )
    return name


def check_names(names: Iterable[str]) -> None:
    """Check each name, and that no two of them meet on a system that ignores case; raise FormatError otherwise."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        folded = check_name(name).casefold()
        if folded in files:
            raise FormatError(f"{name!r} and {files[folded]!r} are the same name where case does not count")
        files[folded] = name
        parts = name.split("/")
        for end in range(1, len(parts)):
            folder = "/".join(parts[:end])
            if folders.setdefault(folder.casefold(), folder) != folder:
                raise FormatError(f"{name!r}: the folder {folder!r} is also spelt {folders[folder.casefold()]!r}")
    for folded in files.keys() & folders.keys():
        raise FormatError(f"{files[folded]!r} is both a file and a folder")


def _trouble(name: str) -> str | None:
    if not name or len(name.encode("utf-8", "replace")) > _NAME_LIMIT:
        return f"it is empty or longer than {_NAME_LIMIT} bytes"
    if any("\ud800" <= c <= "\udfff" for c in name):
        return "it is not UTF-8"
    if unicodedata.normalize("NFC", name) != name:
        return "it is not in Unicode's normal form NFC"
    if _FORBIDDEN.search(name):
        return 'it holds a control character or one of < > : " | ? * \\'
    if name.startswith("/"):
        return "it is absolute"
    return next((why for part in name.split("/") if (why := _part_trouble(part))), None)


def _part_trouble(part: str) -> str | None:
    if part in {"", ".", ".."}:
        return f"{part!r} is not a part of a path that stays inside"
    if len(part.encode()) > _PART_LIMIT:
        return f"a part is longer than {_PART_LIMIT} bytes"
    if part[-1] in {".", " "} or _RESERVED.fullmatch(part):
        return f"{part!r} means something else on Windows"
    return None
