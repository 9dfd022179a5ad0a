from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelport.catalog import load_entry
from modelport.catalog.upgrade import SCHEMAS, upgrade_model
from modelport.schema import validator

EXAMPLES = Path(__file__).parents[1] / "examples/positive"
OLD: dict[str, Any] = {
    "schema": "modelport/model/1", "name": "a", "title": "A", "summary": "Does a.", "task": "other",
    "publisher": {"name": "P"}, "authors": [{"name": "P"}], "maintainers": [{"name": "P"}],
    "license": {"model": "MIT", "data": "CC0-1.0"}, "lifecycle": "draft", "intended_use": "Any.", "limits": "None.",
    "training_data": [], "citation": "P, A, 2026.",
}  # fmt: skip


def test_what_the_first_contract_said_is_said_in_the_newest() -> None:
    assert not list(validator("model-1").iter_errors(OLD))
    new = upgrade_model(OLD)
    assert new["license"] == {"weights": "MIT", "data": "CC0-1.0"}
    assert new["citation"] == {"text": "P, A, 2026."}
    assert not list(validator("model").iter_errors({"schema": "modelport/model/2", **new}))


def test_one_licence_is_that_of_weights_and_code() -> None:
    new = upgrade_model({**OLD, "schema": "modelport/model/2", "license": "MIT", "citation": {"text": "x"}})
    assert new["license"] == {"weights": "MIT", "code": "MIT"}


@pytest.mark.parametrize("schema", SCHEMAS.values())
def test_every_contract_that_is_read_has_its_schema(schema: str) -> None:
    assert list(validator(schema).iter_errors({}))  # it was found, and asks for something


def test_an_entry_of_the_first_contract_is_read() -> None:
    entry = load_entry(EXAMPLES / "with-recipe")
    assert "weights" in entry.model["license"]
    assert entry.model["audience"] == "public"
