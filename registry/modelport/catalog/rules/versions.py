"""Versions: their files' names, their order, and what each of them lists."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from modelport.catalog.document import shown
from modelport.types import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelport.catalog.document import Document
    from modelport.catalog.problem import Problem

__all__ = ["check_file_name", "check_files", "check_order"]


def check_file_name(document: Document, stem: str) -> Iterator[Problem]:
    """Yield a problem when a version's file is not called by its version."""
    version = document.value.get("version", stem)
    if version != stem:
        message = f"is {version}, and the file is {shown(stem + '.yaml')}"
        yield document.problem(("version",), message, hint="make them the same", rule="name-folder")


def check_files(document: Document) -> Iterator[Problem]:
    """Yield a problem for each file of the package that is listed again."""
    seen: set[str] = set()
    for place, file in enumerate(document.value.get("files", ())):
        if file["path"] in seen:
            message = f"{shown(file['path'])} is listed already"
            yield document.problem(("files", place, "path"), message, hint="list each file once", rule="version-files")
        seen.add(file["path"])


def check_order(documents: Iterable[Document]) -> Iterator[Problem]:
    """Yield a problem where a version was released before an earlier one of its line, MAJOR.MINOR.

    An older line may get a patch after a newer line has begun.
    """
    lines: dict[tuple[int, int], list[tuple[Version, Document]]] = {}
    for document in documents:
        if document.value.keys() >= {"version", "released"}:
            version = Version.parse(document.value["version"])
            lines.setdefault((version.major, version.minor), []).append((version, document))
    for line in lines.values():
        for (old, before), (new, after) in pairwise(sorted(line, key=lambda pair: pair[0])):
            if old != new and after.value["released"] < before.value["released"]:
                message = f"{after.value['released']} is before {before.value['released']}, when {old} was released"
                hint = "versions go up with time"
                yield after.problem(("released",), message, hint=hint, rule="version-order")
