"""Acumos bundles: ``metadata.json`` (``acumos.schema.model``, 0.4.0 to 0.6.0), ``model.proto``, ``model.zip``.

Their ``model.zip`` holds a pickle, made by dill for one version of Python. It is listed with its digest and never
opened: what the bundle says of itself becomes an entry that is marked as needing its old runtime. Bundles of R
(``meta.json``, ``component.*``) and of Java say the same things in the same places.

Source: github.com/acumos/model-schema, and the bundles that github.com/acumos/python-model-runner keeps.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.package.importers.contents import ODD_NAME, told_of_left
from modelport.package.importers.found import Imported, Problems
from modelport.package.importers.json_text import read_mapping
from modelport.package.importers.licenses import UNKNOWN, spdx
from modelport.package.importers.proto_file import ProtoFile, read_proto
from modelport.package.importers.proto_signature import ForeignMethod, Raw, signature_of
from modelport.package.importers.source import Source
from modelport.package.importers.words import model_name, one_line, requirement, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from modelport.model.spec import ModelSpec

__all__ = ["import_acumos"]

_METADATA = ("metadata.json", "meta.json", "metadata_clio.json")
_PROTO = ("model.proto", "component.proto", "default.proto")
_SCHEMA = re.compile(r"acumos\.schema\.model:(0\.[0-9]{1,2}\.[0-9]{1,3})")
_PROTOBUF = {"application/vnd.google.protobuf", ""}
_TEXT = 1024**2
_MOST_METHODS, _MOST_REQUIREMENTS = 256, 256
_MEDIA_TYPE, _MOST_MEDIA_TYPES = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"), 16
_LANGUAGES = {"javaargus": "java", "javageneric": "java", "h2o": "java"}
_HINT = "give the folder that the client dumped, or its zip: metadata.json, model.proto, model.zip"


def import_acumos(path: Path) -> Imported:
    """Return what the Acumos bundle at *path*, a folder or a zip, says of its model. Nothing of it is run.

    Raises:
        NotFoundError: There is nothing there.
        FormatError: It is no such bundle; all that is wrong with it is in the message.
    """
    with Source(path) as source:
        names = [next((name for name in those if name in source), "") for those in (_METADATA, _PROTO)]
        if not all(names):
            missing = " and ".join(those[0] for name, those in zip(names, (_METADATA, _PROTO), strict=True) if not name)
            raise FormatError(f"{path} is no Acumos bundle: it has no {missing}", hint=_HINT)
        problems = Problems(path)
        metadata = read_mapping(source, names[0], problems)
        terms = read_mapping(source, "license.json", problems) if "license.json" in source else {}
        proto = _proto(source, names[1], problems)
        bundle = _Bundle(metadata, names[0], problems)
        methods = bundle.methods()
        requirements = bundle.requirements()
        runtime = bundle.runtime(requirements)
        spec = _signature(proto, methods, names[1], problems)
        problems.stop_if_any("the bundle is not as its client wrote it: dump it again")
        files = source.records()
    license_, license_text = _license(terms)
    signature = spec.to_json() if spec else None
    origin = {
        "from": "acumos",
        "format": bundle.version,
        "runtime": runtime,
        **({"requirements": requirements} if requirements else {}),
        **({"license": license_text} if license_text else {}),
        "signature": signature,
        "files": files,
    }
    title = one_line(metadata.get("name"), 80)
    author = one_line(_mapping(terms.get("copyright")).get("company") or terms.get("companyName"), 120)
    known = {"title": title, "license": license_, **({"author": author} if author else {})}
    card = told_of_left(dict.fromkeys(source.left_out, ODD_NAME))
    return Imported(name=model_name(title), known=known, origin=origin, signature=signature, card=card)


class _Bundle:
    """A bundle's metadata, whatever version they are written in."""

    def __init__(self, metadata: Mapping[str, Any], file: str, problems: Problems) -> None:
        self.metadata, self.file, self.problems = metadata, file, problems
        match = _SCHEMA.fullmatch(str(metadata.get("schema")))
        self.version = match[1] if match else ""
        if metadata and not match:
            problems.note(
                f"{file}: schema", f"{metadata.get('schema')!r:.80} is not acumos.schema.model:0.4.0 to 0.6.0"
            )
        if metadata and not one_line(metadata.get("name"), 80):
            problems.note(f"{file}: name", "is missing")

    def runtime(self, requirements: list[str]) -> dict[str, str]:
        """Return the language, its version, and the client's; 0.5.0 has a list of runtimes."""
        runtimes = self._runtimes()
        if self.metadata and not runtimes:
            self.problems.note(f"{self.file}: runtime", "is missing")
        said = runtimes[0] if runtimes else {}
        name = one_line(said.get("name"), 32).lower()
        language = _LANGUAGES.get(name, name)
        if runtimes and not re.fullmatch(r"[a-z][a-z0-9+#.-]*", language):
            self.problems.note(f"{self.file}: runtime.name", "is missing, or is no language")
        version = one_line(said.get("version"), 32)
        client = next((one.partition("==")[2] for one in requirements if one.startswith("acumos==")), "")
        return {
            "language": language,
            **({"version": version} if version else {}),
            **({"client": f"acumos {client[:50]}"} if client else {}),
        }

    def requirements(self) -> list[str]:
        """Return what the model needs: packages of PyPI by their names, others with where they come from."""
        found: list[str] = []
        for place, one in enumerate(self._dependencies()):
            kind, item = one
            name, version = (item.get("name"), item.get("version")) if isinstance(item, dict) else (item, None)
            said = requirement(name, version)
            if not said:
                self.problems.note(f"{self.file}: requirement {place + 1}", f"{item!r:.80} is no package and version")
            found.append(f"{kind}{said}")
        if len(found) > _MOST_REQUIREMENTS:
            self.problems.note(f"{self.file}: runtime", f"has more than {_MOST_REQUIREMENTS} requirements")
        return list(dict.fromkeys(found))

    def methods(self) -> list[ForeignMethod]:
        """Return the methods: up to 0.5.0 a side is a message's name, in 0.6.0 it has a media type, too."""
        given = self.metadata.get("methods")
        if self.metadata and (not isinstance(given, dict) or not 0 < len(given) <= _MOST_METHODS):
            self.problems.note(f"{self.file}: methods", f"is no mapping of 1 to {_MOST_METHODS} methods")
        elif isinstance(given, dict):
            return [self._method(name, said) for name, said in given.items()]
        return []

    def _method(self, name: str, said: object) -> ForeignMethod:
        where = f"{self.file}: methods.{one_line(name, 40)}"
        if not isinstance(said, dict):
            self.problems.note(where, "is no mapping")
            return ForeignMethod(name, None, None)
        sides = [self._side(said.get(side), f"{where}.{side}") for side in ("input", "output")]
        return ForeignMethod(name, sides[0], sides[1], text(said.get("description"), 4000))

    def _side(self, side: object, where: str) -> str | Raw | None:
        if side is None or isinstance(side, str):
            return side or None
        if not isinstance(side, dict):
            self.problems.note(where, "is neither a message's name nor a mapping")
            return None
        media = side.get("media_type") or []
        types = tuple(one_line(one, 100).lower() for one in (media if isinstance(media, list) else [media]))
        if _PROTOBUF.issuperset(types):
            if not isinstance(side.get("name"), str):
                self.problems.note(f"{where}.name", "is missing")
            return str(side.get("name", ""))
        sound = len(types) <= _MOST_MEDIA_TYPES and all(map(_MEDIA_TYPE.fullmatch, types))
        if not sound:
            self.problems.note(f"{where}.media_type", f"{media!r:.80} is no list of media types")
        return Raw(types if sound else (), one_line(side.get("description"), 1000))

    def _runtimes(self) -> list[dict[str, Any]]:
        said = self.metadata.get("runtime")
        return [one for one in (said if isinstance(said, list) else [said]) if isinstance(one, dict)]

    def _dependencies(self) -> Iterator[tuple[str, Any]]:
        for runtime in self._runtimes():
            needs = runtime.get("dependencies")
            if not isinstance(needs, dict):
                continue
            for source, kind in (("pip", ""), ("conda", "conda:"), ("java", "java:")):
                yield from ((kind, one) for one in _list((_mapping(needs.get(source))).get("requirements")))
            yield from (("r:", one) for one in _list(needs.get("packages")))


