"""What a page says to machines that read schema.org JSON-LD."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport_site.documents import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport_site.settings import SiteSettings

__all__ = ["linked_data"]


def linked_data(model: Mapping[str, Any], release: Mapping[str, Any] | None, settings: SiteSettings) -> str:
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
