"""The programs that making a package calls."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from modelport.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["run", "uv"]


def run(
    command: Sequence[str], *, stdin: str = "", folder: Path | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it said, which is UTF-8 whatever this machine's locale."""
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        cwd=folder,
        env=variables,
    )


def uv(*arguments: str) -> list[str]:
    """Return the command line of uv with *arguments*; raise SetupError when it is not installed."""
    if importlib.util.find_spec("uv") is not None:
        return [sys.executable, "-m", "uv", *arguments]
    program = shutil.which("uv")
    if program is None:
        raise SetupError(
            "uv is not installed, which makes a package's environment", hint="pip install 'modelport[pack]'"
        )
    return [program, *arguments]
