"""``modelport submit``: an entry and a version -> ``versions/<version>.yaml``, ready for a pull request."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import TYPE_CHECKING

from modelport.cli.models import add_allow_code, check_code, find_model
from modelport.cli.terminal import data, talk
from modelport.errors import InputError
from modelport.settings import load_settings
from modelport.types import Name, Version

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from modelport.package.store import Kept
    from modelport.settings import Settings

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("version", metavar="VERSION")
    parser.add_argument(
        "--change",
        action="append",
        default=[],
        metavar="[KIND:]TEXT",
        help="what changed; KIND is added, changed (the default), fixed, removed or security; may be repeated",
    )
    parser.add_argument(
        "--package", metavar="PACKAGE", help="what to pin where the entry has no recipe: a name or a package's folder"
    )
    add_allow_code(parser)
    parser.add_argument("--date", help="the day of the release, YYYY-MM-DD (default: today)")


def run(options: argparse.Namespace) -> int:
    """Build, write the version's file, and say what to do next."""
    from modelport.cli.check import check_and_report
    from modelport.oci import Layout
    from modelport.package.store import open_package
    from modelport.publish.version import check_new, read_change, write_version

    settings = load_settings()
    name, version = Name.parse(options.name), Version.parse(options.version)
    entry = settings.need_catalog() / "models" / str(name)
    if not entry.is_dir():
        raise InputError(f"{entry} is not there", hint="make the entry's folder with model.yaml, card.md and recipe.py")
    day = _day(options.date)
    changes = [read_change(text) for text in options.change]
    check_new(entry, version, changes)
    kept = _kept(entry, options, settings)
    _check_changed(entry, kept)
    package = open_package(settings.store, kept, settings.cache)
    talk("measuring what running it takes")
    file = write_version(entry, version, kept, package, settings, released=day, changes=changes)
    if check_and_report([entry], settings):
        file.unlink()
        talk(f"{file} was not kept; mend this and submit again")
        return 1
    Layout(settings.store).tag(f"{name}:{version}", kept.index)
    data(str(file))
    _tell_what_next(entry, version, settings)
    return 0


def _kept(entry: Path, options: argparse.Namespace, settings: Settings) -> Kept:
    """Return the package to pin: built from the entry's recipe, or the one that was named."""
    from modelport.package.store import keep_package
    from modelport.publish.build import build_entry

    if options.package is None and not (entry / "recipe.py").is_file():
        raise InputError(
            f"{entry} has no recipe.py to build its package from",
            hint="write one, or name a package that is packed already: --package NAME",
        )
    if options.package is None:
        talk(f"building {entry.name} from its recipe")
        return build_entry(entry, settings, judge=False).kept
    if (entry / "recipe.py").is_file():
        raise InputError(
            f"{entry} has a recipe, so what it builds is what is pinned",
            hint="leave --package out, or remove recipe.py and recipe.lock",
        )
    found = find_model(options.package, settings)
    if found.package.name != entry.name:
        raise InputError(
            f"{found.name} is a package of {found.package.name}, and the entry is {entry.name}",
            hint=f"pack it with --name {entry.name}",
        )
    check_code(found, settings, allow_code=options.allow_code)  # measuring runs it
    return keep_package(found.package.folder, settings.store)


def _check_changed(entry: Path, kept: Kept) -> None:
    """Raise InputError when the entry has a version that is this very package."""
    from modelport.catalog import load_entry

    same = next((one.version for one in load_entry(entry).versions if one.digest == kept.manifest.digest), None)
    if same is not None:
        raise InputError(
            f"the package is {same}, byte for byte: there is nothing to release",
            hint="change the recipe or what it trains on first",
        )


def _tell_what_next(entry: Path, version: Version, settings: Settings) -> None:
    from modelport.catalog import load_entry

    branch = f"{entry.name}-{version}"
    where = shlex.quote(str(entry.relative_to(settings.root or entry.parent)))
    if load_entry(entry).model["lifecycle"] == "draft":
        talk("note: model.yaml says 'lifecycle: draft'; write what is still TODO, and then 'lifecycle: published'")
    talk("next:")
    talk(f"  git switch -c {branch} && git add {where} && git commit -m 'Add {entry.name} {version}'")
    talk(f"  git push -u origin {branch}")
    talk("and open a pull request")


def _day(given: str | None) -> str:
    if given is None:
        return dt.datetime.now(tz=dt.UTC).date().isoformat()
    try:
        return dt.date.fromisoformat(given).isoformat()
    except ValueError as error:
        raise InputError(f"{given!r} is not a day", hint="write YYYY-MM-DD") from error
