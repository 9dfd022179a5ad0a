"""Feeds of new versions, for the whole catalog and for each model: JSON Feed 1.1 and Atom (RFC 4287).

A feed depends on the documents alone: its dates are those on which versions were released, and an entry's identifier
is a UUID (RFC 9562, version 5) made from the model's name, the version and the digest, so that it stays the same
wherever the site moves. Where the site's own address is not known, Atom's links are relative, which RFC 4287 allows,
and JSON Feed, whose addresses must be whole, has none, which it allows, too.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, tostring

from modelport_site.documents import to_json
from modelport_site.frame import root_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelport_site.settings import SiteSettings

__all__ = ["Feed", "catalog_feed", "feed_files", "feed_key", "model_feed"]

_LENGTH = 100
"""How many versions a feed names: the newest."""
_NAMESPACE = uuid.UUID("6f2d3c53-6a4e-4c0b-9d77-1f0a3f0f5b21")  # at random, once
_NOTHING_YET = "1970-01-01"
_ATOM = "http://www.w3.org/2005/Atom"
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot say at all (section 2.2); a carriage return would come back as a line feed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One version of a model, as news."""

    model: Mapping[str, Any]
    version: Mapping[str, Any]

    @property
    def id(self) -> str:
        """An identifier that is the same in every feed and on every site."""
        return _urn(f"{self.model['name']}@{self.version['version']}@{self.version['digest']}")

    @property
    def title(self) -> str:
        """The model and the version; and whether nobody should use it."""
        yanked = {one["version"] for one in self.model.get("yanked", ())}
        gone = self.model["lifecycle"] == "yanked" or self.version["version"] in yanked
        return f"{self.model['title']} {self.version['version']}{' (yanked)' if gone else ''}"

    @property
    def text(self) -> str:
        """What the model does and what changed."""
        changes = [f"{change['kind']}: {change['text']}" for change in self.version.get("changes", ())]
        return "\n".join([self.model["summary"], "", *changes, "", str(self.version["digest"])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """News in the order in which they are told: newest first.

    Attributes:
        place: The folder of the feed's files below the site's root; the page there is what the feed is about.
    """

    place: str
    title: str
    description: str
    items: tuple[Item, ...]

    @property
    def updated(self) -> str:
        """The day of the newest version; of an empty feed, the first of all days."""
        return max((str(item.version["released"]) for item in self.items), default=_NOTHING_YET)


def catalog_feed(models: Iterable[Mapping[str, Any]], settings: SiteSettings) -> Feed:
    """Return the news of all models."""
    return Feed(
        place="",
        title=f"{settings.title}: new versions",
        description=settings.description,
        items=_newest(Item(model=model, version=version) for model in models for version in model["versions"]),
    )


def model_feed(model: Mapping[str, Any], settings: SiteSettings) -> Feed:
    """Return the news of one model."""
    return Feed(
        place=f"models/{model['name']}/",
        title=f"{model['title']}: new versions ({settings.title})",
        description=model["summary"],
        items=_newest(Item(model=model, version=version) for version in model["versions"]),
    )


def feed_key(feed: Feed, settings: SiteSettings) -> bytes:
    """Return bytes that change whenever one of a feed's files does: all that Atom says, JSON Feed says, too."""
    return to_json(_json_feed(feed, settings))


def feed_files(feed: Feed, settings: SiteSettings) -> dict[str, bytes]:
    """Return a feed in both formats, by path."""
    return {
        f"{feed.place}feed.json": to_json(_json_feed(feed, settings)),
        f"{feed.place}feed.xml": _atom(feed, settings),
    }


def _newest(items: Iterable[Item]) -> tuple[Item, ...]:
    # Of one day, the order of the documents: a model's versions come newest first there.
    return tuple(sorted(items, key=lambda item: str(item.version["released"]), reverse=True)[:_LENGTH])


def _json_feed(feed: Feed, settings: SiteSettings) -> dict[str, Any]:
    document: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.description,
        "language": "en",
        "items": [_json_item(item, settings) for item in feed.items],
    }
    if settings.url:
        document |= {
            "home_page_url": f"{settings.url}{feed.place}",
            "feed_url": f"{settings.url}{feed.place}feed.json",
            "icon": f"{settings.url}assets/modelport/card.png",
        }
    return document


def _json_item(item: Item, settings: SiteSettings) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": item.id,
        "title": item.title,
        "content_text": item.text,
        "date_published": _instant(item.version["released"]),
        "authors": [{"name": one["name"]} for one in item.model["authors"]],
        "tags": [item.model["task"], *item.model.get("tags", ())],
        "_modelport": {key: item.version[key] for key in ("version", "digest", "size")} | {"name": item.model["name"]},
    }
    if settings.url:
        said["url"] = f"{settings.url}models/{item.model['name']}/"
    return said


def _atom(feed: Feed, settings: SiteSettings) -> bytes:
    root = settings.url or root_of(feed.place)
    top = Element("feed", xmlns=_ATOM)
    _text(top, "id", f"{settings.url}{feed.place}feed.xml" if settings.url else _urn(f"{settings.title} {feed.place}"))
    _text(top, "title", feed.title)
    _text(top, "subtitle", feed.description)
    _text(top, "updated", _instant(feed.updated))
    SubElement(top, "link", rel="self", type="application/atom+xml", href=f"{root}{feed.place}feed.xml")
    SubElement(top, "link", rel="alternate", type="text/html", href=f"{root}{feed.place}" or "./")
    _text(SubElement(top, "author"), "name", settings.title)
    for item in feed.items:
        entry = SubElement(top, "entry")
        _text(entry, "id", item.id)
        _text(entry, "title", item.title)
        _text(entry, "updated", _instant(item.version["released"]))
        _text(entry, "published", _instant(item.version["released"]))
        for one in item.model["authors"]:
            _text(SubElement(entry, "author"), "name", one["name"])
        SubElement(entry, "link", rel="alternate", type="text/html", href=f"{root}models/{item.model['name']}/")
        for tag in (item.model["task"], *item.model.get("tags", ())):
            SubElement(entry, "category", term=_clean(tag))
        _text(entry, "content", item.text).set("type", "text")
    content: bytes = tostring(top, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _text(parent: Element, name: str, text: str) -> Element:
    made = SubElement(parent, name)
    made.text = _clean(text)
    return made


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _instant(day: str) -> str:
    return f"{day}T00:00:00Z"


def _urn(name: str) -> str:
    return uuid.uuid5(_NAMESPACE, name).urn
