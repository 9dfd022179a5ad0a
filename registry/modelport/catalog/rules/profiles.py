"""Profiles of devices and networks: files of the right kind and name, whose figures say where they come from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelport.catalog.document import shown
from modelport.catalog.upgrade import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.catalog.document import Document
    from modelport.catalog.problem import Problem

__all__ = ["PROFILE_NAMES", "check_kind", "check_profile_name", "check_source", "is_profile_name"]

_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_LONGEST = 64
PROFILE_NAMES = "use lowercase letters and digits, joined by single '.', '_' or '-'"
_PLACES = {
    "model": "an entry's model.yaml",
    "version": "an entry's versions/",
    "variants": "an entry's variants/",
    "device": "devices/",
    "network": "networks/",
}


def check_kind(document: Document, kind: str) -> Iterator[Problem]:
    """Yield a problem when *document* says that it is of another kind than *kind*, which its folder is for."""
    said = document.value.get("schema") if isinstance(document.value, dict) else None
    other = SCHEMAS.get(said, "").partition("-")[0] if isinstance(said, str) else ""
    if other and other != kind:
        message = f"is {shown(said)}, and this place is for {_newest(kind)}"
        yield document.problem(("schema",), message, hint=f"it belongs in {_PLACES[other]}", rule="file-kind")


def is_profile_name(stem: str) -> bool:
    """Tell whether a profile's file may be called *stem*."""
    return _NAME.fullmatch(stem) is not None and len(stem) <= _LONGEST


def check_profile_name(document: Document, stem: str) -> Iterator[Problem]:
    """Yield a problem when a profile's file, called *stem*, has a name that nobody could ask for."""
    if not is_profile_name(stem):
        hint = f"{PROFILE_NAMES}: pixel-2.yaml"
        yield document.problem((), f"{shown(stem)} is not a profile's name", hint=hint, rule="profile-name")


def check_source(document: Document) -> Iterator[Problem]:
    """Yield a problem when a profile's figures come from nowhere."""
    source = document.value.get("source")
    if source == "published" and "citations" not in document.value:
        hint = "cite the work: citations: [{title: ..., authors: [...], year: ...}]"
        message = "is missing: the figures are published"
        yield document.problem(("citations",), message, hint=hint, rule="profile-source")
    if source == "measured" and "date" not in document.value:
        hint = "say when it was measured: YEAR-MONTH-DAY"
        yield document.problem(("date",), "is missing: the figures were measured", hint=hint, rule="profile-source")


def _newest(kind: str) -> str:
    return next(said for said, schema in SCHEMAS.items() if schema == kind)
