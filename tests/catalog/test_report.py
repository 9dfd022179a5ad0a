from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from modelport.catalog import REPORTERS, Problem, github_report, json_report, sarif_report, text_report
from modelport.catalog.rules import OTHER_RULES, RULES

TEXT = st.text(min_size=1)
PROBLEMS = st.builds(
    Problem, file=TEXT.filter(lambda t: not t.startswith("/")), line=st.integers(0, 9999), path=st.text(),
    rule=st.sampled_from([*RULES, *OTHER_RULES, "taste"]), message=TEXT, hint=st.text(),
)  # fmt: skip

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
    assert set(REPORTERS) == {"text", "json", "github", "sarif"}


def test_problems_sort_by_place() -> None:
    later = Problem(file="a.yaml", line=10, rule="x", message="b")
    sooner = Problem(file="a.yaml", line=9, rule="y", message="c")
    assert sorted([NASTY, later, sooner]) == [NASTY, sooner, later]


def sarif(problems: list[Problem]) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(sarif_report(problems))
    return log


@given(st.lists(PROBLEMS, max_size=5))
def test_sarif_has_the_structure_that_its_standard_asks_for(problems: list[Problem]) -> None:
    # By hand after SARIF 2.1.0: 3.13 (log), 3.14 (run), 3.19 (tool component), 3.27 (result), 3.28-3.33 (locations).
    log = sarif(problems)
    assert log.keys() == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run.keys() == {"tool", "originalUriBaseIds", "columnKind", "results"}
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "modelport"
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["shortDescription"]["text"] for rule in rules)
    for problem, result in zip(problems, run["results"], strict=True):
        assert result.keys() == {"ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"}
        assert result["level"] in {"none", "note", "warning", "error"}
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == problem.rule
        assert problem.message in result["message"]["text"]
        (location,) = result["locations"]
        assert location.keys() <= {"physicalLocation", "logicalLocations"}
        place = location["physicalLocation"]
        assert place["region"]["startLine"] == max(problem.line, 1)
        assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
        uri = urlsplit(place["artifactLocation"]["uri"])
        assert (uri.scheme, uri.netloc, uri.query, uri.fragment) == ("", "", "", "")
        assert unquote(uri.path) == problem.file
        assert uri.geturl().isascii()
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())


def test_sarif_names_files_outside_in_full_and_the_rules_that_nothing_broke() -> None:
    log = sarif([Problem(file="/else where/a.yaml", rule="taste", message="is bad")])
    (result,) = log["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///else%20where/a.yaml"}
    described = {rule["id"]: rule["shortDescription"]["text"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    assert described == RULES | OTHER_RULES | {"taste": "taste"}


def fingerprints(problems: list[Problem]) -> list[str]:
    return [result["partialFingerprints"]["problem/v1"] for result in sarif(problems)["runs"][0]["results"]]


def test_a_problem_that_moved_to_another_line_is_the_same_problem() -> None:
    def twice(line: int) -> Problem:
        text = f"gives tags again; it is on line {line - 2}, too"
        return Problem(file="model.yaml", line=line, path="tags", rule="yaml-duplicate-key", message=text)

    before, after = [twice(7), twice(9), WHOLE], [twice(8), twice(19), WHOLE]
    assert fingerprints(before) == fingerprints(after)
    assert len({*fingerprints(before)}) == len(before)
