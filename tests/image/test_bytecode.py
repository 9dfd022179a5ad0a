"""Bytecode of layers: the same whichever process makes it, and whatever becomes of that process."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.image.bytecode import BUILDER, can_compile, compiled
from modelport.image.compiling import bytecode
from modelport.image.layer import Node

if TYPE_CHECKING:
    import pytest

PYTHON = BUILDER.rpartition(".")[0]
LIBRARY = Path(os.__file__).parent


def library() -> dict[str, Node]:
    """Return files of Python's own, enough for several processes, with two that cannot be compiled among them."""
    found = {f"lib/{file.name}": Node(file) for file in sorted(LIBRARY.glob("*.py"))}
    assert sum(file.stat().st_size for file in LIBRARY.glob("*.py")) > 4_000_000
    return found | {"lib/template.py": Node(b"{{ name }} ="), "lib/nul.py": Node(b"a = 1\0"), "lib/empty.py": Node(b"")}


def alone(tree: dict[str, Node]) -> dict[str, bytes]:
    sources = {path: one.source for path, one in tree.items()}
    made = {
        path: bytecode(path, source.read_bytes() if isinstance(source, Path) else source or b"")
        for path, source in sources.items()
    }
    tag = sys.implementation.cache_tag
    return {f"lib/__pycache__/{Path(path).stem}.{tag}.pyc": raw for path, raw in made.items() if raw}


def test_several_processes_give_what_one_gives() -> None:
    tree = library()
    filters = list(warnings.filters)
    found = {path: one.source for path, one in compiled(tree, PYTHON).items()}
    assert found == alone(tree)
    assert len(found) == len(tree) - 2
    assert warnings.filters == filters


def test_what_another_process_fails_to_do_is_done_here_and_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tree = library()
    expected = alone(tree)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with caplog.at_level(logging.WARNING):
        assert {path: one.source for path, one in compiled(tree, PYTHON).items()} == expected
    if (os.cpu_count() or 1) > 1:
        assert "compiling in another process failed and is done here: 1" in caplog.text


def test_another_python_has_no_bytecode_from_this_one() -> None:
    assert can_compile(PYTHON)
    assert not can_compile("3.7")
    assert compiled({"a.py": Node(b"a = 1")}, "3.7") == {}
    assert compiled({}, PYTHON) == {}
