"""Locked wheels, installed for the image's platform on any machine: never resolved anew, never built.

uv checks all hashes and unpacks them, hard-linked from its cache, for a platform and a Python that need not be this
machine's. Nothing of them is run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import FormatError, SetupError
from modelport.oci import Platform
from modelport.package.locks import lock_text
from modelport.package.tools import run, uv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelport.package.locks import Pin

__all__ = ["TARGETS", "Target", "install", "target_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """A platform that images are built for.

    Attributes:
        platform: As OCI names it.
        wheels: As uv names it: the newest of libc that the base is sure to have.
        machine: ``e_machine`` of its programs (elf(5)).
        markers: What ``platform_machine`` is there (PEP 508).
    """

    platform: Platform
    wheels: str
    machine: int
    markers: str


TARGETS = {
    "linux/amd64": Target(Platform("linux", "amd64"), "x86_64-manylinux_2_28", 62, "x86_64"),
    "linux/arm64": Target(Platform("linux", "arm64"), "aarch64-manylinux_2_28", 183, "aarch64"),
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
    """
    if not pins:
        folder.mkdir(parents=True, exist_ok=True)
        return
    done = _install(pins, folder, target, python)
    if not done:
        return
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
    command = uv("pip", "install", "--quiet", "--target", str(folder), "--python-platform", target.wheels)
    command += ["--python-version", python, "--no-deps", "--only-binary", ":all:", "--require-hashes", *more, "-r", "-"]
    done = run(command, stdin=lock_text(pins))
    return (done.stderr.strip() or done.stdout.strip() or "uv failed") if done.returncode else ""


def _first_reason(said: str) -> str:
    found = re.search(r"\bBecause .*|\bhint: .*", said)
    return found[0] if found else said.splitlines()[-1].strip()
