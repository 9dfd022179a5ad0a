"""``modelport pack``: a Python file, a model file or an entry's recipe -> a package."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import add_json, data, human_size, talk
from modelport.errors import InputError
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse

    from modelport.package import Package
    from modelport.package.changes import Changes

__all__ = ["configure", "run"]

_FIELDS = 8  # of a message that are shown
_FILES = 20  # of data in the code


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    sources = (
        "FILE.py[:ATTRIBUTE] (a Model, a scikit-learn estimator or a Keras model), a model file (.onnx, .skops, .keras,"
        " .tflite), an MLflow model's folder, or the folder of an entry with a recipe"
    )
    parser.add_argument("source", metavar="SOURCE", help=sources)
    parser.add_argument("--name", help="the model's name (default: the file's or the entry's)")
    parser.add_argument(
        "--version", metavar="VERSION", help="keep it as NAME:VERSION in the store, too, as in 1.0.0 (default: latest)"
    )
    parser.add_argument(
        "--method", metavar="NAME", help="what the method of a file or a bare model is called (default: predict)"
    )
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
    help_text = (
        "a golden example: arguments as JSON, or @FILE; METHOD: goes before where there are several (may be repeated)"
    )
    parser.add_argument("--example", action="append", default=[], metavar="[METHOD:]JSON", help=help_text)
    help_text = "by how much (absolute) numbers of these examples' answers may differ elsewhere (default: 0)"
    parser.add_argument("--tolerance", type=float, default=0.0, metavar="NUMBER", help=help_text)
    parser.add_argument("--no-verify", action="store_true", help="do not try the package in a clean environment")
    help_text = "keep trained objects in one form, without ONNX or LiteRT beside it"
    parser.add_argument("--no-alternatives", action="store_true", help=help_text)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Pack, keep or write, and say what came out."""
    settings = load_settings()
    source = Path(options.source)
    if source.is_dir() and not (source / "MLmodel").is_file():
        return _pack_entry(source, options, settings)
    if options.lock:
        raise InputError("--lock is for an entry; a file's requirements are always found and locked")
    return _pack_file(options, settings)


