"""``modelport show``: what a model is, takes and gives; from the catalog, else from the store."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from modelport.cli.field import field_figures, field_here, field_times
from modelport.cli.interface import interface_lines
from modelport.cli.terminal import add_json, data, human_size, table, talk
from modelport.errors import FormatError, InputError, NotFoundError
from modelport.settings import Settings, load_settings
from modelport.types import Reference

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from modelport.catalog.kept import KeptIndex
    from modelport.edge.field import FieldClass

__all__ = ["configure", "run"]

_WIDTH = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="a name of the catalog or the store, or a package's folder")
    parser.add_argument("--versions", action="store_true", help="all versions of the catalog's model, newest first")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Show the model."""
    settings = load_settings()
    text, model = _entry(options.name) or (options.name, _from_catalog(options.name, settings))
    if options.versions:
        return _run_versions(options, model)
    document = _version_of(model, text, settings) or _unreleased(model, text, settings) or _from_store(text, settings)
    field = field_here(document["name"], document.get("digest", ""), settings)
    if options.json:
        data({**document, "field": _field(field)} if field else document)
    else:
        data("\n".join(_text(document, field)))
    return 0


def _run_versions(options: argparse.Namespace, model: dict[str, Any] | None) -> int:
    if model is None:
        raise InputError(
            f"{options.name} is not in the catalog", hint="modelport store list shows the versions in the store"
        )
    yanked = {one["version"]: one["reason"] for one in model.get("yanked", ())}
    rows = [
        {key: version[key] for key in ("version", "released", "size", "tier", "digest", "changes")}
        | ({"yanked": yanked[version["version"]]} if version["version"] in yanked else {})
        for version in model["versions"]
    ]
    if options.json:
        data(rows)
    elif rows:
        data(table([_version_cells(row, latest=model["latest"]) for row in rows]))
    else:
        talk("no versions")
    return 0


def _version_cells(row: dict[str, Any], *, latest: str) -> list[str]:
    state = f"yanked: {row['yanked']}" if "yanked" in row else "latest" if row["version"] == latest else ""
    changes = "; ".join(f"{change['kind']}: {change['text']}" for change in row["changes"])
    return [row["version"], row["released"], human_size(row["size"]), row["tier"], state, changes]


def _entry(text: str) -> tuple[str, dict[str, Any]] | None:
    """Return the name and the document of the entry whose folder *text* is, written with a ``/``; else None."""
    if "/" not in text or not (Path(text) / "model.yaml").is_file():
        return None
    from modelport.catalog import load_entry, model_document

    document = model_document(load_entry(Path(text)))
    return document["name"], document


def _from_catalog(text: str, settings: Settings) -> dict[str, Any] | None:
    """Return all that the catalog says of the model that *text* names, or None."""
    if "/" in text or settings.catalog is None:
        return None
    reference = Reference.parse(text)
    folder = settings.catalog / "models" / reference.repository
    if reference.host or not folder.is_dir():
        return None
    try:
        index = _index(settings)
        document = index.model(reference.repository)
    except FormatError:  # perhaps another entry's problems, which do not matter here
        from modelport.catalog import load_entry, model_document

        return model_document(load_entry(folder))
    row = next((row for row in index.rows if row["name"] == reference.repository), {})
    completeness = {"completeness": row["completeness"]} if "completeness" in row else {}
    return None if document is None else {**document, **completeness}


def _index(settings: Settings) -> KeptIndex:
    from modelport.catalog.kept import kept_index

    return kept_index(settings.need_catalog(), settings.cache)


def _version_of(model: dict[str, Any] | None, text: str, settings: Settings) -> dict[str, Any] | None:
    """Return the model's document with what is said of the version that *text* names; None when it has none such."""
    if model is None:
        return None
    reference = Reference.parse(text)
    digest = reference.digest and str(reference.digest)
    wanted = reference.tag or (None if digest else model["latest"] or "")
    version = next(
        (v for v in model["versions"] if wanted in {None, v["version"]} and digest in {None, v["digest"]}), None
    )
    if version is None:
        return None
    _compare_with_store(reference, version["digest"], settings)
    return {**model, **version}


