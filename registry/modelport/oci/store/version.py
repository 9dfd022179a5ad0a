"""The folder of a layout: whether it is one, of a version that is known, and how a new one begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import FormatError, InputError
from modelport.oci.manifest import canonical_json, parse_json
from modelport.oci.store.files import locked, sync_folder, write_atomically
from modelport.oci.store.refusals import reading, writing
from modelport.oci.store.tags import write_entries

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OURS", "VERSION", "check_version", "create", "is_layout"]

VERSION = canonical_json({"imageLayoutVersion": "1.0.0"})
"""The content of ``oci-layout``."""

OURS = frozenset({"oci-layout", "index.json", "blobs", "ingest", "leases", "quarantine", ".lock", ".sweep"})
"""All names in a layout's folder that mean something to us; ``ingest`` and the following are ours alone."""


def is_layout(store: Path) -> bool:
    """Tell whether there is a layout in *store*.

    Raises:
        FormatError: There is one of a version that is not known.
        InputError: *store* is no folder.
        SetupError: The system refuses to read it.
    """
    file = store / "oci-layout"
    with reading(file):
        try:
            raw = file.read_bytes()
        except FileNotFoundError:
            return False
        except NotADirectoryError as error:
            raise InputError(f"{store} is not a folder", hint="name the store's folder with MODELPORT_STORE") from error
    check_version(raw, str(file))
    return True


def check_version(raw: bytes, where: str) -> None:
    """Raise FormatError unless *raw*, which stands in *where*, is the ``oci-layout`` of a version that is known."""
    version = parse_json(raw, where).get("imageLayoutVersion")
    if version != "1.0.0":
        raise FormatError(
            f"{where}: the OCI image layout has version {version!r}, and only 1.0.0 is known",
            hint="use a newer modelport, or copy it with the tool that wrote it",
        )


def create(store: Path) -> None:
    """Make a layout in *store* unless it is one; safe for many at once.

    Raises:
        FormatError, SetupError: As ``is_layout``.
        InputError: Something else is in that folder.
    """
    there = is_layout(store)
    with writing(store):
        if not there:
            _start(store)
        (store / "ingest").mkdir(exist_ok=True)  # another tool's layout has none


def _start(store: Path) -> None:
    # Looked for again: while this looked for other files, another process may have finished the layout.
    if _is_foreign(store) and not is_layout(store):
        raise InputError(f"{store} is not an OCI image layout and not empty", hint="name a new folder, or an empty one")
    (store / "ingest").mkdir(parents=True, exist_ok=True)
    (store / "blobs").mkdir(exist_ok=True)
    with locked(store / ".lock"):
        if is_layout(store):
            return
        if not (store / "index.json").exists():
            write_entries(store, [])
        write_atomically(store / "oci-layout", VERSION, scratch=store / "ingest")
    sync_folder(store.parent)


def _is_foreign(store: Path) -> bool:
    """Tell whether something is there that is not the beginning of a layout of ours."""
    beginning = OURS - {"oci-layout"}
    return store.exists() and (not store.is_dir() or any(file.name not in beginning for file in store.iterdir()))
