"""The list that a build leaves in its folder: which files it wrote, and what was in them.

The folder may come from anywhere, a checkout or an archive, and files are removed by this list. So it is believed
only as a whole: a list of another shape, or with one path that no build writes, counts as somebody else's.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LIST_FILE", "check_parents", "list_bytes", "read_list"]

LIST_FILE = ".modelport-site.json"
_SCHEMA = "modelport/site-files/1"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def list_bytes(groups: Mapping[str, Any]) -> bytes:
    """Return the list of *groups*: of each its key and the digests of its files by path."""
    return json.dumps({"schema": _SCHEMA, "groups": groups}, sort_keys=True, indent=0).encode() + b"\n"


def read_list(folder: Path) -> dict[str, Any]:
    """Return the groups that the list in *folder* names.

    Raises:
        FormatError: The file is not such a list, or names a file that no build writes.
        InputError: It cannot be read, or a file that it names is behind a symbolic link.
    """
    file = folder / LIST_FILE
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}", hint="name another folder") from error
    except (ValueError, RecursionError) as error:
        raise _refusal(folder, f"it is no JSON ({error})") from error
    if not isinstance(document, dict) or document.get("schema") != _SCHEMA:
        raise _refusal(folder, f"its schema is not {_SCHEMA}, so another program or another version made it")
    groups = document.get("groups")
    if not isinstance(groups, dict) or not all(_is_group(group) for group in groups.values()):
        raise _refusal(folder, "its groups are no groups of files with their digests")
    for path in (path for group in groups.values() for path in group["files"]):
        if not _is_inside(path):
            raise _refusal(folder, f"it names {path!r}, which no build of a site writes")
        check_parents(folder, path)
    return groups


def check_parents(folder: Path, path: str) -> None:
    """Raise InputError when *path* leads through a symbolic link, and so perhaps out of *folder*."""
    for parent in (folder / path).parents:
        if parent == folder:
            return
        if os.path.islink(parent):  # noqa: PTH114 - the method raises for a name that is too long to be one
            raise InputError(
                f"{parent} is a symbolic link, and nothing behind it is touched", hint="remove it, then build again"
            )


def _is_group(group: object) -> bool:
    return (
        isinstance(group, dict)
        and isinstance(group.get("key"), str)
        and isinstance(group.get("files"), dict)
        and all(isinstance(hexes, str) and _DIGEST.fullmatch(hexes) for hexes in group["files"].values())
    )


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    usual = path.isprintable() and str(pure) == path and pure.parts and path != LIST_FILE
    return bool(usual) and not pure.is_absolute() and ".." not in pure.parts


def _refusal(folder: Path, why: str) -> FormatError:
    return FormatError(
        f"{folder / LIST_FILE} is not the list of a site's files: {why}",
        hint=f"nothing in {folder} was touched; name another folder, or remove this one if nothing in it is needed",
    )
