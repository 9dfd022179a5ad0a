"""What variants take on this machine: rounds of all of them by turns, each file in a process of its own.

A round asks the anchors of the runtimes first, then each variant: it loads its file anew, runs it once, and some times
more. So whatever else keeps the machine busy meets all of them alike, and the *spread* of the anchor, its longest
round over its shortest, says how much that was. Of what is told, `Figures.document` is what the catalog keeps.

Of a variant whose package is known, the *whole* is measured, too, as a device has it: how long the package takes to
load (``open``), and a call of its first example (``call``), with its code and its messages. Decisions are made by these
where they are there; the bare file's times compare variants and machines, for nothing else is in them.

Modes take turns, too, one after the other: one thread first, whose figures are the listed ones, then all threads, then
LiteRT without XNNPACK. A variant whose process fails in the first mode is failed; in another, that mode is.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median, stdev
from typing import IO, TYPE_CHECKING, Any, Final, Self, cast

from modelport.edge.anchor import ANCHORS, anchor_file
from modelport.edge.interface import NotMadeError
from modelport.edge.probe import facts, spread_of, summary, tools_of
from modelport.edge.steps import ended
from modelport.edge.trial import DISTRIBUTIONS
from modelport.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Figures", "Measured", "Subject", "measure", "measure_anchors"]

_PATIENCE: Final = 10 * 60
"""Seconds after which a process that does not answer is given up."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A file to measure.

    Attributes:
        name: The variant's name.
        file: The file.
        runtime: What runs it: ``litert`` or ``onnx``.
        package: The folder of its package, whose examples say what an ONNX file takes.
    """

    name: str
    file: Path
    runtime: str
    package: Path | None = None


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to run a file: on how many threads, of LiteRT whether by XNNPACK's kernels; or in its *whole* package."""

    threads: int = 1
    xnnpack: bool = True
    whole: bool = False


