"""``modelport.pack``: what a script or a notebook's cell calls to keep its model, as the command of that name does."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from modelport.errors import InputError
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelport.model import Model
    from modelport.package import Package
    from modelport.package.changes import Changes

__all__ = ["Packed", "add_examples", "keep", "pack"]

_PAIR = 2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class Packed:
    """A package that was made, and where it is.

    Attributes:
        name: The model's name.
        digest: The digest by which the embedded store keeps it; empty where it was written as a folder.
        package: What is in it, as :class:`modelport.package.Package`.
    """

    name: str
    digest: str
    package: Package

    def __repr__(self) -> str:
        where = f"{self.digest}, kept in the store" if self.digest else f"written to {self.folder}"
        call = f"modelport call {self.name if self.digest else self.folder} {self.package.spec.methods[0].name}"
        return f"<Packed {self.name}: {where}; {self.package.shown}; try: {call} '{{...}}'>"

    @property
    def folder(self) -> Path:
        """The package's folder: the one that was asked for, or the store's copy to read."""
        return self.package.folder


def pack(
    model: object,
    name: str,
    *,
    out: Path | str | None = None,
    verify: bool = True,
    method: str = "",
    requirements: Changes | None = None,
    alternatives: bool = True,
    examples: Iterable[object] = (),
    tolerance: float = 0.0,
) -> Packed:
    """Pack *model* and keep it in the embedded store under *name*, or write it as a folder.

        >>> modelport.pack(forest, "iris")  # doctest: +SKIP

    Args:
        model: A `Model`, a fitted scikit-learn estimator, a Keras model, or the path of a model file.
        name: The model's name.
        out: The folder to write instead of keeping it in the store.
        verify: Whether it is tried in a clean environment, which is made on first use and may take minutes.
        method: What the method of an estimator or a file is called.
        requirements: What to change of the requirements that are found.
        alternatives: Whether trained objects get a second form, ONNX or LiteRT, where one answers alike.
        examples: Golden examples to add: the arguments of the only method, or pairs of a method's name and arguments.
            Arguments are what `Model.add_example` takes.
        tolerance: By how much (absolute) numbers of these examples' answers may differ elsewhere.

    Raises:
        CallError: The arguments of an example do not fit.
        PackError: It cannot be packed, or an example has another answer when it is reloaded.
        FormatError: *name* is not a model's name.
        SetupError: uv is missing, or the index cannot be reached.
    """
    from modelport.package.source import model_of

    made = model_of(model, name=name, method=method)
    folder = Path(out) if out is not None else None
    settings = load_settings()
    before = list(made.examples)
    try:
        add_examples(made, examples, tolerance=tolerance)
        return keep(
            made, name, settings, out=folder, verify=verify, requirements=requirements, alternatives=alternatives
        )
    finally:
        made.examples[:] = before  # the user's own model may be packed again


def add_examples(model: Model, examples: Iterable[object], *, tolerance: float = 0.0) -> None:
    """Add golden examples: the arguments of the only method, or pairs of a method's name and arguments.

    Raises:
        InputError: The model has several methods, and an example names none.
        CallError: The arguments do not fit.
    """
    names = list(model.methods)
    for one in examples:
        if isinstance(one, tuple) and len(one) == _PAIR and isinstance(one[0], str):
            method, arguments = one
        elif len(names) == 1:
            method, arguments = names[0], one
        else:
            raise InputError(
                f"an example does not say which method it is for: {', '.join(names)}",
                hint=f'give a pair: ("{names[0]}", arguments); on the command line, {names[0]}:JSON',
            )
        model.add_example(method, arguments, tolerance=tolerance)


def keep(
    model: Model,
    name: str,
    settings: Settings,
    *,
    out: Path | None,
    verify: bool,
    requirements: Changes | None,
    alternatives: bool = True,
    version: str = "",
) -> Packed:
    """Pack *model*, keep it in the store of *settings* or write *out*, and note that it was packed here.

    In the store it is ``NAME:latest``, and ``NAME:VERSION`` with a *version*, which no other package may have.

    Raises InputError where another has it, and as :func:`pack` does.
    """
    from modelport.package import Package
    from modelport.package import pack as written
    from modelport.package.modelpack import manifest_digest
    from modelport.package.store import keep_package, open_package
    from modelport.package.trust import vouch_packed_here
    from modelport.types import Name

    name = str(Name.parse(name))
    cache = settings.cache if verify else None
    write = partial(written, verify_in=cache, requirements=requirements, alternatives=alternatives)
    if out is not None:
        package = Package.read(write(model, name, out))
        vouch_packed_here(settings.data, manifest_digest(package))
        return _told(Packed(name, "", package))
    with TemporaryDirectory() as scratch:
        folder = write(model, name, Path(scratch) / name)
        if version:
            _check_free(Package.read(folder), f"{name}:{version}", settings)
        kept = keep_package(folder, settings.store, tags=[version, "latest"] if version else ["latest"])
    vouch_packed_here(settings.data, kept.manifest.digest)
    package = Package.read(open_package(settings.store, kept, settings.cache).folder)
    return _told(Packed(name, str(kept.manifest.digest), package))


def _check_free(package: Package, tag: str, settings: Settings) -> None:
    """Refuse a version that another package has: whoever named it would get something else."""
    from modelport.package.modelpack import manifest_digest
    from modelport.package.store import find_package
    from modelport.types import Reference

    there = find_package(settings.store, Reference.parse(tag))
    if there is not None and there.name == tag and there.manifest.digest != manifest_digest(package):
        raise InputError(
            f"{tag} is in the store, and is another package",
            hint=f"give a new version, or remove that one: modelport store remove {tag}",
        )


def _told(packed: Packed) -> Packed:
    _log.info("packed %s", packed)
    return packed
