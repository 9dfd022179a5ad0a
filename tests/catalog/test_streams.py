"""Streams in a catalog: a version's signature says them as its package does, and its examples hold their messages."""

from __future__ import annotations

import json
from collections.abc import Iterator  # noqa: TC003 - signatures are made from it
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from modelport.catalog import read_yaml
from modelport.catalog.facts import field_kinds
from modelport.catalog.rules.examples import check_examples
from modelport.catalog.rules.interface import interface_files
from modelport.model import Model
from modelport.schema import accepts

if TYPE_CHECKING:
    from modelport.catalog.document import Document

VERSION = next(iter(sorted((Path(__file__).parents[2] / "catalog" / "models").glob("*/versions/*.yaml"))))


def words(texts: Iterator[str]) -> Iterator[int]:
    for text in texts:
        yield len(text.split())


def version() -> Document:
    """Return a version of a model that takes and gives a stream."""
    model = Model(words=words)
    model.add_example("words", ["one two", "three"])
    document = read_yaml(VERSION.read_bytes(), "x")
    document.value["signature"] = model.spec.to_json()
    document.value["examples"] = [asdict(one) for one in model.examples]
    return document


def test_a_version_may_hold_streams() -> None:
    value = version().value
    assert accepts("version-1", value)
    assert value["signature"]["methods"][0]["streams_in"] is True
    content = interface_files(value, {"signature.json": None})["signature.json"][1]
    assert content.decode() == json.dumps(value["signature"], indent=1, ensure_ascii=False) + "\n"
    assert (field_kinds(value["signature"], "input"), field_kinds(value["signature"], "output")) == (
        ["text"],
        ["number"],
    )


@pytest.mark.parametrize("said", [False, None, 1, "yes"])
def test_what_does_not_stream_says_nothing_of_it(said: object) -> None:
    value = version().value
    value["signature"]["methods"][0]["streams_in"] = said
    assert not accepts("version-1", value)


@pytest.mark.parametrize(
    ("taken", "problems"),
    [
        ({"stream": [{"value": "a"}, {"value": "b"}]}, []),
        ({"stream": []}, []),
        ({"value": "a"}, [("examples[0].input", 'is a stream of WordsIn: it is {"stream": [...]} and nothing else')]),
        (
            {"stream": [{"value": "a"}, {}]},
            [("examples[0].input.stream[1].value", "is missing: it is a field of WordsIn")],
        ),
        ({"stream": [{"value": "a", "x": 1}]}, [("examples[0].input.stream[0].x", "is not a field of WordsIn")]),
    ],
)
def test_examples_hold_messages_of_the_stream(taken: dict[str, Any], problems: list[tuple[str, str]]) -> None:
    document = version()
    document.value["examples"][0]["input"] = taken
    assert [(p.path, p.message) for p in check_examples(document)] == problems
