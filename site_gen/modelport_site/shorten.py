"""Values made short enough to read: what is left out is counted."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["elide", "human_bytes", "one_line", "plain_json"]

_ITEMS = 6
_ROWS = 3
_TEXT = 120
_LINE = 64


def plain_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return JSON on one line, complete."""
    return json.dumps(value, ensure_ascii=False)


def one_line(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return a value on one line of a table."""
    text = _inline(value)
    return text if len(text) <= _LINE else text[: _LINE - 1].rstrip() + "…"


def elide(value: Any, indent: str = "") -> str:  # noqa: ANN401 - any JSON value
    """Return JSON over several lines in which long lists and texts are cut; ``… 776 more`` stands for the rest.

    The result is for people: where something was cut it is not JSON any more.
    """
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        lines = [f"{deeper}{json.dumps(key, ensure_ascii=False)}: {elide(item, deeper)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
        lines = [deeper + elide(item, deeper) for item in value[:_ROWS]]
        if rest := len(value) - len(lines):
            lines.append(f"{deeper}… {rest} more")
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    return _inline(value)


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


def _inline(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        shown = [_inline(item) for item in value[:_ITEMS]]
        if rest := len(value) - len(shown):
            shown.append(f"… {rest} more")
        return f"[{', '.join(shown)}]"
    if isinstance(value, str) and len(value) > _TEXT:
        return f"{json.dumps(value[:_TEXT], ensure_ascii=False)[:-1]}…\" ({len(value)} characters)"
    if isinstance(value, float):
        return f"{value:.6g}" if len(repr(value)) > 9 else repr(value)  # noqa: PLR2004 - float32 has about as many
    return json.dumps(value, ensure_ascii=False)
