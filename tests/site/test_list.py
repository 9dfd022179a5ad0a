"""The list in a real browser: what its numbers say is true, its state is in the address, and the keyboard is enough."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import expect
from tests.site.samples import index_of
from tests.site.thirty import thirty
from tests.site.watching import watched

from modelport.catalog.facts import slug

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

KEYS = {
    "task": "task", "takes": "takes", "gives": "gives", "framework": "frameworks", "format": "formats",
    "size": "size_class", "license": "license_class", "publisher": "publisher", "lifecycle": "lifecycle", "tag": "tags",
}  # fmt: skip
ROWS = {row["name"]: row for row in index_of(*thirty())["models"]}
LABELS = {"takes", "gives", "size", "license", "lifecycle", "task"}
"""Facets whose values are looked for in the words of their label."""
BRANDS = {"onnxruntime": "onnx runtime"}


def values(row: dict[str, Any], facet: str) -> set[str]:
    said = row[KEYS[facet]]
    return {slug(text) for text in (said if isinstance(said, list) else [said] if said else [])}


def words(text: str) -> list[str]:
    plain = text.lower().replace("ü", "u")
    return re.findall(r"[^\W_]+", plain)


def said_by(row: dict[str, Any]) -> set[str]:
    """All that a model is found by, as words."""
    texts = [row["name"], row["title"], row["summary"], row["publisher"], row["license"], *row["languages"]]
    texts += [*row["inputs"], *row["outputs"], *row["tags"], *(one["name"] for one in row["data"])]
    texts += [BRANDS.get(one, one) for one in row["frameworks"]] + row["formats"]
    texts += [value for facet in LABELS for value in values(row, facet)]
    return {word for text in texts for word in words(text)}


SAID = {name: said_by(row) for name, row in ROWS.items()}


@dataclass(frozen=True)
class Asked:
    """A question, answered here by trying every model: the law that the script is held to."""

    words: str = ""
    chosen: dict[str, frozenset[str]] = field(default_factory=dict)

    def has_word(self, name: str, word: str) -> bool:
        begins = {one for one in ROWS if any(said.startswith(word) for said in SAID[one])}
        if begins or len(word) < 3:
            return name in begins
        return any(word in said for said in SAID[name])

    def fits(self, name: str) -> bool:
        return all(values(ROWS[name], facet) & ids for facet, ids in self.chosen.items()) and all(
            self.has_word(name, word) for word in words(self.words)
        )

    def results(self) -> set[str]:
        return {name for name in ROWS if self.fits(name)}

    def plus(self, facet: str, value: str) -> Asked:
        return Asked(self.words, self.chosen | {facet: self.chosen.get(facet, frozenset()) | {value}})

    def only(self, facet: str, value: str) -> Asked:
        return Asked(self.words, self.chosen | {facet: frozenset({value})})

    @property
    def query(self) -> str:
        pairs = [("q", self.words)] if self.words else []
        return urlencode(pairs + [(facet, value) for facet, ids in self.chosen.items() for value in sorted(ids)])


def shown(page: Page) -> list[str]:
    found = page.locator("[data-mp-results] > li:visible").evaluate_all("all => all.map((one) => one.dataset.name)")
    return [str(name) for name in found]


def numbers(page: Page) -> dict[tuple[str, str], tuple[bool, str]]:
    """Every box of the panel: whether it is checked, and the number beside it."""
    found = page.locator("fieldset[data-facet] input").evaluate_all(
        "all => all.map((box) => [box.name, box.value, box.checked,"
        " box.closest('label').querySelector('.mp-choice__n').textContent])"
    )
    return {(facet, value): (checked, number) for facet, value, checked, number in found}


def settled(page: Page) -> Page:
    """Wait until the list has answered what its address asks."""
    asked = str(page.evaluate("location.search"))
    expect(page.locator("[data-mp-finder]")).to_have_attribute("data-asked", asked)
    return page


@pytest.fixture(scope="module")
def wide(browser: Browser, thirty_url: str) -> Iterator[Page]:
    with watched(browser, thirty_url, width=1440) as one:
        yield one.go("models/")


def random_question(seed: int) -> Asked:
    dice = random.Random(seed)  # noqa: S311 - no secret
    chosen = {}
    for facet in dice.sample(sorted(KEYS), dice.choice([0, 1, 1, 2, 3])):
        known = sorted({value for row in ROWS.values() for value in values(row, facet)})
        chosen[facet] = frozenset(dice.sample(known, min(len(known), dice.choice([1, 1, 2, 3]))))
    vocabulary = sorted({word for said in SAID.values() for word in said})
    typed = [dice.choice(vocabulary)[: dice.choice([2, 4, 99])] for _ in range(dice.choice([0, 0, 1, 2]))]
    return Asked(" ".join(typed), chosen)


@pytest.mark.parametrize("seed", range(14))
def test_each_number_says_what_its_choice_would_give(wide: Page, thirty_url: str, seed: int) -> None:
    asked = random_question(seed)
    wide.goto(f"{thirty_url}models/?{asked.query}")
    settled(wide)
    results = asked.results()
    assert set(shown(wide)) == results, asked
    expect(wide.locator("[data-mp-count]")).to_have_text(re.compile(rf"^{len(results)} models?( for “.*”)?$"))
    boxes = numbers(wide)
    assert {key for key, (checked, _) in boxes.items() if checked} == {
        (f, v) for f, ids in asked.chosen.items() for v in ids
    }
    for (facet, value), (checked, number) in boxes.items():
        if checked:  # how many of the results it brings
            assert int(number) == len(asked.only(facet, value).results()), (asked, facet, value)
        elif facet in asked.chosen:  # how many more it would bring
            assert int(number) == len(asked.plus(facet, value).results() - results), (asked, facet, value)
            assert number.startswith("+") == (number != "0")
        else:  # how many it would leave
            assert int(number) == len(asked.plus(facet, value).results()), (asked, facet, value)


def test_without_a_question_the_numbers_are_right_and_nothing_is_fetched(browser: Browser, thirty_url: str) -> None:
    with watched(browser, thirty_url, width=1440) as one:
        fetched: list[str] = []
        one.page.on("request", lambda request: fetched.append(request.url))
        page = one.go("models/")
        page.wait_for_selector("fieldset input")
        boxes = numbers(page)
        assert {facet for facet, _ in boxes} == set(KEYS)
        for (facet, value), (checked, number) in boxes.items():
            assert (checked, number) == (False, str(len(Asked().plus(facet, value).results())))
        assert not [url for url in fetched if "api/" in url]
        with page.expect_response("**/api/v1/search.json"):
            page.locator(".mp-search--big input").focus()


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("Fraktur", "old-print-reader"),  # a word of the summary
        ("hydrology", "river-level"),  # a tag
        ("vibration", "pump-vibration"),  # an input
        ("joints", "hand-pose"),  # an output
        ("ONNX Runtime translation", None),
        ("xgboost", "house-prices"),  # a facet's value
        ("Naturkunde", "bird-songs"),  # a publisher
        ("VoxConverse", "speech-or-silence"),  # a data set
        ("lightgbm finance", "card-fraud"),
        ("flow", "traffic-flow"),
    ],
)
def test_a_model_is_found_by_what_it_says(wide: Page, thirty_url: str, query: str, first: str | None) -> None:
    wide.goto(f"{thirty_url}models/?{urlencode({'q': query})}")
    names = shown(settled(wide))
    assert (names[0] if names else None) == first
    if query == "flow":  # and not every model made with TensorFlow
        assert set(names) == {"traffic-flow", "river-level", "iris-forest"}


def test_orders(wide: Page, thirty_url: str) -> None:
    last = {"digits-of-2024", "loan-scores"}
    orders = {
        "name": lambda row: row["title"].lower(),
        "newest": lambda row: (-int((row["released"] or "0").replace("-", "")), row["latest"] is None, row["name"]),
        "smallest": lambda row: (row["size"] or 1e99, row["name"]),
    }
    for sort, key in orders.items():
        wide.goto(f"{thirty_url}models/")
        wide.get_by_label("Sort by").select_option(sort)
        names = shown(settled(wide))
        assert wide.url.endswith(f"?sort={sort}")
        assert set(names[-2:]) == last
        assert names[:-2] == [row["name"] for row in sorted(ROWS.values(), key=key) if row["name"] not in last]


def test_the_state_is_in_the_address_and_back_takes_back(browser: Browser, thirty_url: str) -> None:
    with watched(browser, thirty_url, width=1440) as one:
        page = one.go("models/?from=elsewhere")
        steps = [(page.url, shown(page))]

        def done(wanted: dict[str, Any]) -> None:
            settled(page)
            assert sorted(parse_qsl(urlsplit(page.url).query)) == sorted([("from", "elsewhere"), *wanted["pairs"]])
            steps.append((page.url, shown(page)))

        page.get_by_role("checkbox", name=re.compile("^Image classification")).check()
        done({"pairs": [("task", "image-classification")]})
        page.get_by_role("checkbox", name=re.compile("^Keras")).check()
        done({"pairs": [("task", "image-classification"), ("framework", "keras")]})
        page.locator(".mp-search--big input").press_sequentially("clothing", delay=5)
        page.wait_for_url("**q=clothing*")
        done({"pairs": [("q", "clothing"), ("task", "image-classification"), ("framework", "keras")]})
        page.get_by_label("Sort by").select_option("newest")
        done(
            {"pairs": [("q", "clothing"), ("task", "image-classification"), ("framework", "keras"), ("sort", "newest")]}
        )
        page.get_by_role("button", name="Remove Task: Image classification").click()
        done({"pairs": [("q", "clothing"), ("framework", "keras"), ("sort", "newest")]})
        page.get_by_role("button", name="Clear all").click()
        done({"pairs": [("sort", "newest")]})
        assert len({url for url, _ in steps}) == len(steps)
        for url, names in reversed(steps[:-1]):
            page.go_back()
            assert page.url == url
            settled(page)
            assert shown(page) == names
            expect(page.locator(".mp-search--big input")).to_have_value("clothing" if "q=" in url else "")
        # The same address, opened afresh, shows the same.
        for url, names in steps:
            page.goto(url)
            settled(page)
            assert shown(page) == names


def test_what_nobody_has_is_said_and_can_be_taken_back(wide: Page, thirty_url: str) -> None:
    wide.goto(f"{thirty_url}models/?task=levitation&size=")
    settled(wide)
    assert shown(wide) == []
    assert wide.get_by_role("checkbox", name="levitation").is_checked()
    wide.get_by_role("button", name="Remove Task: levitation").click()
    assert len(shown(settled(wide))) == len(ROWS)


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ("q=leaf&task=translation", {"Drop the word “leaf”", "Drop the filter Task: Translation"}),
        ("q=leaf+zebra", {"Drop the word “zebra”"}),
        ("q=fotographs", {"Search for “photographs” instead of “fotographs”"}),
        ("q=speach+audio", {"Search for “speech” instead of “speach”", "Drop the word “speach”"}),
        ("q=qqq+leaf&task=translation&license=restricted", {"Drop all filters and search for “leaf”"}),
        ("task=translation&task=summarization&license=permissive&takes=text", {"Drop the filter Licence: Permissive"}),
    ],
)
def test_advice_on_nothing_is_true(wide: Page, thirty_url: str, query: str, offered: set[str]) -> None:
    wide.goto(f"{thirty_url}models/?{query}")
    settled(wide)
    none = wide.locator("[data-mp-none]")
    expect(none).to_be_visible()
    lines = [line.inner_text() for line in none.locator("li").all()]
    assert offered <= {line.rpartition(":")[0] for line in lines}
    for number, line in enumerate(lines):
        wide.goto(f"{thirty_url}models/?{query}")
        settled(wide)
        none.locator("li a").nth(number).click()
        settled(wide)
        assert int(re.findall(r"(\d+) models?$", line)[0]) == len(shown(wide)) > 0


def test_the_keyboard_is_enough(browser: Browser, thirty_url: str) -> None:
    with watched(browser, thirty_url, width=1440) as one:
        page = one.go("models/")
        focused = "[document.activeElement.name, document.activeElement.value].join()"
        page.keyboard.press("/")
        page.keyboard.type("weather")
        settled(page)
        page.keyboard.press("Tab")  # the button
        page.keyboard.press("Tab")
        assert page.evaluate(focused) == "task,image-classification"
        for _ in range(2):
            page.keyboard.press("Tab")
        assert page.evaluate(focused) == "task,time-series-forecasting"
        page.keyboard.press("Space")
        settled(page)
        assert page.evaluate(focused) == "task,time-series-forecasting"  # the focus stays where it was
        page.keyboard.press("Space")
        settled(page)
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Space")
        settled(page)
        assert shown(page) == ["soil-moisture"]
        page.get_by_label("Sort by").focus()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Remove Task: Tabular regression")).to_be_focused()
        page.keyboard.press("Enter")
        settled(page)
        expect(page.get_by_role("button", name="Clear all")).to_be_focused()  # what took its place
        page.keyboard.press("Enter")
        settled(page)
        expect(page.locator("[data-mp-count]")).to_be_focused()
        assert len(shown(page)) == len(ROWS)
        page.keyboard.press("/")
        page.keyboard.type("moth")
        settled(page)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/models/moth-finder/")


def test_the_count_is_said_once_when_typing_pauses(browser: Browser, thirty_url: str) -> None:
    with watched(browser, thirty_url, width=1440) as one:
        page = one.go("models/")
        page.evaluate(
            "() => { window.said = []; const count = document.querySelector('[data-mp-count]');"
            " new MutationObserver(() => said.push(count.textContent)).observe(count, { childList: true }); }"
        )
        page.locator(".mp-search--big input").press_sequentially("speech", delay=20)
        expect(page.locator("[data-mp-count]")).to_have_text("2 models for “speech”")
        assert page.evaluate("said") == ["2 models for “speech”"]


@pytest.mark.parametrize("width", [390, 1440])
def test_the_filters_open_on_demand_where_room_is_scarce(browser: Browser, thirty_url: str, width: int) -> None:
    for scripts in (True, False):
        with watched(browser, thirty_url, width=width, scripts=scripts) as one:
            page = one.go("models/")
            choice = page.locator("fieldset[data-facet=task] .mp-choice").first
            summary = page.locator(".mp-facets > summary")
            expect(summary).to_be_visible(visible=width == 390)
            expect(choice).to_be_visible(visible=width == 1440)
            if width == 390:
                summary.click()
                expect(choice).to_be_visible()
            assert choice.locator("a, label").bounding_box()["height"] >= 24  # type: ignore[index]


def test_without_scripts_all_models_are_there_and_filters_are_pages(browser: Browser, thirty_url: str) -> None:
    with watched(browser, thirty_url, width=1440, scripts=False) as one:
        page = one.go("models/?task=translation")
        assert len(shown(page)) == len(ROWS)
        assert page.locator("fieldset input").count() == 0
        page.get_by_role("link", name=re.compile("^Audio classification")).click()
        assert page.url == f"{thirty_url}browse/task/audio-classification/"
        names = page.locator("li.mp-card").evaluate_all("all => all.map((one) => one.dataset.name)")
        assert set(names) == Asked().plus("task", "audio-classification").results()
