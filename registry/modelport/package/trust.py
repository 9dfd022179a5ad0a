"""Whose code may run: a package packed on this machine, or one that the user allows by name.

Loading a code-bearing package runs its functions' code. ``pull`` never does. Which digests were packed here is noted in
a file for each beside the store's blobs; signatures of trusted catalogs will be another way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import TrustError

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.types import Digest

__all__ = ["check_trust", "is_packed_here", "mark_packed_here"]

_FOLDER = "packed-here"


def mark_packed_here(store: Path, digest: Digest) -> None:
    """Note that the package with manifest *digest* was packed on this machine."""
    folder = store / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{digest.algorithm}-{digest.hex}").touch()


def is_packed_here(store: Path, digest: Digest) -> bool:
    """Tell whether the package with manifest *digest* was packed on this machine."""
    return (store / _FOLDER / f"{digest.algorithm}-{digest.hex}").is_file()


def check_trust(store: Path, digest: Digest, tier: str, *, name: str, allow_code: bool) -> None:
    """Return when loading the package may run; *tier* is its trust tier.

    Raises:
        TrustError: It is code-bearing, was not packed here, and *allow_code* is not set.
    """
    if tier == "data-only" or allow_code or is_packed_here(store, digest):
        return
    raise TrustError(
        f"{name} holds code that loading it would run, and nobody vouches for it: it was not packed on this machine"
        f" ({digest})",
        hint="look at its code/ (modelport pull NAME --out DIR), then allow it with --allow-code",
    )
