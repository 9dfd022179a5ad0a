"""Layers: the same files give the same bytes, whatever machine they lie on; bytecode in them is the same, too."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.errors import FormatError
from modelport.image.bytecode import can_compile, compiled
from modelport.image.cut import cut
from modelport.image.layer import Node, folder, link, read_folder, tar_chunks

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = f"3.{sys.version_info.minor}"
PARTS = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1).filter(
    lambda p: p not in {".", ".."}
)


@given(st.dictionaries(st.lists(PARTS, min_size=1, max_size=3).map("/".join), st.binary(max_size=600), max_size=5))
def test_a_tar_holds_what_it_was_given(files: dict[str, bytes]) -> None:
    files = {path: raw for path, raw in files.items() if not any(other.startswith(f"{path}/") for other in files)}
    raw = b"".join(tar_chunks({path: Node(content) for path, content in files.items()}))
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        there = archive.getmembers()
        read = {m.name: archive.extractfile(m) for m in there if m.isfile()}
        assert {path: one.read() for path, one in read.items() if one} == files
    names = [member.name for member in there]
    assert names == sorted(names)
    assert all((m.mtime, m.uid, m.gid, m.uname, m.gname) == (0, 0, 0, "", "") for m in there)


def test_times_and_masks_of_the_machine_stay_out(tmp_path: Path) -> None:
    tars = []
    for number, mask in enumerate((0o022, 0o077)):
        place = tmp_path / str(number)
        before = os.umask(mask)
        try:
            for name in ("b.txt", "a/c.txt") if number else ("a/c.txt", "b.txt"):
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_text(name)
                os.utime(place / name, (number * 1000, number * 1000))
            (place / "run").write_text("#!/bin/true")
            (place / "run").chmod(0o755 & ~mask)
        finally:
            os.umask(before)
        tars.append(b"".join(tar_chunks(read_folder(place, under="opt"))))
    assert tars[0] == tars[1]


@pytest.mark.parametrize("path", ["", "/etc/passwd", "a/../b", "./a", "a//b"])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(FormatError):
        list(tar_chunks({path: Node(b"")}))


def test_links_and_special_folders_keep_what_they_are() -> None:
    raw = b"".join(tar_chunks({"bin": link("usr/bin"), "tmp": folder(0o1777), "home": folder(owner=65532)}))
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        assert archive.getmember("bin").linkname == "usr/bin"
        assert archive.getmember("tmp").mode == 0o1777
        assert archive.getmember("home").uid == 65532


SOURCE = b"""
import sys
def told(name="someone", *, also=frozenset({"b", "a"})):
    class Inner:
        value = 1.5, b"bytes", "a text that is no name"
    return f"{name} {sorted(also)} {Inner.value}"
"""


def test_bytecode_is_the_same_whatever_its_process_has_seen(tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_bytes(SOURCE)
    script = "\n".join(
        [
            "import sys; from pathlib import Path",
            "exec(sys.argv[2])",
            "from modelport.image.bytecode import compiled; from modelport.image.layer import read_folder",
            f"made = compiled(read_folder(Path(sys.argv[1])), {PYTHON!r})",
            "sys.stdout.buffer.write(b''.join(node.source for node in made.values()))",
        ]
    )
    seen = [
        subprocess.run([sys.executable, "-c", script, str(tmp_path), before], capture_output=True, check=True).stdout
        for before in ("", "kept = ['told', 'Inner', 'a text that is no name', 'also']; import json, decimal")
    ]
    assert seen[0] == seen[1] != b""


def test_bytecode_is_believed_without_its_source_being_looked_at(tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_bytes(SOURCE)
    for path, node in compiled(read_folder(tmp_path), PYTHON).items():
        (tmp_path / path).parent.mkdir()
        assert isinstance(node.source, bytes)
        (tmp_path / path).write_bytes(node.source)
    (tmp_path / "mod.py").write_text("raise SystemExit('the source was read')")
    run = [sys.executable, "-c", "import mod; print(mod.told())"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, check=True, text=True)
    assert done.stdout == "someone ['a', 'b'] (1.5, b'bytes', 'a text that is no name')\n"


def test_what_cannot_be_compiled_is_left_as_it_is() -> None:
    assert compiled({"template.py": Node(b"print {{ name }}"), "nul.py": Node(b"\0")}, PYTHON) == {}
    assert not can_compile("3.6")
    assert compiled({"mod.py": Node(SOURCE)}, "3.6") == {}


def test_tests_headers_and_notes_are_left_out_and_nothing_else() -> None:
    kept = [
        "numpy/__init__.py",
        "numpy/f2py/__init__.py",
        "numpy/_core/x.cpython-311-x86_64-linux-gnu.so",
        "tests/a.py",
    ]
    kept += ["other/tests/data.py", "numpy-2.dist-info/METADATA", "onnxruntime/capi/onnxruntime_pybind11_state.so"]
    gone = ["numpy/tests/test_a.py", "numpy/_core/include/numpy/a.h", "numpy-2.dist-info/RECORD", "bin/f2py"]
    gone += ["jsonschema/tests/test_cli.py", "uvloop/loop.pyx", "httptools/parser/parser.pxd"]
    gone += ["a/__pycache__/b.cpython-311.pyc", "sklearn/tree/_tree.pyx", "onnxruntime/capi/libonnxruntime.so.1.31.1"]
    assert list(cut({path: Node(b"") for path in [*kept, *gone]})) == kept
