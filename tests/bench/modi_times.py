"""What a one-off classification costs on a device, part by part: each file, in each round, in a process of its own.

A process that has loaded such a file before has its memory at hand, which an application's first load has to wait for.
Files take turns, so that whatever else keeps the machine busy meets all of them; of each part the least counts, to
which other work only adds. One thread, XNNPACK as is the default.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ROUNDS", "times"]

ROUNDS = 5
_WARM = 4

_ONCE = f"""
import json, statistics, sys, time
import numpy as np
from ai_edge_litert.interpreter import Interpreter
began = time.perf_counter()
with open(sys.argv[1], "rb") as stream:
    one = Interpreter(model_content=stream.read(), num_threads=1)
one.allocate_tensors()
load = time.perf_counter() - began
random = np.random.default_rng(0)
for given in one.get_input_details():
    one.set_tensor(given["index"], random.integers(0, 100, given["shape"]).astype(given["dtype"]))
took = []
for _ in range({_WARM} + 1):
    began = time.perf_counter()
    one.invoke()
    took.append(time.perf_counter() - began)
print(json.dumps({{"load": load, "first": took[0], "warm": statistics.median(took[1:])}}))
"""


def times(files: Mapping[str, Path]) -> dict[str, dict[str, float]]:
    """Return, in seconds, the ``load``, the ``first`` inference and a ``warm`` one of each file, by its name.

    Args:
        files: LiteRT files by name.
    """
    rounds = [{name: _once(file) for name, file in files.items()} for _ in range(ROUNDS)]
    return {name: {part: min(one[name][part] for one in rounds) for part in rounds[0][name]} for name in files}


def _once(file: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", _ONCE, str(file)], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
