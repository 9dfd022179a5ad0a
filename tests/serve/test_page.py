"""The service's page in a real browser: its forms make every request and show every answer, and nothing breaks it."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import FilePayload, expect
from tests.serve.models import HOSTILE
from tests.serve.models import kinds as make_kinds
from tests.serve.paging import Method, axe_of, forgive_refusals, gradient, opened, plain
from tests.serve.running import running, serving
from tests.support.every_kind import ARGUMENTS, LEAST, PNG
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser
    from tests.serve.running import Running

KINDS = make_kinds()


@pytest.fixture(scope="module")
def pictures() -> Iterator[Running]:
    with serving("pictures") as service:
        yield service


@pytest.fixture(scope="module")
def hostile() -> Iterator[Running]:
    with serving("hostile") as service:
        yield service


@pytest.fixture(scope="module")
def streams() -> Iterator[Running]:
    with running("tests.serve.streaming", "streams") as service:
        yield service


def url_of(service: Running) -> str:
    return str(service.client.base_url)


@pytest.mark.parametrize("method", [m.name for m in KINDS.spec.methods])
def test_each_golden_example_goes_through_the_form_and_answers_as_recorded(
    browser: Browser, kinds: Running, method: str
) -> None:
    with opened(browser, url_of(kinds)) as one:
        form = Method(one.page, method)
        for number, example in enumerate((e for e in KINDS.examples if e.method == method), 1):
            form.example(number)
            assert form.request() == plain(example.input)
            assert form.rewrite() == plain(example.input)
            assert form.answer() == plain(example.output)


@pytest.mark.parametrize(
    ("method", "arguments"), [*ARGUMENTS.items(), ("describe", LEAST), ("crop", {"image": "AAEC", "threshold": 0.25})]
)
def test_the_form_shows_every_kind_and_gives_it_back(
    browser: Browser, every: Running, method: str, arguments: dict[str, Any]
) -> None:
    with opened(browser, url_of(every)) as one:
        form = Method(one.page, method)
        form.json.fill(json.dumps(arguments))
        expect(form.part.locator(".wrong")).to_be_hidden()
        defaults = (
            {"width": 5, "tags": [], "dried": False, "serial": 7, "season": "spring"} if arguments is LEAST else {}
        )
        assert form.rewrite() == plain(arguments | defaults)


def test_typing_in_the_form_writes_the_request(browser: Browser, every: Running) -> None:
    with opened(browser, url_of(every)) as one:
        form = Method(one.page, "describe")
        by = form.part.get_by_label
        by("colour", exact=True).select_option("blue")
        by("width", exact=True).fill("2.5")
        by("dried", exact=True).check()
        by("serial", exact=True).fill("9007199254740993")
        by("give length").check()
        by("length", exact=True).last.fill("3")
        form.part.get_by_role("button", name="Add to tags").click()
        by("item of tags").fill("oak")
        by("outline 1, 2").fill("4.5")
        by("name in veins").fill("left")
        request = form.request()
        assert request["colour"], request["width"] == ("blue", 2.5)
        assert (request["dried"], request["serial"], request["length"]) == (True, 2**53 + 1, 3)
        assert (request["tags"], request["outline"], request["veins"]) == (["oak"], [[0, 4.5]], {"left": 0})
        width = by("width", exact=True)
        assert [width.get_attribute(name) for name in ("min", "max", "type")] == ["0", "10", "number"]
        answer = form.answer()
        assert (answer["serial"], answer["length"], answer["photo"]) == (2**53 + 1, 3, None)


def test_what_does_not_fit_is_said_at_its_field(browser: Browser, every: Running) -> None:
    with opened(browser, url_of(every)) as one:
        form = Method(one.page, "describe")
        form.part.get_by_label("width", exact=True).fill("11")
        form.part.get_by_label("outline 1, 1").fill("broad")
        problem = form.problem()
        expect(problem).to_contain_text("The arguments do not fit")
        for label in ("width", "outline 1, 1"):
            field = form.part.get_by_label(label, exact=True)
            expect(field).to_have_attribute("aria-invalid", "true")
        expect(form.part.locator(".field .complaint").first).to_contain_text("above the maximum 10")
        problem.get_by_role("button", name="width").click()
        assert one.page.evaluate("document.activeElement.value") == "11"
        form.part.get_by_label("width", exact=True).fill("1")
        expect(form.part.locator("[aria-invalid]")).to_have_count(0)
        form.json.fill('{"colour": ')
        expect(form.part.locator(".wrong")).to_contain_text("This is not JSON")
        expect(form.problem()).to_contain_text("400")
        form.json.fill('{"more": 1}')
        expect(form.part.locator(".wrong")).to_contain_text("no field more. It is sent as it stands")
        forgive_refusals(one)


def test_a_table_is_pasted_and_dropped(browser: Browser, every: Running, tmp_path: Path) -> None:
    with opened(browser, url_of(every)) as one:
        form = Method(one.page, "sort")
        form.part.get_by_role("button", name="Paste or open CSV").click()
        text = 'Species;Petal [cm];colour;more\n"iris; ""blue""";1.5;blue;x\nrosa;2;red;y\n'
        form.part.get_by_label("CSV", exact=True).fill(text)
        expect(form.part.get_by_label("column of petal")).to_have_value("1")
        form.part.get_by_role("button", name="Use these 2 rows").click()
        table = {"petal": [1.5, 2], "species": ['iris; "blue"', "rosa"], "colour": ["blue", "red"]}
        assert form.request() == table
        assert form.answer() == table
        file = tmp_path / "flowers.csv"
        file.write_text("0.5,carex,green\n" * 60)
        form.part.get_by_role("button", name="Paste or open CSV").click()
        form.part.get_by_label("CSV file").set_input_files(file)
        form.part.get_by_role("button", name="Use these 60 rows").click()
        assert form.request()["species"] == ["carex"] * 60
        expect(form.part).to_contain_text("60 rows; the first 50 are shown, all are sent")
        form.part.get_by_label("petal, row 2", exact=True).fill("0.75")
        assert form.request()["petal"][:3] == [0.5, 0.75, 0.5]
        form.part.get_by_role("button", name="Remove row 1", exact=True).click()
        assert len(form.answer()["petal"]) == 59


