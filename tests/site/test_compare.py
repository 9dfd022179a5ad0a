"""Comparing versions: nothing differs from itself, exactly what changed is told, and the script tells the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect
from tests.site.model_samples import child, huge, rich
from tests.site.samples import catalog, index_of, iris
from tests.site.watching import watched

from modelport_site import build_site, serve_site
from modelport_site.diff import Fact, Facts, changes_between, compare, diff, facts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

LABELS = st.text("abc._ ", min_size=1, max_size=3)
FACTS = st.builds(
    lambda groups: {key: {label: Fact(shown, exact) for label, (shown, exact) in rows.items()} for key, rows in groups},
    st.dictionaries(
        st.sampled_from(["signature", "metrics", "requirements", "files", "package"]),
        st.dictionaries(LABELS, st.tuples(st.sampled_from(["1", "2"]), st.sampled_from(["x", "y"])), max_size=4),
    ).map(dict.items),
)


@given(FACTS)
def test_nothing_differs_from_itself(facts: Facts) -> None:
    assert diff(facts, facts) == {}
    assert all(row.change == "same" for _, rows in compare(facts, facts) for row in rows)


@given(FACTS, FACTS)
def test_a_difference_tells_exactly_what_changed(old: Facts, new: Facts) -> None:
    changes = {(key, row.label): row for key, rows in diff(old, new).items() for row in rows}
    for key in {*old, *new}:
        before, after = old.get(key, {}), new.get(key, {})
        for label in {*before, *after}:
            row = changes.pop((key, label), None)
            if label not in before:
                assert row is not None
                assert (row.change, row.before, row.after) == ("added", "", after[label].shown)
            elif label not in after:
                assert row is not None
                assert (row.change, row.before, row.after) == ("removed", before[label].shown, "")
            elif before[label].exact == after[label].exact:
                assert row is None
            else:
                assert row is not None
                assert row.change == "changed"
                assert (row.before, row.after) == (before[label].shown, after[label].shown)
    assert changes == {}


@given(FACTS, FACTS)
def test_the_way_back_is_the_way_reversed(old: Facts, new: Facts) -> None:
    back = {"added": "removed", "removed": "added", "changed": "changed"}
    there = {(k, row.label, row.change, row.before, row.after) for k, rows in diff(old, new).items() for row in rows}
    again = {(k, r.label, back[r.change], r.after, r.before) for k, rows in diff(new, old).items() for r in rows}
    assert there == again


SPLIT = "a third held out (test_size=0.33, random_state=42)"
CHANGES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    ("one more requirement", {"requirements": ["numpy==2.4.6", "scikit-learn==1.9.1", "skops==0.16.0"]},
     [("requirements", "skops", "added")]),
    ("another release", {"requirements": ["numpy==2.4.6", "scikit-learn==1.9.2"]},
     [("requirements", "scikit-learn", "changed")]),
    ("a byte more", {"size": 152_341}, [("package", "download", "changed")]),
    ("measured", {"resources": {"memory": 1, "environment": 2}},
     [("package", "memory", "changed"), ("package", "installed requirements", "changed")]),
    ("safer", {"tier": "data-only"}, [("package", "trust tier", "changed")]),
    ("no figures", {"evaluations": []},
     [("metrics", f"accuracy on Iris, {SPLIT}, by the publisher", "removed")]),
    ("only its date and digest", {"released": "2030-01-01", "digest": "sha256:" + "0" * 64}, []),
]  # fmt: skip


@pytest.mark.parametrize(("_what", "change", "rows"), CHANGES, ids=[one[0] for one in CHANGES])
def test_a_changed_version_differs_in_what_was_changed(
    _what: str, change: dict[str, Any], rows: list[tuple[str, str, str]]
) -> None:
    old = iris()["versions"][0]
    found = diff(facts_of(old), facts_of(old | change))
    assert [(key, row.label, row.change) for key, listed in found.items() for row in listed] == rows


def test_a_changed_interface_is_told_method_by_method_and_field_by_field() -> None:
    newest, _, first = rich()["versions"]
    signature = newest["signature"]
    changed = signature | {
        "messages": [
            message | {"fields": [*message["fields"][1:], {"name": "image", "type": message["fields"][0]["type"]}]}
            if message["name"] == "Photos"
            else message
            for message in signature["messages"]
        ]
    }
    found = diff(facts_of(first), facts_of(newest | {"signature": changed}))["signature"]
    assert {(row.label, row.change) for row in found} == {
        ("method score", "added"),
        ("method count", "removed"),
        ("Photos.images", "removed"),
        ("Photos.image", "added"),
    }
    other = {"tensor": {"dtype": "uint8", "shape": ["n", 28, 29]}}
    signature["messages"][0]["fields"][0]["type"] = other
    (row,) = [row for row in diff(facts_of(first), facts_of(newest))["signature"] if row.change == "changed"]
    assert (row.label, row.before, row.after) == (
        "Photos.images",
        "tensor of uint8 (n \N{MULTIPLICATION SIGN} 28 \N{MULTIPLICATION SIGN} 28)",
        "tensor of uint8 (n \N{MULTIPLICATION SIGN} 28 \N{MULTIPLICATION SIGN} 29)",
    )


def test_changes_in_between_are_those_after_the_older() -> None:
    versions = rich()["versions"]
    assert changes_between(versions, "2.0.0", "2.1.0") == [
        ("added", ["The method score."]),
        ("fixed", ["Dark photographs are no longer empty."]),
    ]
    assert changes_between(versions, "2.1.0", "1.0.0") == changes_between(versions, "1.0.0", "2.1.0")
    assert dict(changes_between(versions, "1.0.0", "2.1.0"))["changed"] == [
        "Trained on twice as many photographs. (2.0.0)"
    ]
    assert changes_between(versions, "1.0.0", "1.0.0") == []


@pytest.fixture(scope="module")
def rich_url(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    out = tmp_path_factory.mktemp("rich") / "out"
    models = [*catalog(), rich(), child(), huge()]
    build_site(index_of(*models), models, out, cache=cache)
    with serve_site(out, 0) as served:
        yield served.url


BODY = "e => e.innerText.trim()"


def test_the_script_tells_what_the_page_tells(browser: Browser, rich_url: str) -> None:
    with watched(browser, rich_url) as one:
        for name in ("coat-parts", "iris-forest"):
            page = one.go(f"models/{name}/compare/")
            said = {
                body.get_attribute("data-mp-pair"): body.evaluate(BODY) for body in page.locator("[data-mp-pair]").all()
            }
            assert said
            for pair, text in said.items():
                old, _, new = str(pair).partition(" ")
                page = one.go(f"models/{name}/compare/?from={old}&to={new}")
                made = page.locator("[data-mp-compared] .mp-diff__body")
                expect(made).to_be_visible()
                assert made.evaluate(BODY) == text


def choose(page: Page, old: str, new: str) -> None:
    page.get_by_label("From").select_option(old)
    page.get_by_label("to", exact=True).select_option(new)
    page.get_by_role("button", name="Compare").click()


def test_any_two_versions_can_be_compared_and_the_address_keeps_them(browser: Browser, rich_url: str) -> None:
    with watched(browser, rich_url) as one:
        page = one.go("models/coat-parts/compare/")
        choose(page, "1.0.0", "2.1.0")
        heading = page.locator("[data-mp-compared] h2")
        expect(heading).to_have_text("1.0.0 → 2.1.0")
        expect(heading).to_be_focused()
        assert page.url.endswith("?from=1.0.0&to=2.1.0")
        expect(page.locator("[data-mp-compared]")).to_contain_text("pillow")
        choose(page, "2.1.0", "2.1.0")
        expect(page.locator("[data-mp-compared] .mp-diff--changed, [data-mp-compared] .mp-diff--added")).to_have_count(
            0
        )
        page.go_back()
        expect(heading).to_have_text("1.0.0 → 2.1.0")
        page = one.go("models/coat-parts/compare/?from=1.0.0&to=%3Cimg%20src=x%3E")
        expect(page.locator("[data-mp-compared]")).to_have_text(
            "This cannot be compared: there is no version <img src=x>"
        )


def test_neighbours_are_compared_without_scripts(browser: Browser, rich_url: str) -> None:
    with watched(browser, rich_url, scripts=False) as one:
        page = one.go("models/coat-parts/")
        page.get_by_role("link", name="2.0.0 against the one before").click()
        expect(page).to_have_url(f"{rich_url}models/coat-parts/compare/#v1.0.0-to-2.0.0")
        expect(page.locator("form.mp-compare")).to_be_hidden()
        expect(page.get_by_text("let this site run its scripts")).to_be_visible()
        section = page.locator("[data-mp-pair='1.0.0 2.0.0']")
        expect(section.get_by_role("row", name="method count")).to_contain_text("removed")
        expect(page.locator("[data-mp-pair]")).to_have_count(2)


def test_a_model_with_one_version_has_no_page_to_compare(site: Path) -> None:
    assert not (site / "models/fashion-classifier/compare").exists()
    assert "compare/" not in (site / "models/fashion-classifier/index.html").read_text("utf-8")
