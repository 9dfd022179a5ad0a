"""``modelport search``: the catalog's models that fit some words, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.cli.list import read_index, report_models
from modelport.cli.terminal import add_json, talk
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("words", nargs="+", metavar="WORD")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Search; finding nothing is status 1, as with grep."""
    from modelport.catalog import search

    words = " ".join(options.words)
    found = search(read_index(load_settings()), words)
    if not found:
        talk(f"no model fits {words!r}; modelport list shows all")
    report_models(found, as_json=options.json) if found or options.json else None
    return 0 if found else 1
