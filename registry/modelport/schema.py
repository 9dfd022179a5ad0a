"""The data contracts: JSON Schemas (draft 2020-12) of ``schemas/``, loaded by name.

The schemas lie at the repository's root in a checkout and in ``modelport/schemas`` in an installed wheel.

There are two judges. ``accepts`` is quick and says yes or *don't know*; ``validator`` is jsonschema's, who is asked
when it does not know, and tells what is wrong.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.accept import Test, UnknownKeywordError, compile_schema, whole_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

__all__ = ["accepts", "schema_dir", "schema_document", "validator"]


def schema_dir() -> Path:
    """Return the schema folder: packaged in a wheel, at the repository root in a checkout."""
    packaged = Path(__file__).parent / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "schemas"


@cache
def schema_document(name: str) -> dict[str, Any]:
    """Return the schema ``schemas/<name>.schema.json`` as parsed JSON."""
    document: dict[str, Any] = json.loads(schema_dir().joinpath(f"{name}.schema.json").read_text("utf-8"))
    return document


@cache
def validator(name: str) -> Validator:
    """Return a draft 2020-12 validator for the schema called *name*; schemas may refer to each other by ``$id``."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    from referencing import Registry, Resource

    def retrieve(uri: str) -> Resource[Any]:
        return Resource.from_contents(schema_document(_name_of(uri)))

    registry: Registry[Any] = Registry(retrieve=retrieve)  # type: ignore[call-arg]
    kind = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
    made: Validator = kind(schema_document(name), registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return made


def accepts(name: str, value: object) -> bool:
    """Return True only when *value* fulfils the schema called *name*; after False ask its ``validator``.

    Raises:
        RecursionError: *value* is nested too deeply; the validator raises it, too.
    """
    return _test(name)(value)


@cache
def _test(name: str) -> Test:
    try:
        return compile_schema(schema_document(name), lambda uri: _test(_name_of(uri)))
    except UnknownKeywordError:
        return lambda _: False


def _name_of(uri: str) -> str:
    return uri.rsplit("/", 1)[-1].removesuffix(".schema.json")


def _pattern(_validator: Validator, pattern: str, instance: object, _schema: object) -> Iterator[ValidationError]:
    """Match as ECMA-262 does, which JSON Schema names: a final ``$`` is the text's end, never a newline before it."""
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not re.search(whole_text(pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")