def test_a_wide_table_has_the_page_and_leads_to_what_is_wrong(browser: Browser, wide: Running) -> None:
    with opened(browser, url_of(wide)) as one:
        one.page.set_viewport_size({"width": 1000, "height": 800})
        form = Method(one.page, "taste")
        wide_pane, half = (form.part.locator(f".pane{which}").bounding_box() for which in (".asked", " >> nth=-1"))
        assert wide_pane
        assert half
        assert wide_pane["width"] > 1.9 * half["width"]
        scroll = form.part.locator(".table .scroll")
        expect(form.part.get_by_text("13 columns: scroll sideways")).to_be_visible()
        assert scroll.evaluate("part => part.scrollWidth - part.clientWidth") > 0
        expect(form.part.locator(".table .scrolls")).to_have_class("scrolls right")  # more is to the right
        form.part.get_by_label("alcohol, row 1", exact=True).fill("101")
        scroll.evaluate("part => part.scrollLeft = 0")
        form.part.get_by_label("ph, row 2", exact=True).fill("low")
        expect(form.problem()).to_contain_text("422")
        for label, words in {"ph, row 2": "is a string", "alcohol, row 1": "is 101.0, above the maximum 100.0"}.items():
            expect(form.part.get_by_label(label, exact=True)).to_have_attribute("aria-invalid", "true")
            expect(form.part.locator(".complaints")).to_contain_text(f"{label} {words}")
        first = form.part.locator("[aria-invalid]").first
        expect(form.part.locator(":focus")).to_have_attribute("aria-label", "ph, row 2")
        expect(first).to_be_in_viewport(ratio=1)
        form.out.get_by_role("button", name="alcohol[0]").click()
        expect(form.part.get_by_label("alcohol, row 1", exact=True)).to_be_in_viewport(ratio=1)
        expect(form.part.get_by_label("alcohol, row 1", exact=True)).to_be_focused()
        form.part.get_by_label("alcohol, row 1", exact=True).fill("11")
        expect(form.out).to_contain_text("422")
        expect(form.part.get_by_text("to the arguments before they were changed")).to_be_visible()
        form.part.get_by_role("button", name="Start anew").click()
        expect(form.part).not_to_contain_text("422")
        expect(form.out).to_have_text("The answer will be here.")
        form.send()
        forgive_refusals(one)


