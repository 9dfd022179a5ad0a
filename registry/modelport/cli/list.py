"""``modelport list``: the catalog's models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import add_json, data, human_size, table, talk
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["configure", "read_index", "report_models", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """List the models, one a line."""
    return report_models(read_index(load_settings())["models"], as_json=options.json)


def read_index(settings: Settings) -> dict[str, Any]:
    """Return the catalog's index document."""
    from modelport.catalog import index_document, load_catalog

    return index_document(load_catalog(settings.need_catalog()))


def report_models(models: Sequence[dict[str, Any]], *, as_json: bool) -> int:
    """Print the index's lines of some models."""
    if as_json:
        data(list(models))
    elif models:
        data(
            table(
                [[m["name"], m["latest"] or "-", human_size(m["size"] or 0), m["task"], m["summary"]] for m in models]
            )
        )
    else:
        talk("no models")
    return 0
