"""Bytecode without docstrings, for the environments of services: nobody asks for help there.

Of what a service with scikit-learn holds in memory, a tenth is the docstrings of the libraries below. ``python -OO``
would leave them out, too, and with them all asserts, those of a model's code included; here nothing but docstrings
goes. These libraries work without (their makers test them under ``-OO``). NumPy does not: it looks into its own.

``python -m modelport.package.bytecode FOLDER`` compiles those of the libraries that are in *FOLDER*.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

__all__ = ["LIBRARIES", "compile_libraries", "without_docstrings"]

LIBRARIES = ("joblib", "narwhals", "scipy", "sklearn")
"""The import packages whose docstrings are left out."""

_UNCHECKED = (0b01).to_bytes(4, "little")  # PEP 552: in an environment that is never changed
_FILES = 64  # that a process compiles at a time


def without_docstrings(source: bytes, path: str) -> CodeType:
    """Return the code of a Python file without the docstrings of its module, classes and functions.

    Raises:
        SyntaxError: It is not Python's, or another Python's.
        ValueError: It has a null byte.
    """
    tree = ast.parse(source, path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            while ast.get_docstring(node, clean=False) is not None:  # the next text would take its place
                del node.body[0]
            if not isinstance(node, ast.Module):
                node.body = node.body or [ast.Pass(lineno=node.lineno, col_offset=node.col_offset)]
    return compile(tree, path, "exec", dont_inherit=True, optimize=0)


def compile_libraries(folder: Path) -> None:
    """Write the bytecode of those of `LIBRARIES` that are in *folder*, in place of what is there."""
    files = [str(file) for name in LIBRARIES for file in sorted((folder / name).rglob("*.py"))]
    parts = [files[n : n + _FILES] for n in range(0, len(files), _FILES)]
    if parts:
        with ProcessPoolExecutor() as pool:
            for _ in pool.map(_compile, parts):
                pass


def _compile(files: Iterable[str]) -> None:
    warnings.simplefilter("ignore")  # what others' code is warned of is not ours to say
    for file in files:
        source = Path(file).read_bytes()
        try:
            code = without_docstrings(source, file)
        except (SyntaxError, ValueError):  # a template, or code for another Python
            continue
        target = Path(importlib.util.cache_from_source(file))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # it may be a link to a file that others use
        target.write_bytes(
            importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(source) + marshal.dumps(code)
        )


if __name__ == "__main__":
    compile_libraries(Path(sys.argv[1]))
