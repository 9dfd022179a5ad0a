"""The data sets of a recipe, fetched by package name and checked by digest before the recipe runs.

``debian`` packages are unpacked without root and without installing anything; ``pypi`` packages are unpacked by uv.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import IntegrityError, SetupError
from modelport.package.tools import uv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["fetch_data"]


def fetch_data(source: Mapping[str, Any], cache: Path) -> Path:
    """Return the folder of a data set, fetched and unpacked under *cache* on first use.

    Args:
        source: An item of an entry's ``data``: ``kind``, ``package``, ``version``, ``sha256`` and ``path``.
        cache: The folder under which data sets are kept, by digest.

    Raises:
        SetupError: The package cannot be fetched, or a program for it is missing.
        IntegrityError: What came is not what the digest says.
    """
    folder = cache / "data" / source["sha256"]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as scratch:
            unpacked = Path(scratch) / "unpacked"
            _FETCH[source["kind"]](source, Path(scratch), unpacked)
            unpacked.rename(folder)
    found = folder / source["path"]
    if not found.exists():
        raise SetupError(
            f"data {source['name']!r}: {source['package']} {source['version']} holds no {source['path']}",
            hint=f"look what is in {folder}",
        )
    return found


def _fetch_debian(source: Mapping[str, Any], scratch: Path, unpacked: Path) -> None:
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise SetupError(
                f"data {source['name']!r} is a Debian package, and {program} is not here", hint="use Debian"
            )
    wanted = f"{source['package']}={source['version']}"
    options = _apt_options(scratch)
    download = ["apt-get", "-qq", "download", wanted]
    if _run(download, scratch).returncode:
        # No package lists on this machine: an unprivileged user keeps lists of their own.
        _run(["apt-get", "-qq", *options, "update"], scratch)
        done = _run(["apt-get", "-qq", *options, "download", wanted], scratch)
        if done.returncode:
            raise SetupError(
                f"data {source['name']!r}: {wanted} cannot be fetched: {done.stderr.strip()}",
                hint="Debian's package archive must be reachable and still have this version",
            )
    (file,) = scratch.glob("*.deb")
    _check(file, source)
    done = _run(["dpkg-deb", "-x", str(file), str(unpacked)], scratch)
    if done.returncode:
        raise SetupError(f"data {source['name']!r}: {wanted} cannot be unpacked: {done.stderr.strip()}")


def _apt_options(scratch: Path) -> list[str]:
    state, cache = scratch / "state", scratch / "cache"
    for folder in (state / "lists" / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True)
    return ["-o", f"Dir::State={state}", "-o", f"Dir::State::lists={state}/lists", "-o", f"Dir::Cache={cache}"]


def _fetch_pypi(source: Mapping[str, Any], scratch: Path, unpacked: Path) -> None:
    pin = f"{source['package']}=={source['version']} --hash=sha256:{source['sha256']}\n"
    requirements = scratch / "requirements.txt"
    requirements.write_text(pin, encoding="utf-8")
    install = uv("pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", str(unpacked))
    done = _run([*install, "-r", str(requirements)], scratch)
    if done.returncode:
        raise SetupError(
            f"data {source['name']!r}: {pin.split(maxsplit=1)[0]} cannot be fetched: {done.stderr.strip()}",
            hint="the package index must be reachable and have this file with this sha256",
        )


def _check(file: Path, source: Mapping[str, Any]) -> None:
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != source["sha256"]:
        raise IntegrityError(
            f"data {source['name']!r}: {file.name} has sha256 {found}, the entry says {source['sha256']}",
            hint="do not use it; if the entry is wrong, correct its sha256",
        )


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


_FETCH = {"debian": _fetch_debian, "pypi": _fetch_pypi}
