"""A quick yes to right documents: a JSON Schema becomes a tree of small functions, once.

jsonschema remains the authority, and the one who tells what is wrong; but it takes milliseconds a document, and tens
of them to import. What is made here answers a hundred times as fast, and only one way: yes, or *don't know*. It knows
the keywords that the project's schemas use and their exact meaning (draft 2020-12); before any other it gives up.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Test", "UnknownKeywordError", "compile_schema", "whole_text"]

Test: TypeAlias = "Callable[[Any], bool]"
"""Says of a value whether it certainly fulfils a part of a schema."""

_FEW = 1000  # things that are compared one with each other
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SILENT = {"$schema", "$id", "$defs", "title", "description", "then", "else", "additionalProperties"}
"""Keywords that ask for nothing by themselves: the last three belong to ``if`` and ``properties``."""


class UnknownKeywordError(Exception):
    """The schema says something that only jsonschema knows."""


def compile_schema(document: Mapping[str, Any], other: Callable[[str], Test]) -> Test:
    """Return the function that says whether a value fulfils the schema *document*.

    Args:
        document: The schema.
        other: Gives the test for another schema by its address, as ``$ref`` names it.

    Raises:
        UnknownKeywordError: A keyword, or a use of one, is not among those known here.
    """
    return _Compiler(document.get("$defs", {}), other).whole(document)


def whole_text(pattern: str) -> str:
    """Return *pattern* for Python's ``re``, with ECMA-262's ``$``: the text's end, never a newline before it."""
    return pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern


class _Compiler:
    """Makes tests of the parts of one schema."""

    def __init__(self, definitions: Mapping[str, Any], other: Callable[[str], Test]) -> None:
        self._definitions = definitions
        self._other = other
        self._referred: dict[str, Test] = {}

    def whole(self, schema: Mapping[str, Any]) -> Test:
        """Return the test for all keywords of *schema*."""
        if "additionalProperties" in schema and "properties" not in schema:
            schema = {**schema, "properties": {}}
        return _all_of([self._keyword(keyword, schema) for keyword in schema if keyword not in _SILENT])

    def _keyword(self, keyword: str, schema: Mapping[str, Any]) -> Test:
        wanted = schema[keyword]
        if keyword in _PLAIN:
            return _PLAIN[keyword](wanted)
        match keyword:
            case "$ref":
                return self._ref(wanted)
            case "properties":
                parts = {key: self.whole(part) for key, part in wanted.items()}
                return _properties(parts, self._others(schema.get("additionalProperties", True)))
            case "items" | "propertyNames":
                return (_each if keyword == "items" else _keys)(self.whole(wanted))
            case "allOf":
                return _all_of([self.whole(part) for part in wanted])
            case _:
                return self._choice(keyword, schema)

    def _choice(self, keyword: str, schema: Mapping[str, Any]) -> Test:
        """Return the test for a keyword that branches; what is negated must be exact, so little of it is known."""
        match keyword, schema[keyword]:
            case "anyOf", list() as parts:
                return _any_of([self.whole(part) for part in parts])
            case "not", {"required": list() as keys, **rest} if not rest:
                return lambda value: not (isinstance(value, dict) and all(key in value for key in keys))
            case "if", {"type": wanted, **rest} if not rest and schema.keys() >= {"then", "else"}:
                asked, then, otherwise = _type(wanted), self.whole(schema["then"]), self.whole(schema["else"])
                return lambda value: then(value) if asked(value) else otherwise(value)
        raise UnknownKeywordError(keyword)

    def _others(self, wanted: bool | Mapping[str, Any]) -> Test:  # noqa: FBT001 - what the keyword holds
        """Return the test for the values of keys that have no test of their own."""
        return (lambda _: wanted) if isinstance(wanted, bool) else self.whole(wanted)

    def _ref(self, uri: str) -> Test:
        if not uri.startswith("#/$defs/"):
            return self._other(uri)
        if uri not in self._referred:
            # A type may hold itself: while it is in the making, this stands for it.
            self._referred[uri] = lambda value: self._referred[uri](value)  # noqa: PLW0108 - it is another by then
            self._referred[uri] = self.whole(self._definitions[uri.removeprefix("#/$defs/")])
        return self._referred[uri]


