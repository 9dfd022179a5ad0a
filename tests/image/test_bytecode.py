"""Bytecode of layers: the same whichever process makes it, and whatever becomes of that process."""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from pathlib import Path

import pytest

from modelport.image.bytecode import BUILDER, can_compile, compiled
from modelport.image.compiling import bytecode
from modelport.image.layer import Node

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


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 1", "compiling in another process failed, and is done here: it said nothing"),
        ("exit 0", "compiling in another process failed, and is done here: it said nothing"),
        ("cat > /dev/null; printf '[' ; echo 'no memory' >&2", "and is done here: no memory"),
        ("kill -9 $$", "and is done here: it said nothing"),
        (None, "no other process can be started to compile in"),
    ],
)
def test_what_another_process_fails_to_do_is_done_here_and_said(
    script: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    program = tmp_path / "python"
    if script is not None:
        program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    tree = library()
    with caplog.at_level(logging.WARNING):
        assert {path: one.source for path, one in compiled(tree, PYTHON).items()} == alone(tree)
    assert said in caplog.text


def test_no_process_is_left_behind_when_the_work_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    def children() -> set[str]:
        tasks = Path("/proc/self/task").iterdir()
        return {child for task in tasks for child in (task / "children").read_text().split()}

    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr("modelport.image.bytecode.bytecode", interrupted)
    before = children()
    began = time.process_time()
    with pytest.raises(KeyboardInterrupt):
        compiled(library(), PYTHON)
    assert children() == before
    assert time.process_time() - began < 5


def test_another_python_has_no_bytecode_from_this_one() -> None:
    assert can_compile(PYTHON)
    assert not can_compile("3.7")
    assert compiled({"a.py": Node(b"a = 1")}, "3.7") == {}
    assert compiled({}, PYTHON) == {}
