"""State apart from code: trained objects as files of data, one backend for each family.

``save_state`` finds the backend by the object, ``load_state`` by the file's suffix. The code that `modelport.package`
writes into a package calls ``load_state(__file__, "state/<name>.<suffix>")``.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.package.state.keras import KerasBackend
from modelport.package.state.numpy import NumpyBackend
from modelport.package.state.sklearn import SklearnBackend

if TYPE_CHECKING:
    from modelport.package.state.interface import StateBackend

__all__ = ["backend_for", "load_state"]

_BACKENDS: tuple[StateBackend, ...] = (SklearnBackend(), KerasBackend(), NumpyBackend())


def backend_for(value: object) -> StateBackend | None:
    """Return the backend that keeps *value*, or None."""
    return next((b for b in _BACKENDS if b.keeps(value)), None)


def load_state(code_file: str, path: str) -> object:
    """Return the object kept at *path* of the package that *code_file* (``code/model.py``) belongs to.

    Raises:
        FormatError: The file is missing, damaged, or of a kind that no backend reads.
    """
    file = Path(code_file).resolve().parents[1] / path
    if not file.is_file():
        raise FormatError(f"{file} is missing from the package", hint="pull or pack it again")
    return _load(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _load(file: Path, _changed: int) -> object:
    # Cached, so that two names of one object are one object again.
    backend = next((b for b in _BACKENDS if b.suffix == file.suffix), None)
    if backend is None:
        raise FormatError(f"{file}: no state backend reads {file.suffix!r}", hint="a newer modelport may")
    return backend.load(file)
