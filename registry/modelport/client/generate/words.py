"""What the generators of all languages have in common: names that do not clash, and words for comments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelport.words import Words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from modelport.model.spec import Field, Message, ModelSpec

__all__ = ["filled", "free_names", "told"]


def free_names(names: Iterable[str], reserved: Collection[str]) -> dict[str, str]:
    """Return a name for each of *names*: its own where it is free, else with ``_`` behind it."""
    found: dict[str, str] = {}
    wanted = list(names)
    for name in wanted:
        free = name
        while free in reserved or free in found.values() or (free != name and free in wanted):
            free += "_"
        found[name] = free
    return found


def told(field: Field, message: Message, spec: ModelSpec) -> str:
    """Return what people need to know of a field, in one line."""
    said = " ".join(field.about.doc.split())
    kind = Words.of(spec.to_json()).field(field.to_json(), column=message.table)
    return f"{kind[:1].upper()}{kind[1:]}." + (f" {said}" if said else "")


def filled(template: str, parts: Mapping[str, str]) -> str:
    """Return the text of *template* with each ``@PART@`` in its place; parts are not looked into."""
    pieces = (Path(__file__).parent / template).read_text("utf-8").split("@")
    # Every second piece is a name, where it is one: "@" stands for itself elsewhere.
    text, index = pieces[0], 1
    while index < len(pieces):
        if pieces[index] in parts and index + 1 < len(pieces):
            text += parts[pieces[index]] + pieces[index + 1]
            index += 2
        else:
            text += f"@{pieces[index]}"
            index += 1
    return text
