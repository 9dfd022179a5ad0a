"""A model as a ``CITATION.cff``: Citation File Format 1.2.0, which GitHub, Zenodo and reference managers read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from modelport_site.citation import citation_text, cited_work, split_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport_site.citation import Author, Work

__all__ = ["LICENSES", "cff"]

_KINDS = {
    "article": "article", "book": "book", "inproceedings": "conference-paper", "misc": "generic", "report": "report",
    "software": "software", "thesis": "thesis",
}  # fmt: skip
_VENUES = {  # type -> the key of its venue, and whether that is an entity
    "article": ("journal", False),
    "inproceedings": ("collection-title", False),
    "report": ("institution", True),
    "thesis": ("institution", True),
}
_DOI = re.compile(r"10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]+", re.ASCII)
_ADDRESS = re.compile(
    r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?([/?#]([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
)
LICENSES = {
    "0BSD", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause",
    "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0",
    "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0", "CDLA-Permissive-1.0", "ECL-2.0", "EPL-2.0", "EUPL-1.2",
    "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC", "LGPL-2.1-only",
    "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MPL-2.0", "MS-PL", "ODbL-1.0",
    "PDDL-1.0", "Python-2.0", "Unlicense", "Zlib",
}  # fmt: skip
"""The usual ones of CFF 1.2.0's list, which is of 2021: an identifier that it lacks would make the file invalid."""


def cff(model: Mapping[str, Any], work: Work) -> str:
    """Return the file for a model; *work* is the model itself (:func:`~modelport_site.citation.model_work`)."""
    document: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": _message(model),
        "type": "software",
        "title": work.title,
        "abstract": model["summary"],
        "authors": _authors(work.authors),
        "version": work.version,
        "date-released": work.released,
        "license": _license(model["license"]["weights"]),
        "url": work.url if _ADDRESS.fullmatch(work.url) else "",
        "keywords": list(model.get("tags", ())),
        "identifiers": [_other(work.digest, "The digest of the package: its identity")] if work.digest else [],
    }
    if cited := cited_work(model):
        document["preferred-citation"] = _reference(cited)
    return _yaml({key: value for key, value in document.items() if value})


def _message(model: Mapping[str, Any]) -> str:
    said = (model.get("citation") or {}).get("text", "")
    cited = cited_work(model)
    also = f" Its publisher asks to cite: {' '.join(said.split())}" if said and not cited else ""
    return f"If you use this model, please cite it as below.{also}"


def _reference(work: Work) -> dict[str, Any]:
    doi = work.doi if _DOI.fullmatch(work.doi) else ""
    url = work.url if _ADDRESS.fullmatch(work.url) else ""
    document: dict[str, Any] = {
        "type": _KINDS[work.kind],
        "title": work.title,
        "authors": _authors(work.authors),
        "year": work.year,
        "doi": doi,
        "url": url,
        "identifiers": [_other(f"arXiv:{work.arxiv}", "The arXiv identifier")] if work.arxiv else [],
        "notes": "" if doi == work.doi and url == work.url else citation_text(work),
    }
    if work.venue:
        key, as_entity = _VENUES.get(work.kind, ("publisher", True))
        document[key] = {"name": work.venue} if as_entity else work.venue
    return {key: value for key, value in document.items() if value}


def _authors(authors: tuple[Author, ...]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for author in authors:
        given, family = split_name(author.name)
        one = {"given-names": given, "family-names": family} if author.person else {"name": author.name}
        if author.orcid:
            one["orcid"] = f"https://orcid.org/{author.orcid}"
        one = {key: value for key, value in one.items() if value}
        if one not in found:  # the format wants each once
            found.append(one)
    return found


def _license(expression: str) -> str | list[str]:
    """Return what CFF can say of an SPDX expression: one licence, or a choice of several; else nothing."""
    found = list(dict.fromkeys(expression.split(" OR ")))
    if not set(found) <= LICENSES:
        return ""
    return found if len(found) > 1 else found[0]


def _other(value: str, description: str) -> dict[str, str]:
    return {"type": "other", "value": value, "description": description}


class _Dumper(yaml.SafeDumper):
    """Writes texts so that they are read as they were."""


def _represent(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # YAML 1.1 calls these line breaks, and folds them where they are not escaped.
    style = '"' if re.search("[\x85\u2028\u2029]", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


def _yaml(document: dict[str, Any]) -> str:
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text
