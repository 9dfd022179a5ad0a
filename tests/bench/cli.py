"""How quickly the command answers, against a bare Python."""

from __future__ import annotations

import sys

from tests.bench.rows import Row, interleaved, wall_seconds

RUNS = 15


def rows() -> list[Row]:
    """Measure the start of the command and of the library."""
    bare = [sys.executable, "-c", "pass"]
    found = []
    for figure, command, target in (
        ("modelport --help over a bare Python", [sys.executable, "-m", "modelport", "--help"], 0.2),
        ("import modelport over a bare Python", [sys.executable, "-c", "from modelport import Model"], 0.1),
    ):
        value, peer = interleaved(lambda c=command: wall_seconds(c), lambda: wall_seconds(bare), runs=RUNS)  # type: ignore[misc]
        found.append(
            Row(
                figure=figure, value=value - peer, unit="s", target=target, peer="python -c pass", peer_value=peer,
                runs=RUNS, how="make bench ROOM=cli",
            )
        )  # fmt: skip
    return found
