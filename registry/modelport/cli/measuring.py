"""``modelport variants measure``: what a model's variants take on this machine, and how well they answer."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

from modelport.cli.measured_lines import Run, show
from modelport.cli.models import Found, add_allow_code, check_code, find_model, version_of
from modelport.cli.terminal import add_json, plural, talk
from modelport.errors import FormatError, InputError, ModelportError, NotFoundError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from modelport.edge.accuracy import Judge
    from modelport.edge.measure import Measured
    from modelport.package import Package
    from modelport.settings import Settings

__all__ = ["add_measure", "device_here"]

_ROUNDS = 5
_AROUND = (
    "a file that is packed by itself has none: write a Python file whose typed function asks it,"
    " model = Model(...), model.add_data('evaluation', ...), and pack that one"
)
THIS = "this"
"""What this machine is called until somebody names it."""


def add_measure(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action to those of ``modelport variants``."""
    text = "measure the variants that the store has: size, times, memory, accuracy, agreement with the model itself"
    parser = actions.add_parser("measure", help=text)
    parser.add_argument("reference", metavar="REFERENCE", help="NAME[:VERSION]: the model whose variants they are")
    help_text = "'this' machine, or the name under which the catalog has it"
    parser.add_argument("--device", default=THIS, metavar="this|ID", help=help_text)
    help_text = f"rounds of each way to run a variant ({_ROUNDS}), by turns with all others and an anchor"
    parser.add_argument("--rounds", type=int, default=_ROUNDS, metavar="N", help=help_text)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="these variants alone")
    help_text = "write the figures into the catalog: the version's variants, and this machine among its devices"
    parser.add_argument("--write", action="store_true", help=help_text)
    add_allow_code(parser)
    add_json(parser)
    parser.set_defaults(act=_measure)


def device_here(name: str, settings: Settings) -> str:
    """Return what this machine is called in a catalog: *name*, or for ``this`` what it is by itself.

    Raises:
        NotFoundError: The catalog has no device of that name.
        InputError: The device of that name is another machine, or its figures were published by others.
    """
    from modelport.edge.probe import facts, name_of

    if name == THIS:
        name = name_of(facts())
        _check_same(name, settings)
        return name
    known = sorted(one.stem for one in (settings.catalog / "devices").glob("*.yaml")) if settings.catalog else []
    if name not in known:
        hint = f"--device this, or one of: {', '.join(known)}" if known else "--device this"
        raise NotFoundError(f"the catalog has no device {name}", hint=hint)
    _check_same(name, settings)
    return name


def _check_same(name: str, settings: Settings) -> None:
    """Raise InputError where the catalog's device *name* is not this machine."""
    from modelport.edge.probe import facts, unlike

    profile = _read(settings.catalog / "devices" / f"{name}.yaml") if settings.catalog else {}
    if not profile:
        return
    other = "modelport device profile --out catalog/devices/ID.yaml, then measure with --device ID"
    if profile.get("source") != "measured":
        raise InputError(
            f"the figures of {name} were published by others: nothing is measured under its name", hint=other
        )
    if apart := unlike(profile, facts()):
        raise InputError(f"the catalog's {name} is another machine than this: {', '.join(apart)} differ", hint=other)


