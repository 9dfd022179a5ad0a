"""The SQLite file of an edge server's statistics: its tables, how it is opened, and what is wrong with it in words."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from modelport.edge.batches import COUNTS, KEY
from modelport.errors import FormatError, SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelport.errors import ModelportError

__all__ = ["ADD", "DATED", "DUE", "JOIN", "PATIENCE", "check", "make", "opened"]

PATIENCE: Final = 10.0
"""Seconds to wait for a file that another process writes."""
_VERSION: Final = 1
"""Of the tables; a file says its own."""
_TABLES: Final = f"""
BEGIN IMMEDIATE;
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
PRAGMA user_version = {_VERSION};
COMMIT;
"""
JOIN: Final = """
INSERT INTO figures VALUES (:day, :device, :model, :variant, :digest, :place, :quantity, :count, :mean, :m2)
ON CONFLICT DO UPDATE SET
    m2 = m2 + excluded.m2
        + (excluded.mean - mean) * (excluded.mean - mean) * count * excluded.count / (count + excluded.count),
    mean = mean + (excluded.mean - mean) * excluded.count / (count + excluded.count),
    count = count + excluded.count
"""
"""Joins a figure with the day's, as if one list had been kept (Chan, Golub and LeVeque 1979)."""
ADD: Final = """
INSERT INTO requests VALUES (:day, :device, :model, :count, :in_time, :remote, :fallback)
ON CONFLICT DO UPDATE SET
    count = count + excluded.count, in_time = in_time + excluded.in_time,
    remote = remote + excluded.remote, fallback = fallback + excluded.fallback
"""
DUE: Final = """
INSERT INTO deadlines VALUES (:day, :device, :model, :seconds, :count)
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""
DATED: Final = ("figures", "requests", "deadlines")
"""The tables that have a day and a class of devices."""
_COLUMNS: Final = {
    "figures": {"day", "device", *KEY, "count", "mean", "m2"},
    "requests": {"day", "device", "model", *COUNTS},
    "batches": {"number", "id"},
}
"""What a file of statistics has, whichever release made it."""


def check(file: Path, *, read_only: bool, patience: float = PATIENCE) -> None:
    """See that *file*, where there is one, is ours and of a form that is known here, without touching it.

    Raises:
        FormatError: It is something else, or a newer release made it.
        SetupError: It cannot be read.
    """
    if not file.exists() or (file.stat().st_size == 0 and not read_only):
        return
    # Nobody writes it where there is no journal beside it, and then SQLite need not make one to read it.
    alone = not any(file.with_name(f"{file.name}-{kind}").exists() for kind in ("wal", "journal"))
    with _connected(file, f"mode=ro{'&immutable=1' if alone else ''}", patience) as database:
        ((version,),) = database.execute("PRAGMA user_version")
        if version > _VERSION:
            raise FormatError(
                f"{file} was made by a newer release: its tables are of form {version}, and {_VERSION} is known here",
                hint="use that release, or give another file",
            )
        for table, columns in _COLUMNS.items():
            there = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
            if not columns <= there:
                raise FormatError(f"{file} holds no statistics: it has no {table} of ours", hint="give another file")


def make(file: Path, *, patience: float = PATIENCE) -> None:
    """Make the tables that *file* lacks: all at once, for another process may be at it, too.

    Raises:
        SetupError: It cannot be written.
        FormatError: It is something else.
    """
    with opened(file, patience=patience) as database:
        database.executescript(_TABLES)
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # Another process has it open: it, or whoever comes next, changes to the quicker journal.
            if not _is_held(error):
                raise


@contextmanager
def opened(file: Path, *, read_only: bool = False, patience: float = PATIENCE) -> Iterator[sqlite3.Connection]:
    """Give a connection to *file*; what has no ``COMMIT`` at its end is undone.

    Args:
        file: The file.
        read_only: Whether it must be there and stay as it is.
        patience: Seconds to wait for another process that writes.

    Raises:
        SetupError: It cannot be written, or not be read.
        FormatError: It is something else, or damaged.
    """
    with _connected(file, f"mode={'rw' if read_only else 'rwc'}", patience) as database:
        if read_only:
            database.execute("PRAGMA query_only = ON")
        yield database


@contextmanager
def _connected(file: Path, mode: str, patience: float) -> Iterator[sqlite3.Connection]:
    uri = f"{file.resolve().as_uri()}?{mode}"
    try:
        with closing(sqlite3.connect(uri, timeout=patience, isolation_level=None, uri=True)) as database:
            yield database
    except sqlite3.DatabaseError as error:
        raise _told(file, error) from error


def _code(error: sqlite3.DatabaseError) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the higher bits say more than is of use


def _is_held(error: sqlite3.DatabaseError) -> bool:
    return _code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _told(file: Path, error: sqlite3.DatabaseError) -> ModelportError:
    """Return what went wrong with *file* in words, with the way out."""
    if _is_held(error):
        return SetupError(
            f"{file} is held by another process, which does not let go of it",
            hint="end that one (a backup, a browser of databases); what devices could not tell they tell again",
        )
    if _code(error) == sqlite3.SQLITE_FULL:
        return SetupError(
            f"{file} cannot grow: {error}",
            hint="free some space: nothing that was there is lost, and what devices could not tell they tell again",
        )
    if _code(error) == sqlite3.SQLITE_CORRUPT:
        return FormatError(
            f"{file} is damaged: {error}",
            hint="stop the server and move the file away, with those beside it whose names begin alike: a new one is"
            " made; what can be read of the old one, sqlite3's .recover saves",
        )
    if isinstance(error, sqlite3.OperationalError):
        return SetupError(f"{file}: {error}", hint="see to its folder, its rights and its space")
    return FormatError(f"{file} holds no statistics: {error}", hint="give another file")
