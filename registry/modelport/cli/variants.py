"""``modelport variants build|list|measure|push``: other forms of a model, for small devices."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from modelport.cli.columns import aligned
from modelport.cli.field import field_figures, field_here
from modelport.cli.measuring import add_measure
from modelport.cli.models import access_of, add_allow_code, check_code, find_model, version_of
from modelport.cli.progress import steps
from modelport.cli.terminal import add_json, data, human_size, human_time, plural, table, talk
from modelport.errors import InputError, NotFoundError
from modelport.settings import load_settings
from modelport.types import Reference

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from modelport.cli.models import Found
    from modelport.cli.progress import Steps
    from modelport.edge.build import Build
    from modelport.package import Package
    from modelport.settings import Settings

__all__ = ["configure", "noted_failures", "run"]

_RECIPE = 60  # letters of a recipe in a table
_HEADS: Final = ["variant", "status", "size", "of float (%)", "gzip", "recipe", "digest, or why it failed"]
_NUMBERS: Final = {"size", "of float (%)", "gzip"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    build = actions.add_parser("build", help="make all variants that there are recipes for; what fails stops no other")
    _add_reference(build)
    build.add_argument("--only", nargs="+", metavar="NAME", default=[], help="these variants alone")
    help_text = "write package folders there, one for each variant, instead of keeping them in the store"
    build.add_argument("--out", type=Path, metavar="DIR", help=help_text)
    help_text = "inputs of the model's file, a row each (.npy; .npz by name), instead of the package's calibration data"
    build.add_argument("--calibration", type=Path, metavar="FILE", help=help_text)
    help_text = "answer the examples here, not in a clean environment; the variants say so"
    build.add_argument("--no-verify", action="store_true", help=help_text)
    add_allow_code(build)
    add_json(build)
    build.set_defaults(act=_build)
    listing = actions.add_parser("list", help="list the variants of a model that the store has, and what failed")
    _add_reference(listing)
    add_json(listing)
    listing.set_defaults(act=_list)
    add_measure(actions)
    push = actions.add_parser("push", help="add the variants in the store to a model's release in a registry")
    _add_reference(push)
    push.add_argument("target", metavar="TARGET", help="HOST[:PORT]/REPOSITORY[:TAG]: where the model was pushed to")
    add_json(push)
    push.set_defaults(act=_push)


def _add_reference(parser: argparse.ArgumentParser) -> None:
    help_text = "NAME[:VERSION], a registry's reference, or a package's folder"
    parser.add_argument("reference", metavar="REFERENCE", help=help_text)


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    done: int = options.act(options, load_settings())
    return done


def _build(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.edge.build import Build
    from modelport.edge.calibration import calls_of_file
    from modelport.edge.variant import parent_of

    found = find_model(options.reference, settings)
    parent = parent_of(found.package, str(found.digest))
    check_code(found, settings, allow_code=options.allow_code)
    calibration = calls_of_file(options.calibration) if options.calibration else None
    keep = _keeping(found, settings, options.out)
    with steps() as progress:
        build = Build(
            parent, settings.cache, keep, calibration=calibration, verify=not options.no_verify, tell=progress.tell
        )
        names = [one.name for one in build.find()]
        progress.total = len(options.only or names)
        rows = _built(build, options.only, progress)
    _note(found, settings, rows, only=options.only)
    _show(rows, json_wanted=options.json)
    failed = [row for row in rows if row["status"] != "ok"]
    if failed:
        talk(f"{plural(len(failed), 'variant')} of {len(rows)} failed")
        for hint in dict.fromkeys(row["hint"] for row in failed if "hint" in row):
            talk(f"  hint: {hint}")
    return 1 if failed else 0


def _built(build: Build, only: Sequence[str], progress: Steps) -> list[dict[str, Any]]:
    rows = []
    for one in build.run(only):
        progress.done += 1
        said = "failed" if one.status != "ok" else human_size(one.size)  # why, the table says
        talk(f"{one.name}: {said}{' (made before)' if one.reused else ''}")
        rows.append(one.to_json() | {"reused": one.reused} | ({"hint": one.hint} if one.hint else {}))
    return rows


def _keeping(found: Found, settings: Settings, out: Path | None) -> Callable[[Package], str]:
    """Return what keeps a variant's package: in the store, or below *out*; both count as packed here, as by `pack`.

    A variant of a package with code that was not packed here is no more trusted than that.
    """
    from modelport.package.modelpack import manifest_digest
    from modelport.package.store import keep_package
    from modelport.package.trust import is_packed_here, vouch_packed_here

    before = version_of(found, settings) or ("latest" if found.name.endswith(":latest") else "")
    own = found.package.is_data or is_packed_here(settings.data, found.digest)

    def keep(package: Package) -> str:
        digest = manifest_digest(package)
        name = package.info["variant"]["name"]
        if out is not None:
            _place(package.folder, out / name)
        else:
            keep_package(package.folder, settings.store, tags=[f"{before}-{name}" if before else name])
        if own:
            vouch_packed_here(settings.data, digest)
        return str(digest)

    return keep


def _place(folder: Path, target: Path) -> None:
    from modelport.package import is_package

    if target.exists() and not is_package(target):
        raise InputError(f"{target} is there and is no package", hint="name another folder")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)


def _noted(found: Found, settings: Settings) -> Path:
    return settings.cache / "variants" / "outcomes" / f"{found.digest.hex}.json"


def _note(found: Found, settings: Settings, rows: list[dict[str, Any]], *, only: Sequence[str]) -> None:
    """Note what became of the recipes, for `list`; those that were not asked for keep what was noted before."""
    from modelport.oci.store.files import write_atomically

    file = _noted(found, settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    before = {row["name"]: row for row in _read_noted(file)} if only else {}
    now = before | {row["name"]: row for row in rows}
    write_atomically(file, json.dumps(list(now.values())).encode(), scratch=file.parent)


def _read_noted(file: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [row for row in rows if isinstance(row, dict) and {"name", "status"} <= row.keys()]


def noted_failures(found: Found, settings: Settings) -> list[dict[str, Any]]:
    """Return what is noted of the variants that could not be built, as a catalog's file says it."""
    rows = [row for row in _read_noted(_noted(found, settings)) if row["status"] != "ok"]
    return [{key: value for key, value in row.items() if key not in {"reused", "hint"}} for row in rows]


