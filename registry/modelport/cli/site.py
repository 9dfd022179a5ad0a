"""``modelport site build|serve``: the catalog's static site."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.cli.terminal import data, talk
from modelport.errors import InputError
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse

__all__ = ["build", "configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    made = actions.add_parser("build", help="build the site")
    made.add_argument("--out", type=Path, metavar="DIR", help="(default: build/site beside modelport.toml)")
    _add_evidence(made)
    served = actions.add_parser("serve", help="build the site and serve it on loopback")
    served.add_argument("--out", type=Path, metavar="DIR", help="(default: build/site beside modelport.toml)")
    _add_evidence(served)
    served.add_argument("--port", type=int, default=8000, help="0 takes any free port (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Build, and serve if asked."""
    settings = load_settings()
    out = build(settings, options.out, evidence=options.evidence)
    if options.action == "build":
        data(str(out))
        return 0
    from modelport_site import serve_site

    with serve_site(out, port=options.port) as server:
        talk("Ctrl-C stops it")
        data(f"serving {out} at {server.url}")
        threading.Event().wait()
    return 0


def _add_evidence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--evidence", type=Path, metavar="DIR", help="show what was found out since the releases: DIR/NAME.json"
    )


def build(settings: Settings, out: Path | None = None, *, evidence: Path | None = None) -> Path:
    """Build the site of the settings' catalog into *out* and return it.

    Args:
        settings: Where the catalog is, and what its pages say of it.
        out: The site's folder.
        evidence: The folder of what was found out since the releases; it may be absent.

    Raises:
        FormatError: An entry, a profile or a piece of evidence has problems.
    """
    from modelport.catalog import index_document, load_catalog, load_profiles, model_document
    from modelport.publish.evidence import read_evidence
    from modelport_site import build_site

    entries = load_catalog(settings.need_catalog(), audience=settings.audience)
    if settings.root is None:
        raise InputError("there is no catalog here")
    profiles = load_profiles(settings.need_catalog())
    target = out or settings.root / "build" / "site"
    talk(f"building the site of {len(entries)} models")
    report = build_site(
        index_document(entries),
        [model_document(entry) for entry in entries],
        target,
        cache=settings.root / "build" / "site-cache",
        settings=settings.site,
        sources={str(entry.name): (entry.folder / "model.yaml").read_text("utf-8") for entry in entries},
        evidence=read_evidence(evidence) if evidence else None,
        devices=profiles.devices,
        networks=profiles.networks,
    )
    talk(f"{report}")
    return target
