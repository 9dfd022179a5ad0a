"""What a machine is, and how long it takes to load and run a LiteRT file: the standard library and LiteRT alone.

This file runs by itself, too: with the two anchor files beside it, it is the bundle that `modelport device bundle`
writes for devices on which Modelport is not installed (``python device_profile.py`` there; Python 3.9 or later).
Therefore it imports nothing of Modelport, and not NumPy by name.

The anchors (`modelport.edge.anchor`) run in turn, a round each, on one thread; the time of each is the median of its
rounds' medians. How far the rounds' medians lie apart is the *spread*: over 1.5, something else kept the machine busy,
and the times are not to be trusted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import time
from datetime import datetime, timezone
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any, Callable, Mapping, Sequence  # noqa: UP035 - what Python 3.9 has of them

__all__ = [
    "TRUSTED", "Lite", "anchor_times", "facts", "find_runtime", "name_of", "profile", "read_status", "shown",
    "spread_of", "summary", "timed", "tools_of", "unlike", "unwritable",
]  # fmt: skip

TRUSTED = 1.5
"""The largest spread of an anchor at which times are worth something."""
MATTERS = re.compile(r"(?:.*(?:vnni|bf16|fp16|f16c|fma|dotprod|i8mm|sve|amx|neon|asimd).*|avx.*|sse4.*)")
"""The processor's flags that kernels of models ask for."""