def _list(options: argparse.Namespace, settings: Settings) -> int:
    found = find_model(options.reference, settings)
    noted = {row["name"]: row for row in _read_noted(_noted(found, settings))}
    there = {one["name"]: one for one in _kept(found, settings)}
    failed = {name: row for name, row in noted.items() if row["status"] != "ok" and name not in there}
    rows = [row for name in dict.fromkeys([*noted, *there]) if (row := there.get(name) or failed.get(name))]
    if field := field_here(found.package.name, str(found.digest), settings):
        rows = [row | ({"field": told} if (told := field_figures(field, row.get("digest"))) else {}) for row in rows]
    if rows:
        _show(rows, json_wanted=options.json)
    elif options.json:
        data([])
    else:
        talk(f"{found.name} has no variants here: modelport variants build {options.reference}")
    return 0


def _kept(found: Found, settings: Settings) -> list[dict[str, Any]]:
    """Return the variants of a package in the store, as the table shows them."""
    return [_row(package) | {"digest": str(kept.manifest.digest)} for package, kept in _packages(found, settings)]


def _packages(found: Found, settings: Settings) -> list[tuple[Package, Any]]:
    from modelport.package.store import open_package
    from modelport.package.variants import variants_in

    kept = variants_in(settings.store, found.digest)
    return [(open_package(settings.store, one, settings.cache), one) for one in kept]


