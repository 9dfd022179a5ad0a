"""Pages from documents: the only module that knows the templates.

Templates stay within what Jinja and MiniJinja have in common and get finished values; they decide nothing but layout.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from modelport_site.card import render_card, safe_url
from modelport_site.documents import check_model, to_json
from modelport_site.examples import view_examples
from modelport_site.fingerprint import ROOT
from modelport_site.intervals import interval_plot
from modelport_site.listing import card_view
from modelport_site.shorten import human_bytes
from modelport_site.signature import method_tables
from modelport_site.snippets import code_html, input_file_name, usage_tabs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport_site.frame import Frame
    from modelport_site.settings import SiteSettings

__all__ = ["fill_home", "render_list", "render_model"]

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(ROOT / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["bytes"] = human_bytes
_ENVIRONMENT.filters["web"] = safe_url
_ENVIRONMENT.filters["paragraphs"] = lambda text: [p for p in re.split(r"\n\s*\n", str(text).strip()) if p]
_ENVIRONMENT.filters["json"] = lambda text: code_html(text, "json")

_LIFECYCLE = {"published": "", "draft": "Draft", "deprecated": "Deprecated", "yanked": "Yanked"}


def render_model(
    frame: Frame,
    model: Mapping[str, Any],
    *,
    row: Mapping[str, Any],
    successor: str | None,
    settings: SiteSettings,
) -> dict[str, bytes]:
    """Return the files of one model: its page, its pictures, its API document and its examples.

    *successor* is the model's successor when the catalog has it.
    """
    check_model(model)
    name = model["name"]
    release = _latest(model)
    examples, files = view_examples(name, release) if release else ((), {})
    usable = release is not None and model["lifecycle"] != "yanked"
    tabs, from_file = usage_tabs(name, release, recipe=model["recipe"]) if release else ((), False)
    content = _ENVIRONMENT.get_template("model.html").render(
        model={"tags": (), **model},
        row=row,
        card=Markup(render_card(model["card"])),  # noqa: S704 - sanitised there
        lifecycle=_LIFECYCLE.get(model["lifecycle"], model["lifecycle"]),
        task_words=model["task"].replace("-", " "),
        release=release,
        usable=usable,
        methods=method_tables(release["signature"], release["examples"]) if release else (),
        examples=examples,
        tabs=tabs,
        input_file=input_file_name(name) if from_file else "",
        evaluations=[(e, interval_plot(e)) for e in release["evaluations"]] if release else [],
        successor=successor,
        root="../../",
    )
    page = frame.fill(
        title=model["title"],
        description=model["summary"],
        content=content,
        path=name,
        head=_linked_data(model, release, settings),
    )
    return files | {f"models/{name}/index.html": page.encode(), f"api/v1/models/{name}.json": to_json(model)}


def render_list(frame: Frame, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the page that lists every model; it is complete without scripts."""
    content = _ENVIRONMENT.get_template("list.html").render(
        cards=[card_view(row) for row in rows], tags=_common_tags(rows), root="../"
    )
    return frame.fill(title="Models", description="All models of this catalog", content=content).encode()


def fill_home(page: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the home page with its search field and its first models filled in."""
    search = _ENVIRONMENT.get_template("search.html").render(root="")
    cards = _ENVIRONMENT.get_template("home_models.html").render(
        cards=[card_view(row) for row in rows[:_ON_HOME]], count=len(rows), root=""
    )
    return page.replace("<p>modelport-slot-search</p>", search).replace("<p>modelport-slot-models</p>", cards)


_ON_HOME = 12
_TAGS_SHOWN = 12


def _latest(model: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the version that the page is about: the latest, or the newest where none is called latest."""
    found = [v for v in model["versions"] if v["version"] == model["latest"]] or model["versions"]
    return found[0] if found else None


def _common_tags(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    counts: dict[str, int] = {}
    for row in rows:
        for tag in row["tags"]:
            counts[tag] = counts.get(tag, 0) + 1
    return sorted(sorted(counts), key=lambda tag: -counts[tag])[:_TAGS_SHOWN]


def _linked_data(model: Mapping[str, Any], release: Mapping[str, Any] | None, settings: SiteSettings) -> str:
    """Return schema.org JSON-LD; both types, because FAIR4ML is still a draft (w3id.org/fair4ml, 0.1.0)."""
    document: dict[str, Any] = {
        "@context": ["https://schema.org/", {"fair4ml": "https://w3id.org/fair4ml/"}],
        "@type": ["SoftwareSourceCode", "fair4ml:MLModel"],
        "name": model["title"],
        "identifier": release["digest"] if release else model["name"],
        "description": model["summary"],
        "keywords": [model["task"], *model.get("tags", ())],
        "license": model["license"]["weights"],
        "author": [{"@type": "Person", "name": author["name"]} for author in model["authors"]],
        "publisher": {"@type": "Organization", "name": model["publisher"]["name"]},
    }
    if release:
        document |= {"version": release["version"], "datePublished": release["released"]}
    if settings.url:
        document["url"] = f"{settings.url}models/{model['name']}/"
    # In a script element "</" would end it, and "<!--" would change how it is read.
    text = to_json(document).decode().strip().replace("<", "\\u003c")
    return f'<script type="application/ld+json">{text}</script>'
