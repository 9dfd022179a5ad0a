"""Bytecode for a layer's Python files: services write none, and would else compile everything at each start.

The files are ``.pyc`` of the unchecked-hash kind (PEP 552): no time is in them, and the interpreter believes them
without reading the source, which cannot change in an image. They are marshalled in the form that knows no references
(version 2): which objects a newer form writes as references depends on what else the compiling process has seen, and
so would its bytes. Compilers of two patch releases of Python may still differ, so a layer's key has the builder's.
"""

from __future__ import annotations

import logging
import marshal
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from modelport.image import compiling
from modelport.image.compiling import bytecode
from modelport.image.layer import Node, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BUILDER", "can_compile", "compiled"]

BUILDER = ".".join(map(str, sys.version_info[:3]))
"""The Python that compiles: bytecode is its own."""

_LOG = logging.getLogger(__name__)
_ENOUGH: Final = 1_000_000
"""Bytes of source, about half a second's work, for which another process is worth its start."""
_MOST: Final = 4


def can_compile(python: str) -> bool:
    """Tell whether this process compiles for *python*, as in ``3.11``."""
    return sys.implementation.name == "cpython" and python == BUILDER.rpartition(".")[0]


def compiled(tree: Mapping[str, Node], python: str) -> Tree:
    """Return the bytecode of all Python files in *tree*; none where the running Python is not *python*.

    A file that this Python cannot compile has none, as if it were installed by pip.
    """
    if not can_compile(python):
        return {}
    found = [
        (path, node.source if isinstance(node.source, bytes) else node.source.read_bytes())
        for path, node in tree.items()
        if path.endswith(".py") and node.source is not None
    ]
    return {_place(path): Node(raw) for (path, _), raw in zip(found, _all(found), strict=True) if raw}


def _place(path: str) -> str:
    above, slash, name = path.rpartition("/")
    return f"{above}{slash}__pycache__/{name[:-3]}.{sys.implementation.cache_tag}.pyc"


def _all(files: Sequence[tuple[str, bytes]]) -> list[bytes | None]:
    """Return the bytecode of all *files*; where there is enough to do, each core takes a part."""
    count = min(_MOST, os.cpu_count() or 1, 1 + sum(len(source) for _, source in files) // _ENOUGH)
    # Every so many files one: what lies side by side is often equally long.
    first, *others = ([*files[number::count]] for number in range(count))
    with ThreadPoolExecutor(max(1, len(others))) as pool:
        made = [pool.submit(_elsewhere, part) for part in others]
        parts = [[bytecode(*one) for one in first], *(one.result() for one in made)]
    return [parts[place % count][place // count] for place in range(len(files))]


def _elsewhere(files: list[tuple[str, bytes]]) -> list[bytes | None]:
    """Return the bytecode of *files* from another process, which this one only waits for."""
    # Isolated: nothing of the user's folders or variables is heeded, and nothing else is imported at its start.
    command = [sys.executable, "-I", "-S", compiling.__file__]
    done = subprocess.run(command, input=marshal.dumps(files), capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        _LOG.warning("compiling in another process failed and is done here: %s", said or done.returncode)
        return [bytecode(*one) for one in files]
    made: list[bytes | None] = marshal.loads(done.stdout)  # noqa: S302 - what our own process wrote
    return made
