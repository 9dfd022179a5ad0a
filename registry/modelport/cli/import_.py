"""``modelport import``: a model of another tool's format -> a draft entry, and a package where it can be run here."""

from __future__ import annotations

import shlex
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import add_json, data, talk
from modelport.errors import InputError
from modelport.settings import Settings, load_settings
from modelport.types import Name

if TYPE_CHECKING:
    import argparse

    from modelport.model import Model
    from modelport.package.importers.found import Imported

__all__ = ["configure", "run"]

_FORMATS = ("acumos", "mlflow", "onnx", "huggingface-folder")
_ELSEWHERE = "say with --out DIR where to write the entry, or run this inside a catalog's repository"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("format", choices=_FORMATS, metavar="FORMAT", help=", ".join(_FORMATS))
    parser.add_argument("path", type=Path, metavar="PATH", help="the model's folder, or its zip or file")
    parser.add_argument("--name", help="the model's name (default: made of what its source calls it)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write the entry's folder into DIR instead of the catalog"
    )
    parser.add_argument("--no-verify", action="store_true", help="do not try a package in a clean environment")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Read the source, pack what can be packed, write the entry, and say what to do next."""
    from modelport.cli.init import check_free, write_entry
    from modelport.package.importers import import_model

    settings = load_settings()
    catalog = None if options.out else settings.need_catalog(instead=_ELSEWHERE)
    talk(f"reading {options.path}: as data, and no code of its maker's is run")
    found = import_model(options.format, options.path)
    name = str(Name.parse(options.name or found.name))
    if catalog:
        check_free(name, catalog)
    elif (options.out / name).exists():
        raise InputError(f"{options.out / name} is there already", hint="give another --name, or remove it")
    known, methods = _known(found)
    digest = _keep(found.model, name, options, settings) if found.model else None
    entry = write_entry(name, known, catalog, settings, methods=methods, out=options.out)
    _report(name, entry, found, digest, options)
    return 0


def _known(found: Imported) -> tuple[dict[str, Any], str]:
    """Return the keys of ``model.yaml`` that are known, and the card's text."""
    from modelport.catalog.scaffold import facts_of_package
    from modelport.cli.init import git_user

    facts: dict[str, Any] = {}
    methods = ""
    if found.signature:
        facts, methods = facts_of_package(found.signature, found.origin.get("requirements", ()), ())
    here = git_user()
    maintainer = {"maintainers": [{"name": here}]} if here else {"maintainers": [{"name": "TODO: who answers for it?"}]}
    return {**facts, **maintainer, **found.known, "imported": found.origin}, methods + found.card


def _keep(model: Model, name: str, options: argparse.Namespace, settings: Settings) -> str:
    """Pack the model, keep it in the store, and return its digest."""
    from modelport.package import pack
    from modelport.package.store import keep_package
    from modelport.package.trust import vouch_packed_here

    talk(f"packing {name}" + ("" if options.no_verify else " and trying it in a clean environment"))
    with TemporaryDirectory() as scratch:
        folder = pack(model, name, Path(scratch) / name, verify_in=None if options.no_verify else settings.cache)
        kept = keep_package(folder, settings.store, tags=["latest"])
        vouch_packed_here(settings.data, kept.manifest.digest)
    return str(kept.manifest.digest)


def _report(name: str, entry: Path, found: Imported, digest: str | None, options: argparse.Namespace) -> None:
    from modelport.catalog.imported import old_runtime_note

    shown = str(entry.relative_to(Path.cwd()) if entry.is_relative_to(Path.cwd()) else entry)
    note = old_runtime_note({"imported": found.origin, "latest": None})
    if options.json:
        data({"name": name, "entry": shown, "digest": digest, "imported": found.origin, "note": note})
        return
    data(shown)
    if note:
        talk(f"{note}. Only the entry was written: the files stay where they are.")
    if digest:
        talk(f"kept {name} {digest} in the store: modelport show {name}")
    talk("It is a draft. Next:")
    checked = shlex.quote(shown) if options.out else name
    talk(f"  1. write what is still TODO; this says what users miss most:  modelport check {checked}")
    if digest and options.out:
        talk("  2. in a catalog, which is where versions are written, import it again without --out")
    elif digest:
        talk(f"  2. write its first version, which pins that package:  modelport submit {name} 1.0.0 --package {name}")
    else:
        talk("  2. to make it run here, load it where it was made, and pack it with modelport.pack(MODEL, NAME)")
