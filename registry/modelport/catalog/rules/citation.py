"""The citation: enough of it that somebody can cite the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.catalog.document import Document
    from modelport.catalog.problem import Problem

__all__ = ["check_citation"]

_WITH_A_TITLE = {"authors": "add 'authors: [Given Names Family, ...]'", "year": "add 'year: ...', when it appeared"}


def check_citation(model: Document) -> Iterator[Problem]:
    """Yield what a citation lacks: it is a text, or has a title with its authors and its year."""
    citation = model.value.get("citation")
    if not isinstance(citation, dict):  # a text in the first contract
        return
    if "title" not in citation and "text" not in citation:
        hint = "add 'title: ...' with authors and year, or the whole citation as 'text: ...'"
        yield model.problem(("citation",), "has neither a title nor a text", hint=hint, rule="citation")
    if "title" in citation:
        for key, hint in _WITH_A_TITLE.items():
            if key not in citation:
                message = "is missing: the citation has a title"
                yield model.problem(("citation", key), message, hint=hint, rule="citation")
