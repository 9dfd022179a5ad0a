"""``modelport pull``: a registry -> the store, and a folder if asked. Runs nothing of what it pulls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelport.cli.terminal import data, talk
from modelport.errors import InputError, NotFoundError
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
    from modelport.package.store import open_package

    settings = load_settings()
    kept = pull_reference(Reference.parse(options.reference), settings)
    if options.out:
        if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
            raise InputError(f"{options.out} is there and is not an empty folder", hint="give another --out")
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
    from modelport.oci import Layout
    from modelport.package.store import find_package, pull_package

    if reference.host is not None:
        talk(f"pulling {reference}")
        return pull_package(settings.store, reference, access=access_of(settings))
    version, digest = _pinned(reference, settings)
    name = f"{reference.repository}:{version}"
    kept = find_package(settings.store, Reference(None, reference.repository, version, digest))
    if kept is None:
        if settings.registry is None:
            raise missing(reference, settings)
        host, _, path = settings.registry.partition("/")
        remote = Reference(host, f"{path}/{reference.repository}" if path else reference.repository, version)
        talk(f"pulling {remote}")
        try:
            kept = pull_package(settings.store, remote, name=name, digest=digest, access=access_of(settings))
        except NotFoundError as error:
            talk(f"{error.message}")
            raise missing(Reference(None, reference.repository, version), settings) from error
    if reference.tag is None:
        Layout(settings.store).tag(f"{reference.repository}:latest", kept.index)
    return kept


def _pinned(reference: Reference, settings: Settings) -> tuple[str, Digest]:
    """Return the version that the catalog has for *reference*, and its digest."""
    from modelport.catalog import load_entry
    from modelport.cli.models import missing

    folder = settings.catalog / "models" / reference.repository if settings.catalog else None
    if folder is None or not folder.is_dir():
        raise missing(reference, settings)
    entry = load_entry(folder)
    for version in entry.versions:
        wanted = reference.tag or (None if reference.digest else entry.latest and str(entry.latest.version))
        if wanted in {None, str(version.version)} and reference.digest in {None, version.digest}:
            return str(version.version), version.digest
    known = ", ".join(f"{v.version} ({v.digest})" for v in entry.versions) or "none"
    raise NotFoundError(f"the catalog has no {reference}", hint=f"its versions are: {known}")
