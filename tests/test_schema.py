"""The quick judge of the schemas against the authority: where it says yes, jsonschema finds nothing."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from modelport.accept import UnknownKeywordError, compile_schema
from modelport.catalog import read_yaml
from modelport.schema import accepts, schema_dir, schema_document, validator

if TYPE_CHECKING:
    from collections.abc import Iterator

Json: TypeAlias = Any
"""What JSON can hold: mypy cannot write its type."""
ROOT = Path(__file__).parents[1]
NAMES = sorted(f.name.removesuffix(".schema.json") for f in schema_dir().iterdir())
FILES = sorted([*ROOT.glob("catalog/**/*.yaml"), *ROOT.glob("tests/examples/**/*.yaml")])
SCALARS: Any = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 0.0, 1.0, 28.0, 0.5, 2**53, 2**53 - 1, 1e300])
    | st.sampled_from(["", " ", "a\n", "2026-02-30", "2026-W01-1", "٢٠٢٦-01-01", "MIT", "1.0.0", "x" * 5000, "\x85"])
    | st.text(max_size=12)
)
JSON: Any = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


def documents() -> Iterator[tuple[str, Any]]:
    for file in FILES:
        value = read_yaml(file.read_bytes(), file.name).value
        if isinstance(value, dict) and "schema" in value:
            for name in ("model", "model-1", "version", "version-1", "variants", "device", "network"):
                yield name, value
            yield "signature", value.get("signature")
            yield "evaluations", value.get("evaluations")


DOCUMENTS = list(documents())


def places(value: Json, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield way
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*way, key))


def mutated(value: Json, data: st.DataObject) -> Json:
    """Return *value* with one part changed, left out, doubled, or added."""
    made = {"top": copy.deepcopy(value)}
    way = data.draw(st.sampled_from(list(places(made["top"]))))
    holder: Any = made
    for key in ("top", *way)[:-1]:
        holder = holder[key]
    last = ("top", *way)[-1]
    match data.draw(st.sampled_from(["change", "remove", "double", "add", "shuffle"])):
        case "remove" if way:
            del holder[last]
        case "double" if isinstance(holder[last], list):
            holder[last] = [*holder[last], *holder[last]]
        case "add" if isinstance(holder[last], dict):
            holder[last][data.draw(st.text(max_size=5))] = data.draw(JSON)
        case "shuffle":
            other = data.draw(st.sampled_from(list(places(value))))
            found = value
            for key in other:
                found = found[key]
            holder[last] = copy.deepcopy(found)
        case _:
            holder[last] = data.draw(JSON)
    return made["top"]


def agree(name: str, value: Json) -> None:
    assert accepts(name, value) == validator(name).is_valid(value)


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_known_in_full(name: str) -> None:
    compile_schema(schema_document(name), lambda _: lambda _: True)  # UnknownKeywordError otherwise


def test_the_judges_agree_on_every_example() -> None:
    assert {accepts(name, value) for name, value in DOCUMENTS} == {True, False}
    for name, value in DOCUMENTS:
        agree(name, value)


@given(st.data())
def test_the_judges_agree_on_mutated_documents(data: st.DataObject) -> None:
    name, value = data.draw(st.sampled_from(DOCUMENTS))
    for _ in range(data.draw(st.integers(1, 3))):
        value = mutated(value, data)
    agree(name, value)


@given(st.sampled_from(NAMES), JSON)
@example("settings", {"store": {"path": ""}})
@example("signature", [])
def test_the_judges_agree_on_any_value(name: str, value: Json) -> None:
    agree(name, value)


LISTS = st.lists(st.sampled_from(["a", "b", 1, 1.0, 2, True, False, 0, None, [1], [True], {"a": 1}, {"a": True}]))


@given(LISTS)
def test_a_list_that_is_taken_for_unique_is(value: list[Any]) -> None:
    schema = {"uniqueItems": True}
    if compile_schema(schema, lambda _: lambda _: True)(value):
        assert Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    "schema",
    [
        {"patternProperties": {}}, {"oneOf": []}, {"not": {"type": "string"}}, {"enum": [1]}, {"const": None},
        {"format": "email"},
        {"if": {"required": ["a"]}, "then": {}, "else": {}}, {"type": "tuple"}, {"items": {"contains": {}}},
    ],
)  # fmt: skip
def test_what_is_not_known_is_left_to_jsonschema(schema: dict[str, Any]) -> None:
    with pytest.raises(UnknownKeywordError):
        compile_schema(schema, lambda _: lambda _: True)


@given(st.dictionaries(st.sampled_from(["a", "b", "cc"]), SCALARS), st.sampled_from([True, False, {"type": "string"}]))
def test_the_judges_agree_on_keys(value: dict[str, Json], others: Json) -> None:
    for schema in (
        {"additionalProperties": others},
        {"properties": {"a": {"type": "integer"}}, "additionalProperties": others},
        {"propertyNames": {"maxLength": 1}, "properties": {"b": {"type": "null"}}},
    ):
        assert compile_schema(schema, lambda _: lambda _: True)(value) == Draft202012Validator(schema).is_valid(value)


@given(SCALARS)
@example(1)
@example(1.0)
def test_true_is_not_one(value: Json) -> None:
    for wanted in (True, False):
        schema = {"const": wanted}
        assert compile_schema(schema, lambda _: lambda _: True)(value) == Draft202012Validator(schema).is_valid(value)


def deep(levels: int) -> dict[str, Any]:
    kind: dict[str, Any] = {"scalar": "bool"}
    for _ in range(levels):
        kind = {"list": kind}
    return kind


def test_nesting_without_end_is_an_error_that_callers_know() -> None:
    part = {"properties": {"list": {"$ref": "#/$defs/part"}}}
    schema = {"$defs": {"part": part}, "$ref": "#/$defs/part"}
    for judge in (Draft202012Validator(schema).is_valid, compile_schema(schema, lambda _: lambda _: True)):
        assert judge(deep(10))
        with pytest.raises(RecursionError):
            judge(deep(100_000))


def test_the_judges_stop_where_a_type_of_a_signature_ends() -> None:
    field = {"name": "a", "type": deep(100_000)}
    value: Json = {
        "schema": "modelport/signature/1",
        "proto_package": "modelport.s0123456789abcdef",
        "methods": [{"name": "m", "input": "A", "output": "A"}],
        "messages": [{"name": "A", "fields": [field]}],
    }
    agree("signature", value)
    assert not accepts("signature", value)
