"""The page of each of the catalog's models, served as users serve it: every golden example answers as recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import FilePayload, expect
from tests.serve.judging import CASES, judge
from tests.serve.paging import Method, axe_of, gradient, opened, plain
from tests.support.counts import record

from modelport.catalog import load_entry
from modelport.package.closeness import differences

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser
    from tests.support.commands import Workplace


def test_each_golden_example_goes_through_the_form(browser: Browser, built: Workplace, entry: Path) -> None:
    examples = load_entry(entry).versions[0].document["examples"]
    with built.service(entry.name) as service, opened(browser, service.url) as one:
        for number, example in enumerate(examples, 1):
            form = Method(one.page, example["method"])
            form.example(number)
            assert form.rewrite() == plain(example["input"])
            assert not differences(plain(example["output"]), form.answer(), example["tolerance"], "answer")
        found = [axe_of(browser, service.url, width, scheme) for width in (390, 1440) for scheme in ("light", "dark")]
        assert found == [[]] * 4


def test_a_photograph_of_cloth_is_told(browser: Browser, built: Workplace) -> None:
    photograph = FilePayload(name="bag.png", mimeType="image/png", buffer=gradient(300, 400))
    with built.service("fashion-classifier") as service, opened(browser, service.url) as one:
        form = Method(one.page, "classify")
        form.part.get_by_role("button", name="Start anew").click()
        form.part.get_by_label("file for images").set_input_files([photograph, photograph])
        expect(form.part.locator(".strip canvas")).to_have_count(2)
        assert len(form.answer()["labels"]) == 2
        expect(form.out.locator(".bars")).to_have_count(2)


def test_flowers_are_pasted(browser: Browser, built: Workplace) -> None:
    with built.service("iris-forest") as service, opened(browser, service.url) as one:
        form = Method(one.page, "classify")
        form.part.get_by_role("button", name="Paste or open CSV").click()
        rows = (
            "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n"
        )
        form.part.get_by_label("CSV", exact=True).fill(rows)
        form.part.get_by_role("button", name="Use these 2 rows").click()
        assert form.answer()["species"] == ["setosa", "virginica"]


def test_the_service_does_what_its_document_says(built: Workplace, entry: Path) -> None:
    with built.service(entry.name) as service:
        counted = judge(service.url, CASES)
    assert counted["cases"] >= CASES
    record(
        f"requests to {entry.name} that schemathesis drew from its OpenAPI document", counted["cases"], "requests", 500,
        "pytest tests/acceptance/test_page.py", room="serve",
    )  # fmt: skip


@pytest.mark.parametrize("option", ["", ":1.4.0"])
def test_the_document_has_the_models_version(built: Workplace, option: str) -> None:
    with built.service(f"iris-forest{option}") as service:
        info = httpx.get(f"{service.url}/openapi.json").json()["info"]
    assert (info["title"], info["version"]) == ("iris-forest", "1.4.0")
