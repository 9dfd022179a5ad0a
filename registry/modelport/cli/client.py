"""``modelport client generate``: a typed client of a model, in another language or without Modelport."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from modelport.cli.terminal import data, talk
from modelport.errors import InputError
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from modelport.model import Model, ModelSpec
    from modelport.package import Package

__all__ = ["configure", "run"]

_LANGUAGES = ("python", "typescript", "java", "go")
_OURS = "modelport client generate"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    generate = actions.add_parser("generate", help="write a client of a model's methods; runs nothing of the model")
    generate.add_argument(
        "reference",
        metavar="REFERENCE",
        help="NAME[:VERSION], a registry's reference, a package's folder, or a service's address (http://...)",
    )
    generate.add_argument("--language", choices=_LANGUAGES, required=True, help="java and go: the generator's command")
    generate.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="the folder to write (default: here)")


def run(options: argparse.Namespace) -> int:
    """Write the client's files, and print their paths."""
    from modelport.client.generate import generate

    found = _of_service(options.reference) if "://" in options.reference else _of_package(options.reference)
    files = generate(options.language, found.spec, name=found.name, version=found.version, documents=found.documents)
    for name in files:
        _check_ours(options.out / name, files)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (options.out / name).write_text(text, "utf-8")
        data(str(options.out / name))
    if "README.md" in files:
        talk(f"{options.out / 'README.md'} has the command of the generator")
    return 0


@dataclass(frozen=True, slots=True)
class _Found:
    """What a client is made of."""

    name: str
    version: str
    spec: ModelSpec
    documents: Callable[[], Mapping[str, str]]


def _of_service(url: str) -> _Found:
    from modelport.client import connect

    with connect(url) as remote:
        documents = remote.documents()
        return _Found(remote.name, remote.version, remote.spec, lambda: documents)


def _of_package(reference: str) -> _Found:
    from modelport.cli.models import find_model

    found = find_model(reference, load_settings())
    name, package = found.package.name, found.package
    version = found.name.rpartition(":")[2] if ":" in found.name else ""
    return _Found(name, version, package.spec, lambda: _documents(package, name, version))


def _documents(package: Package, name: str, version: str) -> dict[str, str]:
    """Return a package's documents as its service would give them; nothing of the package is run."""
    from types import SimpleNamespace

    from modelport.model import Codec
    from modelport.package.load import read_examples
    from modelport.serve.info import ServiceInfo
    from modelport.serve.openapi import openapi_document

    spec = package.spec
    described: Any = SimpleNamespace(
        spec=spec,
        examples=read_examples(package.folder),
        methods={m.name: SimpleNamespace(spec=m) for m in spec.methods},
        codec=Codec.bare(spec),
    )
    document = openapi_document(cast("Model", described), ServiceInfo(name=name, version=version or None))
    proto = (package.folder / "model.proto").read_text("utf-8")
    return {"model.proto": proto, "openapi.json": json.dumps(document, ensure_ascii=False, indent=1) + "\n"}


def _check_ours(place: Path, files: Mapping[str, str]) -> None:
    """Raise InputError where somebody else's file would be lost."""
    marked = _OURS in files[place.name]
    if marked and place.is_file() and _OURS not in place.read_text("utf-8", errors="replace"):
        raise InputError(f"{place} is there, and was not made by this command", hint="give another folder: --out")
