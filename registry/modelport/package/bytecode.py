"""The bytecode of clean environments: compiled once for each file, then linked into every environment that has it.

Compiling is most of the work of making an environment, and environments have most of their files in common.

Those of services go without docstrings: nobody asks for help there. Of what a service with scikit-learn holds in
memory, a tenth is the docstrings of the libraries below. ``python -OO`` would leave them out, too, and with them all
asserts, those of a model's code included; here nothing but docstrings goes, and what a module does at its import to
write some: SciPy spends a third of a second on those of its newer distributions. These libraries work without (their
makers test them under ``-OO``). NumPy does not: it looks into its own.

``python -m modelport.package.bytecode FOLDER KEPT [--without-docstrings]`` compiles what is in *FOLDER*.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import marshal
import os
import shutil
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

__all__ = ["BARE", "LIBRARIES", "compile_folder", "without_docstrings"]

BARE = "without docstrings 2"
"""What is left out: another number where that changes, for bytecode and environments are known by it."""

LIBRARIES = ("joblib", "narwhals", "scipy", "sklearn")
"""The import packages whose docstrings are left out."""

_UNCHECKED = (0b01).to_bytes(4, "little")  # PEP 552: in an environment that is never changed
_ANYWHERE = "<kept>"
_FILES = 64  # that a process compiles at a time


def without_docstrings(source: bytes, path: str) -> CodeType:
    """Return the code of a Python file without the docstrings of its module, classes and functions.

    Nor does the module write any when it is imported, by a statement of its own or by a loop of such.

    Raises:
        SyntaxError: It is not Python's, or another Python's.
        ValueError: It has a null byte.
    """
    tree = ast.parse(source, path)
    tree.body = [_without_writing(one) for one in tree.body]
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            while ast.get_docstring(node, clean=False) is not None:  # the next text would take its place
                del node.body[0]
            if not isinstance(node, ast.Module):
                node.body = node.body or [ast.Pass(lineno=node.lineno, col_offset=node.col_offset)]
    return compile(tree, path, "exec", dont_inherit=True, optimize=0)


def _without_writing(node: ast.stmt) -> ast.stmt:
    """Return a statement of a module that does nothing, if *node* sets a docstring; a loop keeps its variable."""
    if isinstance(node, ast.For):
        node.body = [_without_writing(one) for one in node.body]
    elif isinstance(node, ast.Assign) and all(
        isinstance(t, ast.Attribute) and t.attr == "__doc__" for t in node.targets
    ):
        return ast.copy_location(ast.Pass(), node)
    return node


def compile_folder(folder: Path, kept: Path, *, docstrings: bool = True) -> None:
    """Give each Python file under *folder* its bytecode, in place of what is there.

    Args:
        folder: Where distributions are installed.
        kept: Where bytecode lies by what it was made of: what is there is linked, what is not is made and put there.
        docstrings: Whether `LIBRARIES` have theirs.
    """
    files = sorted(file for file in folder.rglob("*.py") if file.is_file())
    bare = [not docstrings and file.relative_to(folder).parts[0] in LIBRARIES for file in files]
    parts = [list(zip(files[n : n + _FILES], bare[n : n + _FILES], strict=True)) for n in range(0, len(files), _FILES)]
    if parts:
        with ProcessPoolExecutor() as pool:
            for _ in pool.map(partial(_compile, kept), parts):
                pass


def _compile(kept: Path, files: Iterable[tuple[Path, bool]]) -> None:
    warnings.simplefilter("ignore")  # what others' code is warned of is not ours to say
    for file, bare in files:
        source = file.read_bytes()
        name = hashlib.sha256(importlib.util.MAGIC_NUMBER + (BARE.encode() if bare else b"whole") + source).hexdigest()
        made = kept / name[:2] / name
        if not made.exists():
            try:
                code = _code(source, bare=bare)
            except (SyntaxError, ValueError):  # a template, or code for another Python
                continue
            _write(made, importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(source) + code)
        _link(made, Path(importlib.util.cache_from_source(str(file))))


def _code(source: bytes, *, bare: bool) -> bytes:
    # Python puts the file's own path in the place of this one when it imports.
    if bare:
        return marshal.dumps(without_docstrings(source, _ANYWHERE))
    return marshal.dumps(compile(source, _ANYWHERE, "exec", dont_inherit=True, optimize=0))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}-{os.getpid()}")
    part.write_bytes(content)
    part.replace(file)  # at once: another may make the same


def _link(made: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # it may be a link to a file that others use
    try:
        target.hardlink_to(made)
    except OSError:  # another disk, or more links than it allows
        shutil.copyfile(made, target)


if __name__ == "__main__":
    compile_folder(Path(sys.argv[1]), Path(sys.argv[2]), docstrings="--without-docstrings" not in sys.argv[3:])
