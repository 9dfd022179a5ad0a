from __future__ import annotations

import json

from modelport.catalog import REPORTERS, Problem, github_report, json_report, text_report

NASTY = Problem(
    file="a,b:c%.yaml", line=3, path="title", rule="schema-value", message="100 % wrong\r\n::error::x", hint="a"
)
WHOLE = Problem(file="card.md", rule="file-missing", message="is missing")


def test_text_has_a_line_for_each_problem() -> None:
    line = Problem(file="a.yaml", line=2, path="tags[0]", rule="schema-value", message="is bad", hint="mend it")
    assert text_report([line, WHOLE]) == "a.yaml:2: tags[0]: is bad (mend it)\ncard.md: is missing\n"
    assert text_report([]) == ""


def test_json_has_every_field() -> None:
    rows = json.loads(json_report([WHOLE, NASTY]))["problems"]
    assert rows[0] == {
        "file": "card.md", "line": None, "path": "", "rule": "file-missing", "message": "is missing", "hint": "",
    }  # fmt: skip
    assert rows[1]["line"] == 3


def test_annotations_cannot_be_broken_out_of() -> None:
    report = github_report([NASTY, WHOLE])
    assert report == (
        "::error file=a%2Cb%3Ac%25.yaml,line=3,title=schema-value::title: 100 %25 wrong%0D%0A::error::x (a)\n"
        "::error file=card.md,title=file-missing::is missing\n"
    )


def test_reporters_are_known_by_name() -> None:
    assert set(REPORTERS) == {"text", "json", "github"}


def test_problems_sort_by_place() -> None:
    later = Problem(file="a.yaml", line=10, rule="x", message="b")
    sooner = Problem(file="a.yaml", line=9, rule="y", message="c")
    assert sorted([NASTY, later, sooner]) == [NASTY, sooner, later]
