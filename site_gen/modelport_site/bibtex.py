r"""Works as BibTeX entries.

A value stands in braces, and BibTeX counts braces without looking at backslashes. So an unpaired brace is never
written, not even as ``\{``: every character that TeX gives a meaning becomes a command, and reading it back gives the
text that was written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelport.catalog.facts import slug
from modelport_site.citation import split_name

if TYPE_CHECKING:
    from modelport_site.citation import Author, Work

__all__ = ["bibtex", "escape", "work_key"]

_COMMANDS = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "#$%&_"},
}
_TYPES = {  # type -> the entry's type and the field of its venue, which it must have
    "article": ("article", "journal"),
    "book": ("book", "publisher"),
    "inproceedings": ("inproceedings", "booktitle"),
    "report": ("techreport", "institution"),
    "thesis": ("phdthesis", "school"),
}


def escape(text: str) -> str:
    """Return plain text as it is written between the braces of a value: on one line, every mark as itself."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return "".join(_COMMANDS.get(character, character) for character in line)


def bibtex(work: Work, key: str) -> str:
    """Return a work as an entry of a ``.bib`` file; *key* is what it is cited by."""
    entry, venue = _TYPES.get(work.kind, ("misc", "publisher")) if work.venue else ("misc", "publisher")
    fields = {
        "title": f"{{{escape(work.title)}}}",  # braces of its own keep its capitals
        "author": " and ".join(_author(author) for author in work.authors),
        "year": str(work.year or ""),
        venue: escape(work.venue),
        "version": escape(work.version),
        "howpublished": "Machine-learning model" if work.digest else "",
        "doi": escape(work.doi),
        "eprint": work.arxiv,
        "archiveprefix": "arXiv" if work.arxiv else "",
        "url": _address(work.url),
        "note": work.digest,
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@{entry}{{{key},\n{lines}}}\n"


def work_key(work: Work) -> str:
    """Return a key for a work: its first author's family name and its year."""
    family = re.sub(r"[^a-z0-9]", "", slug(split_name(work.authors[0].name)[1]))
    return f"{family}{work.year or ''}"


def _author(author: Author) -> str:
    name = escape(author.name)
    # "and" parts names and a comma parts a name; in braces neither does.
    taken_apart = author.person and "," not in name and " and " not in f" {name} ".lower()
    return name if taken_apart else f"{{{name}}}"


def _address(url: str) -> str:
    """Return an address as the url field has it, where nothing is escaped; none with a brace or a space."""
    return "" if re.search(r"[{}\\\s]", url) else url
