"""Importers: models of other tools' formats, read without unpickling and without running anything of theirs.

Each gives an :class:`~modelport.package.importers.found.Imported`: what an entry's ``model.yaml`` says, and a model to
pack where the files are data that Modelport's own loaders run. Where they are not, the entry is marked as needing its
old runtime. ``source`` reads the files as if they were hostile; ``proto_file`` and ``proto_signature`` turn a
stranger's ``.proto`` text into a signature.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelport.package.importers.found import Imported

__all__ = ["FORMATS", "import_model"]

FORMATS = {
    "acumos": ("acumos", "import_acumos"),
    "mlflow": ("mlflow", "import_mlflow"),
    "onnx": ("onnx", "import_onnx"),
    "huggingface-folder": ("huggingface", "import_huggingface"),
}
"""Each format, and its importer: the module and the function."""


def import_model(form: str, path: Path) -> Imported:
    """Return what is at *path* in the format called *form*, one of ``FORMATS``.

    Raises:
        NotFoundError: There is nothing there.
        FormatError: It is not of that format, or cannot be imported; all problems are in the message.
        PackError: Its model cannot be packed.
        SetupError: What reads such models is not installed.
    """
    module, function = FORMATS[form]
    importer: Callable[[Path], Imported] = getattr(import_module(f"modelport.package.importers.{module}"), function)
    return importer(path)
