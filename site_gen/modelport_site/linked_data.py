"""What a model's page and the home page say to machines: schema.org JSON-LD, and links to the model's feeds.

A model is typed as SoftwareSourceCode, as SoftwareApplication (for its size and memory) and as FAIR4ML's MLModel,
because FAIR4ML is still a draft (w3id.org/fair4ml, 0.1.0). Every value is one of the JSON API's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelport.catalog.facts import slug
from modelport_site.card import safe_url
from modelport_site.documents import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelport_site.settings import SiteSettings

__all__ = ["data_block", "home_data", "linked_data"]

_CONTEXT = ["https://schema.org", {"fair4ml": "https://w3id.org/fair4ml/"}]
_ONE_LICENSE = re.compile(r"(?!LicenseRef-)[A-Za-z0-9.-]+\+?")
_SIZE_UNIT = "B"


def data_block(document: object) -> str:
    """Return JSON-LD as an element of the page; nothing in it can end the element or be run."""
    # In a script element "</" would end it, and "<!--" would change how it is read.
    text = to_json(document).decode().strip().replace("<", "\\u003c")
    return f'<script type="application/ld+json">{text}</script>'


def linked_data(model: Mapping[str, Any], release: Mapping[str, Any] | None, settings: SiteSettings) -> str:
    """Return what the head of a model's page says of it: the model itself, the way to the page, its feeds."""
    root = settings.url or "../../"
    place = f"{root}models/{model['name']}/"
    steps = [("Models", f"{root}models/"), (model["title"], place)]
    crumbs = {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": number, "name": name, "item": address}
            for number, (name, address) in enumerate(steps, 1)
        ],
    }
    feeds = "".join(
        f'<link rel="alternate" type="application/{kind}" title="New versions of this model ({name})" href="{file}">\n'
        for kind, name, file in (("feed+json", "JSON", "feed.json"), ("atom+xml", "Atom", "feed.xml"))
    )
    return feeds + data_block({"@context": _CONTEXT, "@graph": [_model(model, release, root, place), crumbs]})


def home_data(rows: Sequence[Mapping[str, Any]], settings: SiteSettings) -> str:
    """Return what the home page says: the catalog, and where the site's address is known how to search it."""
    root = settings.url or "./"
    download = {
        "@type": "DataDownload",
        "encodingFormat": "application/json",
        "contentUrl": f"{root}api/v1/index.json",
    }
    catalog = {
        "@type": "DataCatalog",
        "name": settings.title,
        "description": settings.description,
        "url": root,
        "dataset": {
            "@type": "Dataset",
            "name": f"{settings.title}: index of models",
            "description": f"One row for each of {len(rows)} models: what it does, takes and gives, and its digest",
            "distribution": download,
        },
    }
    site: dict[str, Any] = {"@type": "WebSite", "name": settings.title, "url": root}
    if settings.url:
        site["potentialAction"] = {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": f"{root}models/?q={{search_term_string}}"},
            "query-input": "required name=search_term_string",
        }
    return data_block({"@context": "https://schema.org", "@graph": [catalog, site]})


def _model(model: Mapping[str, Any], release: Mapping[str, Any] | None, root: str, place: str) -> dict[str, Any]:
    links = model.get("links", {})
    said = {
        "@type": ["SoftwareSourceCode", "SoftwareApplication", "fair4ml:MLModel"],
        "@id": place,
        "url": place,
        "name": model["title"],
        "alternateName": model["name"],
        "identifier": release["digest"] if release else model["name"],
        "description": model["summary"],
        "keywords": [model["task"], *model.get("tags", ())],
        "license": [_license(one) for one in dict.fromkeys(model["license"].values())],
        "author": [_person(one) for one in model["authors"]],
        "maintainer": [_person(one) for one in model["maintainers"]],
        "publisher": _full(
            {"@type": "Organization", "name": model["publisher"]["name"], "url": model["publisher"].get("url")}
        ),
        "inLanguage": model.get("languages"),
        "codeRepository": links.get("source"),
        "sameAs": links.get("homepage"),
        "citation": _citation(model.get("citation", {})),
        "isBasedOn": [_parent(one, root) for one in model.get("lineage", ())],
        "fair4ml:fineTunedFrom": [
            _parent(one, root) for one in model.get("lineage", ()) if one["relation"] == "fine-tuned"
        ],
        "fair4ml:mlTask": model["task"],
        "fair4ml:intendedUse": model["intended_use"],
        "fair4ml:trainedOn": [_trained_on(one, root) for one in model["training_data"]],
    }
    return _full(said | (_release(model, release, root) if release else {}))


