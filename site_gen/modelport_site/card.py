"""A card's Markdown as HTML that is safe to show, whoever wrote it.

Three walls: python-markdown runs without its raw HTML (what looks like a tag is shown as text) and without the
extensions that set attributes; images become their alternative text, because a remote image tells its host who reads;
then nh3 keeps nothing but a short list of elements and attributes. The page's content security policy is a fourth.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import nh3
from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from modelport.errors import FormatError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["CARD_LIMIT", "render_card", "safe_url"]

CARD_LIMIT = 64 * 1024
"""Characters in a card. python-markdown's time grows faster than the text."""

_TAGS = {
    "a", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
    "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "th": {"align"}, "td": {"align"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_HEADINGS = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6"}


def render_card(text: str, *, name: str) -> str:
    """Return safe HTML for the card of the model called *name*.

    Raises:
        FormatError: The card is longer than ``CARD_LIMIT`` or nested deeper than any text for people.
    """
    if len(text) > CARD_LIMIT:
        raise FormatError(
            f"the card of {name} has {len(text)} characters, at most {CARD_LIMIT} are shown",
            hint="keep card.md short and link to the longer text",
        )
    try:
        html = Markdown(extensions=[_PlainText(), "tables", "fenced_code", "sane_lists"]).convert(text)
    except RecursionError as error:
        raise FormatError(
            f"the card of {name} is nested too deeply", hint="flatten its quotes and lists"
        ) from error
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style"},
        attributes=_ATTRIBUTES,
        attribute_filter=_keep,
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener",
        strip_comments=True,
    )


def safe_url(text: object) -> str | None:
    """Return *text* when it is a plain web address that may become a link, else None."""
    if not isinstance(text, str) or not re.fullmatch(r"https?://[A-Za-z0-9][^\s\"'<>\\\x00-\x20]*", text):
        return None
    return text


def _keep(_element: str, attribute: str, value: str) -> str | None:
    match attribute:
        case "href":  # "//host", in any spelling a browser accepts, is another site without a scheme
            return None if re.match(r"[\s\x00-\x20]*[/\\][\s\x00-\x20]*[/\\]", value) else value
        case "align":
            return value if value in {"left", "center", "right"} else None
        case "start":
            return value if value.isdecimal() else None
        case _:
            return value


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
            element.tag = _HEADINGS.get(element.tag, element.tag)
            if (style := element.attrib.pop("style", "")) and style.startswith("text-align: "):
                element.set("align", style.removeprefix("text-align: ").rstrip(";"))
