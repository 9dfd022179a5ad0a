"""``modelport pull``: a registry -> the store, and a folder if asked. Runs nothing of what it pulls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import add_json, data, human_size, table, talk
from modelport.errors import InputError, IntegrityError, NotFoundError
from modelport.settings import Settings, load_settings
from modelport.types import Digest, Reference

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from modelport.catalog import Entry
    from modelport.oci import Descriptor, Layout
    from modelport.oci.plan import PullPlan
    from modelport.package.selection import Selection
    from modelport.package.store import Kept

__all__ = ["configure", "pull_reference", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "reference", metavar="REFERENCE", help="NAME[:VERSION] of the catalog, or HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the package, or what is chosen of it, as files")
    parser.add_argument("--plan", action="store_true", help="show what would move, and pull nothing")
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        choices=["weight", "weight.config", "doc", "code", "dataset", "all"],
        help="only files of this kind; may be given again. Data sets come only when they are asked for",
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="GLOB", help="only files whose path fits; may be given again"
    )
    parser.add_argument("--variant", metavar="NAME", help="this variant of a release instead of the model; or all")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Pull, and print the name and the digest; or print the plan."""
    from modelport.package.selection import Selection

    settings = load_settings()
    reference = Reference.parse(options.reference)
    selection = Selection(kinds=frozenset(options.kind), only=tuple(options.only), variant=options.variant)
    if options.plan:
        _print_plan(_planned(reference, settings, selection), as_json=options.json)
        return 0
    _check_out(options.out)
    kept = pull_reference(reference, settings, selection)
    release = kept.index
    if selection.is_one_variant:
        kept = replace(kept, index=kept.manifest)  # the release leads to the model first, where that is here
    _unpack(kept, settings, selection, options.out)
    if release != kept.manifest:
        talk(f"its release, an index that lists the package, is {release.digest}")
    if options.json:
        data({"name": kept.name, "digest": str(kept.manifest.digest), "release": str(release.digest)})
    else:
        data(f"{kept.name} {kept.manifest.digest}")
    return 0


def pull_reference(reference: Reference, settings: Settings, selection: Selection | None = None) -> Kept:
    """Pull what *reference* names: from its registry, or for a name of the catalog from the settings' registry.

    Raises:
        NotFoundError: There is no such model, no registry is set from which it could come, or nothing is chosen.
        IntegrityError: The registry has another package under that version than the catalog pins.
    """
    from modelport.cli.models import access_of, missing
    from modelport.cli.progress import transfers
    from modelport.oci import Layout
    from modelport.package.selection import Selection
    from modelport.package.store import pull_package

    chosen = selection or Selection()

    def pull(remote: Reference, name: str | None = None, digest: Digest | None = None) -> Kept:
        talk(f"pulling {remote}")
        with transfers("pulling", "pulled") as progress:
            return pull_package(
                settings.store,
                remote,
                name=name,
                digest=digest,
                access=access_of(settings),
                selection=chosen,
                progress=progress,
                notice=talk,
            )

    if reference.host is not None:
        return pull(reference)
    found = _at_hand(reference, settings, chosen)
    if not _is_in_catalog(reference, settings) and found is not None:
        talk(f"{found[0].name} is in the store already; no catalog here says where a newer one may be")
        return _taken(found[0], settings, chosen)
    version, digest = _pinned(reference, settings)
    if found is not None:
        kept = _taken(found[0], settings, chosen)
    else:
        remote = _remote(reference, version, settings)
        try:
            kept = pull(remote, f"{reference.repository}:{version}", digest)
        except NotFoundError as error:
            if chosen != Selection():
                raise
            talk(f"{error.message}")
            raise missing(Reference(None, reference.repository, version), settings) from error
    if reference.tag is None and not chosen.is_one_variant:
        Layout(settings.store).tag(f"{reference.repository}:latest", kept.index)
    return kept


def _taken(kept: Kept, settings: Settings, selection: Selection) -> Kept:
    """Return what is chosen of a release that is in the store: the variant by its own name, or the model."""
    from modelport.oci import Layout
    from modelport.package.store import take_variant

    return take_variant(Layout(settings.store), kept, selection) if selection.is_one_variant else kept


def _planned(reference: Reference, settings: Settings, selection: Selection) -> PullPlan:
    from modelport.cli.models import access_of
    from modelport.package.store import plan_package

    if reference.host is None:
        found = _at_hand(reference, settings, selection)
        if found is not None:
            return found[1]
        version, _ = _pinned(reference, settings)
        reference = _remote(reference, version, settings)
    return plan_package(settings.store, reference, access=access_of(settings), selection=selection)


def _at_hand(reference: Reference, settings: Settings, selection: Selection) -> tuple[Kept, PullPlan] | None:
    """Return what *reference* names if all that is chosen of it is in the store: then there is nothing to pull.

    What the catalog has is the version that it pins; of another name, what the store has.
    """
    from modelport.oci import Layout
    from modelport.oci.plan import plan_here
    from modelport.package.partial import has_selected
    from modelport.package.store import find_package

    in_catalog = _is_in_catalog(reference, settings)
    if in_catalog:
        version, digest = _pinned(reference, settings)
        reference = Reference(None, reference.repository, version, digest)
    kept = find_package(settings.store, reference)
    if kept is None or not has_selected(settings.store, kept, selection):
        return None
    plan = plan_here(Layout(settings.store), kept.index, select=selection)
    if not plan.missing:
        selection.check(plan, kept.name)
        return kept, plan
    if in_catalog and settings.registry is not None:
        return None
    damaged = ", ".join(str(blob.descriptor.digest) for blob in plan.missing)
    raise IntegrityError(f"{kept.name} is in the store, but damaged: {damaged}", hint="modelport store check --repair")


