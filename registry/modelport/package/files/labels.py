"""The labels that an ONNX file has: those of its classifiers, or those that its notes name.

Source: ``onnx.proto``, the operators of ``ai.onnx.ml`` (``classlabels_*``), and what exporters write into
``metadata_props``. It is read after `graph` has found the file whole.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.package.files.wire import fields, passing

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["labels_of"]

_GRAPH, _NODE, _ATTRIBUTE, _NOTES = 7, 1, 5, 14
_NAME, _TEXTS = 1, 9
_CLASSES = b"classlabels_strings"
_KEYS = {"classes", "class_names", "labels", "names"}
_LONGEST = 1_000_000  # bytes of a note


def labels_of(content: bytes) -> list[str]:
    """Return the labels in an ONNX file's bytes, in order; nothing where it has none, or several lists of them."""
    try:
        found = {tuple(one) for one in (*_of_classifiers(content), *_of_notes(content)) if one}
    except FormatError:
        return []
    return list(found.pop()) if len(found) == 1 else []


def _of_classifiers(content: bytes) -> Iterator[list[str]]:
    for graph in _parts(memoryview(content), _GRAPH):
        for node in _parts(graph, _NODE):
            for attribute in _parts(node, _ATTRIBUTE):
                if [bytes(one) for one in _parts(attribute, _NAME)] == [_CLASSES]:
                    yield [_text(one) for one in _parts(attribute, _TEXTS)]


def _of_notes(content: bytes) -> Iterator[list[str]]:
    for note in _parts(memoryview(content), _NOTES):
        key, value = ("".join(_text(one) for one in _parts(note, number)[:1]) for number in (1, 2))
        if key in _KEYS and len(value) < _LONGEST:
            yield _listed(value)


def _listed(text: str) -> list[str]:
    """Return what a note lists: as JSON, by commas, or line by line."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        read = text.split("\n" if "\n" in text else ",")
    read = list(read.values()) if isinstance(read, dict) else read
    listed = [one.strip() for one in read if isinstance(one, str) and one.strip()] if isinstance(read, list) else []
    return listed if isinstance(read, list) and len(listed) == len(read) else []


def _parts(data: memoryview, number: int) -> list[memoryview]:
    passed = passing(frozenset({number}))
    return [value for found, value in fields(data, passed) if found == number and isinstance(value, memoryview)]


def _text(data: memoryview) -> str:
    return bytes(data).decode("utf-8", "backslashreplace")
