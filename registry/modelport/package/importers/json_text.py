"""JSON that strangers wrote: neither deep nor anything else than JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport import strict_json
from modelport.errors import FormatError

if TYPE_CHECKING:
    from modelport.package.importers.found import Problems
    from modelport.package.importers.source import Source

__all__ = ["parse_json", "read_mapping"]

_DEEPEST = 64
_LIMIT = 4 * 1024**2


def parse_json(content: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: It is none, repeats a key, or is nested too deeply; the message says it.
    """
    try:
        value = strict_json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    level, depth = [value], 0
    while level:
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        level = [one for outer in level if isinstance(outer, dict | list) for one in _inside(outer)]
        depth += 1
    return value


def read_mapping(source: Source, name: str, problems: Problems) -> dict[str, Any]:
    """Return the JSON object in a file, or nothing when there is a problem with it, which is noted."""
    try:
        document = parse_json(source.read(name, limit=_LIMIT).decode("utf-8-sig"))
    except FormatError as error:
        problems.note(name, error.message)
    except ValueError as error:  # of its decoding, too
        problems.note(name, f"is not JSON: {error}"[:200])
    else:
        if isinstance(document, dict):
            return document
        problems.note(name, "is no mapping")
    return {}


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value
