"""What models are said to take and give, for each kind of field."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.every_kind import signature

from modelport.catalog.facts import field_kinds, field_names
from modelport.catalog.scaffold import guess_task

EVERY = signature().to_json()
DOUBLE, TEXT, BYTES = ({"scalar": name} for name in ("double", "string", "bytes"))


def kinds(*fields: dict[str, Any], table: bool = False) -> list[str]:
    """Return the kinds of a method's input with *fields*, given as types or as whole fields."""
    named = [{"name": f"f{n}", **(f if "type" in f else {"type": f})} for n, f in enumerate(fields)]
    messages = [{"name": "In", "fields": named, **({"table": True} if table else {})}]
    method = {"name": "m", "input": "In", "output": "In"}
    return field_kinds({"methods": [method], "messages": messages}, "input")


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (DOUBLE, "number"), ({"scalar": "uint8"}, "number"), ({"list": DOUBLE}, "number"),
        ({"map": DOUBLE}, "number"), ({"optional": DOUBLE}, "number"), (TEXT, "text"), ({"map": TEXT}, "text"),
        ({"optional": TEXT}, "text"), (BYTES, "bytes"), ({"enum": "C"}, "choice"),
        ({"scalar": "bool"}, "number"), ({"list": {"enum": "C"}}, "choice"),
        ({"optional": {"enum": "Colour"}}, "choice"), ({"tensor": {"dtype": "float32", "shape": ["n", 3]}}, "tensor"),
        ({"optional": {"tensor": {"dtype": "uint8", "shape": [28, 28]}}}, "image"),
        ({"type": BYTES, "media_types": ["image/png"]}, "image"),
        ({"type": {"list": BYTES}, "media_types": ["audio/wav"]}, "audio"),
        ({"type": {"optional": BYTES}, "media_types": ["video/mp4", "image/png"]}, "video"),
        ({"type": BYTES, "media_types": ["text/csv"]}, "text"),
        ({"type": BYTES, "media_types": ["application/pdf"]}, "bytes"),
    ],
    ids=str,
)  # fmt: skip
def test_the_kind_of_a_field(kind: dict[str, Any], word: str) -> None:
    assert kinds(kind) == [word]


def test_columns_are_a_table_when_they_are_several_or_are_said_to_be() -> None:
    assert kinds({"list": DOUBLE}, {"list": {"scalar": "int8"}}) == ["table"]
    assert kinds({"list": TEXT}, table=True) == ["table"]
    assert kinds({"list": DOUBLE}, {"map": DOUBLE}) == ["number"]


@pytest.mark.parametrize(
    ("answer", "task"),
    [
        ({"list": {"enum": "C"}}, "tabular-classification"), ({"map": {"scalar": "int8"}}, "tabular-classification"),
        ({"optional": DOUBLE}, "tabular-regression"), ({"list": {"scalar": "float16"}}, "tabular-regression"),
    ],
    ids=str,
)  # fmt: skip
def test_the_task_of_a_table_is_guessed_from_its_answer(answer: dict[str, Any], task: str) -> None:
    columns = [{"name": "a", "type": {"list": DOUBLE}}]
    messages = [
        {"name": "In", "fields": columns, "table": True},
        {"name": "Out", "fields": [{"name": "b", "type": answer}]},
    ]
    assert guess_task({"methods": [{"name": "m", "input": "In", "output": "Out"}], "messages": messages}) == task


def test_messages_inside_others_count_and_those_that_hold_themselves_end() -> None:
    assert field_kinds(EVERY, "input") == ["choice", "image", "number", "table", "tensor", "text"]
    assert kinds({"map": {"message": "In"}}, {"optional": {"message": "In"}}, TEXT) == ["text"]
    assert field_names(EVERY, "output")[:2] == ["colour", "length"]
