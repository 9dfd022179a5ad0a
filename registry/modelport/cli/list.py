"""``modelport list``: the catalog's models, all or those that filters leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import add_json, data, human_size, human_time, table, talk
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from modelport.catalog.kept import KeptIndex

__all__ = ["add_filters", "choose", "configure", "read_index", "report_models", "run", "those_that_fit"]

_ELSEWHERE = "run this inside a catalog's repository; modelport store list shows what is in your own store"
_FILTERS = {
    "task": "for instance text-classification",
    "license": "permissive, weak-copyleft, copyleft or restricted, or an SPDX identifier",
    "framework": "for instance scikit-learn",
    "format": "of the weights, for instance onnx",
    "takes": "text, image, audio, video, table, choice, tensor, number or bytes",
    "gives": "the same words",
    "publisher": "a name, or its part of an address",
    "tag": "a category",
    "lifecycle": "published, draft, deprecated or yanked",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_filters(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """List the models, one a line."""
    index = read_index(load_settings())
    fitting = those_that_fit(index.rows, index, options)
    return report_models(choose(fitting, index.rows, options, order=options.sort or "name"), as_json=options.json)


def read_index(settings: Settings) -> KeptIndex:
    """Return the catalog's index, kept under the cache folder."""
    from modelport.catalog.kept import kept_index

    return kept_index(settings.need_catalog(instead=_ELSEWHERE), settings.cache)


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the filters, the order, and ``--all``."""
    filters = parser.add_argument_group("filters", "one given twice asks for either value")
    for name, meaning in _FILTERS.items():
        filters.add_argument(f"--{name}", action="append", default=[], metavar=name.upper(), help=meaning)
    filters.add_argument("--max-size", metavar="SIZE", help="of the download, for instance 20MB")
    filters.add_argument("--device", metavar="ID", help="with a variant whose time on that device is known")
    filters.add_argument("--deadline-ms", type=float, metavar="N", help="with a variant that answers there by then")
    filters.add_argument("--all", action="store_true", help="drafts, deprecated and yanked models, too")
    parser.add_argument("--sort", choices=["name", "released", "size"], help="newest first, or going up")


def choose(
    found: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], options: argparse.Namespace, *, order: str | None
) -> list[dict[str, Any]]:
    """Return the models of *found* that the options ask for, and tell how many are hidden.

    Args:
        found: The models to choose from.
        rows: The whole index, whose values are named when one that was asked for is unknown.
        options: The command's options, with those of ``add_filters``.
        order: How to sort; None leaves them as they are.
    """
    from modelport.catalog.filters import hidden, parse_size, select

    wanted = {name: list(getattr(options, name)) for name in _FILTERS}
    max_size = None if options.max_size is None else parse_size(options.max_size)
    chosen = select(found, wanted, max_size=max_size, order=order)
    if not chosen:
        _tell_unknown(rows, wanted)
    if options.all or wanted["lifecycle"]:
        return chosen
    shown = [row for row in chosen if not hidden(row)]
    if len(shown) < len(chosen):
        talk(f"{len(chosen) - len(shown)} more: drafts, deprecated or yanked; --all lists them, too")
    return shown


def those_that_fit(models: list[dict[str, Any]], index: KeptIndex, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the *models* with a variant for the options' device and deadline, and under ``fits`` which one."""
    if options.device is None and options.deadline_ms is None:
        return models
    from modelport.cli.profiles import fitting

    return fitting(models, index, options.device, options.deadline_ms)


def _tell_unknown(rows: Sequence[dict[str, Any]], wanted: dict[str, list[str]]) -> None:
    """Tell of each value that no model of the catalog has, and what may have been meant."""
    from difflib import get_close_matches

    from modelport.catalog.filters import values_of

    for facet, values in wanted.items():
        known = values_of(rows, facet) if values else []
        for value in values:
            if value.casefold() not in {one.casefold() for one in known}:
                near = get_close_matches(value, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known[:20]) or 'none'}"
                talk(f"no model of this catalog has --{facet} {value}; {hint}")


def report_models(models: Sequence[dict[str, Any]], *, as_json: bool) -> int:
    """Print the index's lines of some models."""
    if as_json:
        data(list(models))
    elif models:
        data(table([_cells(model) for model in models]))
    else:
        talk("no models")
    return 0


def _cells(model: dict[str, Any]) -> list[str]:
    size = "-" if model["size"] is None else human_size(model["size"])
    state = "" if model["lifecycle"] == "published" else f"({model['lifecycle']}) "
    needs = f" (needs {model['old_runtime']}: cannot be called here)" if model.get("old_runtime") else ""
    fits = [f"{model['fits']['variant']} {human_time(model['fits']['expected'])}"] if "fits" in model else []
    return [model["name"], model["latest"] or "-", size, *fits, model["task"], f"{state}{model['summary']}{needs}"]
