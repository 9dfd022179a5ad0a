"""``modelport check``: what is wrong with the catalog's entries, all of it, and the way out."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.cli.terminal import data, talk
from modelport.errors import FormatError, InputError
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from modelport.catalog import Checked, Document, Problem, VersionCheck
    from modelport.catalog.completeness import Completeness

__all__ = ["check_and_report", "check_signature", "configure", "run"]

_FEW = 3
"""For how many entries advice is worth the reading, and how much of it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "paths",
        nargs="*",
        default=[],
        metavar="NAME|PATH",
        help="models, entries or files (default: the whole catalog)",
    )
    what.add_argument(
        "--since", metavar="REF", help="check what changed since the work left the commit or branch REF, and how"
    )
    parser.add_argument("--format", choices=["text", "json", "github", "sarif"], default="text")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument(
        "--level",
        choices=["schema", "registry"],
        default="schema",
        help="schema: the files alone (default); registry: each version with its package, too, which is not run",
    )


def run(options: argparse.Namespace) -> int:
    """Check and report; status 1 when there are problems."""
    settings = load_settings()
    checks: list[VersionCheck] = [check_signature]
    if options.level == "registry":
        from modelport.cli.check_package import package_check

        checks.append(package_check(settings))
    if options.since is not None:
        checked = _check_since(options.since, settings, checks)
    else:
        checked = _check([_path(one, settings) for one in options.paths], settings, checks)
    _report(checked, options.format, advise=bool(options.paths or options.since))
    return 1 if checked.problems else 0


def check_and_report(paths: Sequence[Path], settings: Settings, *, form: str = "text") -> int:
    """Check *paths*, or the whole catalog, print the report, and return the number of problems."""
    checked = _check(paths, settings, [check_signature])
    _report(checked, form, advise=False)
    return len(checked.problems)


def check_signature(document: Document) -> list[Problem]:
    """Check what a schema cannot say of a version's signature: it is whole and is named after its content."""
    from modelport.model.spec import ModelSpec

    try:
        ModelSpec.from_json(document.value.get("signature"))
    except FormatError as error:
        hint = error.hint or "let `modelport submit` write the file"
        return [document.problem(("signature",), error.message, rule="signature", hint=hint)]
    return []


def _check(paths: Sequence[Path], settings: Settings, checks: Sequence[VersionCheck]) -> Checked:
    from modelport.catalog import check_all

    catalog = settings.catalog if settings.catalog and settings.catalog.is_dir() else None
    if not paths and catalog is None:
        settings.need_catalog()
    return check_all(list(paths), catalog, audience=settings.audience, extra_checks=checks)


def _check_since(ref: str, settings: Settings, checks: Sequence[VersionCheck]) -> Checked:
    from modelport.catalog import Checked, changes_since

    changes = changes_since(ref, settings.need_catalog())
    count = len(changes.entries)
    talk(f"{count} {'entry' if count == 1 else 'entries'} changed since {changes.base[:12]}")
    changed = [*changes.entries, *changes.profiles]
    checked = _check(changed, settings, checks) if changed else Checked([], [])
    return Checked(sorted({*checked.problems, *changes.problems}), checked.entries)


def _report(checked: Checked, form: str, *, advise: bool) -> None:
    """Print the report; with *advise*, and for few entries, say what to add to them, too."""
    from modelport.catalog.report import REPORTERS, json_report

    problems = checked.problems
    if form == "json":
        scores = [{"name": name, **score.to_json()} for name, score in _scores(checked)]
        report = json_report(problems, completeness=scores)
    else:
        report = REPORTERS[form](problems)
    if report.strip():
        data(report.rstrip("\n"))
    if form == "text":
        talk(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}" if problems else "no problems")
        if advise and len(checked.entries) <= _FEW:
            for name, score in _scores(checked):
                _tell_advice(name, score)


def _scores(checked: Checked) -> list[tuple[str, Completeness]]:
    from modelport.catalog import entry_of, model_document
    from modelport.catalog.completeness import completeness

    entries = (entry_of(raw) for raw in checked.entries)
    return [(str(entry.name), completeness(model_document(entry))) for entry in entries]


def _tell_advice(name: str, score: Completeness) -> None:
    talk(f"{name} is complete to {score.score} of 100" + ("; to add first:" if score.missing else ""))
    for one in score.missing[:_FEW]:
        talk(f"  {one.points:>2}  {one.advice}")


def _path(text: str, settings: Settings) -> Path:
    """Return the path that *text* is, or that of the entry of that name."""
    path = Path(text)
    if path.exists():
        return path
    models = settings.catalog / "models" if settings.catalog else None
    if models and "/" not in text and (models / text).is_dir():
        return models / text
    raise InputError(f"{text} is not there", hint=_near(path, models))


def _near(path: Path, models: Path | None) -> str:
    """Return what may have been meant: a neighbour of that name, or a model."""
    beside = {one.name: one for one in path.parent.iterdir()} if path.parent.is_dir() else {}
    names = {one.name: one.name for one in models.iterdir()} if models and models.is_dir() else {}
    known = {**beside, **(names if path.name == str(path) else {})}
    near = difflib.get_close_matches(path.name, known, n=1)
    return f"did you mean {known[near[0]]}?" if near else "give a model's name, or the path of an entry or a file"
