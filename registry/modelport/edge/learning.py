"""What a device learns while it runs: each variant's times, and what it tells its edge server of them.

`Lessons` is what the device itself decides by: what the plan says counts for a few observations
(`modelport.edge.prior`), and old observations for a limited number. How long an inference takes differs by method and
by rows (`Kind`), so that each kind has times of its own. `Tally` is what has not been told yet: counts, means and sums
of squares, an inference's time for each row of it.
"""

from __future__ import annotations

import secrets
from collections import deque
from itertools import islice
from math import inf, sqrt
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelport.edge.batches import COUNTS
from modelport.edge.documents import deadline_step, spread_json, spread_of
from modelport.edge.prior import prior
from modelport.edge.types import Spread

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from modelport.edge.types import Place, Variant

__all__ = ["WHATEVER", "Kind", "Lessons", "Tally"]

_MEMORY = 64
"""For how many observations the past counts: a device grows hot, and a battery low."""
_LATEST = 256
"""Of how many observations it is known which variant each was of."""
_MOST = 1_000_000
"""How many observations a batch may tell of, as its schema has it."""
_FIGURES, _REQUESTS = 100, 25
"""How many of each a batch tells of: its schema takes more, its server no more than so many bytes."""


class Kind(NamedTuple):
    """What is asked of a model: by which method, with how many rows of its tensors."""

    method: str = ""
    rows: int = 1

    @property
    def size(self) -> int:
        """Its rows as powers of 2: those of the same size take about as long."""
        return max(1, self.rows).bit_length()


WHATEVER: Final = Kind()


class Lessons:
    """The times of variants where they run; safe for any number of threads.

    Args:
        known: What an earlier run learned, as `to_json` gave it.
    """

    def __init__(self, known: Mapping[str, Any] | None = None) -> None:
        self._lock = Lock()
        self._spreads = {str(key): spread_of(value) for key, value in (known or {}).items()}
        self._count, self._latest = 0, deque[str](maxlen=_LATEST)

    def spread(self, variant: Variant, place: Place, quantity: str, planned: Spread, kind: Kind = WHATEVER) -> Spread:
        """Return what is known of a time: what was learned of its kind, else what the plan said.

        Where the plan says nothing, either, it is what another kind of the same variant took, the nearest one.
        """
        with self._lock:
            found = self._spreads.get(_key(variant, place, quantity, kind), planned)
            return found if found.known else self._nearest(_key(variant, place, quantity), kind)

    def _nearest(self, begin: str, kind: Kind) -> Spread:
        others = [(one.split(" ")[3:], spread) for one, spread in self._spreads.items() if one.startswith(f"{begin} ")]
        away = [(abs(int(size) - kind.size), method != kind.method, n) for n, ((method, size), _) in enumerate(others)]
        return others[min(away)[2]][1] if away else Spread()

    def add(  # noqa: PLR0917 - what it is of, what it took, and what was said
        self, variant: Variant, place: Place, quantity: str, seconds: float, planned: Spread, kind: Kind = WHATEVER
    ) -> None:
        """Take an observation; the first one goes on from what the plan said, which counts for a few."""
        key = _key(variant, place, quantity, kind)
        with self._lock:
            self._spreads[key] = self._spreads.get(key, prior(planned)).plus(seconds, memory=_MEMORY)
            self._latest.append(variant.digest)
            self._count += 1

    @property
    def count(self) -> int:
        """How many observations were taken; with it `changed` tells which variants' times are other ones since."""
        return self._count

    def changed(self, since: int) -> Collection[str] | None:
        """Return the digests of the variants of which something was learned after *since*; None: perhaps of all."""
        with self._lock:
            new = self._count - since
            return None if new > len(self._latest) else set(islice(reversed(self._latest), new))

    def forget_all_but(self, digests: Collection[str]) -> None:
        """Forget the variants that no plan has any longer."""
        with self._lock:
            self._spreads = {key: one for key, one in self._spreads.items() if key.partition(" ")[0] in digests}

    def to_json(self) -> dict[str, Any]:
        """Return all of it, to be kept."""
        with self._lock:
            return {key: spread_json(spread) for key, spread in sorted(self._spreads.items())}


def _key(variant: Variant, place: Place, quantity: str, kind: Kind = WHATEVER) -> str:
    begin = f"{variant.digest} {place} {quantity}"
    return f"{begin} {kind.method} {kind.size}" if kind.method else begin


