"""The small parts, each by itself."""

from __future__ import annotations

import ast
import json
import re
import shlex
import struct
import subprocess
import zlib
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.site.samples import fashion, iris

from modelport.errors import FormatError, InputError, NotFoundError, SetupError
from modelport.model.spec import Field, ListOf, Message, MessageRef, MethodSpec, ModelSpec, Scalar, TensorOf
from modelport_site import serve_site
from modelport_site.documents import to_json
from modelport_site.frame import Frame, root_of
from modelport_site.intervals import interval_plot
from modelport_site.pictures import pictures, png
from modelport_site.policy import seal
from modelport_site.prose import build_prose, configuration
from modelport_site.settings import SiteSettings
from modelport_site.shorten import elide, human_bytes, one_line
from modelport_site.signature import method_tables, skeleton
from modelport_site.snippets import usage_tabs

if TYPE_CHECKING:
    from pathlib import Path

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_a_short_value_is_shown_whole_and_a_long_one_short(value: object) -> None:
    text, cut = elide(value)
    if not cut:
        assert json.loads(text) == value
    assert len(one_line(value)) <= 64
    assert "\n" not in one_line(value)


def test_what_is_left_out_is_counted() -> None:
    text, cut = elide({"images": [[[0] * 28] * 28], "name": "x" * 300})
    assert cut
    assert text.count("[0, 0, 0, 0, 0, 0, … 22 more]") == 3
    assert "… 25 more" in text
    assert "(300 characters)" in text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (152_340, "152 kB"), (999_999, "1 MB"), (1_042_118, "1.04 MB"),
     (12_345_678, "12.3 MB"), (5_000_000_000_000_000, "5000 TB")],
)  # fmt: skip
def test_sizes_are_said_in_decimal_units(size: int, text: str) -> None:
    assert human_bytes(size) == text


def decode(file: bytes) -> tuple[int, int, list[bytes]]:
    """Read a PNG of 8 bits a sample without filters, checking every checksum."""
    assert file.startswith(b"\x89PNG\r\n\x1a\n")
    place, chunks = 8, {}
    while place < len(file):
        (length,), kind = struct.unpack(">I", file[place : place + 4]), file[place + 4 : place + 8]
        body = file[place + 8 : place + 8 + length]
        assert struct.unpack(">I", file[place + 8 + length : place + 12 + length]) == (zlib.crc32(kind + body),)
        chunks[kind] = body
        place += 12 + length
    width, height, _, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    step = width * {0: 1, 2: 3, 6: 4}[colour] + 1
    raw = zlib.decompress(chunks[b"IDAT"])
    return width, height, [raw[i + 1 : i + step] for i in range(0, len(raw), step)]


def test_a_tensor_of_grey_values_is_a_picture() -> None:
    image = [[(x * y) % 256 for x in range(28)] for y in range(20)]
    found = pictures({"type": {"tensor": {"dtype": "uint8", "shape": ["n", 20, 28]}}}, [image, image])
    assert [(width, height) for _, width, height in found] == [(28, 20)] * 2
    assert decode(found[0][0]) == (28, 20, [bytes(row) for row in image])


def test_a_tensor_with_channels_is_a_coloured_picture() -> None:
    image = [[[x, y, 7] for x in range(8)] for y in range(6)]
    (found,) = pictures({"type": {"tensor": {"dtype": "uint8", "shape": [6, 8, 3]}}}, image)
    assert decode(found[0]) == (8, 6, [bytes(v for pixel in row for v in pixel) for row in image])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ({"scalar": "bytes"}, "AAAA"),
        ({"tensor": {"dtype": "float32", "shape": [8, 8]}}, [[0.0] * 8] * 8),
        ({"tensor": {"dtype": "uint8", "shape": [8]}}, [0] * 8),
        ({"tensor": {"dtype": "uint8", "shape": []}}, 3),
        ({"tensor": {"dtype": "uint8", "shape": ["n", 2]}}, [[0, 1]] * 8),
        ({"tensor": {"dtype": "uint8", "shape": [8, 8]}}, None),
        ({"tensor": {"dtype": "uint8", "shape": [8, 8]}}, [[300] * 8] * 8),
        ({"tensor": {"dtype": "uint8", "shape": [8, 8]}}, [[0] * 8] * 7 + [[0]]),
        ({"tensor": {"dtype": "uint8", "shape": [8, 8]}}, [["a"] * 8] * 8),
    ],
)
def test_other_values_are_no_pictures(kind: dict[str, Any], value: object) -> None:
    assert pictures({"type": kind}, value) == []


def test_a_picture_has_the_same_bytes_everywhere() -> None:
    assert png([b"\0\xff"] * 2, 2).hex().endswith("49454e44ae426082")
    assert b"\x78\x01\x01" in png([b"\0\xff"] * 2, 2)  # stored, not compressed


