"""Run a package's golden examples: ``python -m modelport.package.verify FOLDER`` inside the clean environment.

Rows that the package calls independent are tried again, for a service puts many callers' rows into one call then.

Prints one JSON document, ``{"examples": N, "problems": [...], "memory": BYTES}``, or ``{"error": ...}`` where the
package does not load or a method fails. Ends with 0 when all is well.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from modelport.errors import ModelportError
from modelport.package.answer import keep_stdout
from modelport.package.blame import blame
from modelport.package.closeness import differences
from modelport.package.load import LoadedPackage, load_package
from modelport.package.rows import row_independence

__all__ = ["false_rows", "main", "peak_memory", "run_examples"]


def run_examples(loaded: LoadedPackage) -> list[str]:
    """Run the examples of a package that was loaded; return what is wrong with their answers."""
    problems = []
    for number, example in enumerate(loaded.model.examples, 1):
        answer = loaded.model.replay(example)
        found = differences(example.output, answer, example.tolerance, "output")
        problems += [f"example {number} of {example.method}: {one}" for one in found[:5]]
    return problems


def false_rows(loaded: LoadedPackage) -> list[str]:
    """Try again the rows that ``package.json`` calls independent; return where that is not so."""
    said = {name: one for name, one in loaded.info.get("rows", {}).items() if one["independent"]}
    found = row_independence(loaded.model, said)
    problems = []
    for name, one in said.items():
        there = found.get(name, {"reason": "there is no such method"})
        why = there.get("reason") or f"it was tried with {there['tested']}, not {one.get('tested')}"
        problems += [] if one == there else [f"the rows of {name} are not independent as package.json says: {why}"]
    return problems


def peak_memory() -> int:
    """Return the most bytes of memory that this process has held since it began to run this program."""
    try:
        # getrusage() on Linux tells the parent's peak, where that was higher: it survives exec.
        status = Path("/proc/self/status").read_text("utf-8")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _place(error: ModelportError, folder: Path) -> str:
    place = blame(error, (folder / "code").resolve())
    return f" (code/{place[0]}, line {place[1]})" if place else ""


def main(folder: str) -> int:
    """Run the examples of the package in *folder* and report on stdout; what its code prints goes to stderr."""
    report: dict[str, Any]
    with keep_stdout() as answer:
        try:
            loaded = load_package(Path(folder))
            report = {"examples": len(loaded.model.examples), "problems": run_examples(loaded), "memory": peak_memory()}
            report["problems"] = report["problems"] or false_rows(loaded)
        except ModelportError as error:
            report = {"error": error.message + _place(error, Path(folder))}
        answer.write(json.dumps(report) + "\n")
    return 0 if report.get("problems") == [] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