def _release(model: Mapping[str, Any], release: Mapping[str, Any], root: str) -> dict[str, Any]:
    dates = [version["released"] for version in model["versions"]]
    memory = release.get("resources", {}).get("memory")
    return {
        "version": release["version"],
        "datePublished": min(dates),
        "dateModified": max(dates),
        "fileSize": f"{release['size']} {_SIZE_UNIT}",
        "memoryRequirements": f"{memory} {_SIZE_UNIT}" if memory else None,
        "softwareRequirements": [f"Python {release['python']}", *release.get("requirements", ())],
        "fair4ml:evaluatedOn": [
            _data_set(name, root) for name in dict.fromkeys(one["data"] for one in release["evaluations"])
        ],
    }


def _full(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return *node* without the keys that have nothing to say."""
    return {key: value for key, value in node.items() if value not in (None, [], {}, "")}


def _license(expression: str) -> str | dict[str, str]:
    """Return the address of a licence's text, or, for terms joined by AND, OR or WITH, a work with that name."""
    if _ONE_LICENSE.fullmatch(expression):
        return f"https://spdx.org/licenses/{expression}"
    return {"@type": "CreativeWork", "name": expression}


def _person(one: Mapping[str, Any]) -> dict[str, Any]:
    orcid = f"https://orcid.org/{one['orcid']}" if one.get("orcid") else None
    github = f"https://github.com/{one['github']}" if one.get("github") else None
    return _full({"@type": "Person", "@id": orcid, "name": one["name"], "email": one.get("email"), "sameAs": github})


def _citation(said: Mapping[str, Any]) -> str | dict[str, Any] | None:
    if not said.get("title"):
        return said.get("text")
    doi = f"https://doi.org/{said['doi']}" if said.get("doi") else None
    arxiv = f"https://arxiv.org/abs/{said['arxiv']}" if said.get("arxiv") else None
    authors: Iterable[str] = said.get("authors", ())
    return _full(
        {
            "@type": "ScholarlyArticle"
            if said.get("type", "article") in {"article", "inproceedings"}
            else "CreativeWork",
            "@id": doi,
            "name": said["title"],
            "author": [{"@type": "Person", "name": name} for name in authors],
            "datePublished": str(said["year"]) if said.get("year") else None,
            "publication": said.get("venue"),
            "sameAs": arxiv,
            "url": said.get("url"),
        }
    )


def _parent(one: Mapping[str, Any], root: str) -> str | dict[str, Any]:
    if one.get("model"):
        address = f"{root}models/{one['model']}/"
        return {"@type": "SoftwareSourceCode", "@id": address, "url": address, "name": one["model"]}
    return safe_url(one.get("source")) or {"@type": "CreativeWork", "name": one.get("source", "")}


def _trained_on(one: Mapping[str, Any], root: str) -> dict[str, Any]:
    source = safe_url(one["source"])
    about = {
        "license": _license(one["license"]) if one.get("license") else None,
        "sameAs": source,
        "description": None if source else one["source"],
    }
    return _data_set(one["name"], root) | _full(about)


def _data_set(name: str, root: str) -> dict[str, Any]:
    address = f"{root}data/{slug(name)}/"
    return {"@type": "Dataset", "@id": address, "url": address, "name": name}