def _is_in_catalog(reference: Reference, settings: Settings) -> bool:
    return settings.catalog is not None and (settings.catalog / "models" / reference.repository).is_dir()


def _remote(reference: Reference, version: str, settings: Settings) -> Reference:
    """Return where in the settings' registry a version of the catalog lies."""
    from modelport.cli.models import missing

    if settings.registry is None:
        raise missing(reference, settings)
    host, _, path = settings.registry.partition("/")
    return Reference(host, f"{path}/{reference.repository}" if path else reference.repository, version)


def _check_out(folder: Path | None) -> None:
    """Raise InputError, before anything moves, when the folder cannot be written."""
    if folder and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there and is not an empty folder", hint="give another --out")


def _unpack(kept: Kept, settings: Settings, selection: Selection, out: Path | None) -> None:
    from modelport.oci import Layout
    from modelport.package.modelpack import package_layers, unpack, unpack_files
    from modelport.package.partial import missing_layers
    from modelport.package.store import open_package

    layout = Layout(settings.store)
    if out is not None:
        if out.exists():
            out.rmdir()
        if selection.is_narrow:
            layers = package_layers(layout, kept.manifest)
            unpack_files(layout, filter(selection, layers), out, selection.wants_file, others=_paths(layers))
        else:
            unpack(layout, kept.index, out)
        talk(f"wrote {out}")
    elif selection.only:
        _check_paths(layout, kept, selection, settings)
    if missing_layers(layout, kept):
        talk(f"{kept.name} is in the store in part; modelport pull {kept.name} brings the rest")
    elif out is None:
        open_package(settings.store, kept, settings.cache)


def _check_paths(layout: Layout, kept: Kept, selection: Selection, settings: Settings) -> None:
    """Raise NotFoundError when the files in the tars that came are not those that were chosen."""
    from modelport.package.modelpack import package_layers, unpack_files
    from modelport.package.selection import is_tar

    layers = package_layers(layout, kept.manifest)
    chosen = [layer for layer in layers if selection(layer)]
    if all(map(is_tar, chosen)):  # else a file of the right name has come
        settings.cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=settings.cache, prefix="pull-") as scratch:
            unpack_files(layout, chosen, Path(scratch) / "files", selection.wants_file, others=_paths(layers))


def _paths(layers: Iterable[Descriptor]) -> list[str]:
    """Return the files that are layers of their own; those in tars are known when one is here."""
    from modelport.package.selection import is_tar, title_of

    return [title_of(layer) for layer in layers if not is_tar(layer)]


def _print_plan(plan: PullPlan, *, as_json: bool) -> None:
    from modelport.package.selection import kind_of, title_of

    configs = {document.config.digest for document in plan.documents.values() if hasattr(document, "config")}
    rows = [
        {
            "file": "(config)" if blob.descriptor.digest in configs else title_of(blob.descriptor),
            "kind": kind_of(blob.descriptor) or "",
            "digest": str(blob.descriptor.digest),
            "size": blob.descriptor.size,
            "here": blob.here,
            "arrived": blob.arrived,
        }
        for blob in plan.blobs
    ]
    if as_json:
        left_out = [{"digest": str(node.digest), "size": node.size, "file": title_of(node)} for node in plan.left_out]
        data({"release": str(plan.root.digest), "files": rows, "left_out": left_out, "bytes": plan.bytes_to_move})
        return
    data(table([["FILE", "KIND", "SIZE", ""], *([r["file"], r["kind"], _size(r), _state(r)] for r in rows)]))
    data(f"{len(plan.missing)} of {len(plan.blobs)} blobs, {human_size(plan.bytes_to_move)} to move")
    if plan.left_out:
        talk(f"left out: {len(plan.left_out)} ({human_size(sum(node.size for node in plan.left_out))})")


def _size(row: dict[str, Any]) -> str:
    return human_size(row["size"])


def _state(row: dict[str, Any]) -> str:
    if row["here"]:
        return "here"
    return f"{human_size(row['arrived'])} of it are here" if row["arrived"] else "to move"


def _pinned(reference: Reference, settings: Settings) -> tuple[str, Digest]:
    """Return the version that the catalog has for *reference*, and its digest."""
    from modelport.catalog import load_entry
    from modelport.cli.models import missing

    if settings.catalog is None or not _is_in_catalog(reference, settings):
        raise missing(reference, settings)
    entry = load_entry(settings.catalog / "models" / reference.repository)
    for version in entry.versions:
        wanted = reference.tag or (None if reference.digest else entry.latest and str(entry.latest.version))
        if wanted in {None, str(version.version)} and reference.digest in {None, version.digest}:
            return str(version.version), version.digest
    raise NotFoundError(f"the catalog has no {reference}", hint=_what_there_is(reference, entry))


def _what_there_is(reference: Reference, entry: Entry) -> str:
    """Return which versions an entry has; of a variant's name how that is written."""
    latest = entry.latest and str(entry.latest.version)
    variants = entry.variants.get(latest or "", {}).get("variants", ())
    if any(one["name"] == reference.tag for one in variants):
        return f"a variant is called by its version, too: {entry.name}:{latest}-{reference.tag}"
    digests = reference.digest is not None
    known = ", ".join(f"{v.version} ({v.digest})" if digests else str(v.version) for v in entry.versions)
    return f"its versions are: {known or 'none'}"
