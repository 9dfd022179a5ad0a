"""How to cite a model: the model itself, and the work that its publisher names, as text, BibTeX and CFF.

document --model_work, cited_work--> Work --citation_text, bibtex, cff--> what is copied
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport_site.card import safe_url

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Author", "Work", "citation_text", "cited_work", "model_work", "split_name"]


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a work.

    Attributes:
        name: The name as it is written.
        person: Whether it is known to be a person's; else it may be a group's and is never taken apart.
        orcid: The ORCID iD, or nothing.
    """

    name: str
    person: bool
    orcid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something to cite; what is not known is empty.

    Attributes:
        kind: One of the types of ``citation`` in model.yaml.
        digest: The identity of a model's package.
    """

    kind: str
    title: str
    authors: tuple[Author, ...]
    year: int | None = None
    venue: str = ""
    doi: str = ""
    arxiv: str = ""
    url: str = ""
    version: str = ""
    released: str = ""
    digest: str = ""


def model_work(model: Mapping[str, Any], release: Mapping[str, Any] | None, url: str) -> Work:
    """Return the model itself as a work; *url* is the address of its page, or nothing."""
    version = release or {}
    released = str(version.get("released", ""))
    return Work(
        kind="software",
        title=model["title"],
        # Only an ORCID iD tells that an author is a person.
        authors=tuple(Author(a["name"], "orcid" in a, a.get("orcid", "")) for a in model["authors"]),
        year=int(released[:4]) if released else None,
        venue=model["publisher"]["name"],
        url=url,
        version=str(version.get("version", "")),
        released=released,
        digest=str(version.get("digest", "")),
    )


def cited_work(model: Mapping[str, Any]) -> Work | None:
    """Return the work that the publisher asks to cite; None where there is none, or only a sentence about it."""
    said = model.get("citation") or {}
    if not {"title", "authors"} <= said.keys():
        return None
    return Work(
        kind=said.get("type", "article"),
        title=said["title"],
        authors=tuple(Author(name, person=True) for name in said["authors"]),
        year=said.get("year"),
        venue=said.get("venue", ""),
        doi=said.get("doi", ""),
        arxiv=said.get("arxiv", ""),
        url=safe_url(said.get("url")) or "",
    )


def citation_text(work: Work) -> str:
    """Return a work as a sentence of a list of references."""
    year = f" ({work.year})" if work.year else ""
    version = f" (version {work.version})" if work.version else ""
    machine = " [machine-learning model]" if work.digest else ""
    places = [
        work.venue,
        f"https://doi.org/{work.doi}" if work.doi else "",
        f"arXiv:{work.arxiv}" if work.arxiv else "",
    ]
    if work.url and not work.doi:
        places.append(work.url)
    where = "".join(f" {_ended(place)}" for place in [*places, work.digest] if place)
    names = ", ".join(author.name for author in work.authors)
    return f"{_ended(names + year)} {_ended(work.title + version + machine)}{where}"


def split_name(name: str) -> tuple[str, str]:
    """Return given and family names of a person who is written ``Given Names Family``."""
    given, _, family = name.strip().rpartition(" ")
    return given.strip(), family


def _ended(text: str) -> str:
    """Return a part with a full stop; none after an address, which would seem to end in it."""
    return text if text.endswith((".", "!", "?")) or "://" in text else f"{text}."
