"""``python -m tests.bench [ROOM] [--readme]``."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OUT = ROOT / "build" / "bench"
ROOMS = (
    "cli",
    "catalog",
    "model",
    "package",
    "oci",
    "install",
    "serve",
    "image",
    "edge",
    "variants",
    "inception",
    "journey",
)
START, END = "<!-- figures: written by `make bench && make readme` -->", "<!-- end of figures -->"


def main() -> int:
    """Measure the rooms asked for; the status is 0 also where a target is missed: the table says so."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("room", nargs="?", choices=ROOMS)
    parser.add_argument("--readme", action="store_true", help="measure nothing; write the README's table")
    options = parser.parse_args()
    if options.readme:
        _write_readme()
        return 0
    OUT.mkdir(parents=True, exist_ok=True)
    for room in [options.room] if options.room else ROOMS:
        found = [row.to_json() for row in import_module(f"tests.bench.{room}").rows()]
        (OUT / f"{room}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        sys.stdout.write(_table(found))
    return 0


def _write_readme() -> None:
    found = [row for room in ROOMS for row in json.loads((OUT / f"{room}.json").read_text("utf-8"))]
    readme = ROOT / "README.md"
    head, rest = readme.read_text("utf-8").split(START)
    readme.write_text(f"{head}{START}\n{_table(found)}{END}{rest.split(END)[1]}", encoding="utf-8")


def _table(rows: list[dict[str, Any]]) -> str:
    lines = ["| figure | value | target | holds | peer | runs | how |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        holds = {True: "yes", False: "no", None: "not measured"}[row["holds"]]
        peer = row["peer"] if row["peer_value"] is None else f"{row['peer']}: {row['peer_value']:.3g} {row['unit']}"
        bound = ">=" if row.get("at_least") else "<="
        value = "" if row["value"] is None else f"{row['value']:.3g} {row['unit']}"
        lines.append(
            f"| {row['figure']} | {value} | {bound} {row['target']:.3g} | {holds} | {peer} |"
            f" {row['runs']} | `{row['how']}` |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
