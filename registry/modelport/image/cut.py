"""What of an installed wheel an image does without: tests, headers, scripts, and what installers note for themselves.

Tests and headers are left out of distributions that are known not to need them to run; cutting by name alone would one
day cut what a program reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelport.image.layer import Tree

__all__ = ["cut"]

_NOTES = re.compile(
    r"[^/]+\.dist-info/(RECORD(\.\w+)?|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json|uv_build\.json)"
)
_KNOWN = (
    r"(?:numpy|scipy|sklearn|pandas|joblib|skops|onnx|onnxruntime|keras|tensorflow|pyarrow|lightgbm|h5py"
    r"|google/protobuf)"
)
_TESTS = re.compile(rf"{_KNOWN}/(?:.*/)?(?:tests?|testing_data)/")
_SOURCES = re.compile(rf"{_KNOWN}/.*\.(?:pyi|pyx|pxd|pxi|h|hpp|hh|cuh|inc|c|cc|cpp|a|lib|proto|build|tp)")
_HEADERS = re.compile(r"(?:tensorflow|numpy/_core|torch)/include/")
_SPARED = re.compile(r"tensorflow/(?:.*/)?testing?/|onnx/.*\.proto|.*/tests?/__init__\.py")
"""Looks like one of these, and is imported."""


def cut(tree: Tree) -> Tree:
    """Return the installed files in *tree* that an image needs; paths begin at the folder of all that is installed."""
    return {path: node for path, node in tree.items() if not _is_left_out(path)}


def _is_left_out(path: str) -> bool:
    if path.startswith("bin/") or "__pycache__/" in path or path == ".lock" or _NOTES.fullmatch(path):
        return True
    if _SPARED.match(path):
        return False
    return bool(_TESTS.match(path) or _HEADERS.match(path) or _SOURCES.fullmatch(path))
