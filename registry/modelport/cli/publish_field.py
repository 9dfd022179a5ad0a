"""``modelport publish field``: what devices in use measured becomes evidence of the releases that it is of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import add_json, data, plural, table, talk

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from modelport.catalog import Entry
    from modelport.settings import Settings

__all__ = ["add_field"]

_FOLDER = "field"


def add_field(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action to those of ``modelport publish``."""
    text = "attach what devices in use measured to the releases, as evidence: the files of `modelport edge export`"
    parser = actions.add_parser("field", help=text)
    help_text = "such a file, or a folder with one folder of them for each edge server (default: the catalog's field/)"
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help=help_text)
    parser.add_argument("--server", default="", metavar="NAME", help="what the edge server of all of them is called")
    parser.add_argument("--check", action="store_true", help="only say whether they are right; asks no registry")
    help_text = "add `attached`, how many releases have more evidence now, to a job's outputs, too"
    parser.add_argument("--github-output", type=Path, metavar="FILE", help=help_text)
    add_json(parser)
    parser.set_defaults(action=_field)


def _field(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.catalog import load_catalog
    from modelport.publish.collect import collect, known_packages

    catalog = settings.need_catalog()
    own = catalog / _FOLDER
    paths = options.paths or ([own] if own.exists() else [])
    entries = load_catalog(catalog, audience=settings.audience)
    found = collect(paths, known_packages(entries), server=options.server)
    attached = 0 if options.check else _record(found, entries, settings)
    if options.github_output:
        with options.github_output.open("a", encoding="utf-8") as file:
            file.write(f"attached={attached}\n")
    rows = [{"model": model, **record} for model, records in found.items() for record in records]
    if options.json:
        data(rows)
    elif rows:
        data(table([_cells(row) for row in rows]))
    else:
        talk(f"nothing was measured in the field: {', '.join(map(str, paths)) or own} has no files of it")
    return 0


def _record(found: Mapping[str, Sequence[dict[str, Any]]], entries: Sequence[Entry], settings: Settings) -> int:
    """Add the records to the evidence kept here and to that in the registry; return to how many releases there."""
    from modelport.publish.evidence import evidence_folder, record_field

    by_name = {str(entry.name): entry for entry in entries}
    attached = 0
    for model, records in found.items():
        talk(f"recorded in {record_field(evidence_folder(settings), model, records)}")
        if settings.registry is not None:
            attached += _attach(by_name[model], records, settings)
    if settings.registry is None and found:
        talk("this catalog has no registry (registry.prefix in modelport.toml): nothing is attached in one")
    return attached


def _attach(entry: Entry, records: Sequence[dict[str, Any]], settings: Settings) -> int:
    from modelport.errors import NotFoundError
    from modelport.publish.evidence import evidence_document
    from modelport.publish.publishable import is_publishable
    from modelport.publish.referrer import push_evidence
    from modelport.publish.release import place_of

    name, attached = str(entry.name), 0
    place = place_of(name, settings)
    for version in entry.versions:
        mine = [one for one in records if one["version"] == str(version.version)]
        if not mine or not is_publishable(entry, version, settings.audience):
            continue
        try:
            package = place.registry.manifest(place.repository, version.digest)
        except NotFoundError:
            talk(f"{place} has no {version.digest} yet: what was measured of {name} {version.version} waits for it")
            continue
        if push_evidence(place, package.descriptor, evidence_document(name, (), mine)):
            talk(f"{place}: attached what was measured in the field to {version.version} ({version.digest})")
            attached += 1
    return attached


def _cells(row: Mapping[str, Any]) -> list[str]:
    times = sum(one["infer"]["n"] for one in row["variants"] if "infer" in one)
    return [
        row["model"], row["version"], row["device"], row["server"], f"{row['from']} to {row['to']}",
        plural(len(row["variants"]), "variant"), f"{times:,} inferences",
    ]  # fmt: skip
