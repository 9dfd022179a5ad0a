"""``modelport mirror export|import|sync``: a catalog's releases as a file, and in another registry."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from modelport.cli.terminal import add_json, data, human_size, plural, table, talk
from modelport.errors import InputError, ModelportError, NotFoundError
from modelport.settings import Settings, load_settings
from modelport.types import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelport.oci import Descriptor
    from modelport.publish.mirror import Pinned

__all__ = ["configure", "run"]

T = TypeVar("T")
Named = TypeVar("Named")

_EPILOG = """\
At a site that no network reaches:
  modelport mirror export catalog.tar                      where the catalog's registry is reached
  modelport mirror import catalog.tar --to HOST/PREFIX     where it is not
and let its settings name that: MODELPORT_REGISTRY=HOST/PREFIX. skopeo reads the file, too:
  skopeo copy --all oci-archive:catalog.tar:NAME:VERSION docker://HOST/REPOSITORY:TAG"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog, parser.formatter_class = _EPILOG, argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    exported = actions.add_parser("export", help="write releases, with what refers to them, into one file")
    exported.add_argument("file", type=Path, metavar="FILE", help="an oci-archive; only an older one is replaced")
    _add_references(
        exported,
        "NAME[:VERSION] of the catalog, without VERSION all that are published; else of the store, without VERSION its"
        " latest; or HOST/REPOSITORY[:TAG][@DIGEST]",
    )
    add_json(exported)
    exported.set_defaults(action=_export)
    imported = actions.add_parser("import", help="bring what is in such a file into the store, or into a registry")
    imported.add_argument("file", type=Path, metavar="FILE", help="an oci-archive of any tool")
    imported.add_argument("--to", metavar="HOST/PREFIX", help="the registry, and what names begin with there")
    add_json(imported)
    imported.set_defaults(action=_import)
    synced = actions.add_parser("sync", help="copy releases from one registry to another, with what refers to them")
    synced.add_argument("target", metavar="HOST/PREFIX", help="where to")
    _add_references(synced, "NAME[:VERSION] of the catalog, without VERSION all that are published")
    synced.add_argument("--from", dest="source", metavar="HOST/PREFIX", help="where from (the settings' registry)")
    add_json(synced)
    synced.set_defaults(action=_sync)


