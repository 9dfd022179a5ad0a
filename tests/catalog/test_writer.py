from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.support.every_kind import signature

from modelport.catalog import read_yaml, version_yaml
from modelport.catalog.files import VERSION_LIMIT
from modelport.catalog.quick import quick_value
from modelport.catalog.reader import _read_with_lines
from modelport.errors import FormatError

TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cn", "Co", "Cf"]),  # Cf: those that change direction
    max_size=40,
)
WORDS = st.sampled_from(
    [
        "no", "True", "null", "~", "1.10", "1e3", "-5", "2026-11-21", "a: b", "a #b", "- a", "", " a", "a\nb",
        "<<", "=",
        "*x", "&x", "!x", "%", "@", "a,b", "a, b", "[a]", "{a}", "sha256:ab", "https://x.org/a?b=c", "a:", "'", '"',
        "\\", "n", "a ", "a  b", "---", "...", "? a", "| a", "> a",
    ]
)  # fmt: skip
KEYS = TEXT | WORDS
NUMBERS = st.integers(-(2**63), 2**64) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXT | WORDS
VALUES = st.recursive(LEAVES, lambda v: st.lists(v, max_size=6) | st.dictionaries(KEYS, v, max_size=5), max_leaves=30)
DOCUMENTS = st.dictionaries(KEYS, VALUES | st.lists(NUMBERS, max_size=200), min_size=1, max_size=8)


def identical(one: object, other: object) -> bool:
    """Equal, and of the same kinds: 1 is not 1.0 and not True."""
    return json.dumps(one) == json.dumps(other)


@given(DOCUMENTS)
def test_what_is_written_reads_back_the_same(document: dict[str, Any]) -> None:
    text = version_yaml(document)
    again = read_yaml(text.encode(), "x.yaml")
    assert again.problems == ()
    known = [key for key in json.loads(json.dumps(document)) if key in again.value]
    assert identical({key: again.value[key] for key in known}, document)


@given(
    st.dictionaries(
        KEYS, st.dictionaries(KEYS, LEAVES.filter(lambda v: not isinstance(v, float)), max_size=3), min_size=1
    )
)
def test_another_yaml_reader_reads_the_same(document: dict[str, Any]) -> None:
    # YAML 1.1 and 1.2 agree on all that is written plain. (Floats: PyYAML takes 1e-05 for text.)
    assert yaml.safe_load(version_yaml(document)) == document


def test_a_signature_of_every_kind_is_read_back_by_both_readers() -> None:
    document: dict[str, Any] = {"signature": signature().to_json(), "row_independent": [{"method": "sort", "rows": 6}]}
    members = [{"name": f"grün_{number}", "number": number} for number in range(500)]
    document["signature"]["enums"].append({"name": "Long", "doc": 'Ein \u2603 "Zitat": ja.', "members": members})
    document["signature"]["messages"][0]["fields"][2] |= {"default": 1e-05, "minimum": -0.0, "maximum": 1.7e308}
    text = version_yaml(document)
    assert identical(quick_value(text), document)
    assert identical(_read_with_lines(text, "x.yaml").value, document)
    assert max(map(len, text.splitlines())) <= 160


def test_an_image_stays_readable_and_small() -> None:
    image = [[(row * column) % 256 for column in range(28)] for row in range(28)]
    document = {"examples": [{"method": "classify", "input": {"image": image}, "output": {"label": 3}}]}
    text = version_yaml(document)
    assert read_yaml(text.encode(), "x.yaml").value == document
    assert len(text) < 6000 < VERSION_LIMIT
    assert max(map(len, text.splitlines())) <= 120 + 30
    assert text.count("\n") < 40  # a row of pixels, a line


def test_the_keys_stand_in_the_order_of_the_schema() -> None:
    assert version_yaml({"size": 1, "version": "1.0.0", "schema": "x"}) == 'schema: x\nversion: "1.0.0"\nsize: 1\n'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1.0, float("-inf")], "\x00", "\u202e", "\ud800"])
def test_what_the_reader_would_refuse_is_not_written(value: object) -> None:
    with pytest.raises(FormatError):
        version_yaml({"version": value})
