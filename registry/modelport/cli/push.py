"""``modelport push``: a package -> a registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelport.cli.models import access_of, named
from modelport.cli.terminal import add_json, data, talk
from modelport.errors import InputError, NotFoundError
from modelport.settings import load_settings
from modelport.types import Reference

if TYPE_CHECKING:
    import argparse

    from modelport.package.store import Kept

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("package", metavar="PACKAGE", help="a name in the store, or a package's folder")
    parser.add_argument("reference", metavar="REFERENCE", help="HOST[:PORT]/REPOSITORY[:TAG]")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Push and print the reference with its digest."""
    from modelport.cli.progress import transfers
    from modelport.package.store import push_package

    settings = load_settings()
    target = Reference.parse(options.reference)
    if target.host is None or target.digest is not None:
        raise InputError(f"{target} is not a place to push to", hint="write HOST[:PORT]/REPOSITORY[:TAG]")
    kept = _kept(options.package)
    prefix, _, name = f"{target.host}/{target.repository}".rpartition("/")
    talk(f"pushing {kept.name} to {target.host}")
    with transfers("pushing", "pushed") as progress:
        pushed = push_package(
            settings.store,
            kept.index,
            prefix,
            name,
            target.tag or "latest",
            access=access_of(settings),
            progress=progress,
            notice=talk,
        )
    if kept.index != kept.manifest:
        talk(f"the package is {kept.manifest.digest}; the digest below is its release's, an index that lists it")
    if options.json:
        data({"reference": str(pushed), "digest": str(kept.manifest.digest), "release": str(kept.index.digest)})
    else:
        data(str(pushed))
    return 0


def _kept(text: str) -> Kept:
    from modelport.package.store import find_package, keep_package

    settings = load_settings()
    reference = named(text, settings)
    if isinstance(reference, Path):
        return keep_package(reference, settings.store)
    found = find_package(settings.store, reference)
    if found is None:
        raise NotFoundError(f"{text} is not in the store ({settings.store})", hint="modelport store list shows what is")
    return found
