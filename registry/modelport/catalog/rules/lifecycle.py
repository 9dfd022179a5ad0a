"""The life of a model: draft, published, deprecated, yanked; and the people behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.catalog.document import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from modelport.catalog.document import Document
    from modelport.catalog.problem import Problem

__all__ = ["check_audience", "check_lifecycle", "check_orcids", "check_published", "check_yanked"]


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


def check_yanked(model: Document, versions: Collection[str] | None) -> Iterator[Problem]:
    """Yield what is wrong with the yanked versions; *versions* are the entry's, None where they are not known."""
    yanked: set[str] = set()
    for place, one in enumerate(model.value.get("yanked", ())):
        version, path = one["version"], ("yanked", place, "version")
        if version in yanked:
            message = f"{shown(version)} is yanked already"
            yield model.problem(path, message, hint="give each version once, with one reason", rule="yanked-version")
        elif versions is not None and version not in versions:
            known = f"its versions are {', '.join(sorted(versions))}" if versions else "it has none yet"
            yield model.problem(path, f"{shown(version)} is no version of it", hint=known, rule="yanked-version")
        yanked.add(version)
    if versions and yanked.issuperset(versions) and model.value.get("lifecycle") == "published":
        message = "is published, and every version is yanked"
        hint = "write 'lifecycle: yanked' with a reason, or submit a version that can be used"
        yield model.problem(("lifecycle",), message, hint=hint, rule="lifecycle-versions")


def check_audience(model: Document, audience: str) -> Iterator[Problem]:
    """Yield a problem when the publisher does not let the model go as far as the catalog's *audience*."""
    if audience == "public" and model.value.get("audience") == "internal":
        message = "is internal, and this catalog is public"
        hint = 'take the entry out; or, where only your own people see the catalog, write audience = "internal" under'
        yield model.problem(("audience",), message, hint=f"{hint} [catalog] in modelport.toml", rule="audience")


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
