"""What a version says its package's interface is, held against the digests of the package's own files.

A package writes its signature, its examples and its evaluations as JSON files whose bytes follow from their content
alone, and the version lists each with its size and digest. So the same bytes are made here from what the version
says; when they are others, or the version does not list them, the entry shows users what the package is not. Nothing
is fetched and nothing is run.
"""

from __future__ import annotations

import hashlib
import json
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from modelport.catalog.document import Document, Path
    from modelport.catalog.problem import Problem

__all__ = ["check_interface", "interface_files"]

_SIGNATURE = ("schema", "proto_package", "methods", "messages", "enums")
_METHOD = ("name", "doc", "input", "output", "streams_in", "streams_out")
_MESSAGE = ("name", "doc", "fields", "table")
_FIELD = ("name", "type", "default", "doc", "unit", "media_types", "minimum", "maximum")
_ENUM = ("name", "doc", "members")
_MEMBER = ("name", "number")
_EVALUATION = ("data", "split", "n", "metric", "value", "measured_by", "tolerance", "interval")
_HINT = "take the file as `modelport submit` wrote it; another interface is another package, and another version"


def check_interface(version: Document) -> Iterator[Problem]:
    """Yield a problem for each part of the interface that is not what the package's file of it holds.

    What the version's other parts would have to be is not asked where its list of files is unsound.
    """
    if "files" not in version.value:
        return
    listed = {file["path"]: file for file in version.value["files"]}
    yield from _check_listed(version, listed)
    for file, (path, content) in interface_files(version.value, listed).items():
        one = listed[file]
        algorithm = one["digest"].partition(":")[0]
        if one["size"] != len(content) or one["digest"] != f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}":
            message = f"is not what the package's {file} says: its size or digest is another"
            yield version.problem(path, message, hint=_HINT, rule="version-interface")


def _check_listed(version: Document, listed: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each file of the interface that is not listed, and for each example that nothing gives."""
    for file in ("signature.json", "evaluations.json"):
        if file not in listed:
            message = f"do not list {file}, which every package has"
            yield version.problem(("files",), message, hint=_HINT, rule="version-interface")
    if "examples" not in version.value:
        return
    given = dict(_example_files(version.value["examples"]))
    for place, file in given.items():
        if file not in listed:
            message = f"is not in the package: its files do not list {file}"
            yield version.problem(("examples", place), message, hint=_HINT, rule="version-interface")
    for place, one in enumerate(version.value["files"]):
        if one["path"].startswith("examples/") and one["path"] not in given.values():
            message = f"{one['path']} is no example that this version gives"
            yield version.problem(("files", place, "path"), message, hint=_HINT, rule="version-interface")


def _example_files(examples: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, str]]:
    """Yield the place of each example and the file in which a package holds it."""
    counts: dict[str, int] = {}
    for place, example in enumerate(examples):
        method = example["method"]
        counts[method] = number = counts.get(method, 0) + 1
        yield place, f"examples/{method}-{number:03d}.json"


def interface_files(version: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, tuple[Path, bytes]]:
    """Return the bytes that a package's files of its interface have when they say what *version* says.

    Only the files *wanted* are made; each comes with the place in the version where its content stands.
    """
    made: dict[str, tuple[Path, bytes]] = {}
    if "signature.json" in wanted and "signature" in version:
        made["signature.json"] = ("signature",), _readable(_ordered_signature(version["signature"]))
    if "evaluations.json" in wanted and "evaluations" in version:
        made["evaluations.json"] = (
            ("evaluations",),
            _readable([_ordered(e, _EVALUATION) for e in version["evaluations"]]),
        )
    examples = version.get("examples", ())
    for place, file in _example_files(examples):
        if file in wanted:
            made[file] = ("examples", place), _canonical(examples[place])
    return made


def _ordered_signature(signature: Mapping[str, Any]) -> dict[str, Any]:
    whole = _ordered(signature, _SIGNATURE)
    whole["methods"] = [_ordered(method, _METHOD) for method in signature["methods"]]
    whole["messages"] = [
        _ordered(message, _MESSAGE) | {"fields": [_ordered(field, _FIELD) for field in message["fields"]]}
        for message in signature["messages"]
    ]
    if "enums" in signature:
        whole["enums"] = [
            _ordered(enum, _ENUM) | {"members": [_ordered(member, _MEMBER) for member in enum["members"]]}
            for enum in signature["enums"]
        ]
    return whole


def _ordered(value: Mapping[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    """Return *value* with its keys in the *order* in which a package writes them."""
    return {key: value[key] for key in order if key in value}


def _readable(document: object) -> bytes:
    return _bytes(_indented(document, "\n"))


def _indented(value: object, end: str) -> str:
    """Return what ``json.dumps(value, indent=1, ensure_ascii=False)`` does, in half its time: it has no C for that."""
    inner = f"{end} "
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict) and value:
        items = [f"{encode_basestring(key)}: {_indented(item, inner)}" for key, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{end}}}"
    if isinstance(value, list) and value:
        return f"[{inner}{f',{inner}'.join([_indented(item, inner) for item in value])}{end}]"
    return json.dumps(value)


def _canonical(document: object) -> bytes:
    return _bytes(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def _bytes(text: str) -> bytes:
    # Half a surrogate pair is a problem of the reader's; here it only must not end in an exception.
    return f"{text}\n".encode("utf-8", "surrogatepass")
