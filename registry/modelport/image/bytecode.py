"""Bytecode for a layer's Python files: services write none, and would else compile everything at each start.

The files are ``.pyc`` of the unchecked-hash kind (PEP 552): no time is in them, and the interpreter believes them
without reading the source, which cannot change in an image. They are marshalled in the form that knows no references
(version 2): which objects a newer form writes as references depends on what else the compiling process has seen, and
so would its bytes. Compilers of two patch releases of Python may still differ, so a layer's key has the builder's.
"""

from __future__ import annotations

import importlib.util
import marshal
import sys
import warnings
from typing import TYPE_CHECKING

from modelport.image.layer import Node, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BUILDER", "can_compile", "compiled"]

BUILDER = ".".join(map(str, sys.version_info[:3]))
"""The Python that compiles: bytecode is its own."""

_UNCHECKED = (0b01).to_bytes(4, "little")
_FORM = 2


def can_compile(python: str) -> bool:
    """Tell whether this process compiles for *python*, as in ``3.11``."""
    return sys.implementation.name == "cpython" and python == BUILDER.rpartition(".")[0]


def compiled(tree: Mapping[str, Node], python: str) -> Tree:
    """Return the bytecode of all Python files in *tree*; none where the running Python is not *python*.

    A file that this Python cannot compile has none, as if it were installed by pip.
    """
    if not can_compile(python):
        return {}
    found: Tree = {}
    for path, node in tree.items():
        if path.endswith(".py") and node.source is not None:
            source = node.source if isinstance(node.source, bytes) else node.source.read_bytes()
            if raw := _bytecode(source, path):
                above, slash, name = path.rpartition("/")
                found[f"{above}{slash}__pycache__/{name[:-3]}.{sys.implementation.cache_tag}.pyc"] = Node(raw)
    return found


def _bytecode(source: bytes, path: str) -> bytes | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what others' code is warned of is not ours to say
            code = compile(source, f"/{path}", "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError):  # a template, or code for another Python
        return None
    digest = importlib.util.source_hash(source)
    return importlib.util.MAGIC_NUMBER + _UNCHECKED + digest + marshal.dumps(code, _FORM)
