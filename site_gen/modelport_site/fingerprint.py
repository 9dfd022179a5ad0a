"""What a built page depends on besides its content: this package's own files and the versions of its tools."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from modelport.errors import SetupError

__all__ = ["ROOT", "digest_of", "toolchain"]

ROOT = Path(__file__).parent
"""The folder of this package: prose, theme, templates and assets lie in it."""

_TOOLS = ("jinja2", "markdown", "mkdocs", "mkdocs-material", "nh3", "pygments", "pymdown-extensions")


def digest_of(*parts: bytes | str) -> str:
    """Return a sha256, in hex, over parts whose borders count."""
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(b"%d:" % len(content) + content)
    return total.hexdigest()


@cache
def toolchain() -> str:
    """Return a digest of everything that makes pages: a changed template or a new mkdocs makes all pages anew.

    Raises:
        SetupError: A tool is not installed.
    """
    parts: list[bytes | str] = [platform.python_version()]
    for tool in _TOOLS:
        try:
            parts.append(f"{tool}=={version(tool)}")
        except PackageNotFoundError as error:
            raise SetupError(
                f"building the site needs {tool}, which is not installed", hint="pip install 'modelport[site]'"
            ) from error
    for file in sorted(f for f in ROOT.rglob("*") if f.is_file() and "__pycache__" not in f.parts):
        parts += [file.relative_to(ROOT).as_posix(), file.read_bytes()]
    return digest_of(*parts)
