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
from typing import Any

ROOT = Path(__file__).parents[1]
COUNTS = ROOT / "build" / "torture"
PAGE = ROOT / "site_gen/modelport_site/pages/start/store.md"
START, END = "<!-- counts: written by `make torture && make readme` -->", "<!-- end of counts -->"


def main() -> int:
    """Print the table, or write it into the guide."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("--page", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    table = _table(_rows())
    if not parser.parse_args().page:
        sys.stdout.write(table)
        return 0
    head, rest = PAGE.read_text("utf-8").split(START)
    PAGE.write_text(f"{head}{START}\n\n{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return 0


def _rows() -> list[dict[str, Any]]:
    rows = [row for file in sorted(COUNTS.glob("*.json")) for row in json.loads(file.read_text("utf-8"))]
    counted = {row["figure"] for row in rows}
    absent = [figure for figure in figures() if figure not in counted]
    return rows + [{"figure": figure, "value": None, "holds": None} for figure in absent]


def figures() -> list[str]:
    """Return the figures that tests record under a name that stands in their source."""
    found = []
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "record":
                continue
            if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                found.append(node.args[0].value)
    return found


def _table(rows: list[dict[str, Any]]) -> str:
    lines = ["| what | count | at least | holds |", "|---|---:|---:|---|"]
    for row in sorted(rows, key=lambda row: str(row["figure"])):
        if row["value"] is None:
            lines.append(f"| {row['figure']} | not run | | not known |")
        else:
            holds = "yes" if row["holds"] else "no"
            lines.append(f"| {row['figure']} | {row['value']:,} {row['unit']} | {row['target']:,} | {holds} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
