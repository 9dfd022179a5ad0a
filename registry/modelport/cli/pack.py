"""``modelport pack``: a Python file, a model file or an entry's recipe -> a package."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from modelport.cli.terminal import add_json, data, human_size, talk
from modelport.errors import InputError
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse

    from modelport.model import Model
    from modelport.package import Package
    from modelport.package.changes import Changes

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    sources = "FILE.py[:ATTRIBUTE], FILE.onnx, or the folder of an entry with a recipe"
    parser.add_argument("source", metavar="SOURCE", help=sources)
    parser.add_argument("--name", help="the model's name (default: the file's or the entry's)")
    parser.add_argument("--method", metavar="NAME", help="what a model file's method is called (default: predict)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write a package folder instead of keeping it in the store"
    )
    parser.add_argument("--lock", action="store_true", help="write the entry's recipe.lock from what is installed here")
    parser.add_argument(
        "--require", action="append", default=[], metavar="NAME[==V]", help="require this, too (may be repeated)"
    )
    parser.add_argument(
        "--without", action="append", default=[], metavar="NAME", help="do not require this (may be repeated)"
    )
    parser.add_argument(
        "--replace", action="append", default=[], metavar="OLD=NEW[==V]",
        help="require NEW wherever OLD is needed (may be repeated)",
    )  # fmt: skip
    parser.add_argument("--no-verify", action="store_true", help="do not try the package in a clean environment")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Pack, keep or write, and say what came out."""
    settings = load_settings()
    source = Path(options.source)
    if source.is_dir():
        return _pack_entry(source, options, settings)
    if options.lock:
        raise InputError("--lock is for an entry; a file's requirements are always found and locked")
    if source.suffix == ".onnx":
        return _pack_file(source, None, options, settings)
    if options.method:
        raise InputError("--method is for a model file; a Python file names its methods itself")
    file, _, attribute = options.source.partition(":")
    return _pack_file(Path(file), attribute or None, options, settings)


def _pack_file(file: Path, attribute: str | None, options: argparse.Namespace, settings: Settings) -> int:
    from modelport.package import Package, pack
    from modelport.package.modelpack import manifest_digest
    from modelport.package.store import keep_package
    from modelport.package.trust import vouch_packed_here
    from modelport.types import Name

    if not file.is_file():
        hint = "give a Python file, an ONNX file, or the folder of an entry with a recipe"
        raise InputError(f"{file} is not there", hint=hint)
    changes = _changes(options)
    name = str(Name.parse(options.name or file.stem))
    model = _model(file, attribute, options)
    talk(f"packing {name}" + ("" if options.no_verify else " and trying it in a clean environment"))
    cache = None if options.no_verify else settings.cache
    if options.out:
        package = Package.read(pack(model, name, options.out, verify_in=cache, requirements=changes))
        vouch_packed_here(settings.data, manifest_digest(package))
        return _report(package, {"folder": str(package.folder)}, options)
    with TemporaryDirectory() as scratch:
        folder = pack(model, name, Path(scratch) / name, verify_in=cache, requirements=changes)
        kept = keep_package(folder, settings.store, tags=["latest"])
        vouch_packed_here(settings.data, kept.manifest.digest)
        package = Package.read(folder)
        return _report(package, {"name": name, "digest": str(kept.manifest.digest)}, options)


def _model(file: Path, attribute: str | None, options: argparse.Namespace) -> Model:
    if file.suffix == ".onnx":
        from modelport.package.files.onnx import OnnxModel

        talk(f"reading {file}")
        return OnnxModel(file, method=options.method or "predict")
    from modelport.package import model_from_file

    talk(f"running {file}")
    return model_from_file(file, attribute)


def _pack_entry(folder: Path, options: argparse.Namespace, settings: Settings) -> int:
    from modelport.catalog import load_entry
    from modelport.package import Package
    from modelport.package.store import open_package
    from modelport.publish.build import build_entry
    from modelport.publish.evidence import record_build

    if options.name or options.out or options.method:
        raise InputError("--name, --method and --out go with a file; an entry says all that itself")
    if options.require or options.without or options.replace:
        raise InputError(
            "--require, --without and --replace go with a file; a recipe's imports say what it needs",
            hint="import it in recipe.py, and write recipe.lock anew: --lock",
        )
    if options.lock:
        from modelport.package.recipe import lock_recipe

        talk(f"wrote {lock_recipe(folder)}")
    talk(f"building {folder.name} from its recipe")
    built = build_entry(folder, settings, verify=not options.no_verify)
    package = Package.read(open_package(settings.store, built.kept, settings.cache).folder)
    if built.note:
        talk(built.note)
    if file := record_build(load_entry(folder), built, settings):
        talk(f"recorded that it was reproduced: {file}")
    return _report(package, {"name": built.kept.name, "digest": str(built.kept.manifest.digest)}, options)


def _changes(options: argparse.Namespace) -> Changes | None:
    """Return what the user changes of the requirements."""
    from modelport.package.changes import Changes

    if not (options.require or options.without or options.replace):
        return None
    replace = {}
    for text in options.replace:
        old, _, new = text.partition("=")
        if not old or not new or new.startswith("="):
            raise InputError(f"--replace {text} does not say what takes its place", hint="write --replace OLD=NEW")
        replace[old] = new
    return Changes(tuple(options.require), tuple(options.without), replace)


def _why(package: Package) -> list[str]:
    """Return each direct requirement with the files that need it, and what the user changed."""
    info = package.info
    lines = []
    for pin in info["requirements"]:
        places = info.get("needed_by", {}).get(pin.partition("==")[0], ())
        code = [p for p in places if p.startswith("code/")]
        said = ([f"imported in {', '.join(code)}"] if code else []) + [p for p in places if p not in code]
        lines.append(f"{pin} ({'; '.join(said) or 'asked for'})")
    changed = info.get("changed", {})
    lines += [f"without {name}" for name in changed.get("dropped", ())]
    return lines + [f"{new} in place of {old}" for old, new in changed.get("replaced", {}).items()]


def _report(package: Package, where: dict[str, str], options: argparse.Namespace) -> int:
    size = sum((package.folder / path).stat().st_size for path in package.files())
    document = {
        **where,
        "tier": package.info["tier"]["level"],
        "methods": [m.name for m in package.spec.methods],
        "requirements": package.info["requirements"],
        "examples": len(package.examples),
        "verified": package.info["verified"],
        "size": size,
    }
    if options.json:
        data(document)
        return 0
    if "digest" in where:
        data(f"{where['name']} {where['digest']}")
    else:
        data(where["folder"])
    talk(f"  methods       {', '.join(document['methods'])}")
    for number, line in enumerate(_why(package) or ["none"]):
        talk(f"  {'' if number else 'requirements':<13} {line}")
    talk(f"  files         {human_size(size)}, {document['tier']}: {package.info['tier']['reason']}")
    if not package.examples:
        talk("  no golden examples: a recipe, or a Python file, adds some with model.add_example(method, arguments)")
    return 0