_resource: Any = import_module("resource") if find_spec("resource") else None  # Windows has none
_RUNTIMES = {"ai-edge-litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}
_MOST, _FEWEST = 300, 3  # calls of a round
_FILES = ("litert-convolutions-float32.tflite", "litert-convolutions-int8.tflite")  # of the bundle, beside this one
_SECONDS = 0.1  # that the calls of a round take together


class Lite:
    """A LiteRT file that is loaded and whose inputs are filled: call it to run it once.

    Args:
        content: The file.
        threads: How many threads run it.
        xnnpack: Whether XNNPACK's kernels may run it, as they do by default.

    Raises:
        ImportError: Neither ``ai-edge-litert`` nor ``tflite-runtime`` is installed.
        RuntimeError: LiteRT does not take the file, or not so.
        ValueError: As above.
    """

    def __init__(self, content: bytes, *, threads: int = 1, xnnpack: bool = True) -> None:
        runtime = import_module(f"{_RUNTIMES[find_runtime()]}.interpreter")
        kinds = runtime.OpResolverType
        kind = kinds.AUTO if xnnpack else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._one = runtime.Interpreter(model_content=content, num_threads=threads, experimental_op_resolver_type=kind)
        self._one.allocate_tensors()

    def fill(self) -> None:
        """Fill the inputs: one half where they are real numbers, and else 0."""
        for given in self._one.get_input_details():
            array = self._one.get_tensor(given["index"])
            array.fill(0.5 if array.dtype.kind == "f" else 0)
            self._one.set_tensor(given["index"], array)

    def __call__(self) -> None:
        """Run it once."""
        self._one.invoke()


def find_runtime() -> str:
    """Return the distribution that runs LiteRT files here.

    Raises:
        ImportError: None does.
    """
    for name, module in _RUNTIMES.items():
        try:
            import_module(f"{module}.interpreter")
        except ModuleNotFoundError as error:
            if error.name and error.name.partition(".")[0] != module:
                raise  # it is there, and something that it needs is not
            continue
        return name
    raise ImportError("ai-edge-litert is not installed: pip install ai-edge-litert")


def timed(call: Callable[[], object], *, seconds: float = _SECONDS) -> tuple[list[float], list[float]]:
    """Return how long calls took, one after the other, in seconds, and how long those that were interrupted.

    There are 3 at least and 300 at most, in *seconds* all together. A call during which the system took the processor
    away for something else tells little of what was called: it is told apart, unless that happens to nearly all.
    """
    whole: list[float] = []
    interrupted: list[float] = []
    end = time.perf_counter() + seconds
    while len(whole) + len(interrupted) < _FEWEST or (len(whole) < _MOST and time.perf_counter() < end):
        before = _interruptions()
        start = time.perf_counter()
        call()
        took = time.perf_counter() - start
        (whole if _interruptions() == before else interrupted).append(took)
    return (whole, interrupted) if len(whole) >= _FEWEST else (whole + interrupted, [])


def summary(samples: Sequence[float], interrupted: Sequence[float] = ()) -> dict[str, Any]:
    """Return what is told of times: ``min``, ``mean``, ``sd``, ``p50``, ``p95`` in seconds, and ``n``.

    Of times of *interrupted* calls, which are others than the *samples*, ``interrupted`` is the share of all calls.
    They count in ``p95``: whoever waits for an answer waits for them, too.
    """
    ranked, whole = sorted(samples), sorted([*samples, *interrupted])
    figures = {
        "min": ranked[0],
        "mean": fmean(ranked),
        "sd": stdev(ranked) if len(ranked) > 1 else 0.0,
        "p50": median(ranked),
        "p95": max(median(ranked), whole[-(-95 * len(whole) // 100) - 1]),  # the nearest rank
    }
    share = {"interrupted": round(len(interrupted) / len(whole), 4)} if interrupted else {}
    return {**{key: _digits(value) for key, value in figures.items()}, "n": len(ranked), **share}


def spread_of(rounds: Sequence[float]) -> float:
    """Return the longest of an anchor's rounds over the shortest."""
    return round(max(rounds) / min(rounds), 3)


def read_status(key: str) -> int:
    """Return a size from Linux's ``/proc/self/status`` in bytes, 0 where there is none."""
    found = re.search(rf"^{key}:\s+(\d+) kB$", _text("/proc/self/status"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def facts() -> dict[str, Any]:
    """Return what this machine is, as a device's profile says it."""
    info = _text("/proc/cpuinfo")
    model = _text("/proc/device-tree/model").strip("\0 \n")
    cpu = _found(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", info) or platform.processor() or platform.machine()
    flags = _found(r"^(?:flags|Features)\s*:\s*(.+)$", info).split()
    memory = _found(r"^MemTotal:\s+(\d+) kB$", _text("/proc/meminfo"))
    cores = _cores()
    said = {
        "title": model or f"{cpu}, {cores} core{'s' * (cores != 1)}",
        "kind": "board" if model else "",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "cpu": cpu,
        "cores": cores,
        "flags": sorted(one for one in set(flags) if MATTERS.fullmatch(one)),
        "memory": int(memory) * 1024 if memory else 0,
    }
    return {key: value for key, value in said.items() if value}


def name_of(facts: Mapping[str, Any]) -> str:
    """Return what a device is called in a catalog when nobody names it: its title in lower-case words."""
    return re.sub(r"[^a-z0-9]+", "-", str(facts["title"]).lower()).strip("-")[:64].strip("-") or "device"


def unlike(profile: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return in what a device's *profile* is of another machine than the one of the facts *here*; nothing when of it.

    Memory may differ by an eighth, for what the system keeps for itself differs.
    """
    said = [key for key in ("cpu", "cores") if profile.get(key) != here.get(key)]
    said += ["flags"] if set(profile.get("flags", ())) != set(here.get("flags", ())) else []
    mine, its = here.get("memory", 0), profile.get("memory", 0)
    return said + (["memory"] if abs(mine - its) * 8 > mine else [])


def anchor_times(anchors: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the median of each round of each anchor, in seconds; they take turns."""
    found: dict[str, list[float]] = {name: [] for name in anchors}
    for call in anchors.values():
        call()
    for _ in range(rounds):
        for name, call in anchors.items():
            found[name].append(median(timed(call)[0]))
    return found


def profile(anchors: Mapping[str, Sequence[float]], tools: Mapping[str, str]) -> dict[str, Any]:
    """Return the profile of this machine, as ``catalog/devices/<id>.yaml`` has it.

    Args:
        anchors: The median of each round, by the anchor's name.
        tools: What ran them, with versions.
    """
    governor = _text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip() or "not told"
    document = {
        "schema": "modelport/device/1",
        "source": "measured",
        "date": datetime.now(timezone.utc).date().isoformat(),  # noqa: UP017 - Python 3.9 has no datetime.UTC
        "tools": dict(sorted(tools.items())),
        **facts(),
        "anchors": {name: _digits(median(rounds)) for name, rounds in sorted(anchors.items())},
        "spread": max(spread_of(rounds) for rounds in anchors.values()),
    }
    said = f"The clock's governor: {governor}."
    if document["spread"] > TRUSTED:
        said += " The anchor's rounds lie apart by more than 1.5 times: something else kept the machine busy."
    return {**document, "notes": said}


def shown(document: Mapping[str, Any]) -> str:
    """Return a profile as YAML that needs no library: each value as JSON writes it."""
    lines = []
    for key, value in document.items():
        if isinstance(value, dict):
            lines.append(f"{key}:")
            lines += [f"  {name}: {json.dumps(one, ensure_ascii=False)}" for name, one in value.items()]
        else:
            lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
    return "".join(f"{line}\n" for line in lines)


def tools_of(distributions: Sequence[str]) -> dict[str, str]:
    """Return the versions of those *distributions* that are installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def unwritable(file: Path | None) -> str:
    """Return why nothing can be written to *file*; nothing where it can, or where there is none."""
    if file is None:
        return ""
    if file.is_dir():
        return f"{file} is a folder: name a file in it"
    if not file.parent.is_dir():
        return f"{file} cannot be written: there is no folder {file.parent}"
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        return f"{file} cannot be written: you may not write there"
    return ""


def main(arguments: Sequence[str]) -> int:
    """Run the anchors that lie beside this file and write the profile; the bundle's program."""
    parser = argparse.ArgumentParser(description="Measure this device for a Modelport catalog.")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the profile; else it is printed")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="rounds of each anchor (7)")
    options = parser.parse_args(arguments)
    anchors, problems = _beside(Path(__file__).resolve().parent)
    if options.rounds < 2:  # noqa: PLR2004 - a spread is of two
        problems.insert(0, f"there is no spread of {options.rounds} rounds: ask for 2 or more")
    if unwritten := unwritable(options.out):
        problems.insert(0, unwritten)
    if problems:
        return _say(*problems)
    document = profile(anchor_times(anchors, options.rounds), tools_of([find_runtime()]))
    if options.out is None:
        sys.stdout.write(shown(document))
    else:
        options.out.write_text(shown(document), "utf-8")
        sys.stderr.write(f"wrote {options.out}; submit it as catalog/devices/{name_of(document)}.yaml\n")
    if document["spread"] > TRUSTED:
        sys.stderr.write(f"the rounds lie apart by {document['spread']} times: run it again when nothing else runs\n")
    return 0


def _beside(folder: Path) -> tuple[dict[str, Lite], list[str]]:
    """Return the anchors in *folder*, ready to run, and what is wrong with any of them."""
    names = sorted({*_FILES, *(one.name for one in folder.glob("litert-*.tflite"))})
    missing = [name for name in names if not (folder / name).is_file()]
    anchors: dict[str, Lite] = {}
    problems = []
    if missing:
        problems.append(f"not beside this program: {', '.join(missing)} (copy all three files of the bundle)")
    for file in (folder / name for name in names if name not in missing):
        try:
            anchors[file.stem] = Lite(file.read_bytes())
            anchors[file.stem].fill()
        except ImportError as error:
            return anchors, [*problems, str(error)]
        except (OSError, RuntimeError, ValueError) as error:
            said = " ".join(str(error).split())[:200]
            problems.append(f"{file.name} is damaged: copy it again (LiteRT says: {said})")
    return anchors, problems


def _say(*problems: str) -> int:
    sys.stderr.write("".join(f"error: {one}\n" for one in problems))
    return 1


def _interruptions() -> int:
    """Return how often the system took the processor away from this process; always 0 where it does not tell."""
    return int(_resource.getrusage(_resource.RUSAGE_SELF).ru_nivcsw) if _resource else 0


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _digits(seconds: float) -> float:
    """Return a time with as many digits as it is worth."""
    return float(f"{seconds:.4g}")


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1].strip() if match else ""


def _text(file: str) -> str:
    try:
        return Path(file).read_text("utf-8", "replace")
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
