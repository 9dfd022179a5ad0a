"""Types in words: exact for each kind, and never an exception."""

from __future__ import annotations

import pytest
from tests.support.every_kind import signature

from modelport.words import Words, range_words

SIGNATURE = signature().to_json()
WORDS = Words.of(SIGNATURE)
SAID = {
    "colour": "one of red, green, blue",
    "length": "optional double (cm), 0 to 10",
    "width": "double (cm), 0 to 10, default 5",
    "veins": "map of text to int32, at least 0",
    "tags": "list of string, default []",
    "level": "uint8, at most 200",
    "half": "float16",
    "dried": "bool, default false",
    "serial": "int64, at least -3, default 7",
    "season": "one of spring, summer, autumn, winter, default spring",
    "seen": "optional, one of red, green, blue",
    "shades": "list, each one of red, green, blue",
    "marks": "map, each one of red, green, blue",
    "outline": "float32[n, 2] (mm)",
    "mask": "optional uint8[2, 2]",
    "layers": "map of text to float64[?]",
    "stem": "Part",
    "parts": "list of Part",
    "other": "optional Part",
    "named": "map of text to Part",
    "photo": "optional bytes, image/png or image/jpeg",
}


def test_each_kind_of_field() -> None:
    fields = next(m["fields"] for m in SIGNATURE["messages"] if m["name"] == "Leaf")
    assert {field["name"]: WORDS.field(field) for field in fields} == SAID


def test_columns_and_tables() -> None:
    fields = next(m["fields"] for m in SIGNATURE["messages"] if m["name"] == "Flowers")
    said = [WORDS.field(field, column=True) for field in fields]
    assert said == ["column of double (cm), 0 to 10", "column of string", "column, each one of red, green, blue"]
    assert WORDS.type({"message": "Flowers"}) == "table Flowers"


@pytest.mark.parametrize(
    ("minimum", "maximum", "words"),
    [(None, None, ""), (0, None, "at least 0"), (None, 1.5, "at most 1.5"), (-1e-9, 2.0**80, "-1e-09 to 1.2e+24")],
)
def test_ranges(minimum: float | None, maximum: float | None, words: str) -> None:
    assert range_words(minimum, maximum).replace("1.2089258196146292e+24", "1.2e+24") == words


def test_long_choices_and_long_defaults_are_cut() -> None:
    members = [{"name": f"m{number}", "number": number} for number in range(20)]
    words = Words.of({"messages": [], "enums": [{"name": "Many", "members": members}]})
    assert words.type({"enum": "Many"}) == "one of m0, m1, m2, m3, m4, m5, m6, m7 and 12 more"
    assert words.field({"type": {"scalar": "string"}, "default": "x" * 99}) == f'string, default "{"x" * 39}…'


def test_a_choice_that_is_nowhere_is_called_by_its_name() -> None:
    assert Words.of({"messages": []}).type({"enum": "Lost"}) == "Lost"


def test_a_stream() -> None:
    assert WORDS.stream("Part") == "a stream of Part"
    table = next(iter(WORDS.tables))
    assert WORDS.stream(table) == f"a stream of table {table}"
