"""Variants, devices and networks: what the pages say is what the catalog says, and the plots can be read."""

from __future__ import annotations

import json
import re
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect
from tests.site.edge_samples import DEVICES, NETWORKS, edge, field
from tests.site.samples import catalog, index_of, iris
from tests.site.watching import watched

from modelport.edge.pareto import pareto_by_device
from modelport.edge.profiles import device_of, times_of, usable_variants
from modelport.errors import FormatError
from modelport_site import build_site, serve_site
from modelport_site.shorten import human_bytes, human_seconds
from modelport_site.tradeoff import Mark, tradeoff_plot
from modelport_site.variants import view_variants

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator

MODEL = edge()
USABLE = usable_variants(MODEL)
KNOWN = {name: device_of(name, one) for name, one in DEVICES.items()}


def build(out: Path, cache: Path, *models: dict[str, Any], devices: dict[str, Any] | None = None) -> Path:
    build_site(index_of(*models), models, out, cache=cache, devices=devices or DEVICES, networks=NETWORKS)
    return out


@pytest.fixture(scope="module")
def folder(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("edge") / "out", cache, *catalog(), edge())


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with serve_site(folder, 0) as served:
        yield served.url


def bare(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_each_device_has_its_own_figures_and_its_own_pareto_set(folder: Path) -> None:
    page = (folder / "models/coat-edge/index.html").read_text("utf-8")
    panels = dict(re.findall(r'id="device-([\w.-]+)".*?<table(.*?)</table>', page, re.DOTALL))
    best = pareto_by_device(USABLE, KNOWN)
    assert set(panels) == set(best) == {"board-1", "server-1", "phone-1"}  # phone-2 has no anchors
    for device, table in panels.items():
        rows = dict(re.findall(r"<th scope=\"row\"[^>]*><code>([\w-]+)</code>(.*?)</tr>", table, re.DOTALL))
        assert list(rows) == [one["name"] for one in USABLE]
        for one in USABLE:
            text, times = bare(rows[one["name"]]), times_of(one, KNOWN[device], KNOWN)
            assert human_bytes(one["size"]) in text
            assert ("estimated" in text) == times.estimated
            assert ("Pareto" in text) == (one["name"] in best[device] and times.infer.known)
            if times.infer.known:
                assert human_seconds(times.infer.mean) in text
            if here := one.get("measured", {}).get(device):
                assert f"p95 {human_seconds(here['infer']['p95'])}" in text
                assert human_bytes(here["memory"]) in text
            else:
                assert ("estimated" if times.estimated else "not measured") in text
            if "accuracy" in one:
                low, high = one["accuracy"]["interval"]
                assert f"{one['accuracy']['value']:.4g} {low:.4g} to {high:.4g} n = 10,000" in text


def test_what_failed_what_is_estimated_and_what_is_noisy_is_said(folder: Path) -> None:
    text = bare((folder / "models/coat-edge/index.html").read_text("utf-8"))
    assert f"What cannot be used int4 {MODEL['variants'][0]['variants'][-1]['message']}" in text
    assert text.count("The machine was busy while int8 (2.4 times) was measured") == 1  # on one device of three
    assert "Nothing was measured on A phone . These times are estimated" in text
    assert "modelport pull --variant int8 coat-edge:1.0.0" in text
    assert "Not drawn, for want of a figure: onnx-float16" in text
    assert "Devices without times Another phone no time was measured, and without anchors of the device none" in text


def test_the_spread_of_a_time_is_of_the_same_calls_and_the_file_alone_is_told_apart() -> None:
    one = edge()
    variant = one["variants"][0]["variants"][0]
    here = variant["measured"]["board-1"]
    here["call"] = {"min": 0.0006, "mean": 0.0007, "sd": 0.0001, "p50": 0.00069, "p95": 0.0009, "n": 500}
    view = view_variants(one, "1.0.0", DEVICES)
    assert view is not None
    panel = next(panel for panel in view.panels if panel.device == "board-1")
    rows = {row.name: row for row in panel.rows}
    assert (rows["float32"].times.infer.mean, rows["float32"].p95) == (0.0007, 0.0009)
    assert rows["float32"].alone == here["infer"]["mean"]
    assert (rows["float16"].alone, rows["onnx-float16"].p95) == (None, None)
    for row in panel.rows:
        assert row.p95 is None or row.p95 >= row.times.infer.mean
    assert panel.whole
    assert not any(other.whole for other in view.panels if other.device != "board-1")


@pytest.fixture(scope="module")
def told(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a site of models that devices in use have measured: one with variants, and one without."""
    out = tmp_path_factory.mktemp("field") / "out"
    release = iris()["versions"][0]
    till = field()["coat-edge"]["field"][2]
    whole = [one | {"digest": release["digest"]} for one in till["variants"] if one["name"] == "original"]
    record = till | {"version": release["version"], "digest": release["digest"], "variants": whole}
    alone = {"schema": "modelport/evidence/1", "model": "iris-forest", "reproduced": [], "field": [record]}
    models = [*catalog(), edge()]
    build_site(
        index_of(*models), models, out, cache=cache, devices=DEVICES, networks=NETWORKS,
        evidence=field() | {"iris-forest": alone},
    )  # fmt: skip
    return out


def test_what_devices_measured_stands_beside_the_lab_and_is_told_apart(told: Path, folder: Path) -> None:
    page = (told / "models/coat-edge/index.html").read_text("utf-8")
    panels = dict(re.findall(r'id="device-([\w.-]+)"(.*?</table>)', page, re.DOTALL))
    assert list(panels) == ["board-1", "server-1", "phone-1", "till"]  # lab, estimate, field alone
    board, phone, till = bare(panels["board-1"]), bare(panels["phone-1"]), bare(panels["till"])
    assert (
        "Measured in the field by devices of the class board-1 in use, from 2026-10-01 to 2026-11-20 , and told by the"
        " edge servers shop-north , shop-south : mean, standard deviation and number of times"
    ) in board
    assert "177 µs p95 195 µs load 2.5 ms 300 µs ± 118 µs n = 2,000 load 3.1 ms 20.1 MB" in board  # both, side by side
    assert "Of 4,000 requests, 98 % were answered in time, 15 % by the edge server, 0.45 % by another variant" in board
    assert "By the edge server, original took 4 ms ± 800 µs to infer (n = 300), 61 ms ± 20 ms there and back" in board
    assert "708 µs estimated from board-1 load 10 ms 900 µs ± 180 µs n = 250" in phone
    assert "Of till , only times from the field are known." in till
    assert "on 2026-11-02 , and told by the edge server shop-north" in till
    assert "1.1 ms n = 1 " in till
    assert "On the device, original took 4.8 ms ± 960 µs to infer (n = 40)" in till
    assert "In the field" not in panels["server-1"]
    assert "9 s" not in bare(page)  # that was another package of the same version
    # What was measured on purpose is reckoned with as before, and so is the Pareto set.
    plain = dict(
        re.findall(
            r'id="device-([\w.-]+)".*?(<svg.*?</svg>)', (folder / "models/coat-edge/index.html").read_text(), re.DOTALL
        )
    )
    assert {
        one: re.findall(r"<svg.*?</svg>", panels[one] + page.partition(panels[one])[2], re.DOTALL)[0] for one in plain
    } == plain
    evidence = json.loads((told / "api/v1/evidence/coat-edge.json").read_bytes())
    assert evidence == field()["coat-edge"]


def test_a_model_without_variants_shows_what_devices_measured_of_it(told: Path) -> None:
    page = (told / "models/iris-forest/index.html").read_text("utf-8")
    assert "has no other forms. What devices measured of it:" in bare(page)
    assert "On the device, original took 4.8 ms ± 960 µs to infer (n = 40)." in bare(page)
    assert "mp-table--variants" not in page


def test_the_list_is_sorted_by_the_smallest_variant(browser: Browser, url: str) -> None:
    with watched(browser, url) as one:
        page = one.go("models/?sort=name")
        first = page.locator("[data-mp-results] li:first-child h3")
        expect(first).not_to_have_text("Coats at the edge")
        page.get_by_label("Sort by").select_option("smallest edge variant")
        expect(first).to_have_text("Coats at the edge")
        expect(page.locator("[data-mp-results] li").first).to_contain_text("9 edge variants, from 120 kB")
        assert page.url.endswith("?sort=edge")
        assert one.trouble == []


def test_a_device_page_leads_to_that_device_on_the_models_page(browser: Browser, url: str) -> None:
    with watched(browser, url) as one:
        page = one.go("devices/phone-1/")
        page.locator("main .mp-table a").first.click()
        page.wait_for_url("**/models/coat-edge/#device-phone-1")
        expect(page.locator(".mp-devices__panel:visible caption").first).to_contain_text("A phone")
        expect(page.locator("#device-phone-1")).to_be_checked()
        expect(page.locator("#variants")).to_be_in_viewport()
        page.locator("label[for=device-board-1]").click()
        expect(page.locator(".mp-devices__panel:visible caption").first).to_contain_text("A board")
        assert one.trouble == []


def test_a_version_without_variants_says_nothing_of_them(folder: Path) -> None:
    assert "Variants for devices" not in (folder / "models/iris-forest/index.html").read_text("utf-8")
    assert view_variants(iris(), "1.1.0", DEVICES) is None
    assert view_variants(MODEL, None, DEVICES) is None
    assert view_variants(MODEL, "0.9.0", DEVICES) is None


def test_variants_that_nobody_measured_are_shown_without_times(cache: Path, tmp_path: Path) -> None:
    one = edge()
    for variant in one["variants"][0]["variants"]:
        variant.pop("measured", None)
    page = (build(tmp_path / "out", cache, one) / "models/coat-edge/index.html").read_text("utf-8")
    assert "Nobody has measured their times yet." in page
    assert "mp-plot--trade" not in page
    assert "modelport pull --variant float32 coat-edge:1.0.0" in page


def test_documents_that_cannot_be_shown_are_refused_in_words(cache: Path, tmp_path: Path) -> None:
    one = edge()
    del one["variants"][0]["variants"][0]["size"]
    with pytest.raises(FormatError, match="float32 has no size"):
        build(tmp_path / "a", cache, one)
    with pytest.raises(FormatError, match="a device cannot be shown: board-1: source: 'guessed'"):
        build(tmp_path / "b", cache, iris(), devices={"board-1": DEVICES["board-1"] | {"source": "guessed"}})
    with pytest.raises(FormatError, match="lowercase"):
        build(tmp_path / "c", cache, iris(), devices={"../x": DEVICES["board-1"]})


def test_a_device_page_names_the_fastest_and_the_most_accurate(folder: Path) -> None:
    text = bare((folder / "devices/board-1/index.html").read_text("utf-8"))
    assert "Coats at the edge int8 177 µs accuracy 0.8998, 161 kB float32 361 µs accuracy 0.9021, 468 kB" in text
    assert "Flags neon, asimd" in text
    assert "ai-edge-litert 2.3.0, onnxruntime 1.31.1" in text
    phone = bare((folder / "devices/phone-1/index.html").read_text("utf-8"))
    assert "int8 708 µs estimated" in phone
    assert "A paper on phones . Ada Example, Boris Beispiel, 2018. Workshop on Examples. arXiv:1708.07747" in phone
    other = bare((folder / "devices/phone-2/index.html").read_text("utf-8"))
    assert "Models without times here Coats at the edge no time was measured, and without anchors" in other
    assert "The machine was busy" in (folder / "devices/server-1/index.html").read_text("utf-8")


def test_devices_of_one_title_show_their_ids_and_what_has_no_times_says_why(cache: Path, tmp_path: Path) -> None:
    twin = DEVICES["phone-1"] | {"title": DEVICES["board-1"]["title"]}
    lone = DEVICES["phone-2"] | {"anchors": {"litert-other-float32": 0.1}}
    out = build(tmp_path / "out", cache, edge(), devices=DEVICES | {"phone-1": twin, "phone-2": lone})
    page = (out / "models/coat-edge/index.html").read_text("utf-8")
    labels = {name: bare(text) for name, text in re.findall(r'<label[^>]*for="device-([\w-]+)">(.*?)</label>', page)}
    assert labels == {
        "board-1": "A board board-1", "phone-1": "A board phone-1 estimated", "server-1": "A busy server",
    }  # fmt: skip
    why = "no anchor of LiteRT or ONNX Runtime in common with board-1, server-1, where times were measured"
    for place in (
        "devices/phone-2",
        "models/coat-edge",
    ):  # each says it of the other
        assert f"no time was measured, and none can be estimated: {why}" in bare(
            (out / place / "index.html").read_text("utf-8")
        )


def test_every_device_is_on_a_models_page_with_its_times_or_the_reason_why_not(folder: Path) -> None:
    page = (folder / "models/coat-edge/index.html").read_text("utf-8")
    timed = set(re.findall(r'name="mp-device" id="device-([\w-]+)"', page))
    untimed = set(re.findall(r'<dt><a href="../../devices/([\w-]+)/">', page))
    assert (timed | untimed, timed & untimed) == (set(DEVICES), set())


def test_a_network_has_a_page_of_its_own(folder: Path) -> None:
    assert 'href="campus/"' in (folder / "networks/index.html").read_text("utf-8")
    assert "Campus WiFi" in bare((folder / "networks/campus/index.html").read_text("utf-8"))
    document = json.loads((folder / "api/v1/networks/campus.json").read_bytes())
    assert document == {"schema": "modelport/api-network/1", "name": "campus", **NETWORKS["campus"]}


def test_the_documents_of_devices_and_networks_say_what_the_catalog_says(folder: Path) -> None:
    def read(path: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads((folder / "api/v1" / path).read_bytes())

    assert read("devices.json") == {"schema": "modelport/api-devices/1", "devices": DEVICES}
    assert read("networks.json") == {"schema": "modelport/api-networks/1", "networks": NETWORKS}
    for name, profile in DEVICES.items():
        document = read(f"devices/{name}.json")
        assert document.items() >= profile.items()
        assert (document["schema"], document["name"]) == ("modelport/api-device/1", name)
        known = {one["name"]: times_of(one, KNOWN[name], KNOWN) for one in USABLE}
        told = {one["variant"]: (one["infer"]["mean"], one["measured_on"]) for one in document["variants"]}
        assert told == {key: (one.infer.mean, one.source) for key, one in known.items() if one.infer.known}
        assert [one["infer"]["mean"] for one in document["variants"]] == sorted(mean for mean, _ in told.values())


def test_a_catalog_without_devices_has_whole_pages(cache: Path, tmp_path: Path) -> None:
    out, models = tmp_path / "out", [edge()]
    build_site(index_of(*models), models, out, cache=cache)
    assert "has no devices yet" in (out / "devices/index.html").read_text("utf-8")
    assert "has no networks yet" in (out / "networks/index.html").read_text("utf-8")
    page = (out / "models/coat-edge/index.html").read_text("utf-8")
    assert "Measured on <code>board-1</code>" in page  # it was measured there, whoever describes it
    assert 'href="../../devices/board-1/"' not in page


def test_a_device_that_changes_makes_anew_what_reckons_with_it(cache: Path, tmp_path: Path) -> None:
    out = build(tmp_path / "out", cache, *catalog(), edge())
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file() and not file.name.startswith(".")}
    changed = DEVICES | {"phone-1": DEVICES["phone-1"] | {"anchors": {"litert-net-float32": 0.016}}}
    build(out, cache, *catalog(), edge(), devices=changed)
    assert {file.relative_to(out).as_posix() for file, content in before.items() if file.read_bytes() != content} == {
        "models/coat-edge/index.html", "devices/index.html", "devices/phone-1/index.html",
        "api/v1/devices.json", "api/v1/devices/phone-1.json",
    }  # fmt: skip


def test_the_navigation_leads_to_devices_and_says_where_one_is(folder: Path) -> None:
    def here(place: str) -> list[str]:
        page = (folder / place / "index.html").read_text("utf-8")
        return re.findall(r'--here" href="[^"]*" aria-current="true">([^<]*)', page)

    assert here("devices") == here("devices/board-1") == ["Devices", "Edge"]
    assert here("networks") == ["Networks", "Edge"]
    assert here("models/iris-forest") == ["Models", "Models"]


@pytest.mark.parametrize("width", [390, 1440])
def test_a_device_is_chosen_without_scripts(browser: Browser, url: str, width: int) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(f"{url}models/coat-edge/")
    for device in ("server-1", "phone-1", "board-1"):
        page.locator(f"label[for=device-{device}]").click()
        expect(page.locator(".mp-devices__panel:visible")).to_have_count(1)
        expect(page.locator(".mp-devices__panel:visible caption").first).to_contain_text(DEVICES[device]["title"])
    context.close()


def boxes(texts: Locator) -> list[list[float]]:
    found: list[list[float]] = texts.evaluate_all(
        "all => all.map((one) => { const b = one.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; })"
    )
    return found


@pytest.mark.parametrize("width", [320, 390, 820, 1440])
def test_no_text_of_a_plot_lies_on_another_or_is_too_small(browser: Browser, url: str, width: int) -> None:
    with watched(browser, url, width=width) as one:
        page = one.go("models/coat-edge/")
        for device in ("board-1", "server-1", "phone-1"):
            page.locator(f"label[for=device-{device}]").click()
            plot = page.locator(".mp-devices__panel:visible .mp-plot--trade")
            found = [one for one in boxes(plot.locator("text")) if one[0] < one[2]]
            assert len(found) > 10
            for a, b in combinations(found, 2):
                apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] + 2 or b[3] <= a[1] + 2  # boxes have some room
                assert apart, (device, a, b)
            ((left, top, right, bottom),) = boxes(page.locator(".mp-devices__panel:visible .mp-trade"))
            assert all(left - 1 <= a[0] and a[2] <= right + 1 and top - 1 <= a[1] and a[3] <= bottom + 1 for a in found)
            assert all(a[3] - a[1] >= 11 for a in found)  # a line's height in pixels
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert one.trouble == []


shares = st.floats(0, 1)
marks = st.lists(
    st.builds(
        lambda name, seconds, three, size, best, estimated: Mark(
            name=name, seconds=seconds, accuracy=sorted(three)[1], interval=(min(three), max(three)), size=size,
            best=best, estimated=estimated,
        ),
        st.from_regex(r"[a-z0-9]{1,12}(-[a-z0-9]{1,9}){0,2}", fullmatch=True).filter(lambda name: len(name) <= 32),
        st.floats(0, 1e6), st.tuples(shares, shares, shares), st.integers(0, 2**53), st.booleans(), st.booleans(),
    ),
    min_size=1, max_size=20,
)  # fmt: skip


@given(marks)
def test_whatever_is_measured_is_drawn_inside_the_plot(found: list[Mark]) -> None:
    root = ET.fromstring(str(tradeoff_plot(found, id="p", where='<b> & "a" device')))  # noqa: S314 - made here
    height = float(root.attrib["height"])
    assert [one.tag for one in root][:2] == ["title", "desc"]
    assert all(one.name in str(root[1].text) for one in found)
    circles, texts = root.findall("circle"), root.findall("svg/text")
    assert len(circles) == len(found)
    for one in circles:
        assert 0 <= float(one.attrib["cx"].removesuffix("%")) <= 100
        assert 0 <= float(one.attrib["cy"]) <= height
    lines = sorted(float(one.attrib["y"]) for one in texts)
    assert len(lines) == len(found)
    assert all(b - a >= 13.9 for a, b in pairwise(lines))
    assert not lines or 0 < lines[0] <= lines[-1] <= height
