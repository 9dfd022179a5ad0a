"""Forms of a model file as a backend makes them, here, or in a process of its own elsewhere.

``python -m tests.edge.making MODULE PARENT CALLS OUT NAME...`` makes those named by MODULE's backend, and prints their
digests.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.edge.calibration import read_calls, write_calls
from modelport.edge.interface import Backend, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelport.edge.interface import Calibration, Made

ROOT = Path(__file__).parents[2]


def make(
    backend: Backend,
    name: str,
    parent: Path,
    out: Path,
    calls: Calibration | None = None,
    *,
    made: Mapping[str, Made] | None = None,
) -> Made:
    """Make one form of *parent*, of its base in *made* where it has one."""
    folder = out / name
    folder.mkdir(parents=True)
    recipe = next(one for one in backend.recipes(parent) if one.name == name)
    base = (made or {})[recipe.base].file if recipe.base else parent
    calibrated = recipe.needs_calibration or recipe.takes_calibration
    return backend.make(recipe, Source(base, parent, calls if calibrated else None), folder)


def make_all(
    backend: Backend, parent: Path, out: Path, calls: Calibration, names: Iterable[str] = ()
) -> dict[str, Made]:
    """Make every form of *parent* that there is, or those named."""
    made: dict[str, Made] = {}
    for name in names or [one.name for one in backend.recipes(parent)]:
        made[name] = make(backend, name, parent, out, calls, made=made)
    return made


def digests(made: Mapping[str, Made]) -> dict[str, str]:
    return {name: hashlib.sha256(one.file.read_bytes()).hexdigest() for name, one in made.items()}


def digests_elsewhere(
    module: str, parent: Path, calls: Calibration, folder: Path, names: Iterable[str]
) -> dict[str, str]:
    """Make forms of a copy of *parent*, in another process with other hashes; return their digests."""
    other = folder / "elsewhere" / parent.name
    other.parent.mkdir()
    other.write_bytes(parent.read_bytes())
    write_calls(calls, folder / "calls.npz")
    words = [module, str(other), str(folder / "calls.npz"), str(folder / "out"), *names]
    variables = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.edge.making", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=variables, cwd=folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(module: str, parent: str, calls: str, out: str, *names: str) -> None:
    backend: Backend = importlib.import_module(module).BACKEND
    made = make_all(backend, Path(parent), Path(out), read_calls(Path(calls)), names)
    sys.stdout.write(json.dumps(digests(made)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