def _proto(source: Source, name: str, problems: Problems) -> ProtoFile | None:
    try:
        return read_proto(source.read(name, limit=_TEXT).decode())
    except FormatError as error:
        problems.note(name, error.message)
    except UnicodeDecodeError:
        problems.note(name, "is not UTF-8 text")
    return None


def _signature(
    proto: ProtoFile | None, methods: list[ForeignMethod], name: str, problems: Problems
) -> ModelSpec | None:
    """Return the signature of what the metadata say, held against the service that the .proto file says."""
    if proto is None or not methods:
        return None
    service = {one.name: one for one in proto.methods}
    for one in methods:
        rpc = service.get(one.name)
        if rpc is None and isinstance(one.input, str) and isinstance(one.output, str):
            problems.note(name, f"its service has no method {one.name[:60]!r}, which the metadata have")
        if rpc and rpc.streams:
            problems.note(name, f"method {one.name!r} streams, which no interface here can say")
        for said, wanted in ((rpc.input, one.input), (rpc.output, one.output)) if rpc else ():
            if isinstance(wanted, str) and proto.resolve(said) != proto.resolve(wanted):
                problems.note(name, f"method {one.name!r} has {said}, and the metadata say {wanted[:60]}")
    try:
        return signature_of(proto, methods)
    except FormatError as error:
        problems.note(name, error.message)
    return None


def _license(terms: Mapping[str, Any]) -> tuple[str, str]:
    """Return an SPDX expression, and the words that it stands for where they may say more."""
    said = terms.get("keyword") or terms.get("license") or terms.get("licenseName")
    found = spdx(said) if said else UNKNOWN
    words = text(terms.get("license"), 8000) or one_line(terms.get("licenseName") or terms.get("keyword"), 200)
    return found, "" if found == words else words


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