def _all_of(tests: Sequence[Test]) -> Test:
    match tests:
        case []:
            return lambda _: True
        case [one]:
            return one
        case [one, two]:
            return lambda value: one(value) and two(value)

    def every(value: object) -> bool:
        for test in tests:  # noqa: SIM110 - a loop is quicker than all()
            if not test(value):
                return False
        return True

    return every


def _any_of(tests: Sequence[Test]) -> Test:
    return lambda value: any(test(value) for test in tests)


def _properties(tests: Mapping[str, Test], others: Test) -> Test:
    def every(value: object) -> bool:
        if isinstance(value, dict):
            for key, item in value.items():
                if not tests.get(key, others)(item):
                    return False
        return True

    return every


def _keys(test: Test) -> Test:
    return lambda value: not isinstance(value, dict) or all(test(key) for key in value)


def _each(test: Test) -> Test:
    def every(value: object) -> bool:
        if isinstance(value, list):
            for item in value:
                if not test(item):
                    return False
        return True

    return every


def _type(wanted: str | list[str]) -> Test:
    if isinstance(wanted, list):
        return _any_of([_type(one) for one in wanted])
    if wanted not in _TYPES:
        raise UnknownKeywordError(wanted)
    return _TYPES[wanted]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: object) -> bool:
    # JSON has one kind of number: 28.0 is an integer.
    return value.is_integer() if isinstance(value, float) else isinstance(value, int) and not isinstance(value, bool)


def _enum(wanted: list[Any]) -> Test:
    if not all(isinstance(one, str) for one in wanted):
        raise UnknownKeywordError("enum")
    choices = frozenset(wanted)
    return lambda value: isinstance(value, str) and value in choices


def _pattern(pattern: str) -> Test:
    search = re.compile(whole_text(pattern)).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _format(wanted: str) -> Test:
    if wanted != "date":
        raise UnknownKeywordError(wanted)
    return lambda value: not isinstance(value, str) or _is_date(value)


def _is_date(text: str) -> bool:
    from datetime import date

    try:
        return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _unique(_wanted: object) -> Test:
    def differ(value: list[Any]) -> bool:
        if set(map(type, value)) <= {str}:
            return len(set(value)) == len(value)
        # Python takes 1 and True for the same and JSON Schema does not: where all differ for Python, they do.
        return len(value) <= _FEW and not any(item in value[:place] for place, item in enumerate(value))

    return lambda value: not isinstance(value, list) or differ(value)


def _required(keys: list[str]) -> Test:
    wanted = frozenset(keys)
    return lambda value: not isinstance(value, dict) or wanted <= value.keys()


def _limit(kind: type[str | list[Any] | dict[str, Any]], *, least: bool) -> Callable[[int], Test]:
    """Return what makes tests for the length of texts, lists or mappings."""
    if least:
        return lambda limit: lambda value: not isinstance(value, kind) or len(value) >= limit
    return lambda limit: lambda value: not isinstance(value, kind) or len(value) <= limit


_TYPES: dict[str, Test] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": _is_integer,
}
_PLAIN: dict[str, Callable[[Any], Test]] = {
    "type": _type,
    "const": lambda wanted: (lambda value: value is wanted) if isinstance(wanted, bool) else _enum([wanted]),
    "enum": _enum,
    "pattern": _pattern,
    "format": _format,
    "required": _required,
    "uniqueItems": _unique,
    "minimum": lambda limit: lambda value: not _is_number(value) or value >= limit,
    "maximum": lambda limit: lambda value: not _is_number(value) or value <= limit,
    "minLength": _limit(str, least=True),
    "maxLength": _limit(str, least=False),
    "minItems": _limit(list, least=True),
    "maxItems": _limit(list, least=False),
    "minProperties": _limit(dict, least=True),
    "maxProperties": _limit(dict, least=False),
}