def _add_references(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("references", nargs="*", metavar="REFERENCE", help=f"{what}; default: the whole catalog")


def run(options: argparse.Namespace) -> int:
    """Do what was asked."""
    status: int = options.action(options, load_settings())
    return status


def _export(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.cli.progress import transfers
    from modelport.oci import Layout
    from modelport.oci.archive import archive_place, export_archive
    from modelport.publish.mirror import fetch_reference, fetch_release, pinned_versions

    archive_place(_file(options.file))  # before anything is pulled
    given = list(map(Reference.parse, options.references))
    tags: dict[str, Descriptor] = {}
    named, stored = [], []
    with transfers("pulling", "pulled") as progress:
        for reference in given:
            if reference.host is not None:
                talk(f"pulling {reference}")
                tags |= fetch_reference(reference, settings, progress=progress)
            elif settings.catalog and (settings.catalog / "models" / reference.repository).is_dir():
                named.append(reference)
            else:
                stored.append(reference)
        for found in _each(stored, lambda one: _stored(one, settings), "taking from the store"):
            tags |= found
        if named or not given:
            versions = pinned_versions(named, settings)
            for found in _each(versions, lambda one: fetch_release(one, settings, progress=progress), "pulling"):
                tags |= found
    with transfers("writing", "wrote") as progress:
        whole = export_archive(Layout(settings.store), tags, options.file, progress=progress)
    about = sum(document.subject is not None for document in whole.documents.values())
    size, written = options.file.stat().st_size, {name: str(one.digest) for name, one in sorted(tags.items())}
    referring = f" and {plural(about, 'artifact')} about something in it" if about else ""
    talk(f"{options.file} holds {plural(len(tags), 'tag')}{referring}: {human_size(size)}")
    if options.json:
        data({"file": str(options.file), "bytes": size, "tags": written, "referrers": about})
    else:
        data(table(list(written.items())))
    return 0


def _stored(reference: Reference, settings: Settings) -> dict[str, Descriptor]:
    """Return what the store has under a name that is not the catalog's."""
    from modelport.cli.models import missing
    from modelport.package.store import find_package

    kept = find_package(settings.store, reference)
    if kept is None:
        raise missing(reference, settings)
    return {kept.name: kept.index}


def _import(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.cli.progress import transfers
    from modelport.oci import Layout
    from modelport.oci.archive import import_archive
    from modelport.oci.archive_file import Archive
    from modelport.publish.mirror import deliver_archive

    archive = Archive(_file(options.file))
    if options.to:
        talk(f"bringing {options.file} to {options.to}")
        with transfers("pushing", "pushed") as progress:
            written = deliver_archive(archive, _prefix(options.to), settings, progress=progress)
    else:
        talk(f"bringing {options.file} into the store ({settings.store})")
        with transfers("importing", "imported") as progress:
            tags = import_archive(archive, Layout(settings.store), progress=progress)
        written = {name: descriptor.digest for name, descriptor in tags.items()}
    found = {name: str(digest) for name, digest in sorted(written.items())}
    if options.json:
        data({"to": options.to, "tags": found})
    elif found:
        data(table(list(found.items())))
    return 0


def _sync(options: argparse.Namespace, settings: Settings) -> int:
    from dataclasses import replace

    from modelport.cli.progress import transfers
    from modelport.publish.mirror import copy_release, pinned_versions
    from modelport.publish.release import place_of

    if options.source:
        settings = replace(settings, registry=_prefix(options.source))
    elif settings.registry is None:
        raise InputError("it is not said where to copy from", hint="give --from HOST/PREFIX, or set registry.prefix")
    target = replace(settings, registry=_prefix(options.target))
    given = list(map(Reference.parse, options.references))
    if any(reference.host is not None for reference in given):
        raise InputError("only names of the catalog can be synchronised", hint="modelport copy takes any reference")

    with transfers("copying", "copied") as progress:

        def move(one: Pinned) -> dict[str, str]:
            place = place_of(one.name, target)
            digest = copy_release(one, place_of(one.name, settings), place, progress=progress)
            return {"reference": f"{place}:{one.version}", "digest": str(digest)}

        done = _each(pinned_versions(given, settings), move, f"copying to {options.target}")
    if options.json:
        data(done)
    else:
        for one in done:
            data(f"{one['reference']}@{one['digest']}")
    return 0


def _each(wanted: Sequence[Named], move: Callable[[Named], T], doing: str) -> list[T]:
    """Return what *move* returns for each of *wanted*; what is missing is told of all of them at once."""
    done, there, missing = [], [], []
    for number, one in enumerate(wanted, 1):
        talk(f"{doing}: {one} ({number} of {len(wanted)})")
        try:
            done.append(move(one))
            there.append(str(one))
        except NotFoundError as error:
            missing.append(f"{one}: {error.message}")
    if missing:
        rest = f"name only those that are there: {' '.join(there)}" if there else "leave them out"
        raise NotFoundError(
            f"{len(missing)} of {len(wanted)} versions cannot be had:\n       " + "\n       ".join(missing),
            hint=f"publish them, or pack or pull them here where there is no registry; or {rest}",
        )
    return done


def _file(path: Path) -> Path:
    """Return *path*; archives are neither written to a pipe nor read from one, for they are read in any order."""
    if str(path) == "-":
        raise InputError("an archive is a file, not standard input or output", hint="name one: catalog.tar, or ./-")
    return path


def _prefix(text: str) -> str:
    """Return *text* when it is ``HOST[:PORT]/PREFIX``, or a host alone."""
    try:
        Reference.parse(f"{text.rstrip('/')}/name")
    except ModelportError as error:
        raise InputError(f"{text!r} is not HOST[:PORT]/PREFIX", hint="for instance localhost:5000/models") from error
    return text.rstrip("/")
