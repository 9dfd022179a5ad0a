"""Facts that follow from what an entry says: what search filters by, and the addresses of pages.

Each is a pure function, so that the index, the command and the site cannot tell different things.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["field_kinds", "field_names", "formats", "frameworks", "size_class", "slug"]

_FRAMEWORKS = {
    "ai-edge-litert": "litert",
    "catboost": "catboost",
    "jax": "jax",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "onnxruntime": "onnxruntime",
    "scikit-learn": "scikit-learn",
    "statsmodels": "statsmodels",
    "tensorflow": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "torch": "pytorch",
    "transformers": "transformers",
    "xgboost": "xgboost",
}
"""Requirements that are frameworks, and the name users know each by."""

_SIZES = ((1_000_000, "under-1-mb"), (10_000_000, "1-to-10-mb"), (100_000_000, "10-to-100-mb"))
_CHANNELS = {1, 3, 4}
_MEDIA = {"image", "audio", "video", "text"}


def size_class(size: int | None) -> str | None:
    """Return the bucket of a download of *size* bytes; None when the size is not known."""
    if size is None:
        return None
    return next((name for limit, name in _SIZES if size < limit), "over-100-mb")


def frameworks(requirements: Iterable[str]) -> list[str]:
    """Return the frameworks among pinned *requirements*, sorted."""
    packages = {re.split(r"[\[=]", requirement, maxsplit=1)[0] for requirement in requirements}
    return sorted({_FRAMEWORKS[package] for package in packages & _FRAMEWORKS.keys()})


def formats(files: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return in which formats a package's weights are, sorted: the endings of their files' names."""
    endings = {str(file["path"]).rpartition(".")[2].lower() for file in files if file["kind"] == "weight"}
    return sorted(endings)


def field_names(signature: Mapping[str, Any], side: str) -> list[str]:
    """Return the names of the fields that the methods take (*side* is input) or give (output), each once."""
    return list(dict.fromkeys(field["name"] for message in _messages(signature, side) for field in message["fields"]))


def field_kinds(signature: Mapping[str, Any], side: str) -> list[str]:
    """Return what the methods take or give, sorted.

    There are text, image, audio, video, table, choice, tensor, number and bytes.

    Bytes are what their first media type says. A uint8 tensor of height x width (x 1, 3 or 4 channels), alone or
    stacked, is an image. Two or more lists of numbers side by side are a table's columns.
    """
    messages = {message["name"]: message for message in signature["messages"]}
    found: set[str] = set()
    for message in _messages(signature, side):
        kinds = list(_kinds(message, messages, frozenset()))
        columns = [kind for kind in kinds if kind == "column"]
        found |= {kind for kind in kinds if kind != "column"}
        if columns:
            found.add("table" if len(columns) > 1 else "number")
    return sorted(found)


def slug(text: str) -> str:
    """Return *text* as part of an address: lowercase ASCII letters, digits and ``-``.

    What is lost on the way tells two texts apart by a few digits of a hash: ``Modelport`` is ``modelport``, and
    ``модель`` is ``x-`` and eight digits.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    bare = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:48].strip("-")
    if re.sub(r"[\s_-]+", "-", text.lower()) == bare:
        return bare
    return f"{bare or 'x'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _messages(signature: Mapping[str, Any], side: str) -> Iterator[Mapping[str, Any]]:
    messages = {message["name"]: message for message in signature["messages"]}
    for method in signature["methods"]:
        if method[side] in messages:
            yield messages[method[side]]


def _kinds(message: Mapping[str, Any], messages: Mapping[str, Any], above: frozenset[str]) -> Iterator[str]:
    if message.get("table"):
        yield "table"
        return
    for field in message["fields"]:
        kind = field["type"]
        inner = kind.get("list") or kind.get("map") or kind.get("optional") or kind
        name = inner.get("message")
        if name is None:
            yield _kind(inner, field.get("media_types", ()), listed="list" in kind)
        elif name in messages and name not in above:
            yield from _kinds(messages[name], messages, above | {message["name"]})


def _kind(kind: Mapping[str, Any], media_types: Sequence[str], *, listed: bool) -> str:
    match kind:
        case {"enum": _}:
            return "choice"
        case {"scalar": "string"}:
            return "text"
        case {"scalar": "bytes"}:
            main = media_types[0].partition("/")[0] if media_types else ""
            return main if main in _MEDIA else "bytes"
        case {"tensor": {"dtype": dtype, "shape": shape}}:
            return "image" if dtype == "uint8" and _is_image(shape) else "tensor"
        case _:
            return "column" if listed else "number"


def _is_image(shape: list[Any]) -> bool:
    coloured = bool(shape) and shape[-1] in _CHANNELS
    return len(shape) - coloured in {2, 3}
