"""Pages that list models without scripts: one for each value, publisher and data set; and the index they agree with."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from tests.site.samples import catalog, index_of, model
from tests.site.thirty import thirty

from modelport.catalog.facts import slug
from modelport_site import build_site
from modelport_site.facets import FACETS, values_of
from modelport_site.output import LIST_FILE
from modelport_site.search_index import search_index

if TYPE_CHECKING:
    from pathlib import Path

ROWS = index_of(*thirty())["models"]
LAST = {"digits-of-2024", "loan-scores"}


def cards(page: str) -> list[str]:
    return re.findall(r'<li class="mp-card[^>]*data-name="([^"]*)"', page)


def bare(page: str) -> str:
    article = page.partition("<article")[2].partition("</article>")[0]
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", article).split()))


def linked(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    graph: list[dict[str, Any]] = json.loads(text)["@graph"]
    return {one["@type"]: one for one in graph}


def test_every_value_has_a_page_with_its_models_and_no_others(thirty_site: Path) -> None:
    wanted: dict[str, set[str]] = {}
    for row in ROWS:
        for facet in FACETS:
            for value, _ in values_of(facet, row):
                wanted.setdefault(facet.place(value), set()).add(row["name"])
    found = {
        f"{page.parent.relative_to(thirty_site)}/": page.read_text("utf-8")
        for folder in ("browse/*", "publishers")
        for page in thirty_site.glob(f"{folder}/*/index.html")
    }
    assert found.keys() == wanted.keys()
    for place, page in found.items():
        names = cards(page)
        assert set(names) == wanted[place], place
        assert len(names) == len(set(names))
        last = [name in LAST for name in names]
        assert last == sorted(last), place  # nobody starts with those
        items = linked(page)["ItemList"]["itemListElement"]
        assert [one["url"].rstrip("/").rpartition("/")[2] for one in items] == names
        assert len(linked(page)["BreadcrumbList"]["itemListElement"]) == 3


def test_titles_and_descriptions_tell_pages_apart(thirty_site: Path) -> None:
    pages = [
        *thirty_site.glob("browse/**/index.html"), *thirty_site.glob("data/*/index.html"),
        *thirty_site.glob("publishers/*/index.html"), thirty_site / "models/index.html", thirty_site / "index.html",
    ]  # fmt: skip
    titles = {re.findall(r"<title>(.*?)</title>", page.read_text("utf-8"))[0] for page in pages}
    descriptions = {
        re.findall(r'<meta name="description" content="([^"]*)"', page.read_text("utf-8"))[0] for page in pages
    }
    assert len(titles) == len(descriptions) == len(pages)
    for title in titles:
        name, _, site = title.rpartition(" - ")
        assert name, title
        assert name != site
    for title in (
        "Models for image classification",
        "Models for other tasks",
        "Models that take images",
        "Models that give text",
        "Models made with ONNX Runtime",
        "Models in .onnx files",
        "Models under 1 MB",
        "Models of 1 to 10 MB",
        "Models over 100 MB",
        "Models tagged agriculture",
        "Models under a weak copyleft licence",
        "Deprecated models",
        "Models by Nordlicht Labs",
        "Fashion-MNIST, a data set",
    ):
        assert f"{title} - Modelport" in titles


def test_the_page_of_all_values_has_them_all_with_their_numbers(thirty_site: Path) -> None:
    page = (thirty_site / "browse/index.html").read_text("utf-8")
    for place in [*thirty_site.glob("browse/*/*/"), *thirty_site.glob("publishers/*/")]:
        count = len(cards((place / "index.html").read_text("utf-8")))
        link = re.escape(f'href="../{place.relative_to(thirty_site)}/"')
        (number,) = re.findall(rf'{link}>.*?<span class="mp-choice__n">(\d+)', page)
        assert int(number) == count
    assert {place.name for place in thirty_site.glob("data/*/")} == set(re.findall(r'href="../data/([^"]*)/"', page))


def test_deprecated_and_yanked_are_marked_in_words(thirty_site: Path) -> None:
    page = bare((thirty_site / "browse/task/image-classification/index.html").read_text("utf-8"))
    assert re.search(r"Deprecated and yanked digits-of-2024:1.0.0 deprecated", page)
    assert "yanked" in bare((thirty_site / "publishers/nordlicht-labs/index.html").read_text("utf-8"))
    assert (
        bare((thirty_site / "browse/lifecycle/yanked/index.html").read_text("utf-8")).count("Deprecated and yanked")
        == 0
    )


def test_a_publisher_leads_to_its_own_site(thirty_site: Path) -> None:
    page = (thirty_site / "publishers/nordlicht-labs/index.html").read_text("utf-8")
    assert '<a href="https://nordlicht.example" rel="nofollow noopener">' in page
    assert slug("Museum für Naturkunde") in {place.name for place in thirty_site.glob("publishers/*/")}


def test_a_data_set_says_who_was_trained_and_measured_on_it(site: Path, thirty_site: Path) -> None:
    page = (site / "data/fashion-mnist/index.html").read_text("utf-8")
    text = bare(page)
    for part in (
        "Zalando Research",
        "MIT",
        "0.9021",
        "0.8961 to 0.9078",
        "10,000",
        "60,000",
        "publisher",
        "accuracy",
        "test",
    ):
        assert part in text, part
    assert linked(page)["Dataset"] | {"description": ""} == {
        "@type": "Dataset", "name": "Fashion-MNIST", "license": "MIT", "description": "",
    }  # fmt: skip
    # Measured on one, trained on another; the better known figure does not hide the withdrawn model.
    assert "No model of this catalog was trained on it." in bare(
        (thirty_site / "data/newstest2019/index.html").read_text("utf-8")
    )
    assert "No model of this catalog reports a figure" in bare(
        (thirty_site / "data/tatoeba/index.html").read_text("utf-8")
    )
    mnist = bare((thirty_site / "data/mnist/index.html").read_text("utf-8"))
    assert mnist.index("Digits accuracy") < mnist.index("Digits of 2024 deprecated accuracy")


def test_a_change_makes_only_the_pages_anew_on_which_it_stands(cache: Path, tmp_path: Path) -> None:
    models = thirty()
    build_site(index_of(*models), models, tmp_path / "out", cache=cache)
    before = {
        p.relative_to(tmp_path / "out").as_posix(): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    (moth,) = (one for one in models if one["name"] == "moth-finder")
    moth["summary"] = "Counts moths by night."
    build_site(index_of(*models), models, tmp_path / "out", cache=cache)
    changed = {path for path in before if (tmp_path / "out" / path).read_bytes() != before[path]} - {LIST_FILE}
    (row,) = (one for one in index_of(moth)["models"])
    places = {f"{facet.place(value)}index.html" for facet in FACETS for value, _ in values_of(facet, row)}
    lists = {path for path in changed if path.startswith(("browse/", "publishers/", "data/", "models/index"))}
    assert lists == places | {"models/index.html"}
    assert {"api/v1/search.json", "api/v1/index.json", "models/moth-finder/index.html"} <= changed


def test_the_search_index_holds_the_rows_in_columns(thirty_site: Path) -> None:
    index = json.loads((thirty_site / "api/v1/search.json").read_text("utf-8"))
    assert index["schema"] == "modelport/site-search/2"
    rows = {row["name"]: row for row in ROWS}
    assert set(index["name"]) == set(rows)
    assert index["name"][-2:] == ["digits-of-2024", "loan-scores"]
    for facet in FACETS:
        column = index["facets"][facet.key]
        assert len(column["ids"]) == len(column["labels"]) == len(set(column["ids"]))
        for name, cell in zip(index["name"], column["rows"], strict=True):
            numbers = cell if isinstance(cell, list) else [cell] if cell >= 0 else []
            pairs = {(column["ids"][number], column["labels"][number]) for number in numbers}
            assert pairs == set(values_of(facet, rows[name]))
    # Small: a model costs about what its own words do.
    assert len((thirty_site / "api/v1/search.json").read_bytes()) < 600 * len(rows)


def test_two_texts_with_one_address_share_a_page(cache: Path, tmp_path: Path) -> None:
    models = [model("one", publisher={"name": "Open Lab"}), model("two", publisher={"name": "open-lab"})]
    build_site(index_of(*models), models, tmp_path / "out", cache=cache)
    assert cards((tmp_path / "out/publishers/open-lab/index.html").read_text("utf-8")) == ["one", "two"]
    column = search_index(index_of(*models)["models"], {})["facets"]["publisher"]
    assert column == {"ids": ["open-lab"], "labels": ["Open Lab"], "rows": [0, 0]}


def test_values_of_any_letters_have_pages(cache: Path, tmp_path: Path) -> None:
    names = ["Ōsaka 研究所", "../../etc", "研究所", "<b>", "&amp;"]
    models = [
        model(f"m{number}", publisher={"name": name}, training_data=[{"name": name, "source": "x"}])
        for number, name in enumerate(names)
    ]
    build_site(index_of(*models), models, tmp_path / "out", cache=cache)
    for folder in ("publishers", "data"):
        assert {place.name for place in (tmp_path / "out" / folder).iterdir()} == {slug(name) for name in names}
    for number, name in enumerate(names):
        assert cards((tmp_path / f"out/publishers/{slug(name)}/index.html").read_text("utf-8")) == [f"m{number}"]
        assert f"Models by {name}" in bare((tmp_path / f"out/publishers/{slug(name)}/index.html").read_text("utf-8"))


def test_home_says_what_this_is(thirty_site: Path, site: Path, cache: Path, tmp_path: Path) -> None:
    page = (thirty_site / "index.html").read_text("utf-8")
    assert "<title>Modelport - Modelport</title>" not in page
    assert set(cards(page)) == {"fashion-classifier", "iris-forest", "movie-reviews"}  # the newest
    assert "browse/task/image-classification/" in page
    for guide in ("user", "contributor", "edge", "owner"):
        assert f'href="start/{guide}/"' in page
    assert "bad-scores" not in cards((site / "index.html").read_text("utf-8"))
    drafts = [model("plan", lifecycle="draft")]
    build_site(index_of(*drafts), drafts, tmp_path / "out", cache=cache)
    assert cards((tmp_path / "out/index.html").read_text("utf-8")) == ["plan"]


@pytest.mark.parametrize("models", [[], catalog()[:1]])
def test_small_catalogs_have_whole_pages(cache: Path, tmp_path: Path, models: list[dict[str, Any]]) -> None:
    build_site(index_of(*models), models, tmp_path / "out", cache=cache)
    text = bare((tmp_path / "out/browse/index.html").read_text("utf-8"))
    assert ("no models yet" in text) == (not models)
