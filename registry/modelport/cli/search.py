"""``modelport search``: the catalog's models that fit some words, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.cli.list import add_filters, choose, read_index, report_models, those_that_fit
from modelport.cli.terminal import add_json, talk
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("words", nargs="+", metavar="WORD", help="what the model is about; all words must fit")
    add_filters(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Search; finding nothing is status 1, as with grep."""
    from modelport.catalog.search import nearest_words, search

    words = " ".join(options.words)
    index = read_index(load_settings())
    found = search(index.document, words)
    chosen = choose(those_that_fit(found, index, options), index.rows, options, order=options.sort)
    if not found:
        near = nearest_words(index.document, words)
        talk(f"no model fits {words!r}; " + (f"did you mean {near!r}?" if near else "modelport list shows all"))
    elif not chosen:
        talk(f"no model that is listed fits {words!r} and the filters")
    report_models(chosen, as_json=options.json) if chosen or options.json else None
    return 0 if chosen else 1
