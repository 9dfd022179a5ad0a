"""Clean environments made from a lock: one folder for each lock and Python, its files hard-linked from uv's cache.

Modelport itself is put beside the environment's own packages through PYTHONPATH, by a folder that holds one link to it
and nothing else: whatever else is installed next to Modelport stays out.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import platform
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import modelport
from modelport.errors import SetupError
from modelport.package.bytecode import BARE
from modelport.package.files.reviewed import is_reviewed
from modelport.package.locks import canonical_name, lock_text, parse_lock, read_pins
from modelport.package.tools import run, uv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["Environment", "make_environment", "satisfied"]


class Environment:
    """A clean environment.

    Attributes:
        folder: Where it lies.
        python: Its interpreter.
        runtime: The folder that holds a link to Modelport and nothing else.
    """

    def __init__(self, folder: Path, runtime: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.runtime = runtime

    def command(self, module: str, *arguments: str) -> list[str]:
        """Return the command line that runs *module* inside."""
        return [str(self.python), "-m", module, *arguments]

    def variables(self, outer: Mapping[str, str]) -> dict[str, str]:
        """Return the variables for a process inside: *outer* without what would let other packages in."""
        kept = {k: v for k, v in outer.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "CONDA"))}
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "ORT_DISABLE_TELEMETRY": "1"}
        return (
            quiet
            | kept
            | {
                "PYTHONPATH": str(self.runtime),
                "PYTHONSAFEPATH": "1",  # what lies in the working directory stays out, too
                "PYTHONNOUSERSITE": "1",
                "PYTHONUTF8": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONHASHSEED": "0",
            }
        )


def satisfied(lock: str) -> bool:
    """Tell whether the running environment has every version that *lock* pins."""
    try:
        return all(importlib.metadata.version(name) == version for name, version in parse_lock(lock))
    except importlib.metadata.PackageNotFoundError:
        return False


def make_environment(
    lock: str,
    cache: Path,
    *,
    python: str,
    extra: Sequence[str] = (),
    docstrings: bool = True,
    on_build: Callable[[], None] | None = None,
) -> Environment:
    """Return the environment that *lock* describes, made on first use.

    Args:
        lock: A requirements file with hashes, complete: nothing is resolved.
        cache: The folder under which environments are kept.
        python: The Python version, for instance ``3.11``.
        extra: Pins (``name==version``) that are added without hashes, where the lock has no such distribution.
        docstrings: Whether all libraries have theirs; see `bytecode`.
        on_build: Called before an environment is made, which may take minutes.

    Raises:
        FormatError: The lock holds something else than pins with hashes.
        SetupError: uv is missing, the Python is not there, or the index lacks a file.
    """
    pins = read_pins(lock)
    pinned = {pin.name for pin in pins}
    added = sorted(pin for pin in extra if canonical_name(pin.partition("==")[0]) not in pinned)
    plain = lock_text(pins)
    key = "\n".join([plain, *added, python, platform.machine(), sys.platform, "compiled"])
    key += "" if docstrings else f"\n{BARE}"
    folder = cache.absolute() / "environments" / hashlib.sha256(key.encode()).hexdigest()[:24]
    environment = Environment(folder, _runtime(folder.parent))
    with _locked(folder.with_suffix(".lock")):
        # The interpreter is a link into an installation that may be gone.
        if not (folder / "complete").exists() or not environment.python.exists():
            if on_build:
                on_build()
            _build(environment, plain, added, python, docstrings=docstrings)
    return environment


def _build(environment: Environment, lock: str, added: Sequence[str], python: str, *, docstrings: bool) -> None:
    folder = environment.folder
    shutil.rmtree(folder, ignore_errors=True)
    interpreter = sys.executable if python == ".".join(map(str, sys.version_info[:2])) else python
    _run(
        uv("venv", "--quiet", "--no-project", "--python", interpreter, "--no-python-downloads", str(folder)),
        hint=f"Python {python} must be installed",
    )
    install = uv("pip", "install", "--quiet", "--no-deps", "-r", "-", "--python", str(environment.python))
    hint = "the package index must be reachable and have every locked version for this Python and platform"
    if lock:
        # What a data-only package needs is never built here: building would run what is not reviewed.
        wheels = ["--only-binary", ":all:"] if is_reviewed(lock) else []
        _run([*install, "--require-hashes", *wheels], lock, hint=hint)
    if added:
        _run(install, "\n".join(added), hint=hint)
    if lock or added:
        _compile(environment, docstrings=docstrings)
    (folder / "complete").touch()


def _compile(environment: Environment, *, docstrings: bool) -> None:
    """Compile all once: nothing that runs inside writes bytecode."""
    bare = [] if docstrings else ["--without-docstrings"]
    places = [*map(str, environment.folder.glob("lib/*/site-packages")), str(environment.folder.parent / "bytecode")]
    command = environment.command("modelport.package.bytecode", *places, *bare)
    _run(command, hint="make room on the disk", variables=environment.variables(os.environ))


def _run(command: Sequence[str], stdin: str = "", *, hint: str, variables: Mapping[str, str] | None = None) -> None:
    done = run(command, stdin=stdin, variables=variables)
    if done.returncode:
        raise SetupError(
            f"the clean environment cannot be made: {done.stderr.strip() or done.stdout.strip()}", hint=hint
        )


def _runtime(folder: Path) -> Path:
    """Return a folder with one link, ``modelport``, to this very Modelport; each installation has its own."""
    target = Path(modelport.__file__).resolve().parent
    runtime = folder / f"runtime-{hashlib.sha256(str(target).encode()).hexdigest()[:16]}"
    runtime.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (runtime / "modelport").symlink_to(target)
    return runtime


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
