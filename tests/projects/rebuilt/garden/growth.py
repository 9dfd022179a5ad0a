"""How plants grow; the speeds lie beside this file."""

import json
from pathlib import Path

SPEEDS = json.loads(Path(__file__).with_name("speeds.json").read_text("utf-8"))


def grown(name: str, months: int) -> float:
    """Return the height in centimetres."""
    return float(SPEEDS[name]) * months
