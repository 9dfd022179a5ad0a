"""The model page: what it says is so, what it tells to type works, and everybody can read it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect
from tests.site.model_samples import child, evidence, huge, rich
from tests.site.samples import catalog, fashion, index_of, iris, model
from tests.site.watching import watched

from modelport.cli import _parser
from modelport.errors import FormatError
from modelport.package import model_from_file, pack
from modelport.schema import validator
from modelport.types import Reference
from modelport_site import build_site, serve_site
from modelport_site.around import look_around
from modelport_site.evidence import last_reproduced
from modelport_site.plots import metric_series
from modelport_site.snippets import PORT, first_calls, usage_tabs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
SOURCE = "# what a person wrote\nname: coat-parts\n"
SETTINGS = {"url": "https://m.example/", "repository": "https://github.com/modelport/catalog", "branch": "trunk"}


@pytest.fixture(scope="module")
def rich_site(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rich") / "out"
    models = [*catalog(), rich(), child(), huge()]
    build_site(
        index_of(*models), models, out, cache=cache, settings=SETTINGS, sources={"coat-parts": SOURCE},
        evidence=evidence(),
    )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def rich_url(rich_site: Path) -> Iterator[str]:
    with serve_site(rich_site, 0) as served:
        yield served.url


def text_of(site: Path, name: str) -> str:
    page = (site / f"models/{name}/index.html").read_text("utf-8")
    article = page.partition("<article")[2].partition("</article>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", article).split())


# What a page says


def test_a_page_says_first_what_it_is_for_and_what_it_takes(rich_site: Path) -> None:
    said = text_of(rich_site, "coat-parts")
    place = 0
    for words in (
        "Finds the parts of a coat", "released 2026-11-21", "last reproduced 2026-11-20", "data-only",
        "restricted licence", "48.3 MB", "1.31 GB", "412 MB", "modelport pull", "Inputs and outputs",
        "this catalog\N{RIGHT SINGLE QUOTATION MARK}s CI", "Versions",
        "Do not use it: Its masks are shifted by a pixel.",
        "CC-BY-NC-4.0", "fine-tuned from Fashion classifier", "quantized into Coat parts small", "pt-BR", "Cite it",
        "Related models",
    ):  # fmt: skip
        assert words in said[place:], words
        place = said.index(words, place)
    assert "2026-11-25" not in said  # that rebuild was of another digest
    assert text_of(rich_site, "iris-forest").count("not measured") == 2


def test_a_model_of_which_every_version_is_yanked_is_not_offered(rich_site: Path) -> None:
    said = text_of(rich_site, "coat-parts-small")
    assert "Every version is yanked" in said
    assert "It was packed without its labels." in said
    assert "modelport pull" not in said


def test_what_was_written_is_served_as_it_was_written(rich_site: Path) -> None:
    assert (rich_site / "models/coat-parts/model.yaml").read_text("utf-8") == SOURCE
    assert 'href="model.yaml"' in (rich_site / "models/coat-parts/index.html").read_text("utf-8")
    assert not (rich_site / "models/iris-forest/model.yaml").exists()
    assert 'href="model.yaml"' not in (rich_site / "models/iris-forest/index.html").read_text("utf-8")


def test_links_to_the_repository_are_there_when_it_is_known(rich_site: Path, site: Path) -> None:
    page = (rich_site / "models/iris-forest/index.html").read_text("utf-8")
    place = "catalog/models/iris-forest"
    for link in (f"edit/trunk/{place}/model.yaml", f"blob/trunk/{place}/recipe.py", "issues/new"):
        assert f'href="https://github.com/modelport/catalog/{link}"' in page
    assert 'href="https://coats.example/issues"' in (rich_site / "models/coat-parts/index.html").read_text("utf-8")
    page = (site / "models/iris-forest/index.html").read_text("utf-8")
    assert "Edit this page" not in page
    assert "Report a problem" not in page


def test_a_settings_address_of_another_kind_is_refused() -> None:
    errors = [
        [*validator("settings").iter_errors({"site": {"repository": text}})]
        for text in (
            "https://github.com/a/b",
            "https://github.com/a/b/",
            "javascript:alert(1)",
            "https://evil.example/a/b",
        )
    ]
    assert [bool(found) for found in errors] == [False, False, True, True]


# What is told to type

RELEASED = [iris(), fashion(), rich()]


def code(document: dict[str, Any], label: str) -> list[str]:
    tabs = usage_tabs(document["name"], document["versions"][0], recipe=document["recipe"])
    return [block.code for tab in tabs if tab.label == label for block in tab.blocks]


@pytest.mark.parametrize("document", RELEASED, ids=lambda d: str(d["name"]))
def test_every_command_is_one_and_pins_what_it_names(document: dict[str, Any]) -> None:
    release = document["versions"][0]
    for label in ("CLI", "Python", "curl", "Container"):
        for line in "\n".join(code(document, label)).splitlines():
            if not line.startswith("modelport "):
                continue
            words = shlex.split(line)[1:]
            options = _parser(words[0]).parse_args(words)
            if words[0] != "pack":
                reference = Reference.parse(options.reference)
                assert (reference.repository, reference.tag) == (document["name"], release["version"])
                assert str(reference.digest) == release["digest"]


@pytest.mark.parametrize("document", RELEASED, ids=lambda d: str(d["name"]))
def test_every_method_can_be_called_in_every_way(document: dict[str, Any]) -> None:
    methods = [method["name"] for method in document["versions"][0]["signature"]["methods"]]
    shell, curl, python = (" ".join(code(document, label)) for label in ("CLI", "curl", "Python"))
    for method in methods:
        assert re.search(rf"modelport call \S+ {method} ", shell)
        assert f"/model/methods/{method} " in curl
        assert python.count(f"call({method!r}, ") == 2


class _Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = json.dumps({"path": self.path, "kind": self.headers["content-type"], "body": body}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def echo() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield str(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("document", RELEASED, ids=lambda d: str(d["name"]))
def test_the_lines_for_http_send_the_arguments(document: dict[str, Any], tmp_path: Path) -> None:
    calls = first_calls(document["name"], document["versions"][0])
    for call in calls:
        if call.file:
            (tmp_path / call.file).write_text(call.text, "utf-8")
    wanted = [
        {"path": f"/model/methods/{call.method}", "kind": "application/json", "body": call.arguments} for call in calls
    ]
    with echo() as port:
        lines = [line.replace(str(PORT), port) for line in code(document, "curl") if line.startswith("curl")]
        program = code(document, "Python")[-1].replace(str(PORT), port)
        commands = [["bash", "-c", line] for line in lines]
        got = [json.loads(subprocess.run(c, cwd=tmp_path, check=True, capture_output=True).stdout) for c in commands]
        said = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout
    assert got == wanted
    assert said == "".join(f"{one}\n" for one in wanted)


def test_the_lines_for_one_s_own_process_work(tmp_path: Path) -> None:
    adder = model_from_file(ROOT / "tests" / "projects" / "adder.py")
    pack(adder, "adder", tmp_path / "adder", verify_in=None)
    release = iris()["versions"][0] | {
        "signature": adder.spec.to_json(),
        "examples": [{"method": "add", "input": {"x": 1.5, "y": 2.0}, "output": {"value": 3.5}}],
    }
    program = code(model("adder", versions=[release]), "Python")[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == "{'value': 3.5}\n"


# What is around a model


def near(*models: dict[str, Any]) -> dict[str, Any]:
    rows = {row["name"]: row for row in index_of(*models)["models"]}
    return look_around(models, rows)


def names(around: dict[str, Any], name: str) -> list[str]:
    return [one.name for one in around[name].related]


def test_models_that_have_much_in_common_are_related() -> None:
    around = near(*catalog(), rich(), child())
    assert names(around, "coat-parts") == ["fashion-classifier"]
    assert "Fashion-MNIST" in around["coat-parts"].related[0].relation
    assert names(around, "iris-forest") == []  # the others of its kind are withdrawn
    assert names(around, "old-iris") == ["iris-forest"]
    assert [one.name for one in around["coat-parts"].parents] == ["fashion-classifier"]
    assert [(one.name, one.relation) for one in around["coat-parts"].children] == [("coat-parts-small", "quantized")]


def many(count: int) -> list[dict[str, Any]]:
    version = iris()["versions"][0]
    return [
        model(f"m{n:05}", task="tabular-classification", tags=[f"t{n % 97}"], versions=[version], latest="1.1.0")
        for n in range(count)
    ]


def test_one_more_model_changes_what_is_around_few() -> None:
    models = many(800)
    before = near(*models)
    after = near(
        *models, model("m00400a", task="tabular-classification", versions=models[0]["versions"], latest="1.1.0")
    )
    changed = [name for name in before if before[name] != after[name]]
    assert len(changed) <= 2 * 13 * 5  # a dozen on each side in each of its lists
    assert all(len(before[name].related) == 4 and name not in names(before, name) for name in before)
    assert near(*models[::-1]) == before


# Plots and evidence


@given(
    st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.none() | st.floats(0, 1e308)),
        min_size=2,
        max_size=9,
    )
)
def test_any_figures_give_a_plot_that_is_xml_without_style(figures: list[tuple[float, float | None]]) -> None:
    versions = [
        {
            "version": f"{number}.0.0-<b>",
            "evaluations": [
                {"metric": "<i>", "data": '"', "split": "&", "n": 1, "value": value, "measured_by": "ci"}
                | ({"interval": [max(value - half, -1e308), min(value + half, 1e308)]} if half is not None else {})
            ],
        }
        for number, (value, half) in enumerate(figures)
    ]
    (series,) = metric_series(versions)
    assert [point.version for point in series.points] == [f"{n}.0.0-<b>" for n in reversed(range(len(figures)))]
    if (plot := series.plot) is None:
        return
    drawn = ET.fromstring(str(plot))  # noqa: S314 - our own text
    assert len(drawn.findall("circle")) == len(figures)
    assert not [one for one in drawn.iter() if "style" in one.attrib]
    for circle in drawn.findall("circle"):
        assert 0 <= float(circle.attrib["cx"]) <= 480
        assert 0 <= float(circle.attrib["cy"]) <= 150


def test_a_metric_of_one_version_has_no_series() -> None:
    assert metric_series(fashion()["versions"]) == ()
    assert [len(series.points) for series in metric_series(rich()["versions"])] == [3]


@pytest.mark.parametrize(
    "document",
    [
        {"schema": "modelport/evidence/9"},
        {"schema": "modelport/evidence/1"},
        {"schema": "modelport/evidence/1", "reproduced": [{"version": "1.1.0"}]},
        {"schema": "modelport/evidence/1", "reproduced": 3},
    ],
)
def test_evidence_of_another_shape_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="evidence"):
        last_reproduced(document, iris()["versions"][0])


# For everybody

PAGES = ["coat-parts/", "coat-parts/compare/", "coat-parts-small/", "x" * 64 + "/"]
AXE = (resources("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"
# Code whose text lies under its button; the button may be transparent and is clicked all the same.
COVERED = """() => {
  const boxes = (code) => {
    const found = [...code.querySelectorAll(".mp-pin > span")].map((pin) => pin.getBoundingClientRect());
    const texts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT), range = document.createRange();
    while (texts.nextNode()) {
      if (texts.currentNode.parentElement.closest(".mp-pin")) continue; // the end of a digest is cut off
      range.selectNodeContents(texts.currentNode);
      found.push(...range.getClientRects());
    }
    return found;
  };
  const covered = (button) => {
    const box = button.getBoundingClientRect();
    return boxes(button.parentElement.querySelector("code")).some((r) => r.width && r.right > box.left + 1
      && r.left < box.right && r.bottom > box.top + 1 && r.top < box.bottom - 1);
  };
  const buttons = [...document.querySelectorAll(".mp-model .mp-copy")].filter((button) => button.checkVisibility());
  return buttons.filter(covered).map((button) => button.parentElement.innerText);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nobody_is_kept_out(browser: Browser, rich_url: str, width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True
    )
    page = context.new_page()
    for path in PAGES:
        page.goto(f"{rich_url}models/{path}", wait_until="load")
        page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
        page.evaluate(AXE)
        found = page.evaluate(f"axe.run(document, {RULES})")["violations"]
        assert not [(one["id"], [node["html"] for node in one["nodes"]]) for one in found], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        for label in page.locator(".tabbed-labels > label").all():
            label.click()
            assert page.evaluate(COVERED) == [], path
    context.close()


