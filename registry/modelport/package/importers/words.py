"""A stranger's words made fit for an entry: no control characters, no endless lines, names and tags in our spelling."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["cell", "model_name", "one_line", "requirement", "tag", "text"]

_NAME_LIMIT, _TAG_LIMIT = 64, 32
_PLAIN = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_REQUIREMENT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_*-]*")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#!&~])")


def text(value: object, limit: int) -> str:
    """Return *value* as text of at most *limit* characters, without control characters; nothing for no text."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    kept = "".join(c if c == "\n" or unicodedata.category(c) not in _UNSEEN else " " for c in str(value))
    kept = "\n".join(line.rstrip() for line in kept.splitlines()).strip()
    return kept if len(kept) <= limit else f"{kept[: limit - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def one_line(value: object, limit: int) -> str:
    """Return *value* as one line of at most *limit* characters."""
    return text(" ".join(text(value, 10 * limit).split()), limit)


def model_name(value: str) -> str:
    """Return a model's name made of what a stranger calls it: ``Iris Model`` -> ``iris-model``."""
    bare = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().lower()
    if len(bare) <= _NAME_LIMIT and _PLAIN.fullmatch(bare):
        return bare
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-")[:_NAME_LIMIT].strip("-") or "my-model"


def tag(value: object) -> str:
    """Return *value* as a tag, or nothing where it makes none."""
    bare = re.sub(r"[^a-z0-9]+", "-", one_line(value, 200).lower()).strip("-")
    return bare if len(bare) <= _TAG_LIMIT else ""


def requirement(name: object, version: object = None) -> str:
    """Return ``NAME==VERSION``, or ``NAME`` without a version; nothing where one of them is none."""
    if not isinstance(name, str) or len(name) > 100 or not _REQUIREMENT.fullmatch(name):  # noqa: PLR2004 - a package's name
        return ""
    if version is None or version == "":
        return name
    version = one_line(version, 64)
    return f"{name}=={version}" if _VERSION.fullmatch(version) else ""


def cell(value: object, limit: int = 200) -> str:
    """Return *value* as plain words in Markdown: nothing in it is a link, a picture or the end of a table's cell."""
    return _MARKUP.sub(r"\\\1", one_line(value, limit))
