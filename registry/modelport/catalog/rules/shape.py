"""What the JSON Schemas say, in plain words: jsonschema finds, this module tells."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.catalog.document import Document, Path, shown
from modelport.catalog.rules.licenses import nearest_license
from modelport.catalog.upgrade import SCHEMAS
from modelport.errors import FormatError
from modelport.schema import accepts, schema_document, validator
from modelport.types import Name, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jsonschema.exceptions import ValidationError

    from modelport.catalog.problem import Problem

__all__ = ["check_shape"]

_MANY = 8
_LONGEST_KEY = 64
_RENAMED = {("license", "model"): "weights"}
"""Keys of the contract before, and what each is called now."""
_LICENSE_KINDS = ["string", "object"]
_NEWEST = next(iter(SCHEMAS))
_WAYS = {
    ("license",): "write one SPDX expression, for instance MIT OR Apache-2.0, or weights, code and data apart",
    ("citation",): "write it as 'citation: {text: ...}', or give its title, authors and year",
}
"""What to write where people often write a value of another kind."""
_KINDS = {"object": "a mapping of keys", "array": "a list", "string": "text", "number": "a number",
          "integer": "a whole number", "boolean": "true or false", "null": "null"}  # fmt: skip


def check_shape(document: Document, schema: str) -> tuple[list[Problem], Document]:
    """Return where *document* breaks the schema called *schema*, and the document with its sound parts alone.

    A part is a top-level key; what the reader has found is not said again.
    """
    if isinstance(document.value, dict) and accepts(schema, document.value):
        return [], Document(document.file, document.value, document.lines, document.sources)
    broken = [_Broken.of(error) for error in validator(schema).iter_errors(document.value)]
    told = {problem.path for problem in document.problems}
    problems = {p for one in broken for p in _TELLERS.get(one.keyword, _tell_form)(document, one) if p.path not in told}
    unsound = {part for one in broken for part in one.parts()}
    sound = {k: v for k, v in document.value.items() if k not in unsound} if isinstance(document.value, dict) else {}
    return sorted(problems), Document(document.file, sound, document.lines, document.sources)


@dataclass(frozen=True, slots=True)
class _Broken:
    """A keyword of a schema that a value does not fulfil."""

    path: Path
    value: Any
    keyword: str
    wanted: Any
    schema: dict[str, Any]

    @classmethod
    def of(cls, error: ValidationError) -> _Broken:
        schema = error.schema if isinstance(error.schema, dict) else {}
        return cls(tuple(error.absolute_path), error.instance, str(error.validator), error.validator_value, schema)

    @property
    def description(self) -> str:
        return str(self.schema.get("description", ""))

    def parts(self) -> Iterable[str]:
        """Return the top-level keys that are unsound because of this."""
        if self.path:
            return [str(self.path[0])]
        return set(self.value) - set(self.schema["properties"]) if isinstance(self.value, dict) else []


def _tell_type(document: Document, broken: _Broken) -> Iterator[Problem]:
    value = broken.value
    kinds = broken.wanted if isinstance(broken.wanted, list) else [broken.wanted]
    older = _is_older(document)
    if broken.path == ("license",) and not older:  # the schema says of it twice what it may be
        kinds = _LICENSE_KINDS
    wanted = str(kinds[0])
    message, hint = f"is {_kind(document, broken.path, value)}, not {' or '.join(_KINDS[kind] for kind in kinds)}", ""
    if value is None:
        hint = "write a value, or remove the key"
    elif wanted == "string" and broken.path in document.sources:
        hint = f'put it in quotes: "{document.sources[broken.path]}"'
    elif wanted in {"number", "integer"} and isinstance(value, str):
        hint = "write digits, without quotes and without a unit"
    elif older and broken.path == ("license",):
        hint = f"one expression alone is of {_NEWEST}: write 'schema: {_NEWEST}', or {{model: EXPRESSION}}"
    elif broken.path in _WAYS:
        hint = _WAYS[broken.path]
    elif wanted == "object" and isinstance(value, str) and broken.schema.get("required") == ["name"]:
        hint = f"write {{name: {value[:_LONGEST_KEY]}}}"
    elif wanted == "array":
        hint = "write [ITEM, ...], or one '- ITEM' a line"
    yield document.problem(broken.path, message, hint=hint, rule="schema-type")


def _kind(document: Document, path: Path, value: object) -> str:
    if value is None:
        return "empty"
    if path in document.sources:
        return (
            f"the value {document.sources[path]}" if isinstance(value, bool) else f"the number {document.sources[path]}"
        )
    names = {str: "text", list: "a list", dict: "a mapping of keys", bool: "true or false"}
    return names.get(type(value), "a number")


def _tell_missing(document: Document, broken: _Broken) -> Iterator[Problem]:
    for key in broken.wanted:
        if key not in broken.value:
            hint = broken.schema.get("properties", {}).get(key, {}).get("description", "")
            yield document.problem((*broken.path, key), "is missing", hint=hint, rule="schema-missing")


def _tell_unknown(document: Document, broken: _Broken) -> Iterator[Problem]:
    known = broken.schema["properties"]
    for key in broken.value:
        if key not in known:
            renamed = _RENAMED.get((*broken.path, key))
            near = [renamed] if renamed in known else difflib.get_close_matches(key[:_LONGEST_KEY], known, n=1)
            one_of = broken.schema.get("maxProperties") == 1 and broken.schema["description"]
            hint = f"did you mean '{near[0]}'?" if near else one_of or f"the keys here are {', '.join(known)}"
            if not broken.path and _is_older(document) and key in schema_document("model")["properties"]:
                hint = f"it is a key of {_NEWEST}: write 'schema: {_NEWEST}'"
            yield document.problem((*broken.path, key), "is not a known key", hint=hint, rule="schema-key")


def _is_older(document: Document) -> bool:
    """Return whether the document says that it follows a contract of ``model.yaml`` that is not the newest."""
    said = document.value.get("schema") if isinstance(document.value, dict) else None
    return isinstance(said, str) and said != _NEWEST and SCHEMAS.get(said, "").startswith("model-")


def _tell_choice(document: Document, broken: _Broken) -> Iterator[Problem]:
    choices = [str(choice) for choice in broken.wanted]
    near = difflib.get_close_matches(str(broken.value)[:_LONGEST_KEY], choices, n=1)
    few = len(choices) <= _MANY
    message = f"{shown(broken.value)} is not {'one of ' + ', '.join(choices) if few else 'a known value'}"
    hint = f"did you mean '{near[0]}'?" if near else "" if few else f"choose one of {', '.join(choices)}"
    yield document.problem(broken.path, message, hint=hint, rule="schema-value")


def _tell_const(document: Document, broken: _Broken) -> Iterator[Problem]:
    message = f"is {shown(broken.value)}, not {broken.wanted}"
    yield document.problem(broken.path, message, hint=f"write {broken.wanted}", rule="schema-value")


def _tell_amount(document: Document, broken: _Broken) -> Iterator[Problem]:
    limit, count = broken.wanted, broken.value
    size = len(count) if isinstance(count, str | list | dict) else 0
    message = {
        "minLength": "is empty" if not size else f"has {_count(size, 'character')}; at least {limit} are needed",
        "maxLength": f"has {size} characters; at most {limit} are allowed",
        "minItems": "is an empty list" if not size else f"has {_count(size, 'item')}; at least {limit} are needed",
        "maxItems": f"has {size} items; at most {limit} are allowed",
        "minProperties": "has no key",
        "maxProperties": f"has {size} keys; at most {limit} are allowed",
        "minimum": f"is {shown(count)}; at least {limit} is needed",
        "maximum": f"is {shown(count)}; at most {limit} is allowed",
    }[broken.keyword]
    yield document.problem(broken.path, message, hint=broken.description, rule="schema-value")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _tell_repeated(document: Document, broken: _Broken) -> Iterator[Problem]:
    items = broken.value
    for place, item in enumerate(items):
        if item in items[:place]:
            message = f"{shown(item)} is in the list already"
            yield document.problem((*broken.path, place), message, hint="remove it", rule="schema-value")


def _tell_form(document: Document, broken: _Broken) -> Iterator[Problem]:
    """Tell of a pattern, a format, and of alternatives, none of which fits."""
    title = broken.schema.get("title", "allowed here")
    suggest = _SUGGESTIONS.get(title)
    hint = (suggest(broken.value) if suggest else "") or broken.description
    yield document.problem(broken.path, f"{shown(broken.value)} is not {title}", hint=hint, rule="schema-value")


def _better_name(text: str) -> str:
    return _hint_of(Name.parse, text)


def _better_version(text: str) -> str:
    return _hint_of(Version.parse, text)


def _hint_of(parse: Callable[[str], object], text: str) -> str:
    try:
        parse(text)
    except FormatError as error:
        return error.hint
    return ""


_TELLERS: dict[str, Callable[[Document, _Broken], Iterator[Problem]]] = {
    "type": _tell_type,
    "required": _tell_missing,
    "additionalProperties": _tell_unknown,
    "enum": _tell_choice,
    "const": _tell_const,
    "uniqueItems": _tell_repeated,
    **dict.fromkeys(
        ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minimum", "maximum"],
        _tell_amount,
    ),
}
_SUGGESTIONS: dict[str, Callable[[str], str]] = {
    "a model's name": _better_name,
    "a version": _better_version,
    "an SPDX licence expression": nearest_license,
}
