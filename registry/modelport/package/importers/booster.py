"""LightGBM's text of a booster as a model: a few lines of our own code are written around it.

What strangers say stands in that code as literals alone.
"""

from __future__ import annotations

import hashlib
import linecache
import re
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, PackError
from modelport.model import Model
from modelport.package.modules import PACKED_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.package.importers.mlflow_schema import MlflowColumn

__all__ = ["booster_model"]

_MANY_OUTPUTS = 2
_MOST_BYTES = 512 * 1024**2
_CODE = '''\
from __future__ import annotations

from typing import Annotated

import numpy as np

from modelport import About, Tensor


def predict(
    rows: Annotated[np.ndarray, Tensor("float64", "n", {width}), About({doc!r})],
) -> Annotated[np.ndarray, Tensor("float64", {shape})]:
    """Answer each row, as Booster.predict does."""
    return np.asarray(booster.predict(rows), dtype="float64")
'''


def booster_model(file: Path, columns: tuple[MlflowColumn, ...]) -> Model:
    """Return the model that is the booster in LightGBM's text *file*; *columns* may name its features.

    Raises:
        PackError: It is no such text, or its numbers lead elsewhere.
        SetupError: LightGBM is not installed.
    """
    from modelport.package.state.lightgbm import LightgbmBackend

    with tempfile.TemporaryDirectory(prefix="modelport-booster-") as folder:
        try:
            booster: Any = LightgbmBackend().load(_bare(file, Path(folder) / "booster.lightgbm"))
        except FormatError as error:
            raise PackError(error.message, hint="write it with Booster.save_model of LightGBM 4") from error
    width, outputs = booster.num_feature(), booster.num_model_per_iteration()
    named = [one.name for one in columns if one.name]
    names = named if len(named) == width else booster.feature_name()
    shape = f'"n", {outputs}' if outputs >= _MANY_OUTPUTS else '"n"'
    doc = f"in this order: {', '.join(names)}"[:4000]
    return Model(predict=_function(_CODE.format(width=width, doc=doc, shape=shape), booster))


def _function(code: str, booster: object) -> Callable[..., Any]:
    """Return what *code* defines around *booster*; its source is kept where packing reads the source of functions."""
    name = f"{PACKED_PREFIX}{hashlib.sha256(code.encode()).hexdigest()[:12]}"
    module = ModuleType(name)
    vars(module)["booster"] = booster
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    sys.modules[name] = module
    exec(compile(code, name, "exec"), vars(module))  # noqa: S102 - our own code, where literals alone are strangers'
    function: Callable[..., Any] = vars(module)["predict"]
    return function


def _bare(file: Path, target: Path) -> Path:
    """Write the trees of LightGBM's text *file* to *target*, without the parameters of its training."""
    if file.stat().st_size > _MOST_BYTES:
        raise PackError(f"{file} has more than {_MOST_BYTES // 1024**2} MiB", hint="train with fewer trees")
    try:
        trees, end, rest = file.read_bytes().decode().partition("end of trees\n")
    except UnicodeDecodeError as error:
        raise PackError(f"{file} is not LightGBM's text", hint="write it with Booster.save_model") from error
    categories = re.search(r"^pandas_categorical:.*$", rest, re.MULTILINE)
    target.write_text(f"{trees}{end}\n{categories[0] if categories else 'pandas_categorical:null'}\n", encoding="utf-8")
    return target
