"""Cards: nothing but a short list of elements reaches a reader, whatever was written."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.site.payloads import HOSTILE

from modelport_site.card import render_card, safe_url

HARMLESS = {
    "a", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol",
    "p", "pre", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
# A table lies in a part of the page that scrolls by itself, by keyboard, too.
SCROLLING = {"class", "role", "tabindex", "aria-label"}
ATTRIBUTES = {"a": {"href", "title", "rel"}, "div": SCROLLING, "td": {"align"}, "th": {"align"}, "ol": {"start"}}


class Elements(HTMLParser):
    """Every element of a text with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(html: str) -> None:
    for tag, attributes in Elements(html).found:
        assert tag in HARMLESS, html
        assert set(attributes) <= ATTRIBUTES.get(tag, set()), html
        assert tag != "div" or (attributes["class"], attributes["role"]) == ("mp-scroll", "region")
        href = attributes.get("href")
        if href is not None:
            # What a browser would drop before it reads the scheme is dropped here, too.
            bare = re.sub(r"[\x00-\x20]", "", href).lower()
            assert not re.match(r"(?!https?:|mailto:)[a-z][a-z0-9+.-]*:", bare), html
            assert not re.match(r"[/\\]{2}", bare), html
            assert attributes.get("rel") == "nofollow noopener"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_card_is_harmless(text: str) -> None:
    assert_harmless(render_card(text))
    assert_harmless(render_card(f"Some words.\n\n- item {text}\n\n> quoted {text}\n\n# {text}\n\nand {text} inline"))


@given(
    st.lists(
        st.sampled_from(HOSTILE) | st.sampled_from(["\n\n", "> ", "- ", "`", "*", "[", "](", ")", "|", "<"]), max_size=8
    )
)
def test_mixed_hostile_texts_are_harmless(parts: list[str]) -> None:
    assert_harmless(render_card("".join(parts)))


@given(st.text(max_size=200))
def test_any_text_is_harmless(text: str) -> None:
    assert_harmless(render_card(text))


def test_markdown_works() -> None:
    html = render_card(
        '# One\n\n*em* **strong** `code` [link](https://a.example/b "t")\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n'
        "```python\nx < 1\n```\n\n1. first\n2. second\n",
    )
    assert "<h3>One</h3>" in html
    assert "<em>em</em> <strong>strong</strong> <code>code</code>" in html
    assert '<a href="https://a.example/b" title="t" rel="nofollow noopener">link</a>' in html
    assert '<td align="right">2</td>' in html
    assert "x &lt; 1" in html
    assert "<li>second</li>" in html


@pytest.mark.parametrize(
    ("levels", "shown"),
    [([1, 2, 3], [3, 4, 5]), ([2, 3, 2], [3, 4, 3]), ([3, 6, 1], [3, 4, 3]), ([1, 2, 3, 4, 5, 6], [3, 4, 5, 6, 6, 6])],
)
def test_headings_begin_below_the_page_s_and_skip_no_level(levels: list[int], shown: list[int]) -> None:
    html = render_card("\n\n".join(f"{'#' * level} x" for level in levels))
    assert [int(found) for found in re.findall(r"<h(\d)>", html)] == shown


def test_raw_html_is_shown_as_text() -> None:
    assert "&lt;b&gt;bold&lt;/b&gt;" in render_card("<b>bold</b>")


def test_an_image_becomes_its_alternative_text() -> None:
    assert render_card("before ![a cat](https://a.example/cat.png) after") == "<p>before <em>a cat</em> after</p>"


def test_relative_and_mail_links_stay() -> None:
    html = render_card("[a](../other/) [b](mailto:a@b.example) [c](#use)")
    assert [attributes["href"] for _, attributes in Elements(html).found if "href" in attributes] == [
        "../other/",
        "mailto:a@b.example",
        "#use",
    ]


@pytest.mark.parametrize("text", ["> " * 5000 + "x", "- " * 5000 + "x", ">" * 20_000, "* > " * 4000 + "x"])
def test_a_deep_card_is_harmless(text: str) -> None:
    assert_harmless(render_card(text))


@pytest.mark.parametrize("text", ["<script>" + "[" * 60_000, "`" * 100 + "<script>", "\n- <script>" * 6000])
def test_an_intricate_card_is_shown_as_it_was_written(text: str) -> None:
    html = render_card(text)
    assert_harmless(html)
    assert "Shown as it was written" in html
    assert "&lt;script&gt;" in html


UNITS = [
    "[",
    "*",
    "`",
    "![",
    "<",
    "[a](",
    "**a",
    "\n- ",
    "\n=",
    "\n# ",
    "a\n\n    ",
    "[" * 300 + "\n\n",
    "```\n[\n",
    "````a",
    "~~~\n```",
]


@pytest.mark.parametrize("unit", UNITS)
def test_a_hostile_card_does_not_hold_up_the_build(unit: str) -> None:
    started = time.process_time()
    assert_harmless(render_card((unit * 65536)[:65536]))
    assert time.process_time() - started < 60


def test_a_card_with_much_code_is_formatted() -> None:
    rows = "[[0, 1], [2, 3]],\n" * 1500
    assert "Shown as" not in render_card(f"# Data\n\n```json\n{rows}```\n\nand [a link](https://a.example)")


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "//a.example",
        "http://",
        "https://a b",
        'https://a"b',
        "ftp://a.example",
        "",
        None,
        3,
        "https:/a",
    ],
)
def test_only_web_addresses_become_links(text: object) -> None:
    assert safe_url(text) is None


def test_a_web_address_stays_as_it_is() -> None:
    assert safe_url("https://a.example/b?c=d#e") == "https://a.example/b?c=d#e"