def test_an_interval_is_drawn_to_scale() -> None:
    plot = interval_plot({"value": 0.5, "interval": [0.25, 1.0]})
    drawn = ET.fromstring(str(plot))  # noqa: S314 - our own text
    circle = drawn.find("circle")
    assert circle is not None
    assert float(circle.attrib["cx"]) == 80
    assert "M43.0 10H154.0" in str(plot)


@pytest.mark.parametrize(
    "one", [{"value": 0.5}, {"value": 3.0, "interval": [2, 4]}, {"value": 0.9, "interval": [0.1, 0.2]}]
)
def test_what_is_no_share_is_not_drawn(one: dict[str, Any]) -> None:
    assert interval_plot(one) is None


def nested() -> dict[str, Any]:
    return ModelSpec(
        messages=(
            Message("Tree", (Field("label", Scalar("string")), Field("children", ListOf(MessageRef("Tree"))))),
            Message("Box", (Field("any", TensorOf("int8", (None, "n", 3))), Field("one", TensorOf("bool", ())))),
        ),
        methods=(MethodSpec("prune", "Tree", "Box"),),
    ).with_proto_package().to_json()  # fmt: skip


def test_nested_messages_become_indented_rows() -> None:
    example = {"method": "prune", "input": {"label": "a", "children": [{"label": "b", "children": []}]}, "output": {}}
    (table,) = method_tables(nested(), [example])
    rows = [(row.depth, row.name, row.type, row.shape, row.example) for row in table.inputs]
    assert rows[:4] == [
        (0, "label", "string", "", '"a"'),
        (0, "children", "list of Tree", "any length", ""),
        (1, "label", "string", "", '"b"'),
        (1, "children", "list of Tree", "any length", ""),
    ]
    assert max(row.depth for row in table.inputs) == 4  # a message that holds itself ends somewhere
    assert [row.shape for row in table.outputs] == [
        "any \N{MULTIPLICATION SIGN} n \N{MULTIPLICATION SIGN} 3",
        "one value",
    ]
    assert skeleton(nested(), "prune") == {"label": "", "children": []}


def blocks(document: dict[str, Any], *, without_examples: bool = False) -> list[tuple[str, str]]:
    release = document["versions"][0] | ({"examples": []} if without_examples else {})
    tabs = usage_tabs(document["name"], release, recipe=document["recipe"])
    return [(block.language, block.code) for tab in tabs for block in tab.blocks]


@pytest.mark.parametrize("document", [iris(), fashion()], ids=lambda d: str(d["name"]))
@pytest.mark.parametrize("without_examples", [False, True])
def test_every_snippet_can_be_pasted(document: dict[str, Any], *, without_examples: bool) -> None:
    for language, code in blocks(document, without_examples=without_examples):
        if language == "python":
            ast.parse(code)
        else:
            subprocess.run(["bash", "-n", "-c", code], check=True)
            assert shlex.split(code)


def test_a_snippet_quotes_what_a_shell_would_read() -> None:
    document = iris()
    document["versions"][0]["examples"][0]["input"] = {"text": 'it\'s `id` $(id) "x" \\ \n ;'}
    call = next(code for _, code in blocks(document) if " call " in code)
    printed = subprocess.run(
        ["bash", "-c", f'modelport() {{ printf %s "$4"; }}; {call}'], check=True, capture_output=True, text=True
    ).stdout
    assert json.loads(printed) == {"text": 'it\'s `id` $(id) "x" \\ \n ;'}


def test_a_long_input_is_read_from_a_file() -> None:
    tabs = usage_tabs("fashion-classifier", fashion()["versions"][0], recipe=True)
    code = {tab.label: " ".join(block.code for block in tab.blocks) for tab in tabs}
    assert " classify @fashion-classifier-classify.json" in code["CLI"]
    assert "-d @fashion-classifier-classify.json" in code["curl"]
    assert "json.loads(Path('fashion-classifier-classify.json').read_text())" in code["Python"]


@pytest.mark.parametrize("document", [iris(), fashion()], ids=lambda d: str(d["name"]))
def test_what_runs_code_says_at_that_line_what_to_add(document: dict[str, Any]) -> None:
    tabs = usage_tabs(document["name"], document["versions"][0], recipe=document["recipe"])
    for block in (block for tab in tabs for block in tab.blocks):
        runs = block.code.startswith(("modelport call", "modelport serve"))
        assert block.ending == ("--allow-code" if runs else "")
    data_only = document["versions"][0] | {"tier": "data-only"}
    tabs = usage_tabs(document["name"], data_only, recipe=document["recipe"])
    assert not any(block.ending for tab in tabs for block in tab.blocks)


