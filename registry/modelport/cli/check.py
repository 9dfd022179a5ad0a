"""``modelport check``: what is wrong with the catalog's entries, all of it, and the way out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelport.cli.terminal import data, talk
from modelport.errors import FormatError, InputError
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from modelport.catalog.document import Document
    from modelport.catalog.problem import Problem

__all__ = ["check_and_report", "check_signature", "configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="entries or files (default: the whole catalog)"
    )
    parser.add_argument("--format", choices=["text", "json", "github"], default="text")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument(
        "--level", choices=["schema"], default="schema", help="schema: without a registry and without running anything"
    )


def run(options: argparse.Namespace) -> int:
    """Check and report; status 1 when there are problems."""
    settings = load_settings()
    for path in options.paths:
        if not path.exists():
            raise InputError(f"{path} is not there")
    return 1 if check_and_report(options.paths, settings, form=options.format) else 0


def check_and_report(paths: Sequence[Path], settings: Settings, *, form: str = "text") -> int:
    """Check *paths*, or the whole catalog, print the report, and return the number of problems."""
    from modelport.catalog.check import check_paths
    from modelport.catalog.report import REPORTERS

    catalog = settings.catalog if settings.catalog and settings.catalog.is_dir() else None
    if not paths and catalog is None:
        settings.need_catalog()
    problems = check_paths(list(paths), catalog, extra_checks=[check_signature])
    report = REPORTERS[form](problems)
    if report.strip():
        data(report.rstrip("\n"))
    if form == "text":
        talk(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}" if problems else "no problems")
    return len(problems)


def check_signature(document: Document) -> list[Problem]:
    """Check what a schema cannot say of a version's signature: it is whole and is named after its content."""
    from modelport.model.spec import ModelSpec

    try:
        ModelSpec.from_json(document.value.get("signature"))
    except FormatError as error:
        hint = error.hint or "let `modelport submit` write the file"
        return [document.problem(("signature",), error.message, rule="signature", hint=hint)]
    return []
