"""``modelport pull``: a registry -> the store, and a folder if asked. Runs nothing of what it pulls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelport.cli.terminal import data, talk
from modelport.errors import InputError, IntegrityError
from modelport.settings import Settings, load_settings
from modelport.types import Digest, Reference

if TYPE_CHECKING:
    import argparse

    from modelport.package.store import Kept

__all__ = ["configure", "pull_reference", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "reference", metavar="REFERENCE", help="NAME[:VERSION] of the catalog, or HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the package as a folder, too")


def run(options: argparse.Namespace) -> int:
    """Pull, and print the name and the digest."""
    from modelport.oci import Layout
    from modelport.package.modelpack import unpack
    from modelport.package.store import find_package, open_package

    settings = load_settings()
    reference = Reference.parse(options.reference)
    kept = find_package(settings.store, reference) if reference.host is None or reference.digest else None
    if kept is None:
        kept = pull_reference(reference, settings)
    if options.out:
        if options.out.exists() and any(options.out.iterdir()):
            raise InputError(f"{options.out} is there and is not empty", hint="give another --out")
        if options.out.exists():
            options.out.rmdir()
        unpack(Layout(settings.store), kept.index, options.out)
        talk(f"wrote {options.out}")
    else:
        open_package(settings.store, kept, settings.cache)
    data(f"{kept.name} {kept.manifest.digest}")
    return 0


def pull_reference(reference: Reference, settings: Settings) -> Kept:
    """Pull what *reference* names: from its registry, or for a name of the catalog from the settings' registry.

    Raises:
        NotFoundError: There is no such model, or no registry is set from which it could come.
        IntegrityError: The registry has another package under that version than the catalog pins.
    """
    from modelport.cli.models import access_of, missing
    from modelport.package.store import pull_package

    if reference.host is not None:
        talk(f"pulling {reference}")
        return pull_package(settings.store, reference, access=access_of(settings))
    pinned = _pinned(reference, settings)
    if pinned is None or settings.registry is None:
        raise missing(reference, settings)
    version, digest = pinned
    host, _, path = settings.registry.partition("/")
    repository = f"{path}/{reference.repository}" if path else reference.repository
    remote = Reference(host, repository, version)
    talk(f"pulling {remote}")
    kept = pull_package(settings.store, remote, name=f"{reference.repository}:{version}", access=access_of(settings))
    if kept.manifest.digest != digest:
        from modelport.oci import Layout

        Layout(settings.store).untag(kept.name)
        raise IntegrityError(
            f"{remote} is {kept.manifest.digest}, the catalog pins {digest}", hint="tell the catalog's owner"
        )
    return kept


def _pinned(reference: Reference, settings: Settings) -> tuple[str, Digest] | None:
    """Return the version that the catalog has for *reference*, and its digest."""
    from modelport.catalog import load_entry

    folder = settings.catalog / "models" / reference.repository if settings.catalog else None
    if folder is None or not folder.is_dir():
        return None
    versions = load_entry(folder).versions
    for version in versions:
        if reference.tag in {None, str(version.version)}:
            return str(version.version), version.digest
    return None
