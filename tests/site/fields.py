"""Every field of an entry and a version in which somebody may write text, read off the schemas; and how to fill them.

A field that a schema gains later is found here by itself. A field is *text* when its schema takes nearly whatever is
written; the others (names, digests, addresses) take no markup at all, which a test holds as a law.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.schema import schema_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Field", "fill", "string_fields", "takes", "written"]

_SAMPLES = (
    "x", "1.0.0", "https://evil.example/x.js?onload=alert(1)", "a@evil.example", "0000-0002-1825-0097", "10.1000/182",
    "1708.07747", f"sha256:{'0' * 64}", "0" * 64, "2026-11-21", "3.11", "numpy==2.4.6", "modelport.s0123456789abcdef",
    "image/png",
)  # fmt: skip
"""For each pattern of the schemas, something that it takes."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field that holds a string: the way to it from the document's top, and its schema. 0 is a list's first item."""

    path: tuple[str | int, ...]
    schema: Mapping[str, Any]

    def __str__(self) -> str:
        return ".".join(map(str, self.path))


def string_fields(name: str) -> Iterator[Field]:
    """Yield every string field of the schema called *name* that is not one of a few fixed words."""
    top = schema_document(name)
    yield from {field.path: field for field in _walk(top, top, (), ())}.values()  # branches may say a field twice


def takes(schema: Mapping[str, Any], text: str) -> bool:
    """Tell whether a string field's schema takes a text."""
    fits = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", 10**6)
    return fits and re.search(re.sub(r"\$(?=$|\|)", r"\\Z", schema.get("pattern", "")), text) is not None


def fit(schema: Mapping[str, Any], text: str) -> str:
    """Return as much of a text as a field has room for, on one line where it wants one."""
    line = "^[^\\s]([^\\n\\r]*[^\\s])?$" in schema.get("pattern", "")
    one = " ".join(text.split()) if line else text
    return one[: schema.get("maxLength", 20_000)].strip() if line else one[: schema.get("maxLength", 20_000)]


def written(schema: Mapping[str, Any], text: str) -> str | None:
    """Return a text as it can be written into a field: alone, or after what the field wants first; None if neither."""
    alone = fit(schema, text)
    if takes(schema, alone):
        return alone
    starts = (one for one in _SAMPLES if takes(schema, one))
    return next((both for one in starts if takes(schema, both := one + "".join(text.split()))), None)


def fill(document: dict[str, Any], field: Field, name: str, text: str) -> None:
    """Put a text into a field of a document, with whatever must be around it."""
    top = schema_document(name)
    here: Any = document
    schema: Mapping[str, Any] = top
    for step, following in zip(field.path, [*field.path[1:], None], strict=True):
        if isinstance(step, str) and schema.get("maxProperties") == 1 and step not in here:
            here.clear()  # a type is one of several
        schema = _down(schema, step, top)
        if following is None and isinstance(step, int):
            here[:1] = [text]
        elif following is None:
            here[step] = text
        elif isinstance(step, int):
            if not here:
                here.append(_sample(schema, top))
            here = here[step]
        else:
            if not isinstance(here.get(step), list if following == 0 else dict):
                here[step] = [] if following == 0 else _sample(schema, top)
            here = here[step]


def _resolve(schema: Mapping[str, Any], top: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what a schema refers to, and the document in which its own references count."""
    while "$ref" in schema:
        ref, own = str(schema["$ref"]), {key: value for key, value in schema.items() if key != "$ref"}
        if ref.startswith("https:"):
            top = schema_document(ref.rpartition("/")[2].removesuffix(".schema.json"))
            target: Mapping[str, Any] = top
        else:
            target = top["$defs"][ref.rpartition("/")[2]]
        schema = {**target, **own}
    return schema, top


def _branches(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    inner = [schema[key] for key in ("then", "else") if key in schema]
    return [schema, *inner, *schema.get("anyOf", ()), *schema.get("allOf", ())]


def _walk(
    schema: Mapping[str, Any], top: Mapping[str, Any], path: tuple[str | int, ...], above: tuple[str, ...]
) -> Iterator[Field]:
    ref = str(schema.get("$ref", ""))
    if ref and ref in above:  # a list of a list: a type may hold itself
        return
    here, inside = _resolve(schema, top)
    around = (*above, ref) if ref else above
    if here.get("type") == "string" and not {"enum", "const"} & here.keys():
        yield Field(path, here)
    for one in _branches(here):
        if one is not here:
            yield from _walk(one, inside, path, around)
        for key, value in one.get("properties", {}).items():
            yield from _walk(value, inside, (*path, key), around)
        if "items" in one:
            yield from _walk(one["items"], inside, (*path, 0), around)


def _down(schema: Mapping[str, Any], step: str | int, top: Mapping[str, Any]) -> Mapping[str, Any]:
    here, inside = _resolve(schema, {**top, "$defs": schema.get("$defs", top.get("$defs", {}))})
    for one in _branches(here):
        found = one.get("items") if isinstance(step, int) else one.get("properties", {}).get(step)
        if found is not None:
            resolved, owner = _resolve(found, inside)
            return {**resolved, "$defs": owner.get("$defs", {})}
    raise LookupError(f"{step} of {here.get('title')}")


def _sample(schema: Mapping[str, Any], top: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a JSON value
    """Return the least that a schema takes."""
    here, inside = _resolve(schema, {**top, "$defs": schema.get("$defs", top.get("$defs", {}))})
    if "const" in here or "enum" in here:
        return deepcopy(here.get("const", here.get("enum", [None])[0]))
    match here.get("type"):
        case "object":
            needed = here.get("required") or list(here.get("properties", ()))[: here.get("minProperties", 0)]
            return {key: _sample(here["properties"][key], inside) for key in needed}
        case "array":
            return [_sample(here["items"], inside) for _ in range(here.get("minItems", 0))]
        case "integer" | "number":
            return here.get("minimum", 1)
        case "string":
            return next(text for text in _SAMPLES if takes(here, text))
    raise LookupError(f"there is no sample for {here}")
