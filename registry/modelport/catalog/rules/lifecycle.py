"""The life of a model: draft, published, deprecated, yanked; and the people behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.catalog.document import Document
    from modelport.catalog.problem import Problem

__all__ = ["check_lifecycle", "check_orcids", "check_published"]


def check_lifecycle(model: Document) -> Iterator[Problem]:
    """Yield what does not fit the model's lifecycle: a yank without a reason, a successor of a model in use."""
    value = model.value
    match value.get("lifecycle"):
        case None:
            return
        case "yanked" if "reason" not in value and not _is_written(model, "reason"):
            hint = "add 'reason: ...', a sentence that users of the model will read"
            yield model.problem(("lifecycle",), "is yanked, and there is no reason", hint=hint, rule="lifecycle-reason")
        case "draft" | "published" as state if "reason" in value:
            hint = "remove it, or deprecate or yank the model"
            yield model.problem(("reason",), f"is for no {state} model", hint=hint, rule="lifecycle-reason")
    if "successor" not in value:
        return
    if value["lifecycle"] != "deprecated":
        hint = "remove it, or write 'lifecycle: deprecated'"
        message = f"is for deprecated models; this one is {value['lifecycle']}"
        yield model.problem(("successor",), message, hint=hint, rule="lifecycle-successor")
    elif value["successor"] == value.get("name"):
        hint = "name the other model to use"
        yield model.problem(("successor",), "is the model itself", hint=hint, rule="lifecycle-successor")


def check_published(model: Document, versions: int) -> Iterator[Problem]:
    """Yield a problem when a model without a version is anything but a draft."""
    state = model.value.get("lifecycle", "draft")
    if not versions and state != "draft":
        message = f"is {state}, and there is no version"
        hint = "write its first version with modelport submit NAME VERSION, or write 'lifecycle: draft'"
        yield model.problem(("lifecycle",), message, hint=hint, rule="lifecycle-versions")


def check_orcids(model: Document) -> Iterator[Problem]:
    """Yield a problem for each ORCID iD whose last character is not its check digit (ISO 7064, MOD 11-2)."""
    for place, author in enumerate(model.value.get("authors", ())):
        digits = author.get("orcid", "").replace("-", "")
        if digits and digits[-1] != _check_digit(digits[:-1]):
            path = ("authors", place, "orcid")
            yield model.problem(path, "has a typing error: its check digit is wrong", rule="person")


def _check_digit(digits: str) -> str:
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    return "X" if rest == 10 else str(rest)  # noqa: PLR2004 - the standard's sign for ten


def _is_written(document: Document, key: str) -> bool:
    """Return whether *key* is in the file, though its value may be unsound."""
    return (key,) in document.lines
