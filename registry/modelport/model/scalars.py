"""Scalars: read from JSON, taken from a native value, written as JSON.

64-bit integers are numbers and are accepted as strings too (JavaScript's numbers end at 2**53); bytes are base64
(RFC 4648, section 4); NaN and the infinities are the strings of the protobuf JSON mapping. The elements of tensors
follow the same rules, so these functions know the dtypes besides the protobuf scalars.
"""

from __future__ import annotations

import base64
import binascii
import math
import numbers
import re
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelport.model.exchange import Exchange

__all__ = [
    "FLOATS", "INTEGER_RANGES", "is_bool", "json_kind", "rounded", "scalar_from_carrier", "scalar_from_json",
    "scalar_from_native", "scalar_to_json", "spell", "text", "with_article",
]  # fmt: skip

INTEGER_RANGES = {f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)} | {
    f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)
}
FLOATS = {"double": "d", "float64": "d", "float": "f", "float32": "f", "float16": "e"}
"""The scalars and dtypes that are no whole numbers, with the letters that `struct` has for them."""

_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_EXACT = 2**53
_SHORT = {"float": ("<f", 2**-126, 6, 9), "float16": ("<e", 2**-14, 3, 5)}
"""How short floats are laid out, the least of full precision, the digits that always survive, those that suffice."""
_INTEGER_TEXT = re.compile(r"-?(0|[1-9][0-9]{0,19})")
_JSON_KINDS = {dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number"}


def scalar_from_json(value: object, name: str, path: str, exchange: Exchange) -> Any:
    """Return the scalar that *value* stands for, or note why it is none and return None."""
    if name in FLOATS:
        return _float_from_json(value, name, path, exchange)
    if name in INTEGER_RANGES:
        return _integer_from_json(value, name, path, exchange)
    if name == "bool" and isinstance(value, bool):
        return value
    if name == "string" and isinstance(value, str):
        return text(value, path, exchange)
    if name == "bytes" and isinstance(value, str):
        return _bytes_from_json(value, path, exchange)
    form = " (as a base64 string)" if name == "bytes" else ""
    exchange.add(path, f"is {json_kind(value)}, not {with_article(name)}{form}")
    return None


def scalar_from_native(value: Any, name: str, path: str, exchange: Exchange) -> Any:
    """Return *value* as the Python scalar that *name* says, or note why it is none and return None.

    NumPy's scalars and arrays without dimensions are taken as well.
    """
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    truth = is_bool(value)
    if name == "bool" and truth:
        return bool(value)
    if name in FLOATS and isinstance(value, numbers.Real) and not truth:
        return _rounded(value, name, path, exchange)
    if name in INTEGER_RANGES and isinstance(value, numbers.Integral) and not truth:
        return _within(int(value), name, path, exchange)
    if name == "string" and isinstance(value, str):
        # str() of a member of a string enumeration would be its name.
        return text(str.__str__(value), path, exchange)
    if name == "bytes" and isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    exchange.add(path, f"is {with_article(type(value).__name__)}, not {with_article(name)}")
    return None


def scalar_from_carrier(value: Any, name: str, path: str, exchange: Exchange) -> Any:
    """Return what the protobuf scalar that carries *name* holds, or note that it is beyond *name* and return None."""
    if name in INTEGER_RANGES:
        return _within(value, name, path, exchange)
    return _rounded(value, name, path, exchange) if name == "float16" else value


def scalar_to_json(value: Any, name: str) -> object:
    """Return the JSON form of a scalar; a short float has the fewest digits that give the same float back."""
    if name in FLOATS:
        if not math.isfinite(value):
            return spell(value)
        return _shortest(value, *_SHORT[name]) if name in _SHORT else value
    return base64.b64encode(value).decode() if name == "bytes" else value


def spell(value: float) -> str:
    """Return the string that stands for NaN or an infinity."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def is_bool(value: object) -> bool:
    """Tell whether *value* is Python's or NumPy's true or false; NumPy is not imported for it."""
    return isinstance(value, bool) or (type(value).__module__ == "numpy" and type(value).__name__ in {"bool", "bool_"})


def json_kind(value: object) -> str:
    """Return what *value* is, in the words of JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _JSON_KINDS.get(type(value), with_article(type(value).__name__))


def with_article(name: str) -> str:
    """Return the name of a type with "a" or "an" before it: an int64, a uint8, an ndarray."""
    return f"an {name}" if name[:1] in "aeioAEIO" or name == "ndarray" else f"a {name}"


def _bytes_from_json(value: str, path: str, exchange: Exchange) -> bytes | None:
    try:
        # Python 3.11 lets too much padding pass in its strict mode, too.
        if len(value) % 4 == 0 and not value.endswith("==="):
            return binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        pass  # it is told like the rest
    exchange.add(path, "is not base64 (RFC 4648, with padding)")
    return None


def _integer_from_json(value: object, name: str, path: str, exchange: Exchange) -> int | None:
    if isinstance(value, str) and name.endswith("64") and _INTEGER_TEXT.fullmatch(value):
        return _within(int(value), name, path, exchange)
    if isinstance(value, float) and value.is_integer():
        if abs(value) > _EXACT:
            exchange.add(path, f"is {value!r}: beyond 2**53, write all digits of the whole number ({name})")
            return None
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        exchange.add(path, f"is {json_kind(value)}, not a whole number ({name})")
        return None
    return _within(value, name, path, exchange)


def _within(value: int, name: str, path: str, exchange: Exchange) -> int | None:
    low, high = INTEGER_RANGES[name]
    if low <= value <= high:
        return value
    exchange.add(path, f"is outside {low} to {high}, the range of {name}")
    return None


def _float_from_json(value: object, name: str, path: str, exchange: Exchange) -> float | None:
    if isinstance(value, str) and value in _SPECIAL_FLOATS:
        return _SPECIAL_FLOATS[value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        exchange.add(path, f"is {json_kind(value)}, not a number ({name})")
        return None
    return _rounded(value, name, path, exchange)


def rounded(value: Any, name: str) -> float:
    """Return *value* as the float that *name* can be, a ``float`` has 32 bits; raise OverflowError if it is too big."""
    number, layout = float(value), f"<{FLOATS[name]}"  # without "<" too big a float would be infinite
    return number if layout == "<d" else struct.unpack(layout, struct.pack(layout, number))[0]


def _rounded(value: Any, name: str, path: str, exchange: Exchange) -> float | None:
    try:
        return rounded(value, name)
    except OverflowError:
        exchange.add(path, f"is beyond the range of {name}")
        return None


def _shortest(value: float, layout: str, full: float, survive: int, suffice: int) -> float:
    # A float near zero has less precision, so fewer digits may do.
    for digits in range(survive if abs(value) >= full else 1, suffice):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.pack(layout, short) == struct.pack(layout, value):
                return short
        except OverflowError:
            continue  # rounded up beyond the greatest
    return float(f"{value:.{suffice}g}")


def text(value: str, path: str, exchange: Exchange) -> str | None:
    """Return *value*, or note that it has no UTF-8 form and return None."""
    try:
        value.encode()
    except UnicodeEncodeError:
        exchange.add(path, "is not Unicode text: it holds half of a surrogate pair")
        return None
    return value