class Tally:
    """What has been measured since the edge server was told last; safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._figures: dict[tuple[str, str, str, str, str], Spread] = {}
        self._requests: dict[str, list[int]] = {}
        self._deadlines: dict[str, dict[float, int]] = {}

    def add(self, variant: Variant, place: Place, quantity: str, seconds: float) -> None:
        """Take an observation."""
        key = (variant.model, variant.name, variant.digest, place, quantity)
        with self._lock:
            spread = self._figures.get(key, Spread())
            if spread.n < _MOST:
                self._figures[key] = spread.plus(seconds)

    def request(self, model: str, *, in_time: bool, remote: bool, fallback: bool, deadline: float = inf) -> None:
        """Count a request that was answered, and in how many seconds its answer was due."""
        step = deadline_step(deadline)
        with self._lock:
            counts = self._requests.setdefault(model, [0, 0, 0, 0])
            if counts[0] < _MOST:
                for place, value in enumerate((True, in_time, remote, fallback)):
                    counts[place] += value
                if step < inf:
                    due = self._deadlines.setdefault(model, {})
                    due[step] = due.get(step, 0) + 1

    @property
    def parts(self) -> int:
        """How many batches would tell all of it."""
        with self._lock:
            return max(-(-len(self._figures) // _FIGURES), -(-len(self._requests) // _REQUESTS))

    def take(self, device: str) -> dict[str, Any] | None:
        """Return a batch, and keep the rest for the next ones; None when there is nothing to tell."""
        with self._lock:
            figures = {key: self._figures.pop(key) for key in sorted(self._figures)[:_FIGURES]}
            requests = {model: self._requests.pop(model) for model in sorted(self._requests)[:_REQUESTS]}
            deadlines = {model: self._deadlines.pop(model) for model in requests if model in self._deadlines}
        return _batch(device, figures, requests, deadlines) if figures or requests else None

    def batches(self, device: str) -> list[dict[str, Any]]:
        """Return the batches that would tell all of it, which stays."""
        copy = Tally()
        with self._lock:
            copy._figures = dict(self._figures)
            copy._requests = {model: list(counts) for model, counts in self._requests.items()}
            copy._deadlines = {model: dict(due) for model, due in self._deadlines.items()}
        return list(iter(lambda: copy.take(device), None))

    def restore(self, batch: Mapping[str, Any]) -> None:
        """Take what a batch tells of, as if it had been measured since."""
        with self._lock:
            for one in batch["figures"]:
                key = (one["model"], one["variant"], one["digest"], one["place"], one["quantity"])
                n = one["count"]
                old = Spread(one["mean"], sqrt(one["m2"] / (n - 1)) if n > 1 else 0.0, n)
                joined = self._figures.get(key, Spread()).joined(old)
                self._figures[key] = joined if joined.n <= _MOST else old
            for one in batch["requests"]:
                counts = self._requests.setdefault(one["model"], [0] * len(COUNTS))
                if counts[0] + one["count"] <= _MOST:
                    counts[:] = [count + one[name] for count, name in zip(counts, COUNTS, strict=True)]
                    due = self._deadlines.setdefault(one["model"], {})
                    for told in one.get("deadlines", ()):
                        step = deadline_step(told["seconds"])
                        due[step] = due.get(step, 0) + told["count"]


def _batch(
    device: str,
    figures: Mapping[tuple[str, str, str, str, str], Spread],
    requests: Mapping[str, list[int]],
    deadlines: Mapping[str, Mapping[float, int]],
) -> dict[str, Any]:
    names = ("model", "variant", "digest", "place", "quantity")
    return {
        "schema": "modelport/edge-batch/1",
        "batch": secrets.token_hex(16),
        "device": device,
        "figures": [
            dict(zip(names, key, strict=True))
            | {"count": one.n, "mean": max(0.0, one.mean), "m2": one.sd**2 * (one.n - 1)}
            for key, one in sorted(figures.items())
        ],
        "requests": [
            {"model": model, **dict(zip(COUNTS, counts, strict=True))}
            | ({"deadlines": _due_json(deadlines[model])} if deadlines.get(model) else {})
            for model, counts in sorted(requests.items())
        ],
    }


def _due_json(due: Mapping[float, int]) -> list[dict[str, float]]:
    return [{"seconds": seconds, "count": count} for seconds, count in sorted(due.items())]