def test_an_empty_cell_says_what_to_do_with_it(browser: Browser, wide: Running) -> None:
    with opened(browser, url_of(wide)) as one:
        form = Method(one.page, "back")
        form.part.get_by_label("density, row 2", exact=True).fill("")
        expect(form.part.locator(".empty")).to_contain_text("density in row 2 is empty. The method needs a number")
        form.part.get_by_label("year, row 1", exact=True).fill("")
        form.part.get_by_label("alcohol, row 1", exact=True).fill("")
        expect(form.part.locator(".empty")).to_contain_text("3 cells are empty, the first is alcohol in row 1")
        form.part.get_by_role("button", name="Fill in NaN (1 of 3)").click()  # no integer is NaN, and no range has it
        assert (form.request()["density"], form.request()["year"]) == ([0.9978, "NaN"], [None, 2009])
        expect(form.part.locator(".empty")).to_contain_text("2 cells are empty")
        expect(form.part.get_by_role("button", name="Fill in NaN")).to_have_count(0)
        expect(form.problem()).to_contain_text("422")
        expect(form.part.locator("[aria-invalid]")).to_have_count(2)
        form.part.get_by_label("year, row 1", exact=True).fill("1999")
        form.part.get_by_label("alcohol, row 1", exact=True).fill("12")
        expect(form.part.locator(".empty")).to_be_hidden()
        assert form.answer()["density"] == [0.9978, "NaN"]
        form.part.get_by_role("button", name="Paste or open CSV").click()
        form.part.get_by_label("CSV", exact=True).fill(
            ",".join(form.answer()) + "\n" + "1,2," + "0," * 9 + "2001,red\n"
        )
        form.part.get_by_role("button", name="Use this row", exact=True).click()
        assert form.request()["volatile_acidity"] == [2]
        forgive_refusals(one)


def test_a_picture_becomes_a_tensor(browser: Browser, pictures: Running) -> None:
    file = FilePayload(name="ramp.png", mimeType="image/png", buffer=gradient(160, 160))
    with opened(browser, url_of(pictures)) as one:
        grey, colour = Method(one.page, "darkness"), Method(one.page, "red")
        grey.part.get_by_label("file for picture").set_input_files(file)
        expect(grey.part.locator(".strip canvas")).to_be_visible()
        (row, *others) = grey.request()["picture"]
        assert len(row) == 16
        assert len(others) == 15
        assert row == sorted(row)
        assert (row[0] < 20, row[-1] > 235) == (True, True)
        assert abs(grey.answer()["value"] - 0.5) < 0.02
        grey.part.get_by_label("invert").check()
        assert grey.request()["picture"][0] == [255 - value for value in row]

        colour.part.get_by_label("file for photos").set_input_files([file, file])
        expect(colour.part.locator(".strip canvas")).to_have_count(2)
        photos = colour.request()["photos"]
        shape = [len(photos), len(photos[0]), len(photos[0][0]), len(photos[0][0][0])]
        assert shape == [2, 3, 8, 12]
        assert all(0 <= value <= 1 for value in photos[0][0][0])
        colour.send()
        colour.part.get_by_label("Remove picture 1").click()
        assert len(colour.request()["photos"]) == 1
        grey.part.get_by_label("file for picture").set_input_files(
            {"name": "no.png", "mimeType": "image/png", "buffer": b"no"}
        )
        expect(grey.part).to_contain_text("no.png: this is no picture")


def test_bytes_come_from_a_file_and_are_looked_at(browser: Browser, every: Running) -> None:
    with opened(browser, url_of(every)) as one:
        form = Method(one.page, "crop")
        file = form.part.get_by_label("file for image")
        assert file.get_attribute("accept") == "image/*"
        file.set_input_files({"name": "leaf.png", "mimeType": "image/png", "buffer": PNG})
        expect(form.part.locator("form .look img")).to_be_visible()
        form.send()
        expect(form.out.locator(".look img")).to_be_visible()
        assert form.answer()["image"] == form.request()["image"]


def test_the_camera_takes_a_picture(browser: Browser, pictures: Running) -> None:
    options = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    chromium = browser.browser_type.launch(executable_path="/usr/bin/chromium", args=options)
    with opened(chromium, url_of(pictures)) as one:
        form = Method(one.page, "darkness")
        form.part.get_by_role("button", name="Camera").click()
        expect(one.page.locator("dialog video")).to_be_visible()
        eventually(lambda: one.page.evaluate("document.querySelector('dialog video').videoWidth"))
        one.page.get_by_role("button", name="Take the picture").click()
        expect(form.part.locator(".strip canvas")).to_have_count(1)
        assert len(form.request()["picture"]) == 16
    chromium.close()


