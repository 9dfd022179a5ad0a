"""What running a package takes, measured once, when its version is written: so that it is known before any download.

The figures are those of one machine. Memory is the peak of the process that loads the package and runs its golden
examples (resident set size); the environment is what the locked requirements take on disk when they are installed,
bytecode included. Both are rounded up to whole megabytes, because runs differ by less than that makes a difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.package.packing import verify_clean

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.package import Package

__all__ = ["measure_resources"]

_MEGABYTE = 1_000_000


def measure_resources(package: Package, cache: Path) -> dict[str, int]:
    """Return the version's ``resources`` (``schemas/version.schema.json``), in bytes.

    Raises:
        PackError: The package does not do in a clean environment what its examples say.
        SetupError: The environment cannot be made.
    """
    verified = verify_clean(package.folder, cache)
    installed = [file for file in (verified.environment / "lib").rglob("*") if file.is_file() and not file.is_symlink()]
    return {
        "memory": _rounded(verified.memory),
        "environment": _rounded(sum(file.stat().st_size for file in installed)),
    }


def _rounded(size: int) -> int:
    return -(-size // _MEGABYTE) * _MEGABYTE