def _unreleased(model: dict[str, Any] | None, text: str, settings: Settings) -> dict[str, Any] | None:
    """Return what is said of a model that has no version to take up, with what is in the store under its name."""
    reference = Reference.parse(text) if model else None
    if model is None or reference is None or reference.tag or reference.digest or model["latest"]:
        return None
    from modelport.package.store import find_package

    kept = settings.store.is_dir() and find_package(settings.store, reference)
    return {**model, **_from_store(text, settings)} if kept else model


def _compare_with_store(reference: Reference, digest: str, settings: Settings) -> None:
    """Tell when the store has another package under that name."""
    tags = settings.store / "index.json"
    if not tags.is_file() or f"{reference.repository}:" not in tags.read_text("utf-8", "replace"):
        return  # at a glance, without the code that reads stores
    from modelport.package.store import find_package

    kept = find_package(settings.store, reference)
    if kept is not None and str(kept.manifest.digest) != digest:
        talk(f"note: the store has {kept.name} {kept.manifest.digest}; call and serve use that one")


def _from_store(text: str, settings: Settings) -> dict[str, Any]:
    from modelport.cli.models import find_model
    from modelport.package.modelpack import file_records
    from modelport.publish.claims import independent_rows

    try:
        found = find_model(text, settings)
    except NotFoundError as error:
        if near := _near(text, settings):
            raise NotFoundError(error.message, hint=f"did you mean {near}?") from error
        raise
    package, info = found.package, found.package.info
    files = file_records(package)
    return {
        "name": package.name,
        "digest": str(found.digest),
        "size": sum(file["size"] for file in files if file["kind"] != "dataset"),
        "tier": info["tier"]["level"],
        "python": info["python"],
        "requirements": info["requirements"],
        "files": files,
        "signature": package.spec.to_json(),
        "examples": package.examples,
        "evaluations": package.evaluations,
        "row_independent": independent_rows(package),
        **({"variant": info["variant"]} if "variant" in info else {}),
    }


def _near(text: str, settings: Settings) -> str | None:
    """Return the catalog's name that *text* may mean."""
    from difflib import get_close_matches

    models = settings.catalog / "models" if settings.catalog else None
    if models is None or not models.is_dir() or "/" in text:
        return None
    name = text.partition("@")[0].partition(":")[0]
    others = sorted(folder.name for folder in models.iterdir() if folder.is_dir() and folder.name != name)
    return next(iter(get_close_matches(name, others, n=1, cutoff=0.7)), None)


def _text(document: dict[str, Any], field: Mapping[str, FieldClass]) -> Iterator[str]:
    yield f"{document['name']} {document.get('version', '')}".rstrip()
    if "summary" in document:
        yield document["summary"]
    yield from _warnings(document)
    facts = {**_package_facts(document), **_catalog_facts(document)}
    yield ""
    yield from (f"{key:<12} {value}" for key, value in facts.items() if value)
    for one in document.get("evaluations", ()):
        interval = " ({:.3f} to {:.3f})".format(*one["interval"]) if "interval" in one else ""
        yield (
            f"{one['metric']:<12} {one['value']:.4g}{interval} on {one['data']}, {one['split']}, n = {one['n']},"
            f" measured by the {one['measured_by']}"
        )
    yield from _variants(document, field)
    for word, key in (("For", "intended_use"), ("Limits", "limits")):
        if document.get(key):
            yield ""
            yield from wrap(f"{word}: {' '.join(document[key].split())}", _WIDTH)
    if "signature" in document:
        yield ""
        yield from interface_lines(document["signature"], document["examples"], document.get("row_independent", ()))
    elif "signature" in document.get("imported", {}):
        yield ""
        yield from interface_lines(document["imported"]["signature"], (), ())


