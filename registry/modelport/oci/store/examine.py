"""Looking at one blob: its bytes are hashed, and a damaged one is set aside where nobody is served it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from modelport.errors import SetupError
from modelport.oci.media import MANIFEST_LIMIT
from modelport.oci.store.files import sweeping, sync_folder
from modelport.oci.store.inventory import Document
from modelport.oci.store.refusals import reading, writing
from modelport.oci.verify import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelport.types import Digest

__all__ = ["Look", "look_at"]


@dataclass(frozen=True, slots=True)
class Look:
    """What a blob turned out to be.

    Attributes:
        size: Its bytes.
        fault: What is wrong with it; empty when it is what its name promises.
        document: What it leads to; nothing where it is damaged, or too large for a document.
    """

    size: int
    fault: str = ""
    document: Document = field(default_factory=Document)


def look_at(store: Path, digest: Digest, tell: Callable[[int], object] = id) -> Look | None:
    """Hash the blob called *digest*, and move it to ``quarantine/`` if it is damaged; None when there is none.

    Args:
        store: The layout's folder.
        digest: The blob's.
        tell: Told how many bytes have been hashed; it may raise to give up.
    """
    path = store / "blobs" / digest.algorithm / digest.hex
    while True:
        try:
            with reading(path), path.open("rb") as file:
                status = os.fstat(file.fileno())
                hasher, head, size = hashlib.new(digest.algorithm), b"", 0
                while chunk := file.read(CHUNK):
                    hasher.update(chunk)
                    size += len(chunk)
                    tell(size)
                    head = head + chunk if size <= MANIFEST_LIMIT else b""
        except SetupError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            return Look(0, error.message)
        if hasher.hexdigest() == digest.hex:
            return Look(size, document=Document.of(head) if size <= MANIFEST_LIMIT else Document())
        fault = f"it is damaged: it has {size} bytes with digest {digest.algorithm}:{hasher.hexdigest()}"
        try:
            moved = _set_aside(store, path, status)
        except SetupError as error:
            return Look(size, f"{fault}; {error.message}")
        if moved:
            return Look(size, f"{fault}; it was moved to quarantine/{moved.name}")
        # else somebody put it anew while it was hashed: look at that


def _set_aside(store: Path, path: Path, status: os.stat_result) -> Path | None:
    """Move the file *path* to quarantine unless it is another by now; return its new name."""
    folder = store / "quarantine"
    name = f"{path.parent.name}-{path.name}"
    with writing(store):
        folder.mkdir(exist_ok=True)
        with sweeping(store):
            if not path.exists() or not os.path.samestat(path.stat(), status):
                return None
            target = next(free for n in count(1) if not (free := folder / (name if n == 1 else f"{name}-{n}")).exists())
            path.rename(target)
        sync_folder(folder)
        sync_folder(path.parent)
    return target
