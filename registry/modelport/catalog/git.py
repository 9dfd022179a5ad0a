"""git, asked about the repository that a folder lies in, whatever the caller's environment says of another."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from modelport.errors import InputError, SetupError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["git", "run_git"]

_PLACE = {"GIT_COMMON_DIR", "GIT_DIR", "GIT_INDEX_FILE", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_WORK_TREE"}
"""What git sets for a hook, and people for their scripts: another repository, or paths as seen from elsewhere."""


def run_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run git in *folder* and return how that ended.

    Raises:
        SetupError: git is not installed.
    """
    variables = {name: value for name, value in os.environ.items() if name not in _PLACE}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, check=False, env=variables
        )  # fmt: skip
    except FileNotFoundError as error:
        message = "git is not installed, and the catalog's history is asked of it"
        raise SetupError(message, hint="install git") from error


def git(folder: Path, *arguments: str) -> bytes:
    """Return what git prints in *folder*.

    Raises:
        InputError: It failed.
        SetupError: git is not installed.
    """
    done = run_git(folder, *arguments)
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip()[-500:]
        raise InputError(f"git {arguments[0]} failed in {folder}: {told}")
    return done.stdout
