"""Damage done to files of a store, whose blobs are read-only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def overwrite(file: Path, content: bytes) -> None:
    """Give the file other bytes, in place, as a failing disk or a careless program does."""
    file.chmod(0o644)
    file.write_bytes(content)


def flip_bit(file: Path, number: int) -> None:
    """Flip one bit of the file, in place; its times stay what they were, as they do when a disk rots."""
    status, content = file.stat(), bytearray(file.read_bytes())
    content[number // 8] ^= 1 << number % 8
    overwrite(file, bytes(content))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
