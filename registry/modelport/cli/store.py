"""``modelport store list|remove|check|gc``: what the embedded store holds, whether it is sound, what it can lose."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import add_json, data, human_size, table, talk
from modelport.errors import ModelportError, NotFoundError
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from pathlib import Path

    from modelport.oci import Descriptor, Layout
    from modelport.oci.store.check import Fetch, Report
    from modelport.oci.store.gc import Garbage

__all__ = ["configure", "run"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the tags, the digests of their packages, and how much each needs")
    add_json(listing)
    listing.set_defaults(act=_list)
    remove = actions.add_parser("remove", help="forget tags; `store gc` then frees the space")
    remove.add_argument("names", nargs="+", metavar="NAME", help="a tag, as `store list` shows it")
    remove.set_defaults(act=_remove)
    checking = actions.add_parser("check", help="hash everything, and set aside what is damaged")
    checking.add_argument("--repair", action="store_true", help="pull again what is missing or damaged")
    add_json(checking)
    checking.set_defaults(act=_check)
    collecting = actions.add_parser("gc", help="delete what no tag needs any more")
    collecting.add_argument("--dry-run", action="store_true", help="delete nothing, and tell what would be")
    collecting.add_argument(
        "--grace",
        type=_duration,
        metavar="DURATION",
        help="spare what is younger, for instance 90s, 30m, 2h or 7d (default: 1h, and 7d for interrupted transfers)",
    )
    add_json(collecting)
    collecting.set_defaults(act=_collect)


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    from modelport.oci import Layout

    settings = load_settings()
    done: int = options.act(options, Layout(settings.store), settings)
    return done


def _list(options: argparse.Namespace, layout: Layout, settings: Settings) -> int:
    rows = [_row(name, index, layout, settings) for name, index in sorted(layout.tags().items())]
    if options.json:
        data(rows)
    elif rows:
        data(table([[r["name"], r["digest"], _size(r["bytes"]), _state(r)] for r in rows]))
    else:
        talk(f"the store is empty: {settings.store}")
    return 0


def _row(name: str, index: Descriptor, layout: Layout, settings: Settings) -> dict[str, Any]:
    """Describe one tag; what cannot be read is said and does not hide the others.

    Its ``bytes`` are those of all in the store that it needs, what it has in common with other tags included.
    """
    from modelport.package.modelpack import package_manifest
    from modelport.package.partial import missing_layers
    from modelport.package.store import Kept
    from modelport.package.trust import is_packed_here

    if name.endswith(("-service", "-service-run")):
        return {"name": name, "digest": str(index.digest), "bytes": _bytes_needed(layout, index), "state": "image"}
    try:
        manifest = package_manifest(layout, index)
        in_part = missing_layers(layout, Kept(name, manifest, index))
        size = _bytes_needed(layout, index)
        variant = _variant(layout, manifest)
    except ModelportError as error:
        state = f"not a package that can be read: {error.message}"
        return {"name": name, "digest": str(index.digest), "bytes": None, "state": state}
    state = "packed here" if is_packed_here(settings.data, manifest.digest) else "pulled"
    return {
        "name": name,
        "digest": str(manifest.digest),
        "bytes": size,
        "state": "partial" if in_part else state,
        **({"variant": variant} if variant else {}),
    }


def _variant(layout: Layout, manifest: Descriptor) -> str:
    """Return the name of the variant that a package is; nothing where it is the model itself."""
    from modelport.package.modelpack import ANNOTATION_VARIANT

    named = {**manifest.annotations, **layout.manifest(manifest).annotations}
    return named.get(ANNOTATION_VARIANT, "")


def _state(row: dict[str, Any]) -> str:
    return f"{row['state']}, variant {row['variant']}" if row.get("variant") else str(row["state"])


def _bytes_needed(layout: Layout, root: Descriptor) -> int:
    from modelport.oci.walk import reachable

    return sum(node.size for node in reachable(root, layout.read, select=layout.has) if layout.has(node))


def _size(size: int | None) -> str:
    return "" if size is None else human_size(size)


def _remove(options: argparse.Namespace, layout: Layout, _: Settings) -> int:
    """Forget all the tags, or none where one of them is not there."""
    for name in options.names:
        layout.resolve(name)
    for name in options.names:
        layout.untag(name)
        talk(f"removed {name}")
    talk("`modelport store gc` frees the space of what no other tag needs")
    return 0


def _check(options: argparse.Namespace, layout: Layout, settings: Settings) -> int:
    from modelport.oci.store.check import check

    talk(f"checking all of {layout.path}")
    report = check(layout, fetch=_fetching(settings) if options.repair else None)
    if options.json:
        data(_report_document(report))
    else:
        _tell_report(report, layout, repair=options.repair)
    return 1 if report.findings else 0


def _fetching(settings: Settings) -> Fetch:
    """Return the function that gets content from where a tag came from."""
    from modelport.cli.models import access_of
    from modelport.oci.media import INDEXES, MANIFESTS
    from modelport.package.store import registry_of
    from modelport.types import Reference

    def fetch(tag: str, wanted: Descriptor) -> Iterable[bytes]:
        source = Reference.parse(tag)
        if source.host is None:
            if settings.registry is None:
                raise NotFoundError(f"{tag} came from no registry, and the catalog has none")
            source = Reference.parse(f"{settings.registry}/{source.repository}")
        registry = registry_of(source.host or "", access_of(settings))
        if wanted.media_type in MANIFESTS | INDEXES:
            return [registry.manifest(source.repository, wanted.digest).raw]
        return registry.blob(source.repository, wanted)

    return fetch


def _report_document(report: Report) -> dict[str, Any]:
    return {
        "blobs": report.blobs,
        "bytes": report.bytes,
        "problems": [
            {"kind": one.kind, "what": one.what, "why": one.why, "needed_by": one.needed_by, "tags": one.tags}
            for one in report.findings
        ],
        "repaired": [str(digest) for digest in report.repaired],
        "leftovers": _texts(report.leftovers),
        "quarantined": _texts(report.quarantined),
        "foreign": _texts(report.foreign),
    }


def _tell_report(report: Report, layout: Layout, *, repair: bool) -> None:
    for digest in report.repaired:
        data(f"{digest}: fetched again")
    for finding in report.findings:
        data(str(finding))
    _tell_files("left behind by what was interrupted; `modelport store gc` removes it when it is old", report.leftovers)
    _tell_files("damaged and set aside; delete it when you need it no more", report.quarantined)
    _tell_files("not the store's, and left alone", report.foreign)
    count = len(report.findings)
    talk(
        f"{layout.path}: {report.blobs} objects, {human_size(report.bytes)}, "
        + (f"{count} problem{'s' * (count > 1)}" if count else "all sound")
    )
    if any(one.what == "index.json" for one in report.findings):
        from modelport.oci.store.tags import way_back

        talk(f"  hint: {way_back(layout.path)}")
    elif count and not repair:
        talk("  hint: `modelport store check --repair` fetches again what came from a registry")
    elif count:
        talk("  hint: pack it again, or `modelport store remove` the tags that need it")


def _collect(options: argparse.Namespace, layout: Layout, _: Settings) -> int:
    from modelport.oci.store.gc import collect_garbage

    garbage = collect_garbage(layout, grace=options.grace, dry_run=options.dry_run)
    if options.json:
        data(_garbage_document(garbage, dry_run=options.dry_run))
        return 0
    for path, size in (garbage.blobs | garbage.leftovers).items():
        data(f"{path.relative_to(layout.path)}  {human_size(size)}")
    _tell_files("not the store's, and left alone", garbage.foreign)
    would = "would be deleted" if options.dry_run else "deleted"
    talk(f"{would}: {len(garbage.blobs)} objects and {len(garbage.leftovers)} left-overs, {human_size(garbage.bytes)}")
    talk(f"{garbage.kept} objects stay")
    return 0


def _garbage_document(garbage: Garbage, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "deleted": [{"path": str(path), "bytes": size} for path, size in garbage.blobs.items()],
        "leftovers": [{"path": str(path), "bytes": size} for path, size in garbage.leftovers.items()],
        "referrers": [str(digest) for digest in garbage.referrers],
        "foreign": _texts(garbage.foreign),
        "kept": garbage.kept,
        "bytes": garbage.bytes,
    }


def _tell_files(what: str, files: list[Path]) -> None:
    for path in files[:_SHOWN]:
        talk(f"{path}: {what}")
    if len(files) > _SHOWN:
        talk(f"and {len(files) - _SHOWN} more")


def _texts(files: list[Path]) -> list[str]:
    return [str(path) for path in files]


def _duration(text: str) -> float:
    """Parse a number of seconds, or of what its last letter says."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if not found:
        raise ArgumentTypeError(f"{text!r} is not a duration: write for instance 90s, 30m, 2h or 7d")
    return float(int(found[1]) * _UNITS[found[2] or "s"])