def _row(package: Package) -> dict[str, Any]:
    import gzip

    from modelport.package.variants import variant_file

    said, file = package.info["variant"], variant_file(package)
    content = file.read_bytes()
    return {
        "name": said["name"], "status": "ok", "runtime": "litert" if file.suffix == ".tflite" else "onnx",
        "recipe": said["recipe"], "tools": said["tools"], "size": len(content),
        "download": len(gzip.compress(content, 9, mtime=0)),
        **({"calibration": said["calibration"]} if "calibration" in said else {}),
    }  # fmt: skip


def _show(rows: list[dict[str, Any]], *, json_wanted: bool) -> None:
    if json_wanted:
        data(rows)
        return
    whole = next((row["size"] for row in rows if row["name"] in {"float32", "onnx"} and row.get("size")), 0)
    has_field = any("field" in row for row in rows)
    heads = [*_HEADS, *(["in the field (mean time)"] if has_field else [])]
    cells = [[*_cells(row, whole), *([_in_the_field(row)] if has_field else [])] for row in rows]
    data(table(aligned([heads, *cells], _NUMBERS)))
    data("\n" + "\n".join(_legend(rows)))


def _legend(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the words of the headings mean."""
    said = [
        "size: of the variant's own file; of float: per cent of that of the network in 32-bit floats, if listed",
        "gzip: what fetching the file moves; recipe: what was done to the network, all of it with --json",
    ]
    if any("field" in row for row in rows):
        said.append("in the field: the mean that devices in use measured, and of how many calls")
    return said


def _cells(row: dict[str, Any], whole: int) -> list[str]:
    if row["status"] != "ok":
        return [row["name"], "failed", "", "", "", "", " ".join(str(row.get("message", "")).split())]
    share = f"{100 * row['size'] / whole:.0f}" if whole else "-"
    words = [f"{key}={_plain(value)}" for key, value in row.get("recipe", {}).items()]
    return [
        row["name"], "ok", human_size(row["size"]), share, human_size(row["download"]), _within(words, _RECIPE),
        row["digest"][:19],
    ]  # fmt: skip


def _within(words: Sequence[str], most: int) -> str:
    """Return the *words* that have room in *most* letters, and an ellipsis for the others; --json has all."""
    text = " ".join(words)
    if len(text) <= most:
        return text
    kept = [word for number, word in enumerate(words, 1) if len(" ".join(words[:number])) <= most - 2]
    return " ".join([*kept, "…"])


def _in_the_field(row: dict[str, Any]) -> str:
    told = [one for one in row.get("field", ()) if one["place"] == "device" and "infer" in one]
    return ", ".join(
        f"{human_time(one['infer']['mean'])} on {one['device']} (n = {one['infer']['n']:,})" for one in told
    )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _push(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.cli.progress import transfers
    from modelport.package.store import registry_of
    from modelport.package.variants import variants_in
    from modelport.publish.release import Place
    from modelport.publish.variants import push_variants

    target = Reference.parse(options.target)
    if target.host is None or target.digest is not None:
        raise InputError(f"{target} is not a place to push to", hint="write HOST[:PORT]/REPOSITORY[:TAG]")
    found = find_model(options.reference, settings)
    kept = variants_in(settings.store, found.digest)
    if not kept:
        hint = f"modelport variants build {options.reference}"
        raise NotFoundError(f"{found.name} has no variants in the store ({settings.store})", hint=hint)
    version = version_of(found, settings)
    tag = target.tag or (str(version) if version else "latest")
    place = Place(registry_of(target.host, access_of(settings)), target.repository)
    with transfers("pushing", "pushed") as progress:
        pushed = push_variants(settings.store, kept, place, tag, found.digest, progress=progress, notice=talk)
    if options.json:
        data({"release": pushed.release, "variants": pushed.tags})
    else:
        data("\n".join(f"{place}:{one}" for one in [*pushed.tags.values(), pushed.release]))
    return 0
