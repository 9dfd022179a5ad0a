"""What the package index says of distributions, asked by uv: hashes, and what one that is not installed needs."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, PackError, SetupError
from modelport.package.locks import parse_lock
from modelport.package.modules import installed
from modelport.package.tools import run, uv

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["hashes_from_index", "resolved"]


def hashes_from_index(pins: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the hashes of the files of *pins* (canonical name -> version).

    Raises:
        PackError: The index has no such version, or one was installed from elsewhere.
        SetupError: uv is not installed, or the index cannot be reached.
    """
    for name, version in pins.items():
        _check_from_index(name, version)
    return {name: hashes for (name, _), hashes in _compiled(pins, "--no-deps").items()}


def resolved(pins: Mapping[str, str], constraints: Mapping[str, str]) -> dict[str, str]:
    """Return *pins*, which are not installed, with all they need: canonical name -> version.

    Args:
        pins: What is wanted.
        constraints: The versions that are kept to.

    Raises:
        PackError: No versions of all they need fit together with *constraints*.
        SetupError: uv is not installed, or the index cannot be reached.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(_lines(constraints))
        file.flush()
        return dict(_compiled(pins, "--constraint", file.name).keys())


def _compiled(pins: Mapping[str, str], *options: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return (canonical name, version) -> hashes of what uv makes of *pins*."""
    command = uv("pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate", *options)
    done = run([*command, "--python", sys.executable, "-"], stdin=_lines(pins))
    if done.returncode:
        offline = "error sending request" in done.stderr or "Failed to fetch" in done.stderr
        raise (SetupError if offline else PackError)(
            f"the requirements cannot be locked: {done.stderr.strip()}",
            hint="the package index must be reachable, and must have every version that is installed here",
        )
    try:
        return parse_lock(done.stdout)
    except FormatError as error:
        raise PackError(
            f"the package index has no hashes: {error.message}", hint="use an index that gives hashes, as PyPI does"
        ) from error


def _lines(pins: Mapping[str, str]) -> str:
    return "".join(f"{name}=={version}\n" for name, version in pins.items())


def _check_from_index(name: str, version: str) -> None:
    """Refuse what was installed from a folder, a file or a repository: the index may have another of that name."""
    distribution = installed(name)
    said = distribution.read_text("direct_url.json") if distribution else None  # PEP 610
    if not distribution or not said or distribution.version != version:
        return
    document: dict[str, Any] = json.loads(said)
    url, editable = document.get("url", ""), document.get("dir_info", {}).get("editable")
    place = Path(url.removeprefix("file://")).name if url.startswith("file://") else url
    raise PackError(
        f"{name} {version} was installed from {place}{', editable' if editable else ''}, not from the package index",
        hint="install a released version of it; or, where it is yours and plain Python, install it with"
        " `pip install -e` and import it from the model's code: its files then go along",
    )
