"""Steps that run in processes of their own: ``run_step`` asks for one, ``python -m modelport.edge.steps`` does it.

A converter may crash, ask for more memory than there is, or talk without end: none of that reaches whoever builds
variants. A step may take three quarters of the memory that is free when it begins, where the system can limit it
(Linux); on others, what it takes is taken from all. The job lies in the folder as JSON, its arrays beside it as an
``.npz`` file; the result is written there, and the log, too.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import traceback
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.edge.calibration import read_calls, record_calls, write_calls
from modelport.edge.interface import NotMadeError, Recipe, Source
from modelport.edge.trial import try_file
from modelport.errors import ModelportError, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelport.edge.interface import Backend

__all__ = ["CALLS", "ended", "main", "run_step"]

CALLS = "calls.npz"
"""Where a step finds or leaves calibration inputs, in its folder."""

_PATIENCE = 2 * 60 * 60  # seconds: the converter took two minutes for a network of 87 MB
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": "-1"}
_SAME = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "ORT_DISABLE_TELEMETRY": "1"}
_SHARE = 0.75  # of the free memory: the rest is for what else begins meanwhile
_LONGEST = 400  # characters of a library's message


def run_step(folder: Path, do: str, **job: Any) -> dict[str, Any]:  # noqa: ANN401 - plain JSON
    """Run the step *do* in a process of its own that works in *folder*, and return what it found.

    Raises:
        NotMadeError: It failed, ended its process, or took more than two hours; the message says which.
    """
    (folder / "job.json").write_text(json.dumps({"do": do, **job}, default=str), "utf-8")
    command = [sys.executable, "-P", "-m", "modelport.edge.steps", str(folder.resolve())]
    with (folder / "log.txt").open("wb") as log:
        try:
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False, timeout=_PATIENCE,
                env={**os.environ, **_QUIET, **_SAME},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise NotMadeError(f"it does not come to an end in {_PATIENCE // 3600} hours") from error
    try:
        result: dict[str, Any] = json.loads((folder / "result.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NotMadeError(ended(done.returncode, folder / "log.txt")) from error
    if "failed" in result:
        raise NotMadeError(result["failed"], hint=result.get("hint", ""))
    return result


def ended(status: int, log: Path) -> str:
    """Return how a process ended without a result."""
    how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    said = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return f"its process ended {how}{f': {said[-1].strip()[:_LONGEST]}' if said else ''}"


def main(folder: str) -> int:
    """Do the job in *folder* and write its result there."""
    place = Path(folder)
    job = json.loads((place / "job.json").read_text("utf-8"))
    free = _limit_memory()
    try:
        result = _STEPS[job["do"]](job, place)
    except MemoryError:
        traceback.print_exc()
        said = f"it needs more memory than there is for it ({free >> 20} MiB)"
        result = {"failed": said, "hint": "close what else runs"}
    except SetupError as error:
        result = {"failed": error.message, "hint": error.hint or "pip install 'modelport[variants]'"}
    except ModelportError as error:
        result = {"failed": error.message, "hint": error.hint}
    except ModuleNotFoundError as error:
        result = {"failed": f"{error.name} is not installed", "hint": "pip install 'modelport[variants]'"}
    except Exception as error:  # noqa: BLE001 - converters raise what they like; the log has all of it
        traceback.print_exc()
        said = " ".join(str(error).split())[:_LONGEST]
        result = {"failed": f"{type(error).__name__}: {said}" if said else type(error).__name__}
    whole = place / "result.new"
    whole.write_text(json.dumps(result), "utf-8")
    whole.rename(place / "result.json")
    return 0


def _limit_memory() -> int:
    """Let this process have `_SHARE` of the memory that is free now, and return how many bytes; 0 where nobody says."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", _text("/proc/meminfo"), re.MULTILINE)
    if found is None:
        return 0
    from resource import RLIM_INFINITY, RLIMIT_DATA, getrlimit, setrlimit

    _, most = getrlimit(RLIMIT_DATA)
    free = int(int(found[1]) * 1024 * _SHARE)
    limit = free if most == RLIM_INFINITY else min(free, most)
    setrlimit(RLIMIT_DATA, (limit, most))
    return limit


def _text(file: str) -> str:
    try:
        return Path(file).read_text("utf-8")
    except OSError:
        return ""


def _backend(job: Mapping[str, Any]) -> Backend:
    found: Backend = import_module(job["module"]).BACKEND
    return found


def _recipes(job: Mapping[str, Any], _: Path) -> dict[str, Any]:
    return {"recipes": [asdict(one) for one in _backend(job).recipes(Path(job["parent"]))]}


def _make(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    recipe = Recipe(**{**job["recipe"], "tools": tuple(job["recipe"]["tools"])})
    calls = read_calls(folder / CALLS) if (folder / CALLS).exists() else None
    out = folder / "out"
    out.mkdir()
    made = _backend(job).make(recipe, Source(Path(job["source"]), Path(job["parent"]), calls), out)
    if not made.file.is_file() or made.file.parent.resolve() != out.resolve():
        raise NotMadeError(f"{job['module']} says that it made {made.file.name}, which is not there")
    return {"file": made.file.name, "recipe": dict(made.recipe)}


def _try(job: Mapping[str, Any], _: Path) -> dict[str, Any]:
    return try_file(Path(job["file"]), job["runtime"], job["mode"])


def _record(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    recorded = record_calls(Path(job["package"]), Path(job["data"]))
    write_calls(recorded, folder / CALLS)
    return {"calls": len(recorded)}


def _answer(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    from modelport.edge.accuracy import answers_of

    answers = answers_of(Path(job["package"]), Path(job["data"]))
    (folder / "answers.json").write_text(json.dumps(answers), "utf-8")
    return {"answers": "answers.json"}


_STEPS: dict[str, Callable[[Mapping[str, Any], Path], dict[str, Any]]] = {
    "recipes": _recipes,
    "make": _make,
    "try": _try,
    "record": _record,
    "answer": _answer,
}

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
