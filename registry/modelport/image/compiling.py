"""Bytecode of some files, in this process or in one of its own: imports nothing that takes time to start.

As a program it reads ``[(path, source), ...]`` from standard input and writes ``[bytecode or None, ...]``, both as
`marshal` has them: between two processes of one Python.
"""

from __future__ import annotations

import marshal
import sys
import threading
import warnings
from importlib.util import MAGIC_NUMBER, source_hash
from typing import Final

__all__ = ["bytecode"]

_UNCHECKED: Final = (0b01).to_bytes(4, "little")
_FORM: Final = 2
_ALONE: Final = threading.Lock()
"""What is warned of is one setting for all threads."""


def bytecode(path: str, source: bytes) -> bytes | None:
    """Return what ``.pyc`` of *source* holds, which lies at ``/path``; None if this Python cannot compile it."""
    try:
        with _ALONE, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what others' code is warned of is not ours to say
            code = compile(source, f"/{path}", "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError):  # a template, or code for another Python
        return None
    return MAGIC_NUMBER + _UNCHECKED + source_hash(source) + marshal.dumps(code, _FORM)


if __name__ == "__main__":
    marshal.dump([bytecode(*one) for one in marshal.load(sys.stdin.buffer)], sys.stdout.buffer)  # noqa: S302 - its parent's
