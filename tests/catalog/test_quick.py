"""The quick reader: what it takes, the reader proper reads the same; and it takes what people write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelport.catalog import read_yaml
from modelport.catalog.quick import DOUBT, quick_value
from modelport.catalog.reader import _read_with_lines
from modelport.catalog.scalars import find_unreadable

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("catalog/**/*.yaml"), *ROOT.glob("tests/examples/positive/**/*.yaml")])
PIECES = [
    "a", "b: ", "- ", "\n", "\n  ", "\n    ", "? ", ": ", "[", "]", "{", "}", ", ", "# c", "'", '"', "|\n", "|-\n",
    ">\n", ">+\n", "|2\n", "0", "1.5", "--- ", "...", "\n---\n", "\n...\n", "%", "@", "`", "!", "&", "*", ":", "?", "-",
    "\\n", "\\x41", "\\u00e9", "\\\n", " ", "é", "\u00a0", "\u2003", "😀", "a: b\n", "- c\n", "null", "~",
    "key: >-\n  x\n  y\n", "'it''s'", "\r\n", "\r", "\t", "\ufeff", "|#", "k" * 1020, "|1-\n  x\n", "&b ", "*b",
    "<<: ", "a: b: c",
]  # fmt: skip


def agree(text: str) -> None:
    quick = quick_value(text)
    if quick is not DOUBT:
        proper = _read_with_lines(text, "x.yaml")
        assert proper.problems == ()
        assert json.dumps(quick) == json.dumps(proper.value)  # so 1, 1.0 and true are three values


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example("[a?]")
@example("[?,:]")
@example("['a'?]")
@example("|# c\n a")
@example("a:\tb")
@example("a: 1\na: 2")
@example("'': \nb:")
def test_what_it_takes_is_read_the_same(text: str) -> None:
    if not find_unreadable(text):
        agree(text)


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_it_takes_what_people_and_tools_write(file: Path) -> None:
    text = file.read_bytes().decode("utf-8-sig")
    agree(text)
    agree(text.replace("\n", "\r\n"))
    assert quick_value(text) is not DOUBT


def test_lines_are_there_when_they_are_asked_for() -> None:
    document = read_yaml(b"a: 1\nb:\n- c\n- 2.50\n", "x.yaml")
    proper = _read_with_lines("a: 1\nb:\n- c\n- 2.50\n", "x.yaml")
    assert (dict(document.lines), dict(document.sources)) == (proper.lines, proper.sources)
    assert document.problem(("b", 1), "is odd", rule="x").line == 4


@pytest.mark.parametrize(
    "text",
    [
        "", "# nothing", "null", "a: &x 1", "*x", "!t a", "%YAML 1.2\n---\na", "a\n---\nb", "{[a]: b}", "a: [",
        "a: 1\na: 2", "[" * 33 + "]" * 33, "9" * 41, '"\\x01"', "[" + "1," * 100_000 + "]",
    ],
)  # fmt: skip
def test_what_is_not_plainly_right_is_doubted(text: str) -> None:
    assert quick_value(text) is DOUBT