def _variants(document: Mapping[str, Any], field: Mapping[str, FieldClass]) -> Iterator[str]:
    """Yield a line for each variant of the version, with what is known of it, and who measured it in the field."""
    if "version" in document and document.get("variants"):
        from modelport.cli.variant_lines import variant_lines

        lines = variant_lines(document["variants"], document["version"], field)
        yield from ["", "variants", *(f"  {line}" for line in lines)] if lines else []
    yield from [""] if field else []
    for device, one in field.items():
        whole = field_times({device: one}, document["digest"])
        asked = f", {one.requests['count']:,} requests" if one.requests else ""
        told = f"{one.first} to {one.last}, told by {', '.join(one.servers)}{asked}"
        yield f"{'in the field':<12} {device}: {told}{''.join(f'; the model itself {time}' for time in whole)}"


def _field(field: Mapping[str, FieldClass]) -> list[dict[str, Any]]:
    """Return all that devices measured of the version: a row for each variant, class of devices and place."""
    names = {digest: times.name for one in field.values() for (_, digest), times in one.times.items()}
    return [{"variant": name, **row} for digest, name in names.items() for row in field_figures(field, digest)]


def _warnings(document: dict[str, Any]) -> Iterator[str]:
    """Yield what somebody who is about to use it should know first."""
    state = document.get("lifecycle", "published")
    if state != "published":
        reason = f": {' '.join(document['reason'].split())}" if "reason" in document else ""
        instead = f"; use {document['successor']}" if "successor" in document else ""
        yield f"This model is {state}{reason}{instead}"
    for one in document.get("yanked", ()):
        this = ", the one shown here," if one["version"] == document.get("version") else ""
        yield f"Version {one['version']}{this} is yanked: {one['reason']}"
    if (note := _old_runtime(document)) and "digest" not in document:
        yield note
    elif "versions" in document and "version" not in document:
        none = "No version of it is left" if document["versions"] else "It has no version yet"
        yield none + ("; this is the package in the store" if "digest" in document else "")


def _old_runtime(document: Mapping[str, Any]) -> str:
    """Return what is to be known of a model that was imported and cannot be run."""
    if "imported" not in document:
        return ""
    from modelport.catalog.imported import old_runtime_note

    return old_runtime_note(document)


def _package_facts(document: dict[str, Any]) -> dict[str, str | None]:
    if "digest" not in document:
        return {}
    resources = document.get("resources")
    return {
        "digest": document["digest"],
        "variant": document.get("variant") and f"{document['variant']['name']} of {document['variant']['of']}",
        "size": human_size(document["size"]),
        "takes up": resources
        and f"{human_size(resources['memory'])} of memory, {human_size(resources['environment'])} of environment",
        "tier": document["tier"],
        "needs": f"Python {document['python']}, {', '.join(document['requirements']) or 'nothing else'}",
    }


def _catalog_facts(document: dict[str, Any]) -> dict[str, str | None]:
    terms: Mapping[str, str] = document.get("license", {})
    one = set(terms.values())
    lineage = [
        f"{step['relation']} from {step.get('model') or step.get('source')}" for step in document.get("lineage", ())
    ]
    return {
        "task": document.get("task"),
        "tags": ", ".join(document.get("tags", ())),
        "licence": one.pop() if len(one) == 1 else ", ".join(f"{part}: {text}" for part, text in terms.items()),
        "publisher": document.get("publisher", {}).get("name"),
        "lineage": "; ".join(lineage),
        **document.get("links", {}),
        "cite": _citation(document.get("citation", {})),
        "completeness": f"{document['completeness']} of 100" if "completeness" in document else None,
    }


def _citation(work: Mapping[str, Any]) -> str:
    if "text" in work:
        return " ".join(work["text"].split())
    doi = f"https://doi.org/{work['doi']}" if "doi" in work else None
    arxiv = f"arXiv:{work['arxiv']}" if "arxiv" in work else None
    parts = [", ".join(work.get("authors", ())), work.get("title"), work.get("venue"), work.get("year")]
    return ". ".join(str(part) for part in [*parts, doi or arxiv or work.get("url")] if part)
