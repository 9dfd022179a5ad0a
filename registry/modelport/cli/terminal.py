r"""What every command says: data on stdout, talk on stderr.

Much of it comes from strangers: tags, titles and error texts of registries, names in archives. What steers a terminal,
or lets a line read otherwise than it is written, is shown as an escape such as ``\x1b``; line feeds and tabs are kept.
"""

from __future__ import annotations

import json
import math
import re
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["add_json", "data", "draw", "human_size", "human_time", "plural", "table", "talk"]


# Control characters (C0 and C1), marks and overrides of direction, line and paragraph separators, lone surrogates.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_writing = threading.Lock()
_drawn = ""  # the line that stands on the terminal and is to be replaced


def talk(text: str) -> None:
    """Tell the user what is going on; above the line that is drawn, if there is one."""
    with _writing:
        sys.stderr.write(f"{_erased()}{_safe(text)}\n{_drawn}")
        sys.stderr.flush()


def draw(line: str) -> None:
    """Show *line* on the terminal in the place of the one that was drawn before; an empty one erases that."""
    global _drawn  # noqa: PLW0603 - there is one terminal
    line = _safe(line)
    with _writing:
        sys.stderr.write(f"{_erased()}{line}")
        sys.stderr.flush()
        _drawn = line


def _erased() -> str:
    # Blanks, not an escape sequence: any terminal will do.
    return f"\r{'':<{len(_drawn)}}\r" if _drawn else ""


def data(value: Any) -> None:  # noqa: ANN401 - text, or a JSON document
    """Print a command's result: text as it is, anything else as JSON."""
    if isinstance(value, str):
        text = _safe(value)
    else:  # JSON escapes C0 itself, and may have any other character escaped inside a text
        text = _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, indent=1, ensure_ascii=False))
    sys.stdout.write(f"{text}\n")


def _safe(text: str) -> str:
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json`` to a command that reads."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def table(rows: Sequence[Sequence[object]]) -> str:
    """Return *rows* as columns, each as wide as its widest cell."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))] if cells else []
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def plural(count: int, what: str) -> str:
    """Return a number with what it counts, in English's usual plural."""
    return f"{count} {what}{'s' * (count != 1)}"


def human_size(size: float) -> str:
    """Return a number of bytes as a person reads it."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:  # noqa: PLR2004 - SI prefixes
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def human_time(seconds: float) -> str:
    """Return a time as a person reads it, with three digits; ``-`` when it is not a number."""
    if math.isnan(seconds):
        return "-"
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 0.9995 or unit == "µs":  # noqa: PLR2004 - what rounds to 1.00
            break
    return f"{seconds * factor:.3g} {unit}" if seconds < 999.5 else f"{seconds:.0f} s"  # noqa: PLR2004 - no exponents
