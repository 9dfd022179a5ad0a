"""Whose code may run: a package that was packed by this user on this machine, or one that the user allows by name.

Loading a package runs its functions' code, if it has any, whatever the package says of itself. One without code needs
nobody's word; that it is one is told by what is in it. ``pull`` never loads. The digests that were packed here are
noted in the user's own data folder, never in a store: a store may come with somebody else's repository. Signatures of
trusted catalogs will be another way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import TrustError

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.package.folder import Package
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


def check_trust(data: Path, digest: Digest, package: Package, *, name: str, allow_code: bool) -> None:
    """Return when *package*, whose manifest is *digest*, may be loaded.

    Raises:
        TrustError: It holds code and was not packed here, and *allow_code* is not set.
    """
    if allow_code or package.is_data or is_packed_here(data, digest):
        return
    raise TrustError(
        f"loading {name} would run its code, and nobody vouches for it: it was not packed on this machine ({digest})",
        hint="read its code/ and requirements.lock (modelport pull REFERENCE --out DIR), then add --allow-code",
    )