def _pack_file(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.package.answer import keep_stdout
    from modelport.package.source import MODEL_FILES, model_from_file, model_of_path
    from modelport.sdk import add_examples, keep
    from modelport.types import Name, Version

    version = str(Version.parse(options.version)) if options.version else ""
    if version and options.out:
        raise InputError(
            "--version is the name of a package in the store, and a folder has none",
            hint="say it where the folder is used: modelport serve FOLDER --version VERSION",
        )
    examples = [_example(one) for one in options.example]
    source, attribute = Path(options.source), ""
    is_file = source.suffix in MODEL_FILES or source.is_dir()
    if not is_file:
        file, _, attribute = options.source.partition(":")
        source = Path(file)
    if not source.exists():
        kinds = ", ".join(MODEL_FILES)
        hint = f"give a Python file, a model file ({kinds}), or the folder of an entry with a recipe"
        raise InputError(f"{source} is not there", hint=hint)
    own = source.resolve().name if source.is_dir() else source.stem
    name = str(Name.parse(options.name or own))
    if not is_file and source.suffix != ".py":
        raise InputError(
            f"{source} is not a Python file", hint=f"give a file that ends in .py, or in {', '.join(MODEL_FILES)}"
        )
    talk(f"{'reading' if is_file else 'running'} {source}")
    stdout = keep_stdout()  # what the file prints, or has printed, is no result of the command
    model = (
        model_of_path(source, method=options.method or "")
        if is_file
        else model_from_file(source, attribute or None, method=options.method or "")
    )
    add_examples(model, examples, tolerance=options.tolerance)
    if not is_file:
        _tell_left_behind(source)
    talk(f"packing {name}" + ("" if options.no_verify else " and trying it in a clean environment"))
    packed = keep(
        model,
        name,
        settings,
        out=options.out,
        verify=not options.no_verify,
        requirements=_changes(options),
        alternatives=not options.no_alternatives,
        version=version,
    )
    name = f"{name}:{version}" if version else name
    where = {"name": name, "digest": packed.digest} if packed.digest else {"folder": str(packed.folder)}
    with redirect_stdout(stdout), stdout:
        return _report(packed.package, where, options)


def _tell_left_behind(file: Path) -> None:
    """Name what *file* sets in its libraries: no package brings that with it."""
    from modelport.package.left_behind import left_behind

    found = left_behind(file.read_bytes())
    if found:
        listed = "".join(f"\n  line {line}: {text}" for line, text in found)
        talk(f"left behind, for no method refers to it; what a method needs set, it sets itself:{listed}")


def _pack_entry(folder: Path, options: argparse.Namespace, settings: Settings) -> int:
    from modelport.catalog import load_entry
    from modelport.package import Package
    from modelport.package.store import open_package
    from modelport.publish.build import build_entry
    from modelport.publish.evidence import record_build

    if options.name or options.out or options.method or options.version:
        raise InputError("--name, --version, --method and --out go with a file; an entry says all that itself")
    if options.example or options.tolerance:
        raise InputError("--example and --tolerance go with a file; a recipe adds examples with model.add_example")
    if options.no_alternatives:
        raise InputError("--no-alternatives goes with a file; an entry has second forms where recipe.lock has skl2onnx")
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


def _example(text: str) -> object:
    """Return the arguments, or the method's name and them, that ``--example`` says."""
    method, colon, rest = text.partition(":")
    named = bool(colon) and method.isidentifier()
    given = rest if named else text
    try:
        said = Path(given[1:]).read_text("utf-8") if given.startswith("@") else given
        arguments = json.loads(said)
    except OSError as error:
        raise InputError(f"--example {text} cannot be read: {error.strerror}", hint="give a file after @") from error
    except (ValueError, RecursionError) as error:
        hint = "write --example '{\"x\": 1}', or --example @FILE; METHOD: before it says which method"
        raise InputError(f"--example {text} is not JSON: {error}", hint=hint) from error
    if not isinstance(arguments, dict | list):
        raise InputError(f"--example {text} is not a JSON object", hint='name the arguments: {"x": 1}')
    return (method, arguments) if named else arguments


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


def _beside_code(package: Package) -> dict[str, int]:
    """Return the files in ``code/`` that are no Python, with their sizes: what went along because it lay there."""
    paths = (path for path in package.info["code"] if not path.endswith((".py", ".pyi")))
    return {path: (package.folder / path).stat().st_size for path in paths}


def _listed(sizes: dict[str, int]) -> list[str]:
    """Return files with their sizes as a person reads them, the largest first."""
    lines = [f"{path} ({human_size(size)})" for path, size in sorted(sizes.items(), key=lambda one: (-one[1], one[0]))]
    return [*lines[:_FILES], *([f"and {len(lines) - _FILES} more"] if len(lines) > _FILES else [])]


def _report(package: Package, where: dict[str, str], options: argparse.Namespace) -> int:
    from modelport.model.shown import shown_method

    size = sum((package.folder / path).stat().st_size for path in package.files())
    document = {
        **where,
        "tier": package.info["tier"]["level"],
        "methods": [m.name for m in package.spec.methods],
        "requirements": package.info["requirements"],
        "code_data": (beside := _beside_code(package)),
        "alternatives": package.info.get("alternatives", []),
        "examples": len(package.examples),
        "data": package.info.get("data", {}),
        "rows": package.info.get("rows", {}),
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
    for number, method in enumerate(package.spec.methods):
        talk(f"  {'' if number else 'methods':<13} {shown_method(package.spec, method)}")
    for number, line in enumerate(_why(package) or ["none"]):
        talk(f"  {'' if number else 'requirements':<13} {line}")
    for number, line in enumerate(_listed(beside)):
        talk(f"  {'' if number else 'data in code':<13} {line}")
    for line in _second_forms(package):
        talk(f"  second form   {line}")
    for number, (name, rows) in enumerate(document["rows"].items()):
        talk(f"  {'' if number else 'rows':<13} {name}: {_rows(rows)}")
    for number, line in enumerate(_data(package)):
        talk(f"  {'' if number else 'data sets':<13} {line}")
    talk(f"  files         {human_size(size)}, {document['tier']}: {package.info['tier']['reason']}")
    if not package.examples:
        talk("  no golden examples: --example JSON adds one; so does model.add_example(method, arguments) in a file")
    return 0


def _second_forms(package: Package) -> list[str]:
    """Return what there is beside each trained object, or why nothing is."""
    from modelport.package.alternatives import why_none

    lines = []
    for one in package.info.get("alternatives", []):
        rows = f", rows made up and tried: {one['rows']}" if one.get("rows") else ""
        lines.append(f"{one['path']}, which answers as {one['of']} does; examples tried: {one['agreed']}{rows}")
        if refuses := one.get("refuses"):
            from modelport.package.files.refusals import REFUSED

            lines.append(f"it refuses {', '.join(REFUSED[kind] for kind in refuses)}")
    paths = [one["path"] for one in package.info["state"]]
    reasons = {path: why_none(package.info, path, examples=len(package.examples)) for path in paths}
    return lines + [f"none: {f'{path}: ' if len(paths) > 1 else ''}{why}" for path, why in reasons.items() if why]


def _data(package: Package) -> list[str]:
    """Return a line for each data set that goes along."""
    return [
        f"{purpose}: {one['n']} {one['unit']}{'' if one['n'] == 1 else 's'} for {one['method']}"
        f"{', comparing ' + one['compared'] if one.get('compared') else ''}, {one['name']}, {one['split']};"
        f" {one['license']}, {human_size(one['size'])}"
        for purpose, one in package.info.get("data", {}).items()
    ]


def _rows(found: dict[str, Any]) -> str:
    """Say whether a method's rows are independent, as ``package.json`` has it."""
    if found["independent"]:
        return f"independent of each other, tried with {found['tested']}"
    return f"each call alone: {found.get('reason', 'it was not tried')}"
