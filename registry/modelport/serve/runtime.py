"""What runs a package's trained objects in service: the framework, or the second forms that answered alike.

A second form (``forest.onnx`` beside ``forest.skops``) starts in a fraction of the time, for the framework is never
imported, and answers single rows many times as fast. Where it cannot be had on this machine the framework takes over,
and the log says why.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from modelport.errors import InputError, ModelError, ModelportError
from modelport.serve import printed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelport.package.load import LoadedPackage

__all__ = ["CHOICES", "FRAMEWORK", "Chosen", "load_for_service"]

log = logging.getLogger(__name__)

CHOICES = ("auto", "framework", "converted")
"""``auto`` takes second forms where they are and work; ``converted`` takes nothing else."""

FRAMEWORK = "framework"


class Chosen(NamedTuple):
    """A loaded package, what runs its trained objects (`ServiceInfo.runtime`), and the seconds that loading took."""

    package: LoadedPackage
    runtime: str
    seconds: float


def load_for_service(folder: Path, choice: str = "auto") -> Chosen:
    """Load the package in *folder* with what *choice*, one of `CHOICES`, asks for. A variant has one form only.

    Raises:
        InputError: The package has no second forms, and nothing else was asked for.
        ModelError: Its second forms do not work here, and nothing else was asked for.
        ModelportError: The package cannot be loaded; see `load_package`.
    """
    from modelport.package.documents import read_document
    from modelport.package.load import load_package, second_forms

    # From here on: what of Modelport is imported until now may keep its bytecode, a package's folder stays as it is.
    sys.dont_write_bytecode = True
    os.environ.update(PYTHONDONTWRITEBYTECODE="1")  # for processes that the package's code starts
    began = perf_counter()
    info = read_document(folder / "package.json")
    has_forms = isinstance(info, dict) and bool(second_forms(info))
    if isinstance(info, dict) and "variant" in info and has_forms:
        choice = "converted"
    if choice == "converted" and not has_forms:
        name = info.get("name", folder) if isinstance(info, dict) else folder
        raise InputError(f"{name} has no second forms", hint="serve it with --runtime framework")
    with _without_collector(), _ended():
        package = _converted(folder, only=choice == "converted") if has_forms and choice != FRAMEWORK else None
        runtime = FRAMEWORK if package is None else _runtimes(package)
        if package is None:
            from modelport.package.state.quickly import import_skops_for

            import_skops_for((folder / "state").glob("*.skops"))  # this process loads no others
            package = load_package(folder)
    seconds = perf_counter() - began
    log.info("loaded", extra={"model": package.name, "runtime": runtime, "seconds": round(seconds, 3)})
    return Chosen(package, runtime, seconds)


@contextmanager
def _ended() -> Iterator[None]:
    """End the lines that the package's code begins to print within the block."""
    try:
        yield
    finally:
        printed.end()


@contextmanager
def _without_collector() -> Iterator[None]:
    """Look for no garbage within the block: what libraries make while they are imported stays."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _converted(folder: Path, *, only: bool) -> LoadedPackage | None:
    """Return the package with its second forms; None where the framework is to take over."""
    from modelport.package.load import forget, load_package

    try:
        package = load_package(folder, alternatives=True)
        if not package.model.examples or _agrees(package):
            return package
        why = "it gives another answer to the first golden example"
    except Exception as error:  # noqa: BLE001 - runtimes raise what they like; the framework may still do, and it is told
        why = str(error) if isinstance(error, ModelportError) else f"{type(error).__name__}: {error}"
    if only:
        raise ModelError(f"{folder}: its second form does not work here: {why}", hint="serve it with --runtime auto")
    log.warning("the second form does not work here, the framework takes over", extra={"why": why})
    forget(folder)
    return None


def _agrees(package: LoadedPackage) -> bool:
    from modelport.package.closeness import alike

    example = package.model.examples[0]
    printed.begin((printed.WARM_UP,))
    try:
        return alike(example.output, package.model.call(example.method, example.input), example.tolerance)
    finally:
        printed.end()


def _runtimes(package: LoadedPackage) -> str:
    return "+".join(sorted({str(one.get("runtime")) for one in package.info["alternatives"]}))
