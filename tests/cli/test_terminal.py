"""What strangers wrote, on its way to the user's terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from tests.support.artifacts import put_artifact
from tests.support.small_registry import small_registry

from modelport.cli import terminal
from modelport.oci import Layout, push

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

EVIL = "a\x1b]0;owned\x07\x1b[2K\r\x9b2J\u202e\ud800"


def harmless(text: str) -> bool:
    return not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text if c not in "\n\t") and not any(
        unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"} for c in text
    )


@given(st.text() | st.text(st.sampled_from("a\n\t\r\x1b\x9b\x7f\u2028\u202e\u2069\ud800é語")))
def test_nothing_that_steers_a_terminal_is_written(text: str) -> None:
    shown = terminal._safe(text)
    assert harmless(shown)
    assert shown == text or not harmless(text) or any(c in "\u061c\u200e\u200f" for c in text)
    shown.encode()


def test_every_way_to_the_terminal_is_guarded(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.draw(EVIL)
    terminal.draw("")
    terminal.talk(EVIL)
    terminal.data(f"one\n\ttwo {EVIL}")
    terminal.data({EVIL: [EVIL]})
    out, err = capsys.readouterr()
    assert harmless(out)
    assert harmless(err.replace("\r", ""))
    assert out.startswith("one\n\ttwo a\\x1b]0;owned\\x07")
    assert json.loads(out[out.index("{") :]) == {EVIL: [EVIL]}


def test_a_registrys_words_do_not_steer_the_terminal(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "source")
    with small_registry() as small:
        root = put_artifact(layout, b"a")
        push(layout, root, small.client(), "demo", tags=["1"])
        small.content.repository("demo").tags[EVIL[:-1]] = str(root.digest)  # what is said of a tag that is missing
        environment = {**os.environ, "MODELPORT_STORE": str(tmp_path / "store"), "HOME": str(tmp_path)}
        command = [sys.executable, "-m", "modelport", "pull", f"{small.host}/demo:2"]
        found = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "owned" in found.stderr
    assert harmless(found.stdout + found.stderr)
