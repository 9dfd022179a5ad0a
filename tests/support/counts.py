"""What the tests that break things counted: rows for ``make torture``'s table and for the guide.

Many tests come in two forms: a sample for ``make test``, and all of it for ``make torture``. Only the whole form may
stand in a table, so the two are written to two places.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
"""Whether this run is ``make torture``: tests take all cases then, not a sample."""

COUNTS = ROOT / "build" / ("torture" if THOROUGH else "torture-sample")


def record(
    figure: str,
    value: float,
    unit: str,
    target: float,
    how: str,
    *,
    peer: str = "",
    peer_value: float | None = None,
    runs: int = 1,
    room: str = "oci",
) -> None:
    """Write the row called *figure* into the *room*'s file, in place of what it said before.

    Call it at the end of a test, after every assertion held: a row says that all *value* of *unit* went well. Tests
    in several processes may call it at once.

    Args:
        figure: What was counted, such as "crash points survived".
        value: How many there were.
        unit: Of what.
        target: How many there must be at least in the whole form: a count holds from there on, where a bench's figure
            holds up to there.
        how: The command that counts again.
        peer: Who else was counted, if anybody.
        peer_value: And what came out.
        runs: How often it was repeated.
        room: The file's name.
    """
    row = {"figure": figure, "value": value, "unit": unit, "target": target, "holds": value >= target}
    row |= {"peer": peer, "peer_value": peer_value, "runs": runs, "how": how}
    COUNTS.mkdir(parents=True, exist_ok=True)
    with (COUNTS / f".{room}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = COUNTS / f"{room}.json"
        rows: list[dict[str, Any]] = json.loads(file.read_text("utf-8")) if file.exists() else []
        kept = [kept for kept in rows if kept["figure"] != figure]
        scratch = file.with_suffix(f".{os.getpid()}")
        scratch.write_text(json.dumps([*kept, row], indent=1) + "\n", "utf-8")
        scratch.replace(file)
