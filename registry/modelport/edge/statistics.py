"""What devices measured, on their edge server: kept by day in SQLite, joined without loss, given out as one dated file.

Only counts, means and sums of squares come in (the schema ``edge-batch``), of variants that the server knows
(`modelport.edge.batches`), and they are joined with what is there (Chan, Golub and LeVeque 1979): the sum of two days
is what one day would have been. A batch that comes twice counts once. How much there can be is bounded: in days, in
classes of devices, in batches, and in what one batch and one day count for.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

from modelport.edge.batches import COUNTS, DAY_COUNT, KEY, Left, can_be, is_far, taken
from modelport.edge.documents import deadline_step
from modelport.edge.types import Spread
from modelport.errors import FormatError, InputError, NotFoundError, SetupError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from modelport.edge.types import Candidate

__all__ = [
    "Receipt",
    "Statistics",
    "corrected",
    "demand_of",
    "export",
    "field_spread",
    "lightly",
    "receipt_document",
    "text_of",
]

_DAYS = 400
_DEVICES = 256
"""Classes of devices that a day has figures of."""
_BATCHES = 200_000
"""Batches whose ids are remembered."""
_TABLES = """
CREATE TABLE IF NOT EXISTS figures (
    day TEXT, device TEXT, model TEXT, variant TEXT, digest TEXT, place TEXT, quantity TEXT,
    count INTEGER NOT NULL, mean REAL NOT NULL, m2 REAL NOT NULL,
    PRIMARY KEY (day, device, model, variant, digest, place, quantity)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (
    day TEXT, device TEXT, model TEXT,
    count INTEGER NOT NULL, in_time INTEGER NOT NULL, remote INTEGER NOT NULL, fallback INTEGER NOT NULL,
    PRIMARY KEY (day, device, model)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deadlines (
    day TEXT, device TEXT, model TEXT, seconds REAL, count INTEGER NOT NULL,
    PRIMARY KEY (day, device, model, seconds)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS figures_of ON figures (device, digest, place, quantity);
CREATE TABLE IF NOT EXISTS batches (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL);
PRAGMA user_version = 1;
"""
_JOIN = """
INSERT INTO figures VALUES (:day, :device, :model, :variant, :digest, :place, :quantity, :count, :mean, :m2)
ON CONFLICT DO UPDATE SET
    m2 = m2 + excluded.m2
        + (excluded.mean - mean) * (excluded.mean - mean) * count * excluded.count / (count + excluded.count),
    mean = mean + (excluded.mean - mean) * excluded.count / (count + excluded.count),
    count = count + excluded.count
"""
_ADD = """
INSERT INTO requests VALUES (:day, :device, :model, :count, :in_time, :remote, :fallback)
ON CONFLICT DO UPDATE SET
    count = count + excluded.count, in_time = in_time + excluded.in_time,
    remote = remote + excluded.remote, fallback = fallback + excluded.fallback
"""
_DUE = """
INSERT INTO deadlines VALUES (:day, :device, :model, :seconds, :count)
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""
_DATED = ("figures", "requests", "deadlines")
_COLUMNS = {
    "figures": {"day", "device", *KEY, "count", "mean", "m2"},
    "requests": {"day", "device", "model", *COUNTS},
    "batches": {"number", "id"},
}
"""What a file of statistics has, whichever release made it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a batch was taken, and what of it was left."""

    left: tuple[Left, ...]


class Statistics:
    """The figures in a SQLite file; any number of threads and processes may use it.

    Args:
        file: The file; made when it is not there.
        read_only: Whether it must be there and stay as it is.

    Raises:
        SetupError: The file cannot be written, or not be read.
        FormatError: It is something else.
    """

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        self._file, self._read_only = file, read_only
        if not read_only:
            file.parent.mkdir(parents=True, exist_ok=True)
        self._check_file()
        if not read_only:
            with self._open() as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.executescript(_TABLES)

    def take(self, batch: Mapping[str, Any], known: Collection[tuple[str, str]], *, day: str = "") -> Receipt | None:
        """Join what is known of a batch with what is there; return None when the batch had come before.

        Args:
            batch: The batch, which fulfils its schema.
            known: The models and digests of which figures are taken; a mapping says which variant each is.
            day: The day that it counts for; today (UTC) when empty.

        Raises:
            InputError: It contradicts itself, or there are too many classes of devices.
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
            self._check_devices(database, today, batch["device"])
            odd = {number: why for number, one in figures.items() if (why := _odd(database, one))}
            database.executemany(_JOIN, [one for number, one in figures.items() if number not in odd])
            database.executemany(_ADD, requests)
            database.executemany(_DUE, _due(requests))
            self._forget(database, today)
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
            found[key] = found.get(key, Spread()).joined(_spread(one))
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

    def _check_file(self) -> None:
        """See that the file, where there is one, is ours, without touching it."""
        if not self._file.exists():
            return
        if self._file.stat().st_size == 0 and not self._read_only:
            return
        # Nobody writes it where there is no journal beside it, and then SQLite need not make one to read it.
        alone = not self._file.with_name(f"{self._file.name}-wal").exists()
        with self._opened(f"{self._file.resolve().as_uri()}?mode=ro{'&immutable=1' if alone else ''}") as database:
            for table, columns in _COLUMNS.items():
                there = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
                if not columns <= there:
                    raise FormatError(
                        f"{self._file} holds no statistics: it has no {table} of ours", hint="give another file"
                    )

    def _check_devices(self, database: sqlite3.Connection, day: str, device: str) -> None:
        names = {
            name
            for table in _DATED
            for (name,) in database.execute(f"SELECT DISTINCT device FROM {table} WHERE day = ?", (day,))  # noqa: S608 - as above
        }
        if device not in names and len(names) >= _DEVICES:
            raise InputError(
                f"there are figures of {_DEVICES} classes of devices of {day}", hint="use the name of a class"
            )

    def _forget(self, database: sqlite3.Connection, today: str) -> None:
        first = (datetime.fromisoformat(today) - timedelta(days=_DAYS)).date().isoformat()
        for table in _DATED:
            database.execute(f"DELETE FROM {table} WHERE day < ?", (first,))  # noqa: S608 - as above
        database.execute("DELETE FROM batches WHERE number <= (SELECT max(number) FROM batches) - ?", (_BATCHES,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._opened(f"{self._file.resolve().as_uri()}?mode={'rw' if self._read_only else 'rwc'}") as database:
            if self._read_only:
                database.execute("PRAGMA query_only = ON")
            yield database

    @contextmanager
    def _opened(self, uri: str) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(uri, timeout=10, isolation_level=None, uri=True)) as database:
                yield database
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise SetupError(
                    f"{self._file}: {error}", hint="see to its folder, its rights and its space"
                ) from error
            raise FormatError(f"{self._file} holds no statistics: {error}", hint="give another file") from error


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
        found = found.joined(_spread(row)) if can_be(row) else found
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


def _spread(row: Mapping[str, Any]) -> Spread:
    n = row["count"]
    return Spread(row["mean"], sqrt(max(0.0, row["m2"]) / (n - 1)) if n > 1 else 0.0, n)


def export(file: Path, period: str = "") -> dict[str, Any]:
    """Return the figures of a period as a document of the schema ``statistics``; the same figures, the same document.

    Args:
        file: The SQLite file.
        period: ``YEAR``, ``YEAR-MONTH`` or ``YEAR-MONTH-DAY``; all days when empty.

    Raises:
        NotFoundError: There is no such file, or it has no figures of that period.
        FormatError: It is something else.
    """
    if not file.is_file():
        raise NotFoundError(f"there is no file {file}", hint="give the one of modelport edge serve --statistics")
    figures, requests = Statistics(file, read_only=True).rows(period)
    days = sorted({one["day"] for one in (*figures, *requests)})
    if not days:
        raise NotFoundError(f"{file} has no figures of {period or 'any day'}", hint="wait until devices have reported")
    devices = sorted({one["device"] for one in (*figures, *requests)})
    return {
        "schema": "modelport/statistics/1",
        "from": days[0],
        "to": days[-1],
        "devices": {device: _of_device(device, figures, requests) for device in devices},
    }


def _of_device(
    device: str, figures: Sequence[Mapping[str, Any]], requests: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    spreads: dict[tuple[str, ...], Spread] = {}
    for one in figures:
        if one["device"] == device:
            key = tuple(one[name] for name in KEY)
            spreads[key] = spreads.get(key, Spread()).joined(_spread(one))
    counts: dict[str, dict[str, int]] = {}
    for one in requests:
        if one["device"] == device:
            before = counts.get(one["model"], {})
            counts[one["model"]] = {name: before.get(name, 0) + one[name] for name in COUNTS}
    return {
        "figures": [
            dict(zip(KEY, key, strict=True)) | {"mean": spread.mean, "sd": spread.sd, "n": spread.n}
            for key, spread in sorted(spreads.items())
        ],
        "requests": [{"model": model, **one} for model, one in sorted(counts.items())],
    }


def text_of(document: Mapping[str, Any]) -> str:
    """Return a document as its file has it."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def corrected(candidate: Candidate, statistics: Mapping[str, Any]) -> Candidate:
    """Return *candidate* with its times joined with those in a device's part of a ``statistics`` document."""
    if candidate.place != "device":
        return candidate
    digest = candidate.variant.digest
    infer, load = (field_spread(statistics, digest, "device", one) for one in ("infer", "load"))
    if not infer.known:
        return candidate
    return replace(
        candidate,
        infer=(lightly(candidate.infer) if candidate.estimated else candidate.infer).joined(infer),
        load=(lightly(candidate.load) if candidate.estimated else candidate.load).joined(load),
        estimated=False,
    )


def lightly(spread: Spread) -> Spread:
    """Return an estimate as what it is worth beside what was measured: one observation."""
    return replace(spread, n=min(spread.n, 1))


def field_spread(statistics: Mapping[str, Any], digest: str, place: str, quantity: str) -> Spread:
    """Return what a device's part of a ``statistics`` document says of a time; the unknown one when nothing."""
    found = Spread()
    for one in statistics["figures"]:
        if (one["digest"], one["place"], one["quantity"]) == (digest, place, quantity):
            found = found.joined(Spread(one["mean"], one["sd"], one["n"]))
    return found


def demand_of(statistics: Mapping[str, Any]) -> dict[str, int]:
    """Return how often a device's part of a ``statistics`` document says that each model was asked for."""
    return {one["model"]: one["count"] for one in statistics["requests"] if one["count"]}
