"""``python -m tests.torture [--page]``: what ``make torture`` has counted, as a table.

The rows are those of ``build/torture/*.json``, written by ``tests.support.counts.record``. A figure that some test
records and that is not there was not run: its row says so.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
COUNTS = ROOT / "build" / "torture"
PAGE = ROOT / "site_gen/modelport_site/pages/start/store.md"
START, END = "<!-- counts: written by `make torture && make readme` -->", "<!-- end of counts -->"


def main() -> int:
    """Print the table, or write it into the guide."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("--page", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    text = table(rows())
    if not parser.parse_args().page:
        sys.stdout.write(text)
        return 0
    head, rest = PAGE.read_text("utf-8").split(START)
    PAGE.write_text(f"{head}{START}\n\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return 0


def rows() -> list[dict[str, Any]]:
    """Return what was counted, and a row without a value for each figure that was not."""
    found = [row for file in sorted(COUNTS.glob("*.json")) for row in json.loads(file.read_text("utf-8"))]
    counted = {row["figure"] for row in found}
    absent = [figure for figure in figures() if figure not in counted]
    return found + [{"figure": figure, "value": None, "holds": None} for figure in absent]


def figures(*, prefixes: bool = False) -> list[str]:
    """Return the figures that tests record; or how those begin whose names are put together."""
    return [name for file in sorted((ROOT / "tests/oci").glob("test_*.py")) for name in _recorded(file, prefixes)]


def _recorded(file: Path, prefixes: bool) -> Iterator[str]:  # noqa: FBT001 - handed on
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "record":
            continue
        name = node.args[0] if node.args else None
        if prefixes and isinstance(name, ast.JoinedStr):
            name = name.values[0]
        elif prefixes:
            continue
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield name.value


def table(found: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| what | count | at least | holds |", "|---|---|---|---|"]
    for row in sorted(found, key=lambda row: str(row["figure"])):
        if row["value"] is None:
            lines.append(f"| {row['figure']} | not run | | not known |")
        else:
            holds = "yes" if row["holds"] else "no"
            lines.append(f"| {row['figure']} | {row['value']:,} | {row['target']:,} | {holds} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
