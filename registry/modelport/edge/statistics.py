"""What devices measured, on their edge server: kept by day in SQLite, joined without loss.

Only counts, means and sums of squares come in (the schema ``edge-batch``), of variants that the server knows
(`modelport.edge.batches`), and they are joined with what is there (Chan, Golub and LeVeque 1979): the sum of two days
is what one day would have been. A batch that comes twice counts once. How much there can be is bounded: in days, in
classes of devices, in batches, and in what one batch and one day count for.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

from modelport.edge.batches import DAY_COUNT, KEY, Left, can_be, is_far, taken
from modelport.edge.documents import deadline_step
from modelport.edge.tables import ADD, DATED, DUE, JOIN, PATIENCE, check, make, opened
from modelport.edge.types import Spread
from modelport.errors import ModelportError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["FullError", "Receipt", "Statistics", "receipt_document", "spread_of_row"]

_DAYS = 400
"""Days that have figures; the latest are kept, whatever the clock says: one that went wrong erases nothing."""
_DEVICES = 256
"""Classes of devices that a day has figures of."""
_BATCHES = 200_000
"""Batches whose ids are remembered."""


class FullError(ModelportError):
    """A day has as many classes of devices as it may have: another day takes what this one does not."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a batch was taken, and what of it was left."""

    left: tuple[Left, ...]