@pytest.mark.parametrize("value", [float("nan"), {"x": [float("inf")]}, "\ud800"])
def test_what_json_cannot_say_is_an_error(value: object) -> None:
    with pytest.raises(FormatError, match="cannot be written as JSON"):
        to_json(value)


def test_the_policy_names_this_site_only_and_no_inline_script() -> None:
    page = seal('<meta content="modelport-slot-policy"><script src="a.js"></script>'
                '<script type="application/ld+json">{}</script>')  # fmt: skip
    policy = page.partition('content="')[2].partition('"')[0].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'"} <= set(policy)
    assert not re.search(r"unsafe|sha256|nonce|\*|https?:", "".join(policy))
    for inline in ("<script>go()</script>", "<script defer>go()</script>", "<style>a{}</style>"):
        with pytest.raises(FormatError, match="inline"):
            seal(f"modelport-slot-policy{inline}")


def test_a_frame_without_its_slots_is_refused() -> None:
    with pytest.raises(FormatError, match=r"lacks .*content"):
        Frame.cut("<title>modelport-slot-title</title>")


def test_what_fills_a_slot_is_not_filled_again() -> None:
    frame = Frame.cut('modelport-slot-title <meta name="modelport-slot-head"> modelport-slot-content')
    page = frame.fill(title="<modelport-slot-content>", description="", content="modelport-slot-title", place="")
    assert page == "&lt;modelport-slot-content&gt;  modelport-slot-title"


@pytest.mark.parametrize(("place", "root"), [("", ""), ("models/", "../"), ("browse/task/other/", "../../../")])
def test_a_frame_fits_a_page_at_any_depth(place: str, root: str) -> None:
    frame = Frame.cut(
        'modelport-slot-title <meta name="modelport-slot-head"> modelport-slot-content <a href=".."></a>'
        '<a href="../models/"></a><link href="https://m.example/modelport-slot-path/">'
    )
    assert root_of(place) == root
    assert frame.fill(title="", description="", content='"../x"', place=place).endswith(
        f'"../x" <a href="{root or "./"}"></a><a href="{root}models/"></a><link href="https://m.example/{place}">'
    )


def test_prose_that_mkdocs_refuses_is_shown_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="mkdocs refused the prose") as caught:
        build_prose(SiteSettings(url="not an address"), tmp_path)
    assert "site_url" in str(caught.value)
    assert "end of life" not in str(caught.value)
    assert list((tmp_path / "prose").iterdir()) == []


def test_mkdocs_gets_no_hooks_and_no_plugins() -> None:
    config = configuration(SiteSettings())
    assert config["plugins"] == []
    assert not {"hooks", "repo_url"} & config.keys()
    assert config["theme"]["font"] is False


def answer(url: str, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request(method, path)
    reply = connection.getresponse()
    result = reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
    connection.close()
    return result


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/models/iris-forest/", "text/html; charset=utf-8"),
        ("/api/v1/index.json", "application/json"),
        ("/assets/modelport/site.js", "text/javascript; charset=utf-8"),
        ("/assets/modelport/site.css", "text/css; charset=utf-8"),
        ("/assets/modelport/mark.svg", "image/svg+xml"),
        ("/models/fashion-classifier/example-1-1.png", "image/png"),
        ("/models/iris-forest/CITATION.cff", "text/plain; charset=utf-8"),
        ("/models/iris-forest/citation.bib", "text/plain; charset=utf-8"),
    ],
)
def test_files_are_served_with_their_types_and_not_kept(site_url: str, path: str, kind: str) -> None:
    status, headers, body = answer(site_url, path)
    assert (status, headers["content-type"], headers["cache-control"]) == (200, kind, "no-store")
    assert len(body) == int(headers["content-length"])


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/.modelport-site.json",
        "/api/",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/index.html/",
        "/a%00b",
    ],
)
def test_what_is_not_a_page_is_the_site_s_own_404(site_url: str, path: str) -> None:
    status, headers, body = answer(site_url, path)
    assert status == 404
    assert b"This page is not here" in body
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert answer(site_url, path, "HEAD")[::2] == (404, b"")


def test_a_folder_without_its_slash_is_led_on(site_url: str) -> None:
    status, headers, _ = answer(site_url, "/models/iris-forest?q=1")
    assert (status, headers["location"]) == (301, "/models/iris-forest/?q=1")


def test_serving_says_what_is_wrong(site: Path, site_url: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no built site"):
        serve_site(tmp_path)
    port = urlsplit(site_url).port
    assert port is not None
    with pytest.raises(SetupError, match="Address already in use"):
        serve_site(site, port)


@pytest.mark.parametrize("port", [-1, 65536, 99999])
def test_a_port_that_is_none_is_refused(site: Path, port: int) -> None:
    with pytest.raises(InputError, match=f"{port} is not a port") as caught:
        serve_site(site, port)
    assert "0 to 65535" in caught.value.hint