def _measure(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.edge.measure import Subject, measure
    from modelport.package.variants import variant_file

    found = find_model(options.reference, settings)
    target = _target(found, settings) if options.write else None
    device = device_here(options.device, settings)
    packages = _packages(found, settings, options.only)
    check_code(found, settings, allow_code=options.allow_code)
    for _, one in packages.values():
        check_code(one, settings, allow_code=options.allow_code)
    rows = {name: _row(package, str(one.digest)) for name, (package, one) in packages.items()}
    subjects = [
        Subject(name, variant_file(package), rows[name]["runtime"], package.folder)
        for name, (package, _) in packages.items()
    ]
    measured = measure(subjects, rounds=options.rounds, tell=talk)
    for name, figures in measured.figures.items():
        if figures.failed:
            rows[name] = _failed(rows[name], f"it cannot be measured: {figures.failed}")
        else:
            rows[name]["measured"] = {device: figures.document}
    parent = _judge(found, settings, packages, rows)
    run = Run(device, list(rows.values()), measured, parent)
    if target is not None:
        _write(target, found, settings, run, whole=not options.only)
        if options.device == THIS:
            _write_device(target.parents[3] / "devices" / f"{device}.yaml", measured)
    show(run, json_wanted=options.json)
    if target is None:
        talk("nothing of it is kept: --write puts it into the catalog, which `select` and `plan` go by")
    failed = sum(row["status"] != "ok" for row in rows.values())
    if failed:
        talk(f"{plural(failed, 'variant')} of {len(rows)} failed")
    return 1 if failed else 0


def _packages(found: Found, settings: Settings, only: Sequence[str]) -> dict[str, tuple[Package, Found]]:
    """Return the variants in the store, or *only* those, by name."""
    from modelport.package.store import open_package
    from modelport.package.variants import variants_in

    opened = [
        (open_package(settings.store, one, settings.cache), one) for one in variants_in(settings.store, found.digest)
    ]
    there = {
        str(package.info["variant"]["name"]): (package, Found(one.name, one.manifest.digest, package))
        for package, one in opened
    }
    if not there:
        hint = f"modelport variants build {found.name}"
        raise NotFoundError(f"{found.name} has no variants in the store ({settings.store})", hint=hint)
    if unknown := sorted(set(only) - there.keys()):
        raise InputError(f"there is no variant {', '.join(unknown)}", hint=f"there are: {', '.join(there)}")
    return {name: one for name, one in there.items() if not only or name in only}


def _row(package: Package, digest: str) -> dict[str, Any]:
    """Return what a variants file says of a variant before it is measured."""
    from modelport.package.variants import variant_file

    said, file = package.info["variant"], variant_file(package)
    content = file.read_bytes()
    return {
        "name": said["name"], "status": "ok", "digest": digest,
        "runtime": "litert" if file.suffix == ".tflite" else "onnx", "recipe": said["recipe"],
        **({"calibration": said["calibration"]} if "calibration" in said else {}), "tools": said["tools"],
        "size": len(content), "download": len(gzip.compress(content, 9, mtime=0)),
    }  # fmt: skip


def _failed(row: Mapping[str, Any], message: str) -> dict[str, Any]:
    """Return *row* as that of a variant that failed."""
    keys = list(row)
    said = {**row, "status": "failed", "message": " ".join(message.split())[:2000]}
    return {key: said[key] for key in [*keys[:2], "message", *(one for one in keys[2:] if one != "message")]}


def _judge(
    found: Found, settings: Settings, packages: Mapping[str, tuple[Package, Found]], rows: dict[str, dict[str, Any]]
) -> dict[str, Any] | None:
    """Add accuracy and agreement to *rows*, and return the parent's own accuracy; None where nothing can be judged."""
    from modelport.edge.accuracy import Judge
    from modelport.edge.cache import Cache

    talk(f"evaluation data: asking {found.name}")
    try:
        judge = Judge(found.package.folder, str(found.digest), Cache(settings.cache))
    except ModelportError as error:
        hint = (
            error.hint if found.package.info["code"] or "evaluation" in found.package.info.get("data", {}) else _AROUND
        )
        talk(f"no accuracy and no agreement: {error.message}{f' ({hint})' if hint else ''}")
        return None
    for name, (package, _) in packages.items():
        if rows[name]["status"] == "ok":
            talk(f"evaluation data: asking {name}")
            rows[name] = _judged(rows[name], judge, package)
    return judge.parents


def _judged(row: dict[str, Any], judge: Judge, package: Package) -> dict[str, Any]:
    try:
        figures = judge.judge(package.folder, row["name"])
    except ModelportError as error:
        return _failed(row, f"it does not answer the evaluation data: {error.message}")
    message = figures.pop("message", "")
    if doubt := figures.pop("doubt", ""):
        talk(f"{row['name']}: {doubt}")
    before = row.pop("measured")
    row = {**row, **figures, "measured": before}
    return _failed(row, message) if message else row


def _target(found: Found, settings: Settings) -> Path:
    """Return the file in the catalog that the figures are for, which need not be there yet."""
    from modelport.types import Version

    version, name = version_of(found, settings), found.package.name
    entry = settings.catalog / "models" / name if settings.catalog else None
    if entry is None or not entry.is_dir():
        hint = f"modelport init {name}, then modelport submit {name} 1.0.0" if settings.catalog else ""
        hint = hint or "run it in a catalog's clone"
        raise InputError(f"no catalog here has an entry {name} to write to", hint=hint)
    if version is None or not (entry / "versions" / f"{version}.yaml").is_file():
        listed = sorted(Version.parse(one.stem) for one in (entry / "versions").glob("*.yaml"))
        hint = f"modelport submit {name} {version or 'VERSION' if listed else '1.0.0'}"
        if listed:
            hint += f", or measure one that is listed: {', '.join(f'{name}:{one}' for one in listed[-3:])}"
        raise InputError(f"{found.name} is no version of the catalog's entry {name}", hint=hint)
    return entry / "variants" / f"{version}.yaml"


def _write(file: Path, found: Found, settings: Settings, run: Run, *, whole: bool) -> None:
    """Write a variants file; what else is said there stays, as long as it is of the same package."""
    from modelport.cli.variants import noted_failures
    from modelport.edge.records import merged

    failed = {row["name"]: row for row in noted_failures(found, settings)} if whole else {}
    rows = failed | {row["name"]: row for row in run.rows}
    _save(file, merged(_read(file), str(found.digest), list(rows.values()), run.device, run.measured.tools))


def _write_device(file: Path, measured: Measured) -> None:
    """Write the profile of this machine; what was not measured again stays."""
    from modelport.edge import probe
    from modelport.edge.records import renewed_profile

    _save(file, renewed_profile(_read(file), probe.profile(measured.anchors, measured.tools)))


def _read(file: Path) -> dict[str, Any]:
    """Return a catalog's document, empty where there is none."""
    from modelport.catalog.reader import read_yaml

    if not file.is_file():
        return {}
    document = read_yaml(file.read_bytes(), str(file))
    if not isinstance(document.value, dict):
        raise FormatError(f"{file} is not one of the catalog's files", hint="mend it or remove it, and measure again")
    return document.value


def _save(file: Path, document: Mapping[str, Any]) -> None:
    from modelport.catalog.writer import device_yaml, variants_yaml

    text = variants_yaml(document) if "variants" in document else device_yaml(document)
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, "utf-8")
    talk(f"wrote {file}")
