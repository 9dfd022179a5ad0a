"""What devices measured, on their edge server: kept by day in SQLite, joined without loss, given out as one dated file.

Only counts, means and sums of squares come in (the schema ``edge-batch``), of variants that the server knows, and they
are joined with what is there (Chan, Golub and LeVeque 1979): the sum of two days is what one day would have been. A
batch that comes twice counts once. How much there can be is bounded: in days, in classes of devices, in batches.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import TYPE_CHECKING, Any

from modelport.edge.types import Spread
from modelport.errors import FormatError, InputError, NotFoundError, SetupError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from modelport.edge.types import Candidate

__all__ = ["Statistics", "corrected", "demand_of", "export", "field_spread", "lightly", "text_of"]

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
_KEY = ("device", "model", "variant", "digest", "place", "quantity")
_COUNTS = ("count", "in_time", "remote", "fallback")


class Statistics:
    """The figures in a SQLite file; any number of threads and processes may use it.

    Args:
        file: The file; made when it is not there.

    Raises:
        SetupError: The file cannot be written.
        FormatError: It is something else.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(_TABLES)

    def add(self, batch: Mapping[str, Any], known: Collection[tuple[str, str]], *, day: str = "") -> bool:
        """Join a batch, which fulfils its schema, with what is there; return whether it had not come before.

        Args:
            batch: The batch.
            known: The models and digests of which figures are taken.
            day: The day that it counts for; today (UTC) when empty.

        Raises:
            InputError: It tells of what is not known, or contradicts itself, or there are too many classes of devices.
        """
        _check(batch, known)
        today = day or datetime.now(UTC).date().isoformat()
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                database.execute("INSERT INTO batches (id) VALUES (?)", (batch["batch"],))
            except sqlite3.IntegrityError:
                return False
            self._check_devices(database, today, batch["device"])
            common = {"day": today, "device": batch["device"]}
            database.executemany(_JOIN, [one | common for one in batch["figures"]])
            database.executemany(_ADD, [one | common for one in batch["requests"]])
            self._forget(database, today)
            database.commit()
        return True

    def rows(self, period: str = "", device: str = "") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the figures and the requests of the days whose date begins with *period*, each day's for itself.

        Args:
            period: ``YEAR``, ``YEAR-MONTH`` or ``YEAR-MONTH-DAY``; all days when empty.
            device: The class of devices; all when empty.
        """
        with self._open() as database:
            database.execute("BEGIN")
            return _all(database, "figures", period, device), _all(database, "requests", period, device)

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

    def _check_devices(self, database: sqlite3.Connection, day: str, device: str) -> None:
        names = {
            name
            for table in ("figures", "requests")
            for (name,) in database.execute(f"SELECT DISTINCT device FROM {table} WHERE day = ?", (day,))  # noqa: S608 - as above
        }
        if device not in names and len(names) >= _DEVICES:
            raise InputError(
                f"there are figures of {_DEVICES} classes of devices of {day}", hint="use the name of a class"
            )

    def _forget(self, database: sqlite3.Connection, today: str) -> None:
        first = (datetime.fromisoformat(today) - timedelta(days=_DAYS)).date().isoformat()
        for table in ("figures", "requests"):
            database.execute(f"DELETE FROM {table} WHERE day < ?", (first,))  # noqa: S608 - as above
        database.execute("DELETE FROM batches WHERE number <= (SELECT max(number) FROM batches) - ?", (_BATCHES,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._file, timeout=10, isolation_level=None)) as database:
                yield database
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise SetupError(
                    f"{self._file}: {error}", hint="see to its folder, its rights and its space"
                ) from error
            raise FormatError(f"{self._file} holds no statistics: {error}", hint="give another file") from error


def _all(database: sqlite3.Connection, table: str, period: str, device: str) -> list[dict[str, Any]]:
    where = "day >= :first AND day <= :last AND (:device = '' OR device = :device)"
    given = {"first": period, "last": f"{period}~", "device": device}  # "~" comes after digits and "-"
    found = database.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY 1, 2, 3, 4", given)  # noqa: S608 - words of our own
    names = [one[0] for one in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _check(batch: Mapping[str, Any], known: Collection[tuple[str, str]]) -> None:
    seen = set()
    models = {model for model, _ in known}
    for one in batch["figures"]:
        what = f"{one['model']}:{one['variant']}"
        if (one["model"], one["digest"]) not in known:
            raise InputError(f"figures/{what} ({one['digest']}): this server does not know it", hint="update the plan")
        if one["count"] == 1 and one["m2"] > 0:
            raise InputError(f"figures/{what}: one observation deviates from nothing, and m2 is {one['m2']}")
        key = tuple(one[name] for name in _KEY[1:])
        if key in seen:
            raise InputError(f"figures/{what}: its {one['quantity']} is there twice")
        seen.add(key)
    names = [one["model"] for one in batch["requests"]]
    if unknown := [name for name in names if name not in models]:
        raise InputError(f"requests/{unknown[0]}: this server does not know it", hint="update the plan")
    if len(set(names)) < len(names):
        raise InputError("requests: a model is there twice")
    for one in batch["requests"]:
        if max(one[name] for name in _COUNTS) > one["count"]:
            raise InputError(f"requests/{one['model']}: a part of the requests is more than all of them")


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
    """
    if not file.is_file():
        raise NotFoundError(f"there is no file {file}", hint="give the one of modelport edge serve --statistics")
    figures, requests = Statistics(file).rows(period)
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
            key = tuple(one[name] for name in _KEY[1:])
            spreads[key] = spreads.get(key, Spread()).joined(_spread(one))
    counts: dict[str, dict[str, int]] = {}
    for one in requests:
        if one["device"] == device:
            before = counts.get(one["model"], {})
            counts[one["model"]] = {name: before.get(name, 0) + one[name] for name in _COUNTS}
    return {
        "figures": [
            dict(zip(_KEY[1:], key, strict=True)) | {"mean": spread.mean, "sd": spread.sd, "n": spread.n}
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
