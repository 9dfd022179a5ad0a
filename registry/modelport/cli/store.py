"""``modelport store list``: what the embedded store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.cli.terminal import add_json, data, table, talk
from modelport.errors import ModelportError
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse

    from modelport.oci import Descriptor, Layout

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    add_json(actions.add_parser("list", help="list the tags and the digests of their packages"))


def run(options: argparse.Namespace) -> int:
    """List the store."""
    from modelport.oci import Layout

    settings = load_settings()
    layout = Layout(settings.store)
    rows = [_row(name, index, layout, settings) for name, index in sorted(layout.tags().items())]
    if options.json:
        data(rows)
    elif rows:
        data(table([[r["name"], r["digest"], r["state"]] for r in rows]))
    else:
        talk(f"the store is empty: {settings.store}")
    return 0


def _row(name: str, index: Descriptor, layout: Layout, settings: Settings) -> dict[str, str]:
    """Describe one tag; what cannot be read is said and does not hide the others."""
    from modelport.package.modelpack import package_manifest
    from modelport.package.store import Kept, missing_layers
    from modelport.package.trust import is_packed_here

    try:
        manifest = package_manifest(layout, index)
        in_part = missing_layers(layout, Kept(name, manifest, index))
    except ModelportError as error:
        return {"name": name, "digest": str(index.digest), "state": f"not a package that can be read: {error.message}"}
    state = "packed here" if is_packed_here(settings.data, manifest.digest) else "pulled"
    return {"name": name, "digest": str(manifest.digest), "state": "partial" if in_part else state}
