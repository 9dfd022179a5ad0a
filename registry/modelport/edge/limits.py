"""What `Runtime.open` and `Runtime.call` take, checked before anything is done: all that is wrong is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from modelport.edge.documents import CLASS
from modelport.errors import CallError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["call_problems", "check_opening", "refused"]

_Problem = tuple[str, str]
"""What is wrong, with the place before it, and the way out."""

_MOST: Final = 1_000_000.0
"""Seconds, or watts, above which nothing waits and nothing draws."""


def check_opening(
    folder: object, *, server: object, plan: object, device: object, source: object, **numbers: object
) -> None:
    """Check what a runtime is opened with; *numbers* are ``patience``, ``probe``, ``every`` and ``watts``.

    Raises:
        InputError: Something of it cannot be; the message tells all of that.
    """
    found = [*_paths(folder, source), *_sources(server, plan, device)]
    for name, value in numbers.items():
        if name != "watts":
            found += _seconds(name, value, most=inf if name == "every" else _MOST)
        elif value is not None and not (_is_number(value) and 0 <= value <= _MOST):
            found.append((f"watts: {_shown(value)} is no power", "give watts from 0 up, or leave it out"))
    if found:
        raise InputError("; ".join(problem for problem, _ in found), hint=_hint(found))


def _paths(folder: object, source: object) -> Iterator[_Problem]:
    if not isinstance(folder, str | Path) or not str(folder) or "\0" in str(folder):
        yield (
            f"folder: {_shown(folder)} is no path",
            "give a folder of the device's own; it is made when it is not there",
        )
    elif Path(folder).exists() and not Path(folder).is_dir():
        yield f"folder: {folder} is a file", "give a folder of the device's own; it is made when it is not there"
    if source is not None and (not isinstance(source, str | Path) or "\0" in str(source)):
        yield f"source: {_shown(source)} is no path", "give the folder of a store that has packages, or leave it out"


def _sources(server: object, plan: object, device: object) -> Iterator[_Problem]:
    if server is not None and not isinstance(server, str):
        yield (
            f"server: {_shown(server)} is not an address",
            "write http://HOST:PORT, as `modelport edge serve` prints it",
        )
    if plan is not None and not isinstance(plan, Mapping | Path):
        yield f"plan: {_shown(plan)} is no plan", "give a dictionary, or the path of a file: Path('plan.json')"
    if not isinstance(device, str) or (device and CLASS.fullmatch(device.lower()) is None):
        said = f"device: {_shown(device)} is no class of devices"
        yield said, "use lower case letters, digits, '.', '_' and '-'"


def _seconds(name: str, value: object, *, most: float) -> Iterator[_Problem]:
    if not _is_number(value):
        yield f"{name}: {_shown(value)} is not a number of seconds", "give seconds above 0"
    elif not 0 < value <= most:
        way = f"give at most {most:,.0f} seconds" if value > most else "give seconds above 0"
        yield f"{name}: {float(value):g} s cannot be waited for", way


def call_problems(deadline: object, min_accuracy: object) -> list[_Problem]:
    """Return what is wrong with the limits of a call, and the way out of each."""
    found = []
    if not _is_number(deadline):
        found.append((f"deadline: {_shown(deadline)} is not a number of seconds", "give seconds above 0"))
    elif not deadline > 0:
        found.append((f"deadline: a deadline of {float(deadline):g} s cannot be met", "give seconds above 0"))
    if not _is_number(min_accuracy):
        found.append((f"min_accuracy: {_shown(min_accuracy)} is not an accuracy", "give a share from 0 to 1: 0.9"))
    elif not 0 <= min_accuracy <= 1:
        said = f"min_accuracy: {float(min_accuracy):g} is not an accuracy"
        found.append((said, "give a share from 0 to 1: 0.9, not 90"))
    return found


def refused(problems: list[_Problem], others: CallError | None) -> CallError:
    """Return the error that tells of a call's limits and of its arguments, where *others* are wrong, too."""
    more = () if others is None else others.problems
    return CallError([*(problem for problem, _ in problems), *more], hint=_hint(problems))


def _is_number(value: Any) -> TypeGuard[float]:  # noqa: ANN401 - whatever a caller gave
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        float(value)
    except OverflowError:  # an integer beyond all numbers
        return False
    return True


def _shown(value: object) -> str:
    said = repr(value)
    return said if len(said) <= 80 else f"{said[:77]}..."  # noqa: PLR2004 - a line


def _hint(problems: list[_Problem]) -> str:
    return "; ".join(dict.fromkeys(way for _, way in problems))
