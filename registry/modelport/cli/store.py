"""``modelport store list``: what the embedded store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.cli.terminal import add_json, data, table, talk
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    add_json(actions.add_parser("list", help="list the tags and the digests of their packages"))


def run(options: argparse.Namespace) -> int:
    """List the store."""
    from modelport.oci import Layout
    from modelport.package.modelpack import package_manifest
    from modelport.package.trust import is_packed_here

    settings = load_settings()
    layout = Layout(settings.store)
    rows = []
    for name, index in sorted(layout.tags().items()):
        digest = package_manifest(layout, index).digest
        rows.append({"name": name, "digest": str(digest), "packed_here": is_packed_here(settings.data, digest)})
    if options.json:
        data(rows)
    elif rows:
        data(table([[r["name"], r["digest"], "packed here" if r["packed_here"] else "pulled"] for r in rows]))
    else:
        talk(f"the store is empty: {settings.store}")
    return 0
