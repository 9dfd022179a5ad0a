"""``modelport show``: what a model is, takes and gives; from the catalog, else from the store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelport.cli.models import find_model
from modelport.cli.terminal import add_json, data, human_size, talk
from modelport.model.spec import ModelSpec
from modelport.settings import Settings, load_settings
from modelport.types import Reference

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "run"]

_SHOWN = 160


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="a name of the catalog or the store, or a package's folder")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Show the model."""
    settings = load_settings()
    document = _from_catalog(options.name, settings) or _from_store(options.name, settings)
    if options.json:
        data(document)
    else:
        data(_text(document))
    return 0


def _from_catalog(text: str, settings: Settings) -> dict[str, Any] | None:
    from modelport.catalog import load_entry, model_document
    from modelport.package.store import find_package

    if "/" in text or settings.catalog is None:
        return None
    reference = Reference.parse(text)
    folder = settings.catalog / "models" / reference.repository
    if reference.host or not folder.is_dir():
        return None
    document = model_document(load_entry(folder))
    wanted = reference.tag or document["latest"]
    version = next((v for v in document["versions"] if v["version"] == wanted), None)
    if version is None:
        return None
    kept = find_package(settings.store, reference)
    if kept is not None and str(kept.manifest.digest) != version["digest"]:
        talk(f"note: the store has {kept.name} {kept.manifest.digest}; call and serve use that one")
    return {**document, **version}


def _from_store(text: str, settings: Settings) -> dict[str, Any]:
    from modelport.package.modelpack import file_records

    found = find_model(text, settings)
    package, info = found.package, found.package.info
    files = file_records(package)
    return {
        "name": package.name,
        "digest": str(found.digest),
        "size": sum(file["size"] for file in files),
        "tier": info["tier"]["level"],
        "python": info["python"],
        "requirements": info["requirements"],
        "files": files,
        "signature": package.spec.to_json(),
        "examples": package.examples,
        "evaluations": package.evaluations,
    }


def _text(document: dict[str, Any]) -> str:
    lines = [f"{document['name']} {document.get('version', '')}".rstrip()]
    lines += [document[key] for key in ("summary",) if key in document]
    facts = {
        "digest": document["digest"],
        "size": human_size(document["size"]),
        "licence": document.get("license", {}).get("weights"),
        "tier": document["tier"],
        "needs": f"Python {document['python']}, {', '.join(document['requirements']) or 'nothing else'}",
    }
    lines += ["", *(f"{key:<8} {value}" for key, value in facts.items() if value)]
    for one in document["evaluations"]:
        interval = " ({:.3f} to {:.3f})".format(*one["interval"]) if "interval" in one else ""
        lines.append(
            f"{one['metric']:<8} {one['value']:.4g}{interval} on {one['data']}, {one['split']}, n = {one['n']},"
            f" measured by the {one['measured_by']}"
        )
    return "\n".join([*lines, "", *_methods(document)])


def _methods(document: dict[str, Any]) -> list[str]:
    spec = ModelSpec.from_json(document["signature"])
    lines = []
    for method in spec.methods:
        lines.append(f"{method.name}" + (f": {method.doc.splitlines()[0]}" if method.doc else ""))
        for word, message in (("takes", method.input), ("gives", method.output)):
            fields = spec.message(message).fields
            lines += [f"  {word} {f.name:<24} {f.type}" for f in fields] or [f"  {word} nothing"]
        example = next((e for e in document["examples"] if e["method"] == method.name), None)
        if example:
            lines += [f"  example {_short(example['input'])}", f"       -> {_short(example['output'])}"]
    return lines


def _short(document: object) -> str:
    text = json.dumps(document, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + " ..."
