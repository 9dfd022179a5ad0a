"""What of a device's batch is taken: what its server knows, as far as it can be true, and no more than a fair part.

Whoever reaches the server may send a batch. Its schema bounds each number; here they are held against each other and
against what is known. What contradicts itself is refused whole: no device of ours sends it. What is only not known
(a plan is older than the server) is left and told, and the rest is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

from modelport.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from modelport.edge.types import Spread

__all__ = ["COUNTS", "DAY_COUNT", "KEY", "Left", "Taken", "can_be", "is_far", "taken"]

KEY: Final = ("model", "variant", "digest", "place", "quantity")
"""What tells one figure from another in a class of devices."""
COUNTS: Final = ("count", "in_time", "remote", "fallback")
DAY_COUNT: Final = 100_000
"""For how many observations of a figure a day counts: what comes later that day is left."""
_BATCH_COUNT: Final = 1_000
"""For how many observations of a figure a batch counts."""
_SECONDS: Final = 600.0
"""Means above are no time of a call: a device gives up long before."""
_ENOUGH, _FAR = 100, 100.0
"""From how many observations on a class is known, and by which factor a batch's mean is far from it."""
_SLACK: Final = 1 + 1e-6


@dataclass(frozen=True, slots=True)
class Left:
    """A part of a batch that was not taken.

    Attributes:
        path: Which, as in ``figures/3``.
        message: Why.
    """

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The parts of a batch that are taken, by their place in it, and those that are left."""

    figures: dict[int, dict[str, Any]]
    requests: dict[int, dict[str, Any]]
    left: tuple[Left, ...]


def taken(batch: Mapping[str, Any], known: Collection[tuple[str, str]]) -> Taken:
    """Return what of a batch that fulfils its schema is taken, each figure counting for a thousand at most.

    Args:
        batch: The batch.
        known: The models and digests of which figures are taken; a mapping says which variant each is.

    Raises:
        InputError: It contradicts itself.
    """
    _check_figures(batch)
    _check_requests(batch)
    models = {model for model, _ in known}
    figures, requests, left = {}, {}, []
    for number, one in enumerate(batch["figures"]):
        why = _unknown(one, known)
        if why:
            left.append(Left(f"figures/{number}", why))
        else:
            figures[number] = _fair(one)
    for number, one in enumerate(batch["requests"]):
        if one["model"] in models:
            requests[number] = dict(one)
        else:
            left.append(Left(f"requests/{number}", f"this server does not know {one['model']}"))
    return Taken(figures, requests, tuple(left))


def _unknown(one: Mapping[str, Any], known: Collection[tuple[str, str]]) -> str:
    key = (one["model"], one["digest"])
    if key not in known:
        return f"this server does not know {one['model']}:{one['variant']} ({one['digest']})"
    if isinstance(known, Mapping) and known[key] != one["variant"]:
        return f"{one['digest']} is {known[key]} here, not {one['variant']}"
    if one["mean"] > _SECONDS:
        return f"{one['mean']:.4g} s is more than any call takes"
    return ""


def _fair(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a figure, counting for a thousand observations at most: its mean and, if so few can have it, deviation."""
    count = min(one["count"], _BATCH_COUNT)
    m2 = one["m2"] * (count - 1) / (one["count"] - 1) if one["count"] > 1 else 0.0
    return dict(one) | {"count": count, "m2": min(m2, one["mean"] ** 2 * count * (count - 1))}


def is_far(one: Mapping[str, Any], spread: Spread) -> bool:
    """Whether a figure's mean is out of all proportion to what the class has measured; a way may differ as it likes."""
    if one["quantity"] == "transfer" or spread.n < _ENOUGH or not spread.mean > 0:
        return False
    return not spread.mean / _FAR <= one["mean"] <= spread.mean * _FAR


def can_be(one: Mapping[str, Any]) -> bool:
    """Whether observations that are not negative can have such figures: at most, all but one of them are 0."""
    n = one["count"]
    most = one["mean"] * sqrt(n)
    return bool(one["mean"] <= _SECONDS and one["m2"] <= most**2 * (n - 1) * _SLACK)


def _check_figures(batch: Mapping[str, Any]) -> None:
    seen = set()
    for one in batch["figures"]:
        what = f"figures/{one['model']}:{one['variant']}"
        n, mean = one["count"], one["mean"]
        if n == 1 and one["m2"] > 0:
            raise InputError(f"{what}: one observation deviates from nothing, and m2 is {one['m2']}")
        if one["m2"] > mean**2 * n * (n - 1) * _SLACK:
            raise InputError(f"{what}: {n} times of {mean:.4g} s cannot deviate by {sqrt(one['m2'] / (n - 1)):.4g} s")
        key = tuple(one[name] for name in KEY)
        if key in seen:
            raise InputError(f"{what}: its {one['quantity']} is there twice")
        seen.add(key)


def _check_requests(batch: Mapping[str, Any]) -> None:
    names = [one["model"] for one in batch["requests"]]
    if len(set(names)) < len(names):
        raise InputError("requests: a model is there twice")
    for one in batch["requests"]:
        if max(_parts(one)) > one["count"]:
            raise InputError(f"requests/{one['model']}: a part of the requests is more than all of them")


def _parts(one: Mapping[str, Any]) -> Iterator[int]:
    yield from (one[name] for name in COUNTS)
    yield sum(told["count"] for told in one.get("deadlines", ()))
