"""``modelport copy``: from one registry to another, without the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.cli.models import access_of
from modelport.cli.terminal import add_json, data, talk
from modelport.errors import InputError
from modelport.settings import load_settings
from modelport.types import Reference

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("source", metavar="SOURCE", help="HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]")
    parser.add_argument("target", metavar="TARGET", help="HOST[:PORT]/REPOSITORY[:TAG]; the tag is SOURCE's if none")
    parser.add_argument(
        "--referrers", action="store_true", help="copy what refers to it, too: signatures, evidence, whatever it is"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Copy and print the reference with its digest."""
    from modelport.cli.progress import transfers
    from modelport.oci.copy import copy
    from modelport.package.store import registry_of

    source, target = Reference.parse(options.source), Reference.parse(options.target)
    if source.host is None:
        raise InputError(f"{source} is not a place to copy from", hint="write HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]")
    if target.host is None or target.digest is not None:
        raise InputError(f"{target} is not a place to copy to", hint="write HOST[:PORT]/REPOSITORY[:TAG]")
    access = access_of(load_settings())
    tag = target.tag or source.tag or (None if source.digest else "latest")
    talk(f"copying {source} to {target}")
    with transfers("copying", "copied") as progress:
        copied = copy(
            registry_of(source.host, access),
            source.repository,
            source.digest or source.tag or "latest",
            registry_of(target.host, access),
            target.repository,
            tags=[tag] if tag else [],
            with_referrers=options.referrers,
            progress=progress,
            notice=talk,
        )
    reference = Reference(target.host, target.repository, tag, copied.digest)
    data({"reference": str(reference), "digest": str(copied.digest)} if options.json else str(reference))
    return 0
