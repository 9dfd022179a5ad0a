"""JSON-LD: every block of every page parses, and says what the API says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pytest
from tests.site.payloads import HOSTILE
from tests.site.samples import fashion, iris, model

from modelport_site.linked_data import home_data, linked_data
from modelport_site.settings import SiteSettings

if TYPE_CHECKING:
    from pathlib import Path

HERE = SiteSettings(url="https://m.example/")


def blocks(page: str) -> list[Any]:
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return [json.loads(text) for text in found]


def nodes(page: str) -> dict[str, dict[str, Any]]:
    graph = [node for block in blocks(page) for node in block.get("@graph", [block])]
    return {node["@type"] if isinstance(node["@type"], str) else node["@type"][-1]: node for node in graph}


def test_every_block_of_every_page_parses_and_links_inside_the_site_lead_somewhere(site: Path) -> None:
    for page in site.rglob("index.html"):
        place = page.parent.relative_to(site).as_posix()
        for block in blocks(page.read_text("utf-8")):
            assert "schema.org" in json.dumps(block["@context"])
            for address in re.findall(
                r'"(?:@id|url|item|contentUrl)":"(\.[^"]*)"', json.dumps(block, separators=(",", ":"))
            ):
                target = urljoin(f"https://x.example/{place}/" if place != "." else "https://x.example/", address)
                file = site / target.removeprefix("https://x.example/")
                assert (file / "index.html").is_file() or file.is_file(), f"{place}: {address}"


@pytest.mark.parametrize("document", [iris(), fashion()], ids=lambda d: str(d["name"]))
def test_a_model_s_page_says_what_the_api_says(document: dict[str, Any], site: Path) -> None:
    api = json.loads((site / f"api/v1/models/{document['name']}.json").read_bytes())
    said = nodes((site / f"models/{document['name']}/index.html").read_text("utf-8"))
    one, release = said["fair4ml:MLModel"], api["versions"][0]
    assert one["name"] == api["title"]
    assert one["description"] == api["summary"]
    assert one["identifier"] == release["digest"]
    assert one["version"] == release["version"]
    assert one["fileSize"] == f"{release['size']} B"
    assert one["dateModified"] == release["released"]
    assert one["datePublished"] == api["versions"][-1]["released"]
    assert [a["name"] for a in one["author"]] == [a["name"] for a in api["authors"]]
    assert one["publisher"]["name"] == api["publisher"]["name"]
    assert one["license"] == [f"https://spdx.org/licenses/{i}" for i in dict.fromkeys(api["license"].values())]
    assert [d["name"] for d in one["fair4ml:trainedOn"]] == [d["name"] for d in api["training_data"]]
    assert [d["name"] for d in one["fair4ml:evaluatedOn"]] == [e["data"] for e in release["evaluations"]]
    assert [step["name"] for step in said["BreadcrumbList"]["itemListElement"]] == ["Models", api["title"]]


def test_lineage_citation_and_joined_licences_are_told() -> None:
    document = model(
        "small",
        license={"weights": "MIT OR Apache-2.0", "code": "LicenseRef-Own"},
        lineage=[
            {"relation": "fine-tuned", "model": "iris-forest"},
            {"relation": "converted", "source": "https://a.example/model"},
            {"relation": "distilled", "source": "a model on paper"},
        ],
        citation={"title": "On irises", "authors": ["Jane Doe"], "year": 1936, "doi": "10.1000/182", "venue": "Annals"},
        languages=["en"],
        links={"source": "https://a.example/source", "homepage": "https://a.example/"},
    )
    one = nodes(linked_data(document, None, HERE))["fair4ml:MLModel"]
    assert [work["name"] for work in one["license"]] == ["MIT OR Apache-2.0", "LicenseRef-Own"]
    based = one["isBasedOn"]
    assert based[0]["url"] == "https://m.example/models/iris-forest/"
    assert based[1:] == ["https://a.example/model", {"@type": "CreativeWork", "name": "a model on paper"}]
    assert one["fair4ml:fineTunedFrom"] == based[:1]
    assert one["citation"]["@id"] == "https://doi.org/10.1000/182"
    assert one["citation"]["author"][0]["name"] == "Jane Doe"
    assert one["inLanguage"] == ["en"]
    assert one["codeRepository"] == "https://a.example/source"
    assert "version" not in one  # nothing is released, so nothing is said of a release


def test_the_home_page_says_the_catalog_and_how_to_search_it(site: Path) -> None:
    here = nodes(home_data([], HERE))
    assert (
        here["WebSite"]["potentialAction"]["target"]["urlTemplate"]
        == "https://m.example/models/?q={search_term_string}"
    )
    home = nodes((site / "index.html").read_text("utf-8"))
    assert home["DataCatalog"]["dataset"]["distribution"]["contentUrl"] == "./api/v1/index.json"
    assert "potentialAction" not in home["WebSite"]  # its address must be whole, and this site knows none


@pytest.mark.parametrize("text", HOSTILE)
def test_no_words_end_a_block(text: str) -> None:
    page = linked_data(model("one", title=text, summary=text), None, HERE)
    assert page.count("<script") == page.count("</script") == 1
    assert "<!--" not in page
    assert nodes(page)["fair4ml:MLModel"]["name"] == text
