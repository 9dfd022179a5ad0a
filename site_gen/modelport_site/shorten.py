"""Values made short enough to read: what is left out is counted."""

from __future__ import annotations

import json

__all__ = ["elide", "human_bytes", "human_seconds", "one_line", "plain_json"]

_ITEMS = 6
_ROWS = 3
_TEXT = 120
_LINE = 64
_LONG = 700


def plain_json(value: object) -> str:
    """Return JSON on one line, complete."""
    return json.dumps(value, ensure_ascii=False)


def one_line(value: object) -> str:
    """Return a value on one line of a table."""
    text = _inline(value)
    return text if len(text) <= _LINE else text[: _LINE - 1].rstrip() + "…"


def elide(value: object) -> tuple[str, bool]:
    """Return JSON over several lines, and whether it was cut because it is long.

    In a cut text, ``… 776 more`` stands for the rest of a list: it is for people and no JSON any more.
    """
    cut = len(plain_json(value)) > _LONG
    return _lines(value, "", cut=cut), cut


def human_bytes(size: int) -> str:
    """Return a size in decimal units, as package registries count."""
    if size < 1000:  # noqa: PLR2004 - the unit
        return f"{size} bytes"
    value, unit = size / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if value < 999.5:  # noqa: PLR2004 - what would be rounded to 1000
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"  # noqa: PLR2004 - three digits are enough


def human_seconds(seconds: float) -> str:
    """Return a time with three digits at most, in the unit that suits it."""
    for unit, length in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= 0.9995 * length:
            value = seconds / length
            return f"{value:.3g} {unit}" if value < 999.5 else f"{value:.0f} {unit}"  # noqa: PLR2004 - as above
    return f"{seconds * 1e9:.3g} ns"


def _lines(value: object, indent: str, *, cut: bool) -> str:
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        pairs = [f"{plain_json(key)}: {_lines(item, deeper, cut=cut)}" for key, item in value.items()]
        return "{\n" + ",\n".join(deeper + pair for pair in pairs) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
        rows = [_lines(item, deeper, cut=cut) for item in (value[:_ROWS] if cut else value)]
        if rest := len(value) - len(rows):
            rows.append(f"… {rest} more")
        return "[\n" + ",\n".join(deeper + row for row in rows) + f"\n{indent}]"
    return _inline(value) if cut else plain_json(value)


def _inline(value: object) -> str:
    if isinstance(value, list):
        shown = [_inline(item) for item in value[:_ITEMS]]
        if rest := len(value) - len(shown):
            shown.append(f"… {rest} more")
        return f"[{', '.join(shown)}]"
    if isinstance(value, str) and len(value) > _TEXT:
        return f'{json.dumps(value[:_TEXT], ensure_ascii=False)[:-1]}…" ({len(value)} characters)'
    if isinstance(value, float):
        return f"{value:.6g}" if len(repr(value)) > 9 else repr(value)  # noqa: PLR2004 - float32 has about as many
    return json.dumps(value, ensure_ascii=False)