class Statistics:
    """The figures in a SQLite file; any number of threads and processes may use it.

    Args:
        file: The file; made when it is not there.
        read_only: Whether it must be there and stay as it is.
        patience: Seconds to wait for another process that writes.

    Raises:
        SetupError: The file cannot be written, or not be read.
        FormatError: It is something else, damaged, or of a newer release.
    """

    def __init__(self, file: Path, *, read_only: bool = False, patience: float = PATIENCE) -> None:
        self._file, self._read_only, self._patience = file, read_only, patience
        if not read_only:
            file.parent.mkdir(parents=True, exist_ok=True)
        check(file, read_only=read_only, patience=patience)
        if not read_only:
            make(file, patience=patience)

    def take(self, batch: Mapping[str, Any], known: Collection[tuple[str, str]], *, day: str = "") -> Receipt | None:
        """Join what is known of a batch with what is there; return None when the batch had come before.

        Args:
            batch: The batch, which fulfils its schema.
            known: The models and digests of which figures are taken; a mapping says which variant each is.
            day: The day that it counts for; today (UTC) when empty.

        Raises:
            InputError: It contradicts itself.
            FullError: There are too many classes of devices that day.
        """
        sorted_out = taken(batch, known)
        today = day or datetime.now(UTC).date().isoformat()
        common = {"day": today, "device": batch["device"]}
        figures = {number: one | common for number, one in sorted_out.figures.items()}
        requests = [one | common for one in sorted_out.requests.values()]
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                database.execute("INSERT INTO batches (id) VALUES (?)", (batch["batch"],))
            except sqlite3.IntegrityError:
                return None
            self._make_room(database, today, batch["device"])
            odd = {number: why for number, one in figures.items() if (why := _odd(database, one))}
            database.executemany(JOIN, [one for number, one in figures.items() if number not in odd])
            database.executemany(ADD, requests)
            database.executemany(DUE, _due(requests))
            database.commit()
        return Receipt((*sorted_out.left, *(Left(f"figures/{number}", why) for number, why in odd.items())))

    def rows(self, period: str = "", device: str = "") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the figures and the requests of the days whose date begins with *period*, each day's for itself.

        Args:
            period: ``YEAR``, ``YEAR-MONTH`` or ``YEAR-MONTH-DAY``; all days when empty.
            device: The class of devices; all when empty.
        """
        with self._open() as database:
            database.execute("BEGIN")
            # A release before this one let in what cannot be.
            figures = [one for one in _all(database, "figures", period, device) if can_be(one)]
            return figures, _all(database, "requests", period, device)

    def spreads(self, device: str) -> dict[tuple[str, str, str], Spread]:
        """Return what a class of devices measured on all days, by digest, place and quantity."""
        figures, _ = self.rows(device=device)
        found: dict[tuple[str, str, str], Spread] = {}
        for one in figures:
            key = (one["digest"], one["place"], one["quantity"])
            found[key] = found.get(key, Spread()).joined(spread_of_row(one))
        return found

    def demand(self, device: str) -> dict[str, int]:
        """Return how often a class of devices asked for each model on all days."""
        _, requests = self.rows(device=device)
        found: dict[str, int] = {}
        for one in requests:
            found[one["model"]] = found.get(one["model"], 0) + one["count"]
        return found

    def answers(self, device: str) -> tuple[int, int]:
        """Return how many answers a class of devices got on all days, and how many of them from the server."""
        _, requests = self.rows(device=device)
        return sum(one["count"] for one in requests), sum(one["remote"] for one in requests)

    def deadlines(self, device: str) -> dict[str, dict[float, int]]:
        """Return how many requests of a class of devices for each model were due in so many seconds, on all days.

        Deadlines are steps (`modelport.edge.documents.deadline_step`); infinite ones are those nobody told.
        """
        with self._open() as database:
            database.execute("BEGIN")
            told, requests = (_all(database, table, "", device) for table in ("deadlines", "requests"))
        found: dict[str, dict[float, int]] = {}
        for model, seconds, count in (
            *((one["model"], one["seconds"], one["count"]) for one in told),
            *((one["model"], inf, one["count"]) for one in requests),
        ):
            due = found.setdefault(model, {})
            due[seconds] = due.get(seconds, 0) + count
        for due in found.values():
            due[inf] = due.get(inf, 0) - sum(count for seconds, count in due.items() if seconds < inf)
        return {model: {seconds: n for seconds, n in sorted(due.items()) if n > 0} for model, due in found.items()}

    def _make_room(self, database: sqlite3.Connection, day: str, device: str) -> None:
        """See that there may be figures of *device*; a new day takes the place of the oldest one."""
        names = {
            name
            for table in DATED
            for (name,) in database.execute(f"SELECT DISTINCT device FROM {table} WHERE day = ?", (day,))  # noqa: S608 - as above
        }
        if device not in names and len(names) >= _DEVICES:
            raise FullError(
                f"there are figures of {_DEVICES} classes of devices of {day}",
                hint="use the name of a class, or tell it another day",
            )
        if not names:
            days = " UNION ".join(f"SELECT day FROM {table}" for table in DATED)  # noqa: S608 - as above
            for old in database.execute(f"{days} ORDER BY day DESC LIMIT -1 OFFSET {_DAYS - 1}").fetchall():
                for table in DATED:
                    database.execute(f"DELETE FROM {table} WHERE day = ?", old)  # noqa: S608 - as above
        database.execute("DELETE FROM batches WHERE number <= (SELECT max(number) FROM batches) - ?", (_BATCHES,))

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return opened(self._file, read_only=self._read_only, patience=self._patience)


def receipt_document(receipt: Receipt | None) -> dict[str, Any]:
    """Return what a device is answered to its batch: whether it was taken now, and what of it was left, if anything."""
    if receipt is None or not receipt.left:
        return {"taken": receipt is not None}
    return {"taken": True, "left": [{"path": one.path, "message": one.message} for one in receipt.left]}


def _odd(database: sqlite3.Connection, one: Mapping[str, Any]) -> str:
    """Return why a figure is not taken beside what the class has measured; nothing when it is."""
    found, today = Spread(), 0
    where = " AND ".join(f"{name} = :{name}" for name in ("device", *KEY))
    query = f"SELECT day, count, mean, m2 FROM figures WHERE {where}"  # noqa: S608 - words of our own
    for day, count, mean, m2 in database.execute(query, one):
        row = {"count": count, "mean": mean, "m2": m2}
        found = found.joined(spread_of_row(row)) if can_be(row) else found
        today += count if day == one["day"] else 0
    if today + one["count"] > DAY_COUNT:
        return f"there is enough of {one['model']}:{one['variant']} of {one['day']}"
    if is_far(one, found):
        return f"{one['mean']:.4g} s is far from the {found.mean:.4g} s that {found.n} times there took"
    return ""


def _due(requests: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rows of what requests tell of their deadlines."""
    for one in requests:
        for told in one.get("deadlines", ()):
            if (step := deadline_step(told["seconds"])) < inf and told["count"]:
                key = {name: one[name] for name in ("day", "device", "model")}
                yield key | {"seconds": step, "count": told["count"]}


def _all(database: sqlite3.Connection, table: str, period: str, device: str) -> list[dict[str, Any]]:
    where = "day >= :first AND day <= :last AND (:device = '' OR device = :device)"
    given = {"first": period, "last": f"{period}~", "device": device}  # "~" comes after digits and "-"
    found = database.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY 1, 2, 3, 4", given)  # noqa: S608 - words of our own
    names = [one[0] for one in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def spread_of_row(row: Mapping[str, Any]) -> Spread:
    """Return what a row of figures says: a count, a mean and a sum of squares."""
    n = row["count"]
    return Spread(row["mean"], sqrt(max(0.0, row["m2"]) / (n - 1)) if n > 1 else 0.0, n)
