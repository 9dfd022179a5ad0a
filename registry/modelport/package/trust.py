"""Whose code may run: a package that was packed by this user on this machine, or one that the user allows by name.

Loading a package runs its functions' code, whatever the package says of itself. ``pull`` never loads. The digests that
were packed here are noted in the user's own data folder, never in a store: a store may come with somebody else's
repository. Signatures of trusted catalogs will be another way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import TrustError

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.types import Digest

__all__ = ["check_trust", "is_packed_here", "vouch_packed_here"]

_FOLDER = "packed-here"


def vouch_packed_here(data: Path, digest: Digest) -> None:
    """Note in the user's folder *data* that the package with manifest *digest* was packed here."""
    folder = data / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{digest.algorithm}-{digest.hex}").touch()


def is_packed_here(data: Path, digest: Digest) -> bool:
    """Tell whether the package with manifest *digest* was packed here."""
    return (data / _FOLDER / f"{digest.algorithm}-{digest.hex}").is_file()


def check_trust(data: Path, digest: Digest, *, name: str, allow_code: bool) -> None:
    """Return when the package with manifest *digest* may be loaded.

    Raises:
        TrustError: It was not packed here, and *allow_code* is not set.
    """
    if allow_code or is_packed_here(data, digest):
        return
    raise TrustError(
        f"loading {name} would run its code, and nobody vouches for it: it was not packed on this machine ({digest})",
        hint="read its code/ and requirements.lock (modelport pull REFERENCE --out DIR), then add --allow-code",
    )
