from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from modelport.catalog import index_document, load_catalog, load_entry, model_document
from modelport.catalog.completeness import PARTS, completeness

if TYPE_CHECKING:
    from collections.abc import Callable

CATALOG = Path(__file__).parents[1] / "examples/positive/a-catalog"
BARE = {
    **model_document(load_entry(CATALOG / "models/gpt")),
    "summary": "TODO: say it", "task": "text-generation", "tags": [],
    "maintainers": [{"name": "Ada"}], "training_data": [],
    "versions": [{"version": "1.0.0", "signature": {"methods": [{"name": "a"}], "messages": []}}], "latest": "1.0.0",
}  # fmt: skip


def version(model: dict[str, Any], **more: object) -> None:
    model["versions"][0] |= more


def every_data(model: dict[str, Any], **more: object) -> None:
    model["training_data"] = [one | more for one in model["training_data"] or [{"name": "Iris", "source": "x"}]]


ADDING: dict[str, Callable[[dict[str, Any]], object]] = {
    "placeholders": lambda m: m.update(summary="Says it."),
    "examples": lambda m: version(m, examples=[{}]),
    "evaluations": lambda m: version(m, evaluations=m["versions"][0].get("evaluations") or [{"value": 1}]),
    "card": lambda m: m.update(card="Word. " * 100),
    "limits": lambda m: m.update(limits="Word. " * 100),
    "intended_use": lambda m: m.update(intended_use="Word. " * 100),
    "maintainers": lambda m: m["maintainers"].append({"name": "Bo", "github": "bo"}),
    "citation": lambda m: m.update(citation={"text": "x"}),
    "interval": lambda m: version(m, evaluations=[{"value": 1, "interval": [0, 1]}]),
    "links": lambda m: m.update(links={"homepage": "https://example.org"}),
    "training_data": every_data,
    "data_license": lambda m: every_data(m, license="MIT"),
    "languages": lambda m: m.update(languages=["en"]),
    "tags": lambda m: m.update(tags=["a", "b"]),
    "docs": lambda m: version(m, signature={"methods": [{"name": "a", "doc": "Does a."}], "messages": []}),
    "recipe": lambda m: m.update(recipe=True),
    "samples": lambda m: every_data(m, samples=3),
    "resources": lambda m: version(m, resources={}),
}


def test_the_parts_are_worth_a_hundred_and_stand_in_order() -> None:
    points = [points for points, _, _ in PARTS.values()]
    assert sum(points) == 100
    assert points == sorted(points, reverse=True)


def test_an_entry_that_says_nothing_has_no_points_and_is_told_of_the_placeholders_first() -> None:
    found = completeness(BARE)
    assert (found.score, len(found.missing)) == (0, len(PARTS))
    assert found.missing[0].advice == "write what is still TODO: summary"


@given(st.permutations(list(ADDING)))
def test_adding_what_is_missing_never_lowers_the_score_and_all_of_it_makes_a_hundred(order: list[str]) -> None:
    model = copy.deepcopy(BARE)
    before = completeness(model)
    for key in order:
        had = {one.key for one in before.missing}
        ADDING[key](model)
        after = completeness(model)
        left = {one.key for one in after.missing}
        assert left < had if key in had else left <= had
        assert after.score == before.score + sum(PARTS[one][0] for one in had - left)
        before = after
    assert (before.score, before.missing) == (100, ())


def test_every_model_of_an_index_has_its_score() -> None:
    entries = load_catalog(CATALOG)
    rows = index_document(entries)["models"]
    assert [row["completeness"] for row in rows] == [completeness(model_document(e)).score for e in entries]
    assert all(0 <= row["completeness"] <= 100 for row in rows)


def test_a_model_that_waits_for_its_first_version_has_a_score() -> None:
    document = model_document(load_entry(CATALOG / "models/gpt"))
    assert completeness(document).to_json()["missing"][0]["key"] == "examples"
