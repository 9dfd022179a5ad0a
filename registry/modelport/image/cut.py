"""What of an installed wheel an image does without: tests, headers, build tools, scripts, and installers' own notes.

Such things are left out of distributions that are known not to need them to run; cutting by name alone would one day
cut what a program reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelport.image.layer import Tree

__all__ = ["cut"]

_NOTES = re.compile(
    r"\.lock|bin/.*|(?:.*/)?__pycache__/.*"
    # They name the machine, the index or the order of the installation.
    r"|[^/]+\.dist-info/(?:RECORD(?:\.\w+)?|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json|uv_build\.json)"
)
_KNOWN = (
    r"(?:numpy|scipy|sklearn|pandas|joblib|skops|onnx|onnxruntime|keras|tensorflow|pyarrow|lightgbm|h5py"
    r"|google/protobuf|jsonschema|referencing|jsonschema_specifications|uvloop|httptools)"
)
_TESTS = re.compile(rf"{_KNOWN}/(?:.*/)?tests?/.*")
_SOURCES = re.compile(rf"{_KNOWN}/.*\.(?:pyi|pyx|pxd|pxi|h|hpp|hh|cuh|inc|c|cc|cpp|a|lib|build|tp)")
_TOOLS = re.compile(
    r"(?:tensorflow|numpy/_core|torch)/include/.*"
    r"|numpy/distutils/.*"
    r"|onnxruntime/(?:datasets|quantization|tools|transformers)/.*"
    r"|onnxruntime/capi/libonnxruntime\.(?:so|[0-9]).*"  # the C interface: Python's own module has all of it inside
)
_SPARED = re.compile(r"tensorflow/(?:.*/)?test/[^/]*|tensorflow/python/(?:.*/)?test.*")
"""Is called as tests are, and is imported."""


def cut(tree: Tree) -> Tree:
    """Return the installed files in *tree* that an image needs; paths begin at the folder of all that is installed."""
    return {path: node for path, node in tree.items() if not _is_left_out(path)}


def _is_left_out(path: str) -> bool:
    if _NOTES.fullmatch(path):
        return True
    return not _SPARED.fullmatch(path) and any(one.fullmatch(path) for one in (_TESTS, _SOURCES, _TOOLS))
