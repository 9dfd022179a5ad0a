"""JSON from strangers, read strictly (RFC 8259; I-JSON, RFC 7493, for what that leaves open).

The text is looked over before it is parsed, in time linear in its length: how deep it nests, how long its numbers are.
Refused are also the words NaN and Infinity, which are not JSON, a key that stands twice in one object, and a number
that no double can hold.

Most texts need none of this. `quick_json` reads them with orjson, and answers only where the strict reader would give
the same; where it does not know, the strict reader decides.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

import orjson

from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from modelport.serve.limits import Limits

__all__ = ["quick_json", "read_json", "write_json"]

# A string, ended or not, so that every quote starts a match; possessive, so that nothing is tried twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]"))
_OF_NUMBERS = bytes(48 if byte in b"-+.0123456789eE" else 32 for byte in range(256))  # "0" for each, else a space
_CONTAINER = 4
_MARK = b"\0"
_SLICE = 256 * 1024  # bytes that are looked over at once: no other thread runs meanwhile, the event loop's neither
# Only such a number can be beyond a double: the others need no look at each.
_PERHAPS_HUGE = re.compile(rb"[eE]\+?[0-9]{3}|[0-9]{309}")


def quick_json(body: bytes, limits: Limits) -> dict[str, Any] | None:
    """Return the object that the JSON text *body* says, or None for *don't know*.

    What orjson leaves open is ruled out by counting: each member of an object has a colon, so that a text with as many
    as the object has members holds no key twice, and no other object that has any. How deep lists nest is for those to
    ask who know what they expect. Only integers beyond 64 bits differ from the strict reader's: they are floats.
    """
    if _CONTAINER * len(body) > limits.json_values and _values(body) > limits.json_values:
        return None  # unless they stand in strings: the strict reader knows
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(found) is not dict or body.count(b":") != len(found):
        return None
    return None if _has_long_number(body, limits.number_chars) else found


def write_json(document: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return *document*, which is JSON without NaN, as text."""
    try:
        return orjson.dumps(document)
    except TypeError:  # text with half of a surrogate pair, or an integer beyond 64 bits
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def read_json(body: bytes, limits: Limits) -> Any:  # noqa: ANN401 - JSON
    """Return what the JSON text *body* says; a body of no bytes says ``{}``.

    Raises:
        ProblemError: It is not JSON (the detail names line and column), is nested too deeply, or has too many values.
    """
    if not body:
        return {}
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not UTF-8: {error.reason}") from None
    bare = _without_strings(body)
    _check_depth(bare, limits.json_depth)
    if _CONTAINER * len(bare) > limits.json_values and _values(bare) > limits.json_values:
        raise ProblemError(
            "body-too-large",
            f"JSON has at most {limits.json_values} values; a list or an object counts as {_CONTAINER}",
        )
    if _has_long_number(bare, limits.number_chars):
        raise _malformed(f"a number has more than {limits.number_chars} characters")
    decoder = _CAREFUL if _PERHAPS_HUGE.search(bare) else _USUAL
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None


def _without_strings(body: bytes) -> bytes:
    """Return *body* without its strings."""
    bare, place, is_open = [], 0, False
    while place < len(body):
        piece = body[place : place + _SLICE]
        place += len(piece)
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2:  # what is escaped goes with its backslash
            piece += body[place : place + 1]
            place += 1
        # The quote behind the piece ends its last string or begins one, so that the mark stays or goes. A mark that is
        # the body's own is no JSON, and ends the parser's reading.
        text = _STRING.sub(b"", (b'"' if is_open else b"") + piece + b'"' + _MARK)
        is_open = text.endswith(_MARK)
        bare.append(text.removesuffix(_MARK))
    return b"".join(bare)


def _values(text: bytes) -> int:
    """Return about how many values *text* has; a list or an object costs as much as several numbers."""
    return text.count(b",") + _CONTAINER * (text.count(b"[") + text.count(b"{"))


def _has_long_number(text: bytes, most: int) -> bool:
    """Tell whether a number in *text* has more than *most* characters."""
    return len(text) > most and b"0" * (most + 1) in text.translate(_OF_NUMBERS)


def _check_depth(bare: bytes, limit: int) -> None:
    """Refuse text that nests deeper than *limit*: each pass takes the innermost pairs of brackets away."""
    brackets = bare.translate(_BRACKETS).translate(None, _NOT_BRACKETS)
    for _ in range(limit):
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    # What never closes is malformed, and the parser says where; it is only kept from going too deep for that.
    if b"[]" in brackets or brackets.count(b"[") > limit:
        raise _malformed(f"it is nested more than {limit} deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        raise _malformed(f"the key {twice[:100]!r} stands twice in one object")
    return members


def _no_constant(word: str) -> NoReturn:
    raise _malformed(f'{word} is not JSON; a float may be the string "{word}"')


def _finite(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise _malformed(f"the number {literal[:40]} is beyond what a double holds")
    return number


def _malformed(detail: str) -> ProblemError:
    return ProblemError("malformed-json", f"the body cannot be read: {detail}")


_USUAL = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
_CAREFUL = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
