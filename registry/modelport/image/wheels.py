"""Locked wheels, installed for the image's platform on any machine: never resolved anew, never built.

uv checks all hashes and unpacks them, hard-linked from its cache, for a platform and a Python that need not be this
machine's. Nothing of them is run.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.errors import FormatError, IntegrityError, SetupError
from modelport.oci import Platform
from modelport.package.locks import lock_text
from modelport.package.tools import run, uv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport.package.locks import Pin

__all__ = ["TARGETS", "Target", "install", "installer", "target_of"]

_HEEDED = re.compile(
    r"UV_(?:(?:DEFAULT_|EXTRA_)?INDEX(?:_.*)?|FIND_LINKS|CACHE_DIR|NO_CACHE|CONFIG_FILE|OFFLINE|KEYRING_PROVIDER"
    r"|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS|HTTP_.*|REQUEST_TIMEOUT|CONCURRENT_.*|LINK_MODE|LOCK_TIMEOUT)"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A platform that images are built for.

    Attributes:
        platform: As OCI names it.
        wheels: As uv names it: the newest of libc that the base is sure to have.
        markers: What ``platform_machine`` is there (PEP 508).
    """

    platform: Platform
    wheels: str
    markers: str


TARGETS = {
    "linux/amd64": Target(Platform("linux", "amd64"), "x86_64-manylinux_2_28", "x86_64"),
    "linux/arm64": Target(Platform("linux", "arm64"), "aarch64-manylinux_2_28", "aarch64"),
}


def target_of(text: str) -> Target:
    """Return the target that *text* names; raise FormatError for one that images are not built for."""
    platform = Platform.parse(text)
    if platform == Platform("linux", "arm64", "v8"):
        platform = Platform("linux", "arm64")
    if str(platform) not in TARGETS:
        raise FormatError(f"no images are built for {text}", hint=f"there are {', '.join(TARGETS)}")
    return TARGETS[str(platform)]


def install(pins: Sequence[Pin], folder: Path, *, target: Target, python: str) -> None:
    """Install *pins* in *folder* as they are used on *target* by *python*.

    Raises:
        SetupError: A version has no wheel for it (all such are named), or the index cannot be reached.
        IntegrityError: The index has other files than the lock admits.
    """
    if not pins:
        folder.mkdir(parents=True, exist_ok=True)
        return
    done = _install(pins, folder, target, python)
    if not done:
        return
    if found := re.search(r"Hash mismatch for `([^`]+)`", done):
        raise IntegrityError(
            f"{found[1]}: the package index has other files than the lock admits: {done}",
            hint="tell whoever keeps the index, and do not use what it has; or pack the model anew",
        )
    lacking = [pin for pin in pins if _install([pin], folder, target, python, "--dry-run")]
    if not lacking:
        raise SetupError(f"the wheels cannot be installed: {done}", hint="the package index must be reachable")
    names = ", ".join(f"{pin.name}=={pin.version}" for pin in lacking)
    raise SetupError(
        f"{names}: no wheel for {target.platform} and Python {python} can be had: {_first_reason(done)}",
        hint=f"build for other platforms only (--platform), pack with versions that have wheels for"
        f" {target.platform}, or build them in a Dockerfile: modelport image dockerfile",
    )


def _install(pins: Sequence[Pin], folder: Path, target: Target, python: str, *more: str) -> str:
    """Return why it fails, or nothing where it does not."""
    command = uv("pip", "install", "--quiet", "--target", str(folder.absolute()), "--python-platform", target.wheels)
    command += ["--python-version", python, "--no-deps", "--only-binary", ":all:", "--require-hashes", *more, "-r", "-"]
    # Nothing that the working folder or a variable of uv says changes what is installed.
    done = run(command, stdin=lock_text(pins), folder=Path("/"), variables=_variables(os.environ))
    return (done.stderr.strip() or done.stdout.strip() or "uv failed") if done.returncode else ""


def _variables(outer: Mapping[str, str]) -> dict[str, str]:
    """Return *outer* without what uv heeds, but for where it finds files, how it gets there and where it keeps them."""
    return {name: value for name, value in outer.items() if not name.startswith("UV_") or _HEEDED.fullmatch(name)}


def installer() -> str:
    """Return which uv installs, and its version."""
    if importlib.util.find_spec("uv") is not None:
        return f"uv {importlib.metadata.version('uv')}"
    return run(uv("--version")).stdout.strip()


def _first_reason(said: str) -> str:
    found = re.search(r"\bBecause .*|\bhint: .*", said)
    return found[0] if found else said.splitlines()[-1].strip()
