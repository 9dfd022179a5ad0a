"""A card's Markdown as HTML that is safe to show, whoever wrote it.

Three walls: python-markdown runs without its raw HTML (what looks like a tag is shown as text) and without the
extensions that set attributes; images become their alternative text, because a remote image tells its host who reads;
then nh3 keeps nothing but a short list of elements and attributes. The page's content security policy is a fourth.
"""

from __future__ import annotations

import re
from html import escape
from itertools import count
from typing import TYPE_CHECKING

import nh3
from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["render_card", "safe_url"]

_LINK_WORK, _LINE_WORK = 4_000_000, 200_000_000
"""Bounds of about a second each: python-markdown looks from each "[" to the end of its block, and handles lists and
headings in time that grows with the lines times the text."""

_FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1[ ]*$", re.DOTALL | re.MULTILINE)
_TAGS = {
    "a", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "th": {"align"}, "td": {"align"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_FIRST_LEVEL = 3
"""Headings of a card begin below those of the page, and skip no level: some readers walk from heading to heading."""


def render_card(text: str) -> str:
    """Return safe HTML for a card; a text made to be slow or deep is shown as it was written."""
    if _is_slow(text):
        return _as_written(text)
    try:
        html = Markdown(extensions=[_PlainText(), "tables", "fenced_code", "sane_lists"]).convert(text)
    except RecursionError:
        return _as_written(text)
    return _scrolling_tables(
        nh3.clean(
            html,
            tags=_TAGS,
            clean_content_tags={"script", "style"},
            attributes=_ATTRIBUTES,
            attribute_filter=_keep,
            url_schemes=_SCHEMES,
            link_rel="nofollow noopener",
            strip_comments=True,
        )
    )


def _scrolling_tables(html: str) -> str:
    """Let each table of clean HTML scroll by itself, by keyboard, too; in code a tag is spelt with ``&lt;``."""
    numbers = count(1)
    opening = '<div class="mp-scroll" role="region" tabindex="0" aria-label="Table {} of the card"><table>'
    html = re.sub("<table>", lambda _: opening.format(next(numbers)), html)
    return html.replace("</table>", "</table></div>")


def safe_url(text: object) -> str | None:
    """Return *text* when it is a plain web address that may become a link, else None."""
    if not isinstance(text, str) or not re.fullmatch(r"https?://[A-Za-z0-9][^\s\"'<>\\\x00-\x20]*", text):
        return None
    return text


def _keep(_element: str, attribute: str, value: str) -> str | None:
    match attribute:
        case "href":  # browsers drop some control characters; "//host" is another site without a scheme
            return None if re.search(r"[\s\x00-\x20]|\A[/\\]{2}", value) else value
        case "align":
            return value if value in {"left", "center", "right"} else None
        case "start":
            return value if value.isdecimal() else None
        case _:
            return value


def _is_slow(text: str) -> bool:
    if re.search(r"[`~]{99}", text):  # every length of a fence would be tried
        return True
    blocks = re.split(r"\n[ \t]*\n", _FENCED.sub("", text))
    links = sum(block.count("[") * len(block) for block in blocks)
    return links > _LINK_WORK or text.count("\n") * len(text) > _LINE_WORK


def _as_written(text: str) -> str:
    return f"<p><em>Shown as it was written: it is too intricate to be formatted.</em></p><pre>{escape(text)}</pre>"


class _PlainText(Extension):
    """Markdown without raw HTML, without images, and with headings below those of the page."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - python-markdown's name for it
        md.preprocessors.deregister("html_block")
        md.inlinePatterns.deregister("html")
        md.treeprocessors.register(_Rewrite(md), "modelport", 0)


class _Rewrite(Treeprocessor):
    def run(self, root: Element) -> None:
        for element in root.iter():
            if element.tag == "img":
                alt = element.get("alt", "")
                tail = element.tail
                element.clear()
                element.tag, element.text, element.tail = "em", alt, tail
            if (style := element.attrib.pop("style", "")) and style.startswith("text-align: "):
                element.set("align", style.removeprefix("text-align: ").rstrip(";"))
        _level_headings([element for element in root.iter() if element.tag in _HEADINGS])


def _level_headings(headings: list[Element]) -> None:
    highest = min((_HEADINGS.index(heading.tag) for heading in headings), default=0)
    above = _FIRST_LEVEL - 1
    for heading in headings:
        above = min(_HEADINGS.index(heading.tag) - highest + _FIRST_LEVEL, above + 1, len(_HEADINGS))
        heading.tag = f"h{above}"
