"""The programs that making a package calls."""

from __future__ import annotations

import importlib.util
import shutil
import sys

from modelport.errors import SetupError

__all__ = ["uv"]


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