def test_a_telephone_photographs(browser: Browser, every: Running) -> None:
    context = browser.new_context(is_mobile=True, has_touch=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(url_of(every))
    form = Method(page, "crop")
    camera = form.part.get_by_label("Photograph for image")
    assert (camera.get_attribute("capture"), camera.get_attribute("accept")) == ("environment", "image/*")
    camera.set_input_files(FilePayload(name="photo.jpg", mimeType="image/png", buffer=PNG))
    expect(form.part.locator("form .look img")).to_be_visible()
    form.send()
    context.close()


def test_streams_are_shown_as_they_come(browser: Browser, streams: Running, tmp_path: Path) -> None:
    with opened(browser, url_of(streams)) as one:
        count, mean, gated = (Method(one.page, name) for name in ("count", "mean", "gated"))
        count.json.fill('{"to": 4}')
        count.send()
        expect(count.out.locator(".stream > li")).to_have_count(4)
        mean.example(1)
        assert mean.request() == [{"x": 1}, {"x": 3}]
        mean.send()
        expect(mean.out.locator(".stream > li dd")).to_have_text(["1", "2"])
        for form in (count, mean):
            done = subprocess.run(["bash", "-c", form.curl()], capture_output=True, text=True, check=True)
            assert len(done.stdout.splitlines()) == form.out.locator(".stream > li").count()

        gated.json.fill(json.dumps({"folder": str(tmp_path)}))
        gated.part.locator(".send").click()
        expect(gated.out.locator(".stream > li")).to_have_count(1)
        expect(gated.part.locator(".send")).to_have_text("Stop")
        (tmp_path / "open").touch()
        expect(gated.out).to_contain_text("2 messages; that is all")


def test_a_call_can_be_stopped_and_a_failure_is_told(browser: Browser, trouble: Running) -> None:
    with opened(browser, url_of(trouble)) as one:
        expect(Method(one.page, "fail").problem()).to_contain_text("The model failed (500)")
        form = Method(one.page, "sleep")
        form.json.fill('{"seconds": 5}')
        start = time.monotonic()
        form.part.locator(".send").click()
        form.part.get_by_role("button", name="Stop").click()
        expect(form.part.locator(".sending .took")).to_have_text("stopped")
        assert time.monotonic() - start < 5
        one.trouble[:] = [line for line in one.trouble if "status of 500" not in line]


def test_the_keyboard_alone_calls(browser: Browser, kinds: Running) -> None:
    with opened(browser, url_of(kinds)) as one:
        form = Method(one.page, "scale")
        form.part.get_by_label("by", exact=True).focus()
        one.page.keyboard.press("Control+A")
        one.page.keyboard.type("3")
        one.page.keyboard.press("Enter")
        expect(form.out.locator("details.raw")).to_be_visible()
        assert form.request()["by"] == 3
        form.json.focus()
        form.json.fill('{"floats": [[1, 1, 1]], "by": 0.5}')
        one.page.keyboard.press("Control+Enter")
        expect(form.out.locator("details.raw code")).to_contain_text("[[0.5, 0.5, 0.5]]")


def test_no_text_of_a_model_does_harm(browser: Browser, hostile: Running) -> None:
    with opened(browser, url_of(hostile)) as one:
        form = Method(one.page, "valueOf")
        assert form.rewrite()["constructor"] == HOSTILE
        assert HOSTILE in form.answer()["value"]
        assert one.page.locator("script").count() == 2
        assert one.page.locator("img").count() == 1
        done = subprocess.run(["bash", "-c", form.curl()], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == form.answer()


def test_the_command_line_makes_the_same_call(browser: Browser, kinds: Running) -> None:
    with opened(browser, url_of(kinds)) as one:
        form = Method(one.page, "echo")
        form.part.get_by_label("s", exact=True).fill('it\'s "quoted"\n$HOME `id` \\ ☃')
        line = form.curl()
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == form.answer()
        form.part.get_by_role("button", name="Copy").click()
        assert one.page.evaluate("navigator.clipboard.readText()") == line


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("name", ["kinds", "every", "hostile", "pictures", "streams", "wide"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(
    browser: Browser, request: pytest.FixtureRequest, name: str, width: int, scheme: str
) -> None:
    called = ["count", "mean"] if name == "streams" else []  # others of these never end
    assert axe_of(browser, url_of(request.getfixturevalue(name)), width, scheme, called) == []


def test_without_scripts_it_still_says_how_to_call(browser: Browser, kinds: Running) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url_of(kinds))
    expect(page.locator("pre").first).to_be_visible()
    expect(page.locator("pre").first).to_contain_text("curl ")
    page.locator("summary").first.click()
    expect(page.get_by_text("bytes", exact=True).first).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    context.close()