@dataclass(slots=True)
class Figures:
    """What was measured of one variant.

    Attributes:
        failed: Why it was not; nothing where it was.
        document: What the catalog keeps under the device's name, in ``measured``.
        ratio: Its warm inference's median as a multiple of its runtime's anchor's.
    """

    failed: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured in one run.

    Attributes:
        figures: Of each variant, by its name.
        anchors: The median of each of the anchors' rounds on one thread, in seconds, by the anchor's name.
        tools: What ran them, with versions.
        interrupted: The share of calls in whose middle the system ran something else, which count in ``p95`` alone.
    """

    figures: Mapping[str, Figures]
    anchors: Mapping[str, Sequence[float]]
    tools: Mapping[str, str]
    interrupted: float = 0.0

    @property
    def spread(self) -> float:
        """The largest spread of an anchor."""
        return max(map(spread_of, self.anchors.values()), default=1.0)


class _Process:
    """The process that times one file in one mode (`modelport.edge.timing`)."""

    def __init__(self, subject: Subject, mode: Mode, log: Path) -> None:
        self._log = log
        job = {
            "file": str(subject.file.resolve()), "runtime": subject.runtime, "threads": mode.threads,
            "xnnpack": mode.xnnpack, "whole": mode.whole,
            "package": str(subject.package.resolve()) if subject.package else "",
        }  # fmt: skip
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "modelport.edge.timing", json.dumps(job)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True,
            )  # fmt: skip
        self._asks, self._answers = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ready(self) -> None:
        """Wait until its runtime is loaded; raises as `round` does."""
        self._answer()

    def round(self) -> dict[str, Any]:
        """Return what a round took.

        Raises:
            NotMadeError: The file does not load or run so, or its process ended or does not answer.
        """
        with suppress(BrokenPipeError):  # how it ended is told where its answer is missed
            self._asks.write("round\n")
            self._asks.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        alarm = threading.Timer(_PATIENCE, self._process.kill)
        alarm.start()
        try:
            line = self._answers.readline()
        finally:
            alarm.cancel()
        if not line:
            raise NotMadeError(ended(self._process.wait(), self._log))
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise NotMadeError(str(answer["failed"]))
        return answer


@dataclass(slots=True)
class _Rounds:
    """The rounds of one file in one mode: what each took, and why there are no more."""

    taken: list[dict[str, Any]] = field(default_factory=list)
    failed: str = ""


def measure(
    subjects: Sequence[Subject], *, rounds: int = 5, threads: int | None = None, tell: Callable[[str], None] = print
) -> Measured:
    """Measure *subjects* on this machine.

    Args:
        subjects: The variants' files, each with another name.
        rounds: How many rounds of each mode.
        threads: How many threads "all" of them are; as many as there are cores, when None.
        tell: Told what goes on.

    Raises:
        InputError: There are fewer than two rounds, of which none would tell a spread.
    """
    _check_rounds(rounds)
    threads = threads or int(facts()["cores"])
    runtimes = sorted({one.runtime for one in subjects})
    with tempfile.TemporaryDirectory(prefix="modelport-") as folder:
        anchors = _anchors(runtimes, Path(folder))
        modes: dict[Mode, dict[str, _Rounds]] = {}
        for mode in _modes(threads):
            fit = [one for one in subjects if mode.xnnpack or one.runtime == "litert"]
            left = [one for one in fit if not modes or not modes[Mode()][one.name].failed]
            if left:
                tell(f"{mode.threads} thread{'s' * (mode.threads > 1)}{'' if mode.xnnpack else ', without XNNPACK'}")
                modes[mode] = _in_turns(anchors, left, mode, rounds, Path(folder))
        whole = _whole(subjects, modes[Mode()], rounds, Path(folder), tell) if modes else {}
    return _told(subjects, runtimes, modes, whole)


def _whole(
    subjects: Sequence[Subject], bare: Mapping[str, _Rounds], rounds: int, folder: Path, tell: Callable[[str], None]
) -> dict[str, _Rounds]:
    """Return the rounds of the packages of *subjects*, and tell of those that cannot be loaded or called here."""
    packaged = [one for one in subjects if one.package and not bare[one.name].failed]
    if not packaged:
        return {}
    tell("whole packages")
    found = _in_turns((), packaged, Mode(whole=True), rounds, folder)
    for name, one in found.items():
        if one.failed:
            tell(f"{name}: the package as a whole cannot be timed: {one.failed}")
    return {name: one for name, one in found.items() if not one.failed}


def measure_anchors(
    runtimes: Sequence[str], folder: Path, *, rounds: int, networks: Sequence[Path] = ()
) -> dict[str, list[float]]:
    """Return the median of each round of the anchors of *runtimes*, in seconds; their files are left in *folder*.

    Args:
        runtimes: The runtimes.
        folder: Where to work.
        rounds: How many rounds.
        networks: LiteRT files that are anchors, too, by their files' names (`modelport.edge.named`).

    Raises:
        InputError: There are fewer than two rounds.
        NotMadeError: An anchor does not run.
    """
    _check_rounds(rounds)
    anchors = _anchors(runtimes, folder) + [Subject(one.stem, one, "litert") for one in networks]
    found = _in_turns(anchors, (), Mode(), rounds, folder)
    if problems := [f"{name}: {one.failed}" for name, one in found.items() if one.failed]:
        raise NotMadeError("; ".join(problems))
    return {name: [median(one["warm"]) for one in rounds.taken] for name, rounds in found.items()}


def _check_rounds(rounds: int) -> None:
    if rounds < 2:  # noqa: PLR2004 - a spread is of two
        raise InputError(f"there is no spread of {rounds} rounds", hint="ask for 2 or more")


def _modes(threads: int) -> list[Mode]:
    several = [Mode(threads)] if threads > 1 else []
    return [Mode(), *several, Mode(xnnpack=False)]


def _anchors(runtimes: Sequence[str], folder: Path) -> list[Subject]:
    found = []
    for runtime in runtimes:
        for name in ANCHORS[runtime]:
            file = folder / name
            file.write_bytes(anchor_file(name))
            found.append(Subject(name, file, runtime))
    return found


def _in_turns(
    anchors: Sequence[Subject], subjects: Sequence[Subject], mode: Mode, rounds: int, folder: Path
) -> dict[str, _Rounds]:
    """Return the rounds of anchors, which always run on one thread and as is the default, and of *subjects*."""
    found = {one.name: _Rounds() for one in (*anchors, *subjects)}
    with ExitStack() as stack:
        turns = [(one, Mode()) for one in anchors] + [(one, mode) for one in subjects]
        processes = {
            one.name: stack.enter_context(_Process(one, how, folder / f"{number}.txt"))
            for number, (one, how) in enumerate(turns)
        }
        for name, process in processes.items():
            _try(found[name], process.ready)
        for _ in range(rounds):
            for name, process in processes.items():
                _try(found[name], lambda process=process, name=name: found[name].taken.append(process.round()))  # type: ignore[misc]
    return found


def _try(rounds: _Rounds, act: Callable[[], None]) -> None:
    if rounds.failed:
        return
    try:
        act()
    except NotMadeError as error:
        rounds.failed = error.message


def _told(
    subjects: Sequence[Subject],
    runtimes: Sequence[str],
    modes: Mapping[Mode, Mapping[str, _Rounds]],
    whole: Mapping[str, _Rounds],
) -> Measured:
    anchors: dict[str, list[float]] = {}
    for name in (name for runtime in runtimes for name in ANCHORS[runtime]):
        for found in modes.values():
            if rounds := [median(one["warm"]) for one in found[name].taken]:
                anchors.setdefault(name, []).extend(rounds)
    tools = tools_of([DISTRIBUTIONS[runtime][0] for runtime in runtimes])
    figures = {one.name: _figures(one, modes, anchors, whole.get(one.name)) for one in subjects}
    return Measured(figures, anchors, tools, _interrupted(modes))


def _interrupted(modes: Mapping[Mode, Mapping[str, _Rounds]]) -> float:
    taken = [one for found in modes.values() for rounds in found.values() for one in rounds.taken]
    out, kept = sum(len(one["interrupted"]) for one in taken), sum(len(one["warm"]) for one in taken)
    return round(out / (out + kept), 4) if out else 0.0


def _figures(
    subject: Subject,
    modes: Mapping[Mode, Mapping[str, _Rounds]],
    anchors: Mapping[str, Sequence[float]],
    whole: _Rounds | None,
) -> Figures:
    found = modes[Mode()][subject.name]
    if found.failed:
        return Figures(failed=found.failed)
    infer = _summary(found)
    document: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(), "tools": tools_of([DISTRIBUTIONS[subject.runtime][0]]),
        "flags": facts().get("flags", []), "threads": 1, **_kernels(subject, Mode()), "load": _spread(found),
        "first": _digits(fmean(one["first"] for one in found.taken)), "infer": infer,
    }  # fmt: skip
    if whole:
        calls = [time for one in whole.taken for time in (*one["warm"], *one["interrupted"])]
        document |= {"open": _spread(whole), "call": summary(calls)}
    if memory := found.taken[0]["memory"]:
        document["memory"] = memory
    anchor = ANCHORS[subject.runtime][0]
    if beside := [median(one["warm"]) for one in modes[Mode()][anchor].taken]:
        document |= {"anchor": _digits(median(beside)), "spread": spread_of(anchors[anchor])}
    document["modes"] = [
        _mode(subject, mode, others[subject.name])
        for mode, others in modes.items()
        if mode != Mode() and subject.name in others
    ]
    ratio = round(infer["p50"] / document["anchor"], 3) if "anchor" in document else None
    return Figures(document=document, ratio=ratio)


def _mode(subject: Subject, mode: Mode, found: _Rounds) -> dict[str, Any]:
    said = {"threads": mode.threads, **_kernels(subject, mode)}
    if found.failed:
        return {**said, "message": found.failed}
    return {**said, "infer": _summary(found)}


def _summary(found: _Rounds) -> dict[str, Any]:
    warm, interrupted = ([time for one in found.taken for time in one[key]] for key in ("warm", "interrupted"))
    return summary(warm, interrupted)


def _kernels(subject: Subject, mode: Mode) -> dict[str, bool]:
    return {"xnnpack": mode.xnnpack} if subject.runtime == "litert" else {}


def _spread(found: _Rounds) -> dict[str, Any]:
    times = [one["load"] for one in found.taken]
    return {
        "min": _digits(min(times)), "mean": _digits(fmean(times)), "sd": _digits(stdev(times)), "n": len(times),
    }  # fmt: skip


def _digits(seconds: float) -> float:
    return float(f"{seconds:.4g}")