def test_tables_are_not_squeezed_on_a_phone(browser: Browser, rich_url: str) -> None:
    with watched(browser, rich_url, width=390) as one:
        page = one.go("models/coat-parts/")
        widths = page.locator(".mp-table td:visible, .mp-table tbody th:visible").evaluate_all(
            "cells => cells.map((cell) => cell.getBoundingClientRect().width)"
        )
        assert min(widths) > 250
        row = page.get_by_role("table", name="segment takes").get_by_role("row", name="words")
        expect(row.get_by_role("cell").nth(1)).to_have_text("one value")  # still a table for who cannot see it


def test_the_ways_to_use_it_are_reached_by_keyboard(browser: Browser, rich_url: str) -> None:
    with watched(browser, rich_url) as one:
        page = one.go("models/coat-parts/")
        page.locator(".mp-tabs input").first.focus()
        for label, words in (("Python", "load_package"), ("curl", "curl -s"), ("Container", "--host 0.0.0.0")):
            page.keyboard.press("ArrowRight")
            expect(page.get_by_role("radio", name=label)).to_be_checked()
            expect(page.locator(".tabbed-block:visible")).to_contain_text(words)


def test_a_pinned_line_is_short_to_read_and_copied_whole(browser: Browser, rich_url: str) -> None:
    with watched(browser, rich_url) as one:
        page = one.go("models/coat-parts/")
        block = page.locator(".tabbed-block:visible .highlight").first
        pin = block.locator(".mp-pin")
        digest = rich()["versions"][0]["digest"]
        assert pin.evaluate("e => e.getBoundingClientRect().width") < 200
        block.locator("button").click()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == f"modelport pull coat-parts:2.1.0@{digest}"


def test_the_facts_stay_in_view_on_a_wide_screen(browser: Browser, rich_url: str) -> None:
    with watched(browser, rich_url, width=1440) as one:
        page = one.go("models/coat-parts/")
        page.evaluate("window.scrollTo(0, 2500)")
        box = page.locator(".mp-facts").bounding_box()
        assert box is not None
        assert 0 <= box["y"] < 200
