"""``modelport publish build|push|pending|latest|field|evidence``: what CI does with merged versions, a step a command.

``build`` runs contributed code and needs no credentials; ``push`` has credentials and runs nothing of what it pushes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.cli.publish_field import add_field
from modelport.cli.terminal import add_json, data, table, talk
from modelport.settings import Settings, load_settings
from modelport.types import Name, Version

if TYPE_CHECKING:
    import argparse

    from modelport.catalog import Entry
    from modelport.publish.missing import Missing
    from modelport.publish.release import Plan

__all__ = ["configure", "run"]

_MATRIX_LIMIT = 256
_NO_REGISTRY = "this catalog has no registry (registry.prefix in modelport.toml): nothing is published from it"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    built = actions.add_parser("build", help="build a version from its recipe, ready to push; needs no credentials")
    built.add_argument("name", metavar="NAME")
    built.add_argument("version", metavar="VERSION")
    built.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder: an OCI image layout")
    built.add_argument(
        "--accept-rebuilt",
        action="store_true",
        help="record a build of another digest that does the same as a reproduction; it is not published either way",
    )
    built.set_defaults(action=_build)
    pushed = actions.add_parser("push", help="verify what was built against the catalog, and push it")
    pushed.add_argument("folder", type=Path, metavar="DIR", help="what `publish build` wrote")
    pushed.add_argument("--dry-run", action="store_true", help="verify, and say what would be pushed")
    pushed.set_defaults(action=_push)
    pending = actions.add_parser("pending", help="list the versions that the registry does not have")
    add_json(pending)
    pending.add_argument(
        "--all", action="store_true", help="list the latest version of each model, too, to see whether it still builds"
    )
    _add_denied(pending)
    pending.add_argument(
        "--github-output", type=Path, metavar="FILE", help="add `matrix` and `count` to a job's outputs, too"
    )
    pending.set_defaults(action=_pending)
    latest = actions.add_parser("latest", help="let the tag latest of each model stand for its latest version")
    latest.add_argument("--dry-run", action="store_true", help="say what would be moved")
    latest.set_defaults(action=_latest)
    add_field(actions)
    evidence = actions.add_parser("evidence", help="fetch what the registry knows of each version since its release")
    evidence.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write NAME.json")
    _add_denied(evidence)
    evidence.set_defaults(action=_evidence)


def _add_denied(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--denied-is-missing",
        action="store_true",
        help="take what the registry does not let us see as not there: many answer so before the first push",
    )


def run(options: argparse.Namespace) -> int:
    """Do what was asked."""
    status: int = options.action(options, load_settings())
    return status


def _build(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.publish.evidence import evidence_folder, record_reproduction
    from modelport.publish.handover import find_version
    from modelport.publish.reproduce import reproduce

    name, version = Name.parse(options.name), Version.parse(options.version)
    entry, pinned = find_version(settings.need_catalog(), name, version)
    talk(f"building {name} {version} from its recipe")
    made = reproduce(entry, pinned, settings, options.out)
    if made.identical or options.accept_rebuilt:
        file = record_reproduction(evidence_folder(settings), str(name), made.evidence)
        talk(f"recorded in {file}: {made.evidence.outcome}")
    if made.identical:
        data(f"{options.out} {made.digest}")
        return 0
    talk(
        f"error: {name} {version} was built as {made.digest}, and the catalog pins {pinned.digest}: its examples and"
        " figures agree within their tolerances, but it is another package and cannot be published as this version\n"
        "  hint: build it on a machine like the one it was packed on, and push that folder; or make a new version on"
        f" this one: modelport submit {name} VERSION"
    )
    return 1


def _push(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.publish.handover import read_handover
    from modelport.publish.referrer import push_evidence
    from modelport.publish.release import place_of, plan_release, push_release

    handover = read_handover(options.folder, settings.need_catalog(), audience=settings.audience)
    talk(f"{options.folder} is {handover.entry.name} {handover.version.version} as the catalog pins it")
    plan = plan_release(handover, place_of(str(handover.entry.name), settings))
    _tell(plan, dry_run=options.dry_run)
    if not options.dry_run:
        push_release(plan, handover)
        if push_evidence(plan.place, handover.manifest, handover.evidence):
            talk(f"{plan.place}: recorded that {handover.version.digest} was reproduced")
    data(f"{plan.place}:{plan.release}@{plan.document.descriptor.digest}")
    return 0


def _pending(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.catalog import load_catalog
    from modelport.publish.missing import missing_versions
    from modelport.publish.release import place_of

    missing: list[Missing] = []
    if settings.registry is None:
        talk(_NO_REGISTRY)
    else:
        entries = load_catalog(settings.need_catalog(), audience=settings.audience)
        missing = missing_versions(
            entries,
            lambda name: place_of(name, settings),
            audience=settings.audience,
            with_latest=options.all,
            denied_is_missing=options.denied_is_missing,
        )
    for one in missing:
        if one.note:
            talk(f"{one.name} {one.version}: {one.note}")
    listed = [one for one in missing if one.recipe]
    if len(listed) > _MATRIX_LIMIT:
        talk(f"{len(listed)} versions are missing; these are the first {_MATRIX_LIMIT}, run it again for the others")
    rows = [
        {"name": one.name, "version": one.version, "digest": one.digest, "python": one.python}
        for one in listed[:_MATRIX_LIMIT]
    ]
    if options.github_output:
        with options.github_output.open("a", encoding="utf-8") as file:
            file.write(f"matrix={json.dumps({'include': rows})}\ncount={len(rows)}\n")
    if options.json:
        data({"include": rows})
    elif rows:
        data(table([[row["name"], row["version"], row["digest"]] for row in rows]))
    else:
        talk("nothing is pending")
    return 0


def _latest(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.catalog import load_catalog

    if settings.registry is None:
        talk(_NO_REGISTRY)
        return 0
    # One model whose tag cannot be taken away keeps no other's from being moved.
    entries = load_catalog(settings.need_catalog(), audience=settings.audience)
    return max((_move_latest(entry, settings, dry_run=options.dry_run) for entry in entries), default=0)


def _move_latest(entry: Entry, settings: Settings, *, dry_run: bool) -> int:
    from modelport.errors import RegistryError
    from modelport.publish.publishable import latest_publishable
    from modelport.publish.release import is_withdrawn, place_of, plan_latest, push_release, withdraw_latest

    place = place_of(str(entry.name), settings)
    plan = plan_latest(entry, place, settings.audience)
    if plan is not None:
        _tell(plan, dry_run=dry_run)
        if plan.tags and not dry_run:
            push_release(plan)
        return 0
    usable = latest_publishable(entry, settings.audience)
    why = f"{usable.version} is not published yet" if usable else "it has no version to publish"
    if not is_withdrawn(entry, place, settings.audience):
        talk(f"{entry.name}: {why}")
        return 0
    what = "would remove" if dry_run else "removing"
    talk(f"{entry.name}: {why}, and latest stands for a version that is withdrawn: {what} the tag")
    try:
        if not dry_run:
            withdraw_latest(place)
    except RegistryError as error:
        talk(f"error: {error.message}\n  hint: {error.hint}")
        return 1
    return 0


def _evidence(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.catalog import load_catalog
    from modelport.errors import FormatError, IntegrityError, NotFoundError, RegistryError
    from modelport.publish.evidence import merged, write_evidence
    from modelport.publish.missing import DENIED
    from modelport.publish.referrer import pull_evidence
    from modelport.publish.release import place_of

    if settings.registry is None:
        talk(_NO_REGISTRY)
        return 0
    for entry in load_catalog(settings.need_catalog(), audience=settings.audience):
        name, known = str(entry.name), None
        for version in entry.versions:
            try:
                found = pull_evidence(place_of(name, settings), version.digest, name)
            except (FormatError, IntegrityError, NotFoundError) as error:
                talk(f"{name} {version.version} has no evidence that can be read: {error.message}")
            except RegistryError as error:
                # Evidence that cannot be had just now is not evidence that is not there.
                if not options.denied_is_missing or error.status not in DENIED:
                    raise
                talk(f"{name} cannot be seen ({error.status}): taken as not there")
            else:
                known = merged(found, known) if found else known
        if known:
            data(str(write_evidence(options.out, known)))
    return 0


def _tell(plan: Plan, *, dry_run: bool) -> None:
    if plan.tags:
        talk(f"{plan.place}: {'would write' if dry_run else 'writing'} {', '.join(plan.tags)}")
    else:
        talk(f"{plan.place}: all tags are right, nothing to write")
