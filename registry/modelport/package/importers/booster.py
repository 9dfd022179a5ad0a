"""LightGBM's text of a booster as a model: a few lines of our own code are written around it.

What strangers say stands in that code as literals alone.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, PackError

if TYPE_CHECKING:
    from modelport.model import Model
    from modelport.package.importers.mlflow_schema import MlflowColumn

__all__ = ["booster_model"]

_MANY_OUTPUTS = 2
_MOST_BYTES = 512 * 1024**2
_CODE = '''\
"""A booster of LightGBM's, whose rows are {width} numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from modelport import About, Model, Tensor
from modelport.package.state.lightgbm import LightgbmBackend
from typing import Annotated

booster = LightgbmBackend().load(Path({file!r}))


def predict(
    rows: Annotated[np.ndarray, Tensor("float64", "n", {width}), About({doc!r})],
) -> Annotated[np.ndarray, Tensor("float64", {shape})]:
    """Answer each row, as Booster.predict does."""
    return np.asarray(booster.predict(rows), dtype="float64")


model = Model(predict=predict)
'''


def booster_model(file: Path, columns: tuple[MlflowColumn, ...]) -> Model:
    """Return the model that is the booster in LightGBM's text *file*; *columns* may name its features.

    Raises:
        PackError: It is no such text, or its numbers lead elsewhere.
        SetupError: LightGBM is not installed.
    """
    folder = Path(tempfile.mkdtemp(prefix="modelport-booster-"))
    try:
        model = _around(_bare(file, folder / "booster.lightgbm"), columns)
    except BaseException:
        shutil.rmtree(folder)
        raise
    weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)  # packing reads the code
    return model


def _around(file: Path, columns: tuple[MlflowColumn, ...]) -> Model:
    """Return the model that our code makes of the booster in *file*; the code is written beside it."""
    from modelport.package.source import model_from_file
    from modelport.package.state.lightgbm import LightgbmBackend

    try:
        booster: Any = LightgbmBackend().load(file)
    except FormatError as error:
        raise PackError(error.message, hint="write it with Booster.save_model of LightGBM 4") from error
    width, outputs = booster.num_feature(), booster.num_model_per_iteration()
    named = [one.name for one in columns if one.name]
    names = named if len(named) == width else booster.feature_name()
    shape = f'"n", {outputs}' if outputs >= _MANY_OUTPUTS else '"n"'
    doc = f"in this order: {', '.join(names)}"[:4000]
    code = file.with_name("booster.py")
    code.write_text(_CODE.format(width=width, file=str(file), doc=doc, shape=shape), encoding="utf-8")
    return model_from_file(code)


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
