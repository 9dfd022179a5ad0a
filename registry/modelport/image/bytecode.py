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
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from modelport.image import compiling
from modelport.image.compiling import bytecode
from modelport.image.layer import Node, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["BUILDER", "can_compile", "compiled"]

BUILDER = ".".join(map(str, sys.version_info[:3]))
"""The Python that compiles: bytecode is its own."""

_File = tuple[str, bytes]
_LOG = logging.getLogger(__name__)
_ENOUGH: Final = 1_000_000
"""Bytes of source, about half a second's work, for which another process is worth its start."""
_PIPE: Final = subprocess.PIPE
_MOST: Final = 4
"""Processes at once."""


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


def _all(files: Sequence[_File]) -> list[bytes | None]:
    """Return the bytecode of all *files*; where there is enough to do, each core takes a part."""
    count = min(_MOST, os.cpu_count() or 1, 1 + sum(len(source) for _, source in files) // _ENOUGH)
    # Every so many files one: what lies side by side is often equally long.
    first, *others = ([*files[number::count]] for number in range(count))
    with ThreadPoolExecutor(max(1, len(others))) as pool, _processes(len(others)) as started:
        said = [
            pool.submit(process.communicate, marshal.dumps(part))
            for process, part in zip(started, others, strict=False)
        ]
        parts = [[bytecode(*one) for one in first]]
        parts += [_taken(one.result(), part) for one, part in zip(said, others, strict=False)]
    parts += [[bytecode(*one) for one in part] for part in others[len(started) :]]
    return [parts[place % count][place // count] for place in range(len(files))]


@contextmanager
def _processes(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Give as many processes that compile as can be started; none is left behind, whatever happens here."""
    # Isolated: nothing of the user's folders or variables is heeded, and nothing else is imported at its start.
    command = [sys.executable, "-I", "-S", compiling.__file__]
    started: list[subprocess.Popen[bytes]] = []
    try:
        while len(started) < count:
            # In a session of its own: Ctrl-C is for this process, which ends the others.
            one = subprocess.Popen(command, stdin=_PIPE, stdout=_PIPE, stderr=_PIPE, start_new_session=True)
            started.append(one)
    except OSError as error:
        _LOG.warning("no other process can be started to compile in: %s", error)
    try:
        yield started
    finally:
        for one in started:
            one.kill()


def _taken(said: tuple[bytes, bytes], files: Sequence[_File]) -> list[bytes | None]:
    """Return what a process that was given *files* has made of them, or make it here where that failed."""
    output, errors = said
    try:
        made: list[bytes | None] = marshal.loads(output)  # noqa: S302 - what our own process wrote
        if len(made) == len(files):
            return made
    except (EOFError, ValueError, TypeError):
        pass
    reason = errors.decode(errors="replace").strip().rpartition("\n")[2]
    _LOG.warning("compiling in another process failed, and is done here: %s", reason or "it said nothing")
    return [bytecode(*one) for one in files]
