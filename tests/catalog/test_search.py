"""Search and filters: which models are found, and the law of their order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.catalog.filters import FACETS, hidden, parse_size, select, values_of
from modelport.catalog.search import search
from modelport.errors import InputError


def row(name: str, **changes: object) -> dict[str, Any]:
    return {
        "name": name, "title": name, "summary": "", "task": "other", "tags": [], "lifecycle": "published",
        "license": "MIT", "license_class": "permissive", "publisher": "Somebody", "publisher_id": "somebody",
        "released": None, "size": None, "frameworks": [], "formats": [], "inputs": [], "outputs": [], "takes": [],
        "gives": [],
    } | changes  # fmt: skip


def found(rows: list[dict[str, Any]], words: str) -> list[str]:
    return [one["name"] for one in search({"models": rows}, words)]


def test_a_word_inside_another_comes_after_every_real_hit() -> None:
    rows = [
        row("a", frameworks=["tensorflow"], tags=["tensorflow"], title="Tensorflow"),
        row("b", summary="It counts what flows by."),
        row("c", summary="It follows the flow."),
        row("d", title="Tensorflow", summary="Flow."),
    ]
    assert found(rows, "flow") == ["c", "d", "b", "a"]
    assert found(rows, "tensor") == ["a", "d"]


def test_a_whole_word_beats_the_start_of_one_in_the_same_field_and_the_name_beats_the_summary() -> None:
    rows = [row("irises"), row("iris"), row("x", summary="iris"), row("y", tags=["iris"])]
    assert found(rows, "Iris") == ["iris", "y", "irises", "x"]


def test_what_is_not_published_comes_last() -> None:
    rows = [row("iris", lifecycle="deprecated"), row("x", summary="about an iris")]
    assert found(rows, "iris") == ["x", "iris"]


WORDS = st.lists(st.sampled_from(["flow", "traffic", "tensorflow", "iris", "flower", "low"]), max_size=3)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=6), WORDS)
def test_every_word_is_somewhere_in_what_is_found_and_nothing_else_is_left_out(
    texts: list[tuple[list[str], list[str]]], words: list[str]
) -> None:
    rows = [row(f"m{i}", title=" ".join(title), summary=" ".join(text)) for i, (title, text) in enumerate(texts)]
    expected = {
        one["name"] for one in rows if all(word in f"{one['title']} {one['summary']}" for word in words)
    }  # fmt: skip
    names = found(rows, " ".join(words))
    assert set(names) == expected
    assert len(names) == len(expected)

    def starts(name: str) -> bool:
        one = next(one for one in rows if one["name"] == name)
        there = f"{one['title']} {one['summary']}".split()
        return all(any(other.startswith(word) for other in there) for word in words)

    real = [starts(name) for name in names]
    assert real == sorted(real, reverse=True)


ROWS = [
    row("a", task="translation", tags=["x", "y"], license="MIT OR GPL-3.0-only", size=10, released="2026-01-02"),
    row("b", task="other", tags=["y"], license="GPL-3.0-only", license_class="copyleft", size=5, released="2026-03-04"),
    row("c", publisher="Labs & Co", publisher_id="labs-co", lifecycle="yanked", formats=["onnx"], takes=["text"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, "abc"), ({"task": ["Translation"]}, "a"), ({"task": ["translation", "other"]}, "abc"),
        ({"tag": ["y"]}, "ab"), ({"tag": ["y"], "task": ["other"]}, "b"),
        ({"license": ["gpl-3.0-only"]}, "ab"), ({"license": ["mit"]}, "ac"),
        ({"license": ["copyleft"]}, "b"), ({"publisher": ["labs-co"]}, "c"), ({"publisher": ["labs & co"]}, "c"),
        ({"lifecycle": ["yanked"]}, "c"), ({"format": ["onnx"]}, "c"), ({"takes": ["text"]}, "c"),
        ({"gives": ["x"]}, ""), ({"framework": ["x"]}, ""), ({"tag": []}, "abc"),
    ],
)  # fmt: skip
def test_values_of_a_facet_are_alternatives_and_facets_hold_together(wanted: dict[str, list[str]], names: str) -> None:
    assert "".join(one["name"] for one in select(ROWS, wanted)) == names


def test_sizes_and_orders() -> None:
    assert [one["name"] for one in select(ROWS, {}, max_size=9)] == ["b"]
    assert [one["name"] for one in select(ROWS, {}, order="released")] == ["b", "a", "c"]
    assert [one["name"] for one in select(ROWS, {}, order="size")] == ["c", "b", "a"]
    assert [one["name"] for one in select(reversed(ROWS), {}, order="name")] == ["a", "b", "c"]
    assert [one["name"] for one in ROWS if hidden(one)] == ["c"]


def test_every_value_that_a_facet_is_said_to_have_finds_something() -> None:
    for facet in FACETS:
        for value in values_of(ROWS, facet):
            assert select(ROWS, {facet: [value]})


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("800", 800), ("20MB", 20_000_000), ("1.5 GB", 1_500_000_000), ("64MiB", 2**26), (" 3k ", 3000)],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "MB", "1e9", "1 TB", "\u0661", "9" * 400])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_size(text)
