"""The data sets of a recipe, fetched by package name and checked by digest before the recipe runs.

``debian`` packages are unpacked without root and without installing anything; ``pypi`` packages are unpacked by uv.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, IntegrityError, SetupError
from modelport.package.tools import run, uv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["fetch_data"]

# They become arguments of programs and names of folders, so they are held to their forms here, too.
_FORMS = {
    "package": re.compile(r"[a-z0-9][a-z0-9+._-]*"),
    "version": re.compile(r"[0-9A-Za-z][0-9A-Za-z.+:~!_-]*"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
}


def fetch_data(source: Mapping[str, Any], cache: Path) -> Path:
    """Return the folder of a data set, fetched and unpacked under *cache* on first use.

    Args:
        source: An item of an entry's ``data``: ``kind``, ``package``, ``version``, ``sha256`` and ``path``.
        cache: The folder under which data sets are kept, by digest.

    Raises:
        SetupError: The package cannot be fetched, or a program for it is missing.
        IntegrityError: What came is not what the digest says.
        FormatError: The item is not one, or its path leads outside of the package.
    """
    for key, form in _FORMS.items():
        if not form.fullmatch(source[key]):
            raise FormatError(f"data {source['name']!r}: {source[key]!r} is not a {key}")
    folder = cache.absolute() / "data" / source["sha256"]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as scratch:
            unpacked = Path(scratch) / "unpacked"
            _FETCH[source["kind"]](source, Path(scratch), unpacked)
            if not folder.is_dir():  # another process may have been quicker
                unpacked.rename(folder)
    found: Path = folder / source["path"]
    if not found.resolve().is_relative_to(folder.resolve()):
        raise FormatError(f"data {source['name']!r}: {source['path']} leads outside of {source['package']}")
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
    if run(download, folder=scratch).returncode:
        # No package lists on this machine: an unprivileged user keeps lists of their own.
        run(["apt-get", "-qq", *options, "update"], folder=scratch)
        done = run(["apt-get", "-qq", *options, "download", wanted], folder=scratch)
        if done.returncode:
            raise SetupError(
                f"data {source['name']!r}: {wanted} cannot be fetched: {done.stderr.strip()}",
                hint=f"the archive must be reachable and have this version; it has: {_versions(source, options)}",
            )
    (file,) = scratch.glob("*.deb")
    _check(file, source)
    done = run(["dpkg-deb", "-x", str(file), str(unpacked)], folder=scratch)
    if done.returncode:
        raise SetupError(f"data {source['name']!r}: {wanted} cannot be unpacked: {done.stderr.strip()}")


def _versions(source: Mapping[str, Any], options: Sequence[str]) -> str:
    said = run(["apt-cache", *options, "madison", source["package"]]).stdout
    return ", ".join(line.split("|")[1].strip() for line in said.splitlines() if line.count("|") > 1) or "none"


def _apt_options(scratch: Path) -> list[str]:
    state, cache = scratch / "state", scratch / "cache"
    for folder in (state / "lists" / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True)
    return ["-o", f"Dir::State={state}", "-o", f"Dir::State::lists={state}/lists", "-o", f"Dir::Cache={cache}"]


def _fetch_pypi(source: Mapping[str, Any], scratch: Path, unpacked: Path) -> None:
    pin = f"{source['package']}=={source['version']} --hash=sha256:{source['sha256']}\n"
    requirements = scratch / "requirements.txt"
    requirements.write_text(pin, encoding="utf-8")
    # Wheels alone: building a source distribution would run its code.
    install = uv("pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:")
    done = run([*install, "--target", str(unpacked), "-r", str(requirements)], folder=scratch)
    if "Hash mismatch" in done.stderr:
        raise IntegrityError(
            f"data {source['name']!r}: {pin.split(maxsplit=1)[0]} does not have the sha256 that the entry says:"
            f" {done.stderr.strip()}",
            hint="do not use it; if the entry is wrong, correct its sha256",
        )
    if done.returncode:
        raise SetupError(
            f"data {source['name']!r}: {pin.split(maxsplit=1)[0]} cannot be fetched: {done.stderr.strip()}",
            hint="the package index must be reachable and have a wheel of this version with this sha256",
        )


def _check(file: Path, source: Mapping[str, Any]) -> None:
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != source["sha256"]:
        raise IntegrityError(
            f"data {source['name']!r}: {file.name} has sha256 {found}, the entry says {source['sha256']}",
            hint="do not use it; if the entry is wrong, correct its sha256",
        )


_FETCH = {"debian": _fetch_debian, "pypi": _fetch_pypi}
