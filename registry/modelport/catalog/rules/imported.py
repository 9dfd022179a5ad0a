"""Imported models: what an entry says of their interface is whole, and each file is listed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.catalog.document import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelport.catalog.document import Document
    from modelport.catalog.problem import Problem

__all__ = ["check_imported"]

_HINT = "let `modelport import` write it"


def check_imported(model: Document) -> Iterator[Problem]:
    """Yield what is wrong with ``imported`` besides its form: files listed twice, messages that are missing."""
    imported = model.value.get("imported", {})
    paths = [file["path"] for file in imported.get("files", ())]
    for place, path in enumerate(paths):
        if path in paths[:place]:
            where = ("imported", "files", place, "path")
            yield model.problem(where, f"{shown(path)} is listed already", hint="list each file once", rule="imported")
    if "signature" not in imported:
        return
    signature = imported["signature"]
    known = {kind: {one["name"] for one in signature.get(kind, ())} for kind in ("messages", "enums")}
    for name in sorted(_named(signature, "message") - known["messages"]):
        message = f"the message {shown(name)} is missing"
        yield model.problem(("imported", "signature", "messages"), message, hint=_HINT, rule="imported")
    for name in sorted(_named(signature, "enum") - known["enums"]):
        message = f"the enumeration {shown(name)} is missing"
        yield model.problem(("imported", "signature"), message, hint=_HINT, rule="imported")


def _named(signature: Mapping[str, Any], kind: str) -> set[str]:
    """Return the messages, or the enumerations, that methods and fields name."""
    found = {method[side] for method in signature["methods"] for side in ("input", "output") if kind == "message"}
    for message in signature["messages"]:
        for field in message["fields"]:
            inner = next((field["type"][word] for word in ("list", "map", "optional") if word in field["type"]), None)
            named = (inner or field["type"]).get(kind)
            found |= {named} if named else set()
    return found
