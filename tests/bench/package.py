"""How long packing the catalog's iris forest takes, without the trial in a clean environment."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from tests.bench.rows import Row

ROOT = Path(__file__).parents[2]
RUNS = 7

# Training is over when the clock starts; what packing imports is part of it. The lock's hashes are known.
PACK = """
import json, sys, tempfile, time
from pathlib import Path
import joblib
from modelport.package.source import model_from_recipe
recipe, lock = Path(sys.argv[1]), Path(sys.argv[2]).read_text("utf-8")
model = model_from_recipe(recipe, {})
forest = next(c.cell_contents for c in model.methods["classify"].inner.__closure__)
with tempfile.TemporaryDirectory() as folder:
    began = time.perf_counter()
    joblib.dump(forest, Path(folder) / "forest.joblib")
    dumped = time.perf_counter()
    from modelport.package import pack
    pack(model, "iris-forest", Path(folder) / "package", known_lock=lock, verify_in=None)
    print(json.dumps([time.perf_counter() - dumped, dumped - began]))
"""


def rows() -> list[Row]:
    """Measure packing in processes of their own; ``make bench ROOM=cli`` has what importing Modelport takes."""
    recipe, lock = ROOT / "catalog/models/iris-forest/recipe.py", ROOT / "requirements" / "dev.lock"
    command = [sys.executable, "-c", PACK, str(recipe), str(lock)]
    found = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(RUNS)]
    value, peer = (statistics.median(times) for times in zip(*found, strict=True))
    return [
        Row(
            figure="packing the iris forest, without the trial", value=value, unit="s", target=3,
            peer="joblib.dump of the forest", peer_value=peer, runs=RUNS, how="make bench ROOM=package",
        )
    ]  # fmt: skip
