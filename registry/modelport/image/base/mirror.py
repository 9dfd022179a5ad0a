"""Debian's archive, reached through apt: its mirrors, its proxies and its keys are the machine's own settings.

apt runs with a state of its own in a scratch folder, so it may be asked for another architecture than the machine's,
needs no rights, and changes nothing.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from modelport.errors import SetupError
from modelport.image.base.lock import LockedDeb
from modelport.package.tools import run
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["fetch", "newest"]

_HELPER = Path("/usr/lib/apt/apt-helper")
_URI = re.compile(r"'([^']+)' (\S+) \d+ SHA256:([0-9a-f]{64})")
_TARGETS = ("--no-release-info", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages")
_WAY_OUT = "name another base: --base REFERENCE-or-LAYOUT"


def fetch(debs: Sequence[LockedDeb], cache: Path) -> dict[LockedDeb, bytes]:
    """Return the content of *debs*, from the folder *cache* or else from the mirrors that apt is set to.

    Raises:
        SetupError: There is no apt, or no mirror has a file, or has another one under its name.
    """
    cache.mkdir(parents=True, exist_ok=True)
    found = {one: raw for one in debs if (raw := _cached(one, cache)) is not None}
    missing = [one for one in debs if one not in found]
    if missing:
        mirrors = _mirrors()
        for one in missing:
            found[one] = _fetch(one, mirrors, cache)
    return {one: found[one] for one in debs}


def newest(names: Iterable[str], architecture: str) -> list[LockedDeb]:
    """Return the newest packages called *names* that apt's sources have for *architecture*.

    Raises:
        SetupError: There is no apt, its sources cannot be reached, or have no such package.
    """
    with _state(architecture) as options:
        _apt("apt-get", *options, "update", "--quiet=2")
        suites = _suites(options)
        said = _apt("apt-get", *options, "--print-uris", "download", *names)
        return [_locked(match, architecture, suites) for match in _URI.finditer(said)]


def _locked(match: re.Match[str], architecture: str, suites: dict[str, str]) -> LockedDeb:
    root = next((root for root in suites.values() if match[1].startswith(root)), "")
    suite = next(suite for suite, at in suites.items() if at == root)
    return LockedDeb(architecture, suite, unquote(match[1].removeprefix(root)), Digest("sha256", match[3]))


def _mirrors() -> dict[str, str]:
    with _state("amd64") as options:
        return _suites(options)


def _suites(options: Sequence[str]) -> dict[str, str]:
    """Return where each suite of Debian's lies, as apt's sources say it; addresses end in a slash."""
    said = _apt("apt-get", *options, "indextargets", *_TARGETS)
    pairs = (line.split(" ", 1) for line in said.splitlines() if line)
    return {suite: root for suite, root in pairs if suite}


def _cached(deb: LockedDeb, cache: Path) -> bytes | None:
    try:
        raw = (cache / deb.digest.hex).read_bytes()
    except FileNotFoundError:
        return None
    return raw if Digest.of(raw) == deb.digest else None


def _fetch(deb: LockedDeb, mirrors: dict[str, str], cache: Path) -> bytes:
    # A suite's packages may have moved to another one of the same archive meanwhile: the path is what counts.
    roots = list(dict.fromkeys([*(r for s, r in mirrors.items() if s == deb.suite), *mirrors.values()]))
    said = "apt's sources name no mirror of Debian's"
    for root in roots:
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            target = Path(scratch) / "deb"
            done = run([str(_HELPER), "download-file", f"{root}{deb.path}", str(target), f"SHA256:{deb.digest.hex}"])
            raw = target.read_bytes() if target.is_file() else b""
            if not done.returncode and Digest.of(raw) == deb.digest:
                target.rename(cache / deb.digest.hex)
                return raw
            said = (done.stderr.strip() or done.stdout.strip() or "apt sent other bytes").splitlines()[-1]
    raise SetupError(
        f"{deb.file} cannot be fetched: {said}",
        hint="a newer version may have taken its place in Debian's archive: `make base-lock` writes the lock anew;"
        f" or {_WAY_OUT}",
    )


@contextmanager
def _state(architecture: str) -> Iterator[list[str]]:
    """Give the options that let apt work for *architecture* in a scratch folder, with the machine's sources."""
    with tempfile.TemporaryDirectory(prefix="modelport-apt-") as scratch:
        Path(scratch).chmod(0o755)  # apt fetches as a user of its own
        for part in ("state/lists/partial", "cache/archives/partial"):
            (Path(scratch) / part).mkdir(parents=True)
        settings = {
            "Dir::State": f"{scratch}/state",
            "Dir::State::status": "/dev/null",
            "Dir::Cache": f"{scratch}/cache",
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "Acquire::Languages": "none",
        }
        yield [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _apt(*command: str) -> str:
    if shutil.which(command[0]) is None or not _HELPER.is_file():
        raise SetupError("apt is not installed, which fetches Debian packages", hint=_WAY_OUT)
    done = run(command)
    if done.returncode:
        raise SetupError(f"apt fails: {done.stderr.strip() or done.stdout.strip()}", hint=_WAY_OUT)
    return done.stdout
