"""All variants of a package that the backends have recipes for: made, tried, packed, kept.

::

    backends --recipes--> each recipe --make--> file --try in each mode--> variant's package --keep--> digest

What fails is an outcome like the others, with its message; the others go on. Everything that converters and runtimes
do happens in processes of their own (`steps`), and what was made before is taken from the cache (`cache`).
"""

from __future__ import annotations

import gzip
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.edge.cache import Cache, installed_versions
from modelport.edge.calibration import digest_of, fitted, read_calls, write_calls
from modelport.edge.interface import BACKENDS, Made, NotMadeError, Recipe, present
from modelport.edge.steps import CALLS, run_step
from modelport.edge.trial import MODES
from modelport.edge.variant import VariantFile, write_noting, write_variant
from modelport.errors import InputError, ModelportError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from modelport.edge.interface import Calibration
    from modelport.edge.variant import Parent
    from modelport.package import Package

__all__ = ["Build", "Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one recipe.

    Attributes:
        name: The variant's name.
        status: ``ok`` or ``failed``.
        runtime: What runs it: ``litert`` or ``onnx``.
        message: Why it failed.
        hint: The way out.
        digest: The digest of its package's manifest.
        size: The bytes of its file.
        download: The bytes of its file after gzip -9.
        recipe: How it was made.
        tools: The versions of what made it.
        calibration: The sha256 of the calibration inputs, or nothing.
        reused: Whether its file was made before.
    """

    name: str
    status: str
    runtime: str
    message: str = ""
    hint: str = ""
    digest: str = ""
    size: int = 0
    download: int = 0
    recipe: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    calibration: str = ""
    reused: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what a catalog's file says of it, without what it has not."""
        said = {
            "name": self.name, "status": self.status, "message": self.message, "digest": self.digest,
            "runtime": self.runtime, "recipe": dict(self.recipe), "calibration": self.calibration,
            "tools": dict(self.tools), "size": self.size, "download": self.download,
        }  # fmt: skip
        return {key: value for key, value in said.items() if value}


@dataclass(slots=True)
class _File:
    """A variant's file that works: how it was made, what it takes, and the sha256 of the calibration inputs."""

    made: Made
    reused: bool
    tensors: Sequence[Mapping[str, Any]]
    calibration: str


class Build:
    """The variants of one package.

    Args:
        parent: Its parent, see `modelport.edge.variant.parent_of`.
        cache: The settings' cache folder.
        keep: Keeps a variant's package folder, and returns the digest of its manifest.
        calibration: What the parent's file is fed, for recipes that need it; without it, the package's own
            calibration data is asked.
        modules: The backends' modules.
        verify: Whether variants answer their examples in clean environments.
        tell: Told what goes on.
    """

    def __init__(
        self,
        parent: Parent,
        cache: Path,
        keep: Callable[[Package], str],
        *,
        calibration: Calibration | None = None,
        modules: Sequence[str] = BACKENDS,
        verify: bool = True,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.parent = parent
        self.recipes: list[tuple[str, Recipe]] = []
        self._settings, self._keep, self._verify, self._tell = cache, keep, verify, tell
        self._cache = Cache(cache)
        self._modules, self._given = modules, calibration
        self._files: dict[str, _File | NotMadeError] = {}
        self._calls: Calibration | NotMadeError | None = None

    def find(self) -> list[Recipe]:
        """Ask the backends for their recipes, and return those.

        A backend that fails on the file is told of; the others go on.

        Raises:
            InputError: No backend has a recipe for it, or all fail on it.
        """
        problems: dict[str, NotMadeError] = {}
        for module in present(self._modules):
            try:
                with self._cache.scratch() as folder:
                    found = run_step(folder, "recipes", module=module, parent=self.parent.file.resolve())["recipes"]
            except NotMadeError as error:
                problems[module] = error
                continue
            known = {one.name for _, one in self.recipes}
            made = [Recipe(**{**one, "tools": tuple(one["tools"])}) for one in found]
            self.recipes += [(module, one) for one in made if one.name not in known]
        if not self.recipes:
            said = {one.message: one.hint for one in problems.values()}  # each reason once
            why = "; ".join(said) or "no backend has a recipe for it"
            raise InputError(f"there are no variants of {self.parent.path}: {why}", hint=next(iter(said.values()), ""))
        for module, problem in problems.items():
            self._tell(f"{module}: {problem.message}")
        return [one for _, one in self.recipes]

    def run(self, only: Collection[str] = ()) -> Iterator[Outcome]:
        """Build the variants, or *only* those, and yield what becomes of each when it is known.

        Raises:
            InputError: There is no variant of a name in *only*.
        """
        names = [one.name for _, one in self.recipes]
        if unknown := sorted(set(only) - set(names)):
            raise InputError(f"there is no variant {', '.join(unknown)}", hint=f"there are: {', '.join(names)}")
        for module, recipe in self.recipes:
            if not only or recipe.name in only:
                yield self._outcome(module, recipe)

    def _outcome(self, module: str, recipe: Recipe) -> Outcome:
        tools = installed_versions(recipe.tools)
        try:
            file = self._file(module, recipe)
            calibration = file.calibration
            made = VariantFile(
                name=recipe.name, file=file.made.file, runtime=recipe.runtime, recipe=file.made.recipe, tools=tools,
                calibration=calibration,
            )  # fmt: skip
            self._tell(f"{recipe.name}: packing")
            with self._cache.scratch() as scratch:
                package = write_variant(
                    self.parent, made, scratch / recipe.name, cache=self._settings if self._verify else None
                )
                digest = self._keep(package)
        except ModelportError as error:
            return Outcome(
                name=recipe.name, status="failed", runtime=recipe.runtime, message=error.message, hint=error.hint,
                tools=tools,
            )  # fmt: skip
        content = made.file.read_bytes()
        return Outcome(
            name=recipe.name, status="ok", runtime=recipe.runtime, digest=digest, size=len(content),
            download=len(gzip.compress(content, 9, mtime=0)), recipe=made.recipe, tools=tools,
            calibration=calibration, reused=file.reused,
        )  # fmt: skip

    def _file(self, module: str, recipe: Recipe) -> _File:
        """Return the file of *recipe*, made once, or raise again why there is none."""
        if recipe.name not in self._files:
            try:
                self._files[recipe.name] = self._made(module, recipe)
            except NotMadeError as error:
                self._files[recipe.name] = error
        found = self._files[recipe.name]
        if isinstance(found, NotMadeError):
            raise found
        return found

    def _made(self, module: str, recipe: Recipe) -> _File:
        source = self._base(module, recipe)
        calls = self._calls_for(module, recipe)
        calibration = digest_of(calls) if calls else ""
        key = self._cache.key(module, recipe, tuple(dict.fromkeys((source, self.parent.file))), calibration)
        if found := self._cache.find(key):
            self._tell(f"{recipe.name}: reused")
            return _File(found, reused=True, tensors=self._tried(recipe, found.file), calibration=calibration)
        self._tell(f"{recipe.name}: making")
        with self._cache.scratch() as folder:
            if calls:
                write_calls(calls, folder / CALLS)
            result = run_step(
                folder, "make", module=module, recipe=asdict(recipe), source=source.resolve(),
                parent=self.parent.file.resolve(),
            )  # fmt: skip
            made = Made(folder / "out" / result["file"], result["recipe"])
            tensors = self._tried(recipe, made.file)
            return _File(self._cache.keep(key, made), reused=False, tensors=tensors, calibration=calibration)

    def _base(self, module: str, recipe: Recipe) -> Path:
        """Return the file that *recipe* begins with."""
        if recipe.base is None:
            return self.parent.file
        base = next(one for where, one in self.recipes if where == module and one.name == recipe.base)
        try:
            return self._file(module, base).made.file
        except NotMadeError as error:
            raise NotMadeError(f"it is made of {base.name}, which failed: {error.message}", hint=error.hint) from error

    def _tried(self, recipe: Recipe, file: Path) -> Sequence[Mapping[str, Any]]:
        """Run *file* in each mode of its runtime, and return what it takes."""
        inputs: Sequence[Mapping[str, Any]] = ()
        for mode in MODES[recipe.runtime]:
            with self._cache.scratch() as folder:
                inputs = run_step(folder, "try", file=file.resolve(), runtime=recipe.runtime, mode=mode)["inputs"]
        return inputs

    def _calls_for(self, module: str, recipe: Recipe) -> Calibration | None:
        """Return the calibration inputs for *recipe*; of one that is made without them, too, those that there are."""
        if recipe.needs_calibration:
            return self._calibration(module, recipe)
        if not recipe.takes_calibration or not (
            self._given or "calibration" in self.parent.package.info.get("data", {})
        ):
            return None
        try:
            return self._calibration(module, recipe)
        except NotMadeError as error:
            self._tell(f"{recipe.name}: without calibration: {error.message}")
            return None

    def _calibration(self, module: str, recipe: Recipe) -> Calibration:
        """Return the calibration inputs, checked against what the parent's file takes; NotMadeError else, each time."""
        if self._calls is None:
            try:
                self._calls = self._fitting(module, recipe)
            except NotMadeError as error:
                self._calls = error
        if isinstance(self._calls, NotMadeError):
            raise self._calls
        return self._calls

    def _fitting(self, module: str, recipe: Recipe) -> Calibration:
        plain = self._plain(module, recipe)
        calls = self._given if self._given is not None else self._recorded(plain)
        return fitted(calls, plain.tensors)

    def _plain(self, module: str, recipe: Recipe) -> _File:
        """Return the file that takes what the parent does: the parent's own, or the first that is made of it."""
        if not self.parent.is_trained:
            own = Made(self.parent.file, {})
            return _File(own, reused=True, tensors=self._tried(recipe, own.file), calibration="")
        plain = next((one for where, one in self.recipes if where == module and not one.needs_calibration), None)
        if plain is None:
            raise NotMadeError("no variant without calibration is there to take notes of what the model is fed")
        return self._file(module, plain)

    def _recorded(self, plain: _File) -> Calibration:
        """Return what the parent's file is fed on the package's calibration data."""
        parent = self.parent.package.folder.resolve()
        with self._cache.scratch() as folder:
            place = parent
            if self.parent.is_trained and self.parent.package.info["code"]:
                place = folder / "package"
                write_noting(self.parent, plain.made.file, place)
            self._tell("calibration data: asking the package's code")
            run_step(folder, "record", package=place.resolve(), data=parent)
            return read_calls(folder / CALLS)
