"""The layers of an image: which there are, and how each is made once and then found again.

::

    base                the base's own, as they are
    dependencies        what the package's lock pins: models with the same lock share it
    service             what Modelport needs besides
    modelport           Modelport's own rooms that serve
    model               the package's folder, at /model: all that a new version with the same lock adds

A layer of wheels is remembered by what decides its bytes: pins, platform, Python, the builder's Python (whose bytecode
is in it), uv's version, and the source of the rules by which it is made.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, SetupError
from modelport.image.bytecode import BUILDER, can_compile, compiled
from modelport.image.cut import cut
from modelport.image.distributions import Distribution, Needs, read_distributions, read_needs
from modelport.image.layer import Tree, put_layer, read_folder
from modelport.image.own import modelport_tree
from modelport.image.record import check_records
from modelport.image.requirements import applying, markers, unneeded
from modelport.image.wheels import TARGETS, install, installer
from modelport.oci.descriptor import Descriptor
from modelport.oci.manifest import canonical_json, parse_json
from modelport.oci.store.files import is_held, new_file, remove_unheld, write_atomically
from modelport.package.locks import lock_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from modelport.image.wheels import Target
    from modelport.oci import Layout
    from modelport.package import Package
    from modelport.package.locks import Pin
    from modelport.types import Digest

__all__ = ["LIBRARIES", "MODEL", "Installed", "Workshop"]

LIBRARIES = "opt/modelport"
"""The folder in an image in which all distributions are installed."""

MODEL = "model"
"""The folder in an image that is the package."""

_RULES = ("bytecode", "compiling", "cut", "distributions", "layer", "layers", "record", "requirements", "wheels")
_BUILDING = "building-"
_NOTE_LIMIT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Installed:
    """A layer of wheels, and what is in it."""

    layer: Descriptor
    distributions: tuple[Distribution, ...]

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Installed:
        """Read what ``to_json`` wrote."""
        return cls(Descriptor.parse(document["layer"]), tuple(map(Distribution.from_json, document["distributions"])))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"layer": self.layer.to_json(), "distributions": [one.to_json() for one in self.distributions]}


@dataclass(frozen=True, slots=True)
class Workshop:
    """Makes the layers for one platform and one Python.

    Attributes:
        layout: Where layers are kept.
        cache: The folder where it is remembered which layer is which.
        target: The platform.
        python: The Python, as in ``3.11``.
        notice: Told what takes a while.
        protect: Told which content of the layout is used as it lies there, before it is looked for (`Lease.protect`);
            one who only asks what is needed uses none.
    """

    layout: Layout
    cache: Path
    target: Target
    python: str
    notice: Callable[[str], object]
    protect: Callable[[Digest], object] = str

    def wheels(self, pins: Sequence[Pin]) -> Installed:
        """Return the layer that holds *pins*, installed."""
        note = self._note("wheels", lock_text(pins))
        if (known := self._recall(note)) is not None:
            return known
        self.notice(f"installing {len(pins)} distributions for {self.target.platform}")
        if not can_compile(self.python):
            self.notice(
                f"without bytecode, which only Python {self.python} could make: the service will start more slowly;"
                f" build with Python {self.python} to have it"
            )
        with self._installed(pins) as folder:
            check_records(folder)
            tree = {f"{LIBRARIES}/{path}": node for path, node in cut(read_folder(folder)).items()}
            layer = put_layer(self.layout, tree | compiled(tree, self.python))
            made = Installed(layer, tuple(read_distributions(folder, pins)))
        _write(note, canonical_json(made.to_json()))
        return made

    @property
    def markers(self) -> dict[str, str]:
        """The values of markers in the image (PEP 508)."""
        return markers(self.target, self.python)

    def needed(self, pins: Sequence[Pin], roots: Collection[str], unused: Collection[str]) -> list[Pin]:
        """Return which *pins* are left when *unused* of all *roots* are left out, with what only they need in turn."""
        if not unused:
            return list(pins)
        note = self._note("needed", "\n".join([lock_text(pins), *sorted(roots), "", *sorted(unused)]))
        try:
            names = parse_json(note.read_bytes(), str(note), _NOTE_LIMIT)["unneeded"]
        except (OSError, FormatError, KeyError):
            needs = self._needs(pins)
            pinned = [pin.name for pin in applying(pins, self.markers)]
            names = sorted(unneeded(roots, unused, needs, self.markers, pinned))
            _write(note, canonical_json({"unneeded": names}))
        return [pin for pin in pins if pin.name not in names]

    def modelport(self) -> Descriptor:
        """Return the layer that holds Modelport."""
        tree = modelport_tree(LIBRARIES)
        return put_layer(self.layout, tree | compiled(tree, self.python))

    def model(self, package: Package) -> Descriptor:
        """Return the layer that holds the package; its code has no bytecode, which a package may not have."""
        return put_layer(self.layout, _package_tree(package))

    def _needs(self, pins: Sequence[Pin]) -> Needs:
        """Return what *pins* need, from wheels for any platform: what is left out here may have none for this one."""
        *first, last = TARGETS.values()
        for target in first:
            try:
                with self._installed(pins, target) as folder:
                    return read_needs(folder)
            except SetupError:
                continue
        with self._installed(pins, last) as folder:
            return read_needs(folder)

    @contextmanager
    def _installed(self, pins: Sequence[Pin], target: Target | None = None) -> Iterator[Path]:
        # Beside the cache, so that uv can hard-link from its own there.
        self.cache.mkdir(parents=True, exist_ok=True)
        _remove_dead(self.cache)
        with new_file(self.cache, prefix=_BUILDING) as held:
            folder = Path(f"{held.name}.d")
            try:
                install(pins, folder, target=target or self.target, python=self.python)
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def _note(self, kind: str, what: str) -> Path:
        """Return the file where it is remembered what came of *what*."""
        builder = BUILDER if can_compile(self.python) else ""
        parts = [kind, _rules(), str(self.target.platform), self.python, builder, LIBRARIES, what]
        return self.cache / "layers" / f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}.json"

    def _recall(self, note: Path) -> Installed | None:
        try:
            known = Installed.from_json(parse_json(note.read_bytes(), str(note), _NOTE_LIMIT))
        except (OSError, FormatError, KeyError, TypeError):
            return None
        self.protect(known.layer.digest)
        return known if self.layout.has(known.layer) else None


def _package_tree(package: Package) -> Tree:
    data = f"{MODEL}/data/"  # of no use to a service
    return {path: node for path, node in read_folder(package.folder, under=MODEL).items() if not path.startswith(data)}


def _write(note: Path, content: bytes) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(note, content, scratch=note.parent)


def _remove_dead(cache: Path) -> None:
    """Remove the folders of builds that were killed: nobody holds the file beside them any more."""
    for folder in cache.glob(f"{_BUILDING}*.d"):
        held = folder.with_suffix("")
        if not is_held(held):
            shutil.rmtree(folder, ignore_errors=True)
            remove_unheld(held)


@cache
def _rules() -> str:
    """Return a hash of what decides a layer's bytes besides what it is made of."""
    home = files("modelport.image")
    sources = [home.joinpath(f"{one}.py").read_bytes() for one in _RULES]
    return hashlib.sha256(b"\0".join([*sources, installer().encode()])).hexdigest()
