"""What an ONNX file is fed when it is timed: the first golden example of its package, one row of it.

A graph may leave the sizes of its inputs open, and not every size will do: a voice detector wants 512 samples. Only
packages without code say which input of the file each field is; the inputs of the others are trained objects', whose
rows may have any values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.model import Codec
from modelport.model.call_form import is_made_of_rows
from modelport.package.files.ports import fed
from modelport.package.folder import Package

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from modelport.model.spec import Message

__all__ = ["feeds_of"]


def feeds_of(folder: Path) -> dict[str, NDArray[Any]]:
    """Return what the first example with any rows feeds the file of the package in *folder*, by the file's own names.

    It is empty where the package has code, or no such example.
    """
    package = Package.read(folder)
    codec, bindings = Codec.bare(package.spec), package.info.get("methods", {})
    for example in package.examples:
        method = package.spec.method(example["method"])
        names = bindings.get(method.name, {}).get("inputs")
        if not names or "stream" in example["input"]:
            continue
        message = package.spec.message(method.input)
        feeds = _feeds(codec.from_json(example["input"], method.input), message, names)
        if is_made_of_rows(package.spec, *message.fields):
            feeds = {name: array[:1] for name, array in feeds.items()}
        if all(array.size for array in feeds.values()):
            return feeds
    return {}


def _feeds(value: Any, message: Message, names: Mapping[str, str]) -> dict[str, NDArray[Any]]:  # noqa: ANN401 - a message
    return {names[one.name]: fed(getattr(value, one.name), one.type) for one in message.fields}
