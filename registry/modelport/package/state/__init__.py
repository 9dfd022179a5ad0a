"""State apart from code: trained objects as files of data, one backend for each family.

``save_state`` finds the backend by the object, ``load_state`` by the file's suffix. The code that `modelport.package`
writes into a package calls ``load_state(__file__, "state/<name>.<suffix>")``.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.package.state.standins import STAND_INS

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from modelport.package.state.interface import StateBackend
    from modelport.package.state.torch import TorchBackend

__all__ = ["backend_for", "classes_in", "free_path", "load_state", "standing_in"]

_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(10))}
"""Names that mean something else on Windows, whatever their suffix."""
_STANDING_IN: ContextVar[Mapping[Path, Mapping[str, Any]]] = ContextVar("_STANDING_IN")


@cache
def _torch() -> TorchBackend:
    from modelport.package.state.torch import TorchBackend

    return TorchBackend()


@cache
def _backends() -> tuple[StateBackend, ...]:
    # Not above: a service that runs second forms needs none of them, and is to start soon.
    from modelport.package.state.keras import KerasBackend
    from modelport.package.state.lightgbm import LightgbmBackend
    from modelport.package.state.numpy import NumpyBackend
    from modelport.package.state.sklearn import SklearnBackend

    return SklearnBackend(), KerasBackend(), LightgbmBackend(), NumpyBackend(), _torch()


def backend_for(value: object) -> StateBackend | None:
    """Return the backend that keeps *value*, or None."""
    return next((b for b in _backends() if b.keeps(value)), None)


def classes_in(value: object) -> tuple[type, ...]:
    """Return the classes that `load_state` has to be handed for *value*: what a file holds never imports them."""
    return _torch().classes(value) if _torch().keeps(value) else ()


def free_path(name: str, suffix: str, taken: Iterable[str]) -> str:
    """Return the path in the package for the state of a variable *name*, other than all of *taken*.

    Its name is ASCII and not told apart by case alone, so that it means the same file everywhere.
    """
    stem = re.sub(r"[^A-Za-z0-9_]", "_", name)[:100]
    used: Container[str] = {one.lower() for one in taken}
    paths = (f"state/{stem}{f'-{n}' if n else ''}{suffix}" for n in _numbers(first=stem.lower() not in _RESERVED))
    return next(path for path in paths if path.lower() not in used)


@contextmanager
def standing_in(folder: Path, forms: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """Let `load_state` give the second forms in the package *folder* within the block.

    Args:
        folder: The package's folder.
        forms: What ``package.json`` says of each second form, by the first form's path.
    """
    folder = folder.resolve()
    token = _STANDING_IN.set({folder / first: form for first, form in forms.items()})
    try:
        yield
    finally:
        _STANDING_IN.reset(token)


def load_state(code_file: str, path: str, *classes: type) -> object:
    """Return the object kept at *path* of the package that *code_file* (``code/model.py``) belongs to.

    A file of a PyTorch module may ask for *classes*, which the code defines or imports, and for torch's own.

    Raises:
        FormatError: The file is missing, damaged, or of a kind that no backend reads.
    """
    folder = Path(code_file).resolve().parents[1]
    form = _STANDING_IN.get({}).get(folder / path, {})
    file = folder / form.get("path", path)
    if not file.is_file():
        raise FormatError(f"{file} is missing from the package", hint="pull or pack it again")
    return _load(file, file.stat().st_mtime_ns, classes, tuple(form.get("refuses", ())))


@lru_cache(maxsize=64)
def _load(file: Path, _changed: int, classes: tuple[type, ...], refused: tuple[str, ...]) -> object:
    # Cached, so that two names of one object are one object again.
    if stand_in := STAND_INS.get(file.suffix):
        return stand_in.load(file, refused=refused)
    backend = next((b for b in _backends() if b.suffix == file.suffix), None)
    if backend is None:
        raise FormatError(f"{file}: no state backend reads {file.suffix!r}", hint="a newer modelport may")
    return _torch().load(file, *classes) if backend is _torch() else backend.load(file)


def _numbers(*, first: bool) -> Iterable[int]:
    """Return the numbers to tell names apart by: 0, which is left out, then 2 and so on."""
    if first:
        yield 0
    number = 2 if first else 1
    while True:
        yield number
        number += 1
