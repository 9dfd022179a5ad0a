"""A model -> a package folder, tried in a clean environment made from its own lock."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.errors import PackError
from modelport.package.answer import read_answer
from modelport.package.documents import read_document
from modelport.package.environment import make_environment
from modelport.package.folder import PARTS, Package, is_package
from modelport.package.locks import read_lock
from modelport.package.tools import run
from modelport.package.writing import write_package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.model import Model
    from modelport.package.requirements import Changes

__all__ = ["Verified", "pack", "replaced", "verify_clean"]


@dataclass(frozen=True, slots=True)
class Verified:
    """A package that did in a clean environment what its examples say.

    Attributes:
        examples: How many there are.
        memory: The most bytes that the process held while it loaded the package and ran them.
        environment: The environment's folder.
    """

    examples: int
    memory: int
    environment: Path


def pack(
    model: Model,
    name: str,
    out: Path,
    *,
    known_lock: str = "",
    verify_in: Path | None,
    requirements: Changes | None = None,
    alternatives: bool = True,
) -> Path:
    """Write *model* as the package folder *out* and return it; the same trained state gives the same bytes.

    Args:
        model: The model.
        name: The model's name.
        out: The folder to make; a package that is there is replaced, anything else is not.
        known_lock: A lock with hashes to take from, so that no index is asked.
        verify_in: The cache folder for the clean environment in which the examples are run; None skips that, and the
            package says so.
        requirements: What to change of the requirements that are found.
        alternatives: Whether trained objects get a second form where one answers alike (see `alternatives`).

    Raises:
        PackError: Something the model refers to cannot be packed, or an example has another answer when it is reloaded.
        FormatError: *name* is not a model's name.
        SetupError: uv is missing, or the index cannot be reached.
    """
    with replaced(out) as folder:
        write_package(
            model,
            name,
            folder,
            known_lock=known_lock,
            verified=verify_in is not None,
            requirements=requirements,
            alternatives=alternatives,
        )
        Package.read(folder)  # what is written can be read
        if verify_in is not None:
            verify_clean(folder, verify_in)
    return out


@contextmanager
def replaced(out: Path) -> Iterator[Path]:
    """Give a fresh path to build a package at; it takes the place of *out* when the block ends well.

    Raises:
        PackError: *out* is there and is not a package and nothing else, or its folder cannot be written.
    """
    out = out.resolve()
    if out.exists():
        _check_replaceable(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-")
    except OSError as error:
        raise PackError(f"{out} cannot be written: {error.strerror}", hint="give another --out") from error
    with scratch as name:
        folder, old = Path(name) / "package", Path(name) / "old"
        yield folder
        if out.exists():
            out.rename(old)
        try:
            folder.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise


def verify_clean(folder: Path, cache: Path) -> Verified:
    """Run the examples of the package in *folder* in the clean environment of its lock.

    Raises:
        PackError: It does not load there, or an example has another answer.
        SetupError: The environment cannot be made.
    """
    info = read_document(folder / "package.json")
    environment = make_environment(read_lock(folder / "requirements.lock"), cache, python=info["python"])
    command = environment.command("modelport.package.verify", str(folder.resolve()))
    with tempfile.TemporaryDirectory(prefix="modelport-") as empty:  # what lies where the author works stays out
        done = run(command, folder=Path(empty), variables=environment.variables(os.environ))
    report = read_answer(done.stdout)
    if report is None:
        raise PackError(
            f"the package ended with status {done.returncode} in a clean environment: {done.stderr.strip()[-2000:]}",
            hint="its code must not end the process that loads it",
        )
    if "error" in report:
        raise PackError(
            f"the package does not work in a clean environment: {report['error']}", hint=_way_out(report["error"])
        )
    if report["problems"]:
        raise PackError(
            f"the package does not do in a clean environment what it did here: {'; '.join(report['problems'])}",
            hint="give the examples a tolerance, or make the functions depend on nothing but their arguments",
        )
    return Verified(int(report["examples"]), int(report["memory"]), environment.folder)


def _way_out(error: str) -> str:
    if "FileNotFoundError" in error:
        return (
            "a file goes along where it lies in the folder of a package that the code imports, which finds it through"
            " its own __file__ or importlib.resources; or read it before, and keep what it holds in a variable"
        )
    return "import by name what its code needs, so that it can be found and locked; or add it with --require"


def _check_replaceable(out: Path) -> None:
    """Refuse to remove anything that is not a package."""
    if not out.is_dir() or (any(out.iterdir()) and not is_package(out)):
        raise PackError(f"{out} is there and is not a package", hint="give another --out, or remove it")
    if foreign := sorted(one.name for one in out.iterdir() if one.name not in PARTS):
        raise PackError(
            f"{out} is there and holds {', '.join(foreign)}, which is no part of a package",
            hint="give another --out, or move it away",
        )
