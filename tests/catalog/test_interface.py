from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.every_kind import signature

from modelport.catalog import read_yaml
from modelport.catalog.rules.interface import _readable, check_interface, interface_files

if TYPE_CHECKING:
    from random import Random

ROOT = Path(__file__).parents[2]
VERSIONS = sorted(ROOT.glob("catalog/models/*/versions/*.yaml"))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@given(JSON)
def test_what_people_read_is_written_as_packages_write_it(value: object) -> None:
    assert _readable(value).decode("utf-8", "surrogatepass") == json.dumps(value, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: f"{file.parts[-3]}-{file.stem}")
def test_versions_of_the_catalog_say_what_their_packages_say(file: Path) -> None:
    document = read_yaml(file.read_bytes(), str(file))
    listed = {one["path"] for one in document.value["files"]}
    made = interface_files(document.value, dict.fromkeys(listed))
    assert {"signature.json", "evaluations.json"} <= made.keys()
    assert sum(path.startswith("examples/") for path in made) == len(document.value["examples"])
    assert list(check_interface(document)) == []


@given(st.randoms(use_true_random=False))
def test_a_signature_of_every_kind_is_written_as_packages_write_it(random: Random) -> None:
    def shuffled(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {key: shuffled(value[key]) for key in random.sample(list(value), len(value))}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    document = signature().to_json()
    # Types and defaults are a reader's as they stand; all around them is put in order.
    types = {id(f): f["type"] for m in document["messages"] for f in m["fields"]}
    mixed = shuffled(document)
    for message, right in zip(mixed["messages"], document["messages"], strict=True):
        for field, one in zip(message["fields"], right["fields"], strict=True):
            field["type"] = types[id(one)]
    content = interface_files({"signature": mixed}, {"signature.json": None})["signature.json"][1]
    assert content.decode() == json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def example(number: int) -> dict[str, Any]:
    return {"method": "classify", "input": {}, "output": {}, "tolerance": float(number)}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        *[
            (lambda value, gone=gone: value["files"].remove(next(f for f in value["files"] if f["path"] == gone)), path)
            for gone, path in {
                "signature.json": "files",
                "evaluations.json": "files",
                "examples/classify-001.json": "examples[0]",
            }.items()
        ],
        (lambda value: value["examples"].append(example(2)), "examples[1]"),
        (lambda value: value["examples"].clear(), "files[2].path"),
        (lambda value: value["files"].append(value["files"][0] | {"path": "examples/other.json"}), "files[8].path"),
    ],
)
def test_the_interface_is_listed_whole_and_nothing_else_is(change: Any, path: str) -> None:  # noqa: ANN401 - a change of any JSON
    document = read_yaml(VERSIONS[0].read_bytes(), "x")
    change(document.value)
    assert [(p.rule, p.path) for p in check_interface(document)] == [("version-interface", path)]


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("signature", lambda value: value["methods"][0].update(doc="Another.")),
        ("examples", lambda value: value[0]["input"].clear()),
        ("evaluations", lambda value: value[0].update(value=0.5)),
    ],
)
def test_any_other_interface_is_told_of(key: str, change: Any) -> None:  # noqa: ANN401 - a change of any JSON
    document = read_yaml(VERSIONS[0].read_bytes(), "x")
    change(document.value[key])
    (problem,) = check_interface(document)
    assert (problem.rule, problem.path.partition("[")[0]) == ("version-interface", key)
