from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelport.catalog import Document, Problem, read_yaml
from modelport.catalog.reader import MAX_DEPTH, MAX_NODES
from modelport.catalog.rules import RULES

VALID = """\
schema: modelport/model/1
title: Iris forest      # as people write it
tags: [iris, "random", 'forest', null, true]
authors:
  - {name: Jane Doe, samples: 1.5e3}
  - name: |
      John
      Doe
"""


def read(text: str | bytes) -> Document:
    return read_yaml(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, "x.yaml")


def value(text: str) -> object:
    document = read(text)
    assert document.problems == ()
    return document.value


def rules(text: str | bytes) -> set[str]:
    return {problem.rule for problem in read(text).problems}


def assert_typed(document: Document) -> None:
    assert document.value is not None or document.problems
    for problem in document.problems:
        assert isinstance(problem, Problem)
        assert problem.rule in RULES
        assert "\n" not in str(problem)
        assert str(problem).isprintable()


TEXTS = [
    "no", "yes", "on", "off", "y", "N", "~", "Null", "True", "FALSE", "1.0.0", "2026-11-21", "12:30:45", "1_000",
    "0x1F",
    "0o17", "017", "+1", ".5", "1.", ".inf", ".nan", "NaN", "=", "<<", "2026-11-21T10:00:00Z", "1.10.2", "1e", "--1",
    "१२",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((word, word) for word in TEXTS),
        ("true", True), ("false", False), ("[null]", [None]), ("a:", {"a": None}),
        ("0", 0), ("-12", -12), ("1.5", 1.5), ("1e3", 1000.0), ("-1.5E-3", -0.0015),
        ("123456789012345678", 123456789012345678),
        ("'1.10'", "1.10"), ('"true"', "true"), ("a\n b", "a b"),
        ("|\n  a\n  b\n", "a\nb\n"), (">\n  a\n  b\n", "a b\n"), ("? a\n: b\n", {"a": "b"}),
        ("{1: a, true: b, null: c, 1.10: d}", {"1": "a", "true": "b", "null": "c", "1.10": "d"}),
        ("{<<: {a: 1}}", {"<<": {"a": 1}}), ("{}", {}), ("[]", []),
    ],
)  # fmt: skip
def test_values_are_what_json_would_read_and_all_else_is_text(text: str, expected: object) -> None:
    assert value(text) == expected
    assert type(value(text)) is type(expected)


def test_every_value_has_its_line() -> None:
    document = read(VALID)
    assert document.line(()) == 1
    assert document.line(("title",)) == 2
    assert document.line(("tags", 4)) == 3
    assert document.line(("authors",)) == 4
    assert document.line(("authors", 0, "samples")) == 5
    assert document.line(("authors", 1, "name")) == 6
    assert document.line(("authors", 7, "email")) == 4  # the nearest that is there
    assert document.sources["authors", 0, "samples"] == "1.5e3"


def test_lines_are_the_same_with_windows_line_ends_and_a_byte_order_mark() -> None:
    document = read(b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())
    assert (document.value, document.lines) == (read(VALID).value, read(VALID).lines)


REFUSED: dict[str, list[str | bytes]] = {
    "yaml-syntax": [
        "", "# nothing", "null", "---\n", "a: [", "a: b: c", "'a", "{a: 1}}", "[a]: b", "{a: 1}: b", "@a",
        '"\\UFFFFFFFF"', '"\\q"', "a: 1\n<<<<<<< main\na: 2\n", "{*a : 1}", "%YAML " + "9" * 5000 + ".1\n---\na",
    ],
    "yaml-one-document": ["%YAML 1.2\n---\na", "%TAG ! !x\n---\na", "a\n---\nb", "a\n...\n---\nb"],
    "yaml-alias": ["&a a", "[*a]", "{&a b: 1}", "a: &x {}"],
    "yaml-tag": ["!a b", "! b", "!!str b", "!!map {}", "!<x> []", "{!!str a: 1}"],
    "yaml-duplicate-key": ["a: 1\na: 2", "{'a': 1, a: 2}"],
    "yaml-number": ["1e309", "9" * 41, "9" * 300_000, "0." + "1" * 5000],
    "yaml-character": [
        "a\0b", '"\\0"', '"\\ud800"', "a\u2028b", "\u202e", '{"\\x1b": 1}', "a\x85b", "\ufffe",
    ],
    "encoding": [b"\xff\xfea\0", b"a: \xe9", b"\xed\xa0\x80"],
}  # fmt: skip


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in REFUSED.items() for text in texts])
def test_what_is_refused_and_by_which_rule(text: str | bytes, rule: str) -> None:
    document = read(text)
    assert_typed(document)
    assert {problem.rule for problem in document.problems} == {rule}


def test_all_problems_are_told_at_once() -> None:
    text = "a: 1\na: &x 2\nb: !t 3\nc: *x\nd: 1e999\n"
    assert [problem.line for problem in read(text).problems] == [2, 2, 3, 4, 5]


def test_a_duplicate_key_names_both_lines() -> None:
    (problem,) = read("a: 1\nb: 2\na: 3\n").problems
    assert str(problem) == "x.yaml:3: a: is given twice, in lines 1 and 3 (keep one of them)"


@pytest.mark.parametrize(
    ("opening", "rule"),
    [("[", "yaml-limits"), ("{a: ", "yaml-limits"), ("- ", "yaml-limits"), ("? ", "yaml-syntax")],
)
def test_deep_nesting_is_refused_soon(opening: str, rule: str) -> None:
    start = time.process_time()
    assert rules(opening * 50_000) == {rule}
    assert time.process_time() - start < 20  # the composer would need far longer, or the whole stack


def test_depth_has_an_exact_limit() -> None:
    assert rules("[" * MAX_DEPTH + "]" * MAX_DEPTH) == set()
    assert rules("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == {"yaml-limits"}


def test_an_alias_bomb_stays_small() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    document = read(bomb)
    assert {problem.rule for problem in document.problems} == {"yaml-alias"}
    assert len(document.problems) <= 50


def test_many_keys_are_read_and_endless_ones_are_not() -> None:
    many = read("\n".join(f"k{i}: {i}" for i in range(20_000)))
    assert many.problems == ()
    assert many.value["k19999"] == 19_999
    assert rules("[" + "1," * MAX_NODES + "]") == {"yaml-limits"}


def test_a_message_cannot_be_torn_apart_by_what_it_quotes() -> None:
    document = read('"a\\nb": 1\n"a\\nb": 2\n"\\x1b]0;": &x 3\n')
    assert_typed(document)
    assert document.problems[0].path == '["a\\nb"]'


@given(st.text())
@example("\x00")
@example("%YAML 1.1\n---\n")
def test_any_text_is_read_or_refused_with_typed_problems(text: str) -> None:
    assert_typed(read(text))


@given(st.binary())
def test_any_bytes_are_read_or_refused_with_typed_problems(content: bytes) -> None:
    assert_typed(read(content))


@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%@`#\\\n \tx0U19.e~<=", max_size=60))
def test_yaml_like_text_is_read_or_refused_with_typed_problems(text: str) -> None:
    assert_typed(read(text))


@given(st.data())
def test_mutated_yaml_is_read_or_refused_with_typed_problems(data: st.DataObject) -> None:
    text = VALID
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        text = text[:place] + data.draw(st.text(max_size=4)) + text[place + length :]
    assert_typed(read(text))
