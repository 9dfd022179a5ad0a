"""What a stranger's files are, by what they hold and not by their names alone: pickles, broken weights, code.

Nothing is unpickled: pickletools tells the operations of a pickle without doing any.
"""

from __future__ import annotations

import pickletools
import re
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from modelport import strict_json
from modelport.package.importers.words import cell
from modelport.package.importers.zips import open_zip

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelport.package.importers.source import Source

__all__ = ["ODD_NAME", "WEIGHTS", "Contents", "is_pickle_name", "look_through", "told_of_code", "told_of_left"]

WEIGHTS = (".safetensors", ".gguf", ".onnx", ".tflite", ".keras")
"""The suffixes of weights that are data."""

_PICKLES = (
    ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pckl", ".pickle", ".joblib", ".cloudpickle", ".dill", ".msgpack", ".h5",
)  # fmt: skip
_PICKLES_INSIDE = (".pkl", ".pckl", ".pickle", ".joblib", ".cloudpickle", ".dill")
_CODE = (".py", ".pyc", ".pyd", ".so", ".dll", ".sh")
_MAGIC = {".gguf": (0, b"GGUF"), ".tflite": (4, b"TFL3"), ".keras": (0, b"PK\x03\x04")}
_PROTOCOL = re.compile(rb"\x80[\x02-\x05]")
_OBJECTS = re.compile(rb"\x93NUMPY.{4,6}\{[^}]*'descr':[^}]*O", re.DOTALL)
"""The head of a .npy file whose dtype has objects in it, which lie there as a pickle."""
_IMPORTS = {"GLOBAL", "INST", "STACK_GLOBAL"}
_HEAD, _HEAD_INSIDE, _LONGEST_HEADER = 64 * 1024, 4096, 16 * 1024**2
_SHOWN = 20
_PICKLE = "may be a pickle, which is not opened"
ODD_NAME = "its name is none that an entry can list"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a folder has.

    Attributes:
        listed: The files that an entry lists.
        weights: Those of them that are weights as data.
        left: The files that are left alone, each with why.
        code: The files of code.
    """

    listed: list[str]
    weights: list[str]
    left: dict[str, str]
    code: list[str]


def look_through(source: Source) -> Contents:
    """Look at the first bytes of each file.

    Raises:
        FormatError: The source is damaged.
    """
    left = dict.fromkeys(source.left_out, ODD_NAME)
    left |= {name: why for name in source.names if (why := _problem(source, name))}
    listed = [name for name in source.names if name not in left]
    weights = [name for name in listed if name.endswith(WEIGHTS)]
    return Contents(listed, weights, left, [name for name in source.names if name.lower().endswith(_CODE)])


def is_pickle_name(name: str) -> bool:
    """Tell whether files of this suffix may be pickles."""
    return name.lower().endswith(_PICKLES)


def told_of_left(left: Mapping[str, str]) -> str:
    """Return for the card which files are left alone, and why."""
    lines = [f"- {cell(name)}: {why}\n" for name, why in list(left.items())[:_SHOWN]]
    more = f"- and {len(left) - _SHOWN} more\n" if len(left) > _SHOWN else ""
    return f"## Left alone\n\n{''.join(lines)}{more}\n" if left else ""


def told_of_code(names: Iterable[str]) -> str:
    """Return for the card which code comes along, that nobody looked at."""
    named = list(dict.fromkeys(names))
    if not named:
        return ""
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return (
        f"## It brings its own code\n\n{', '.join(map(cell, named[:_SHOWN]))}{more}. Nobody has looked at this code"
        " here, and none of it was run; libraries run it when they are told to trust the folder.\n\n"
    )


def _problem(source: Source, name: str) -> str:
    """Return why a file is left alone, or nothing."""
    if is_pickle_name(name):
        return _PICKLE
    with source.reading(name), source.open(name) as stream:
        head = stream.read(_HEAD)
        if _is_pickle(head) or (head.startswith(b"PK\x03\x04") and _has_pickles(stream)):
            return _PICKLE
        suffix = name[name.rfind(".") :]
        if suffix == ".safetensors":
            return _header_problem(head, stream, source.size(name))
        place, magic = _MAGIC.get(suffix, (0, b""))
        return "" if head[place:].startswith(magic) else f"is no {suffix[1:]} file: it begins otherwise"


def _is_pickle(head: bytes) -> bool:
    """Tell whether a file that begins so is a pickle, or holds NumPy's objects; protocol 0 and 1 have no first word."""
    if _PROTOCOL.match(head) or _OBJECTS.match(head):
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of backslashes that stand alone in a stranger's text
        return _has_imports(head)


def _has_imports(head: bytes) -> bool:
    imports = False
    try:
        for operation, _, place in pickletools.genops(head):
            imports = imports or operation.name in _IMPORTS
            if place is not None and place > _HEAD_INSIDE // 2 and len(head) >= _HEAD_INSIDE:
                break  # so much of it makes sense; it may go on behind its head
    except ValueError:
        return False
    return imports


def _has_pickles(stream: IO[bytes]) -> bool:
    """Tell whether a zip holds files that may be pickles, as PyTorch's and NumPy's do."""
    try:
        archive = open_zip(stream)
        if any(info.filename.lower().endswith(_PICKLES_INSIDE) for info in archive.infolist()):
            return True
        for info in archive.infolist():
            with archive.open(info) as member:
                if _is_pickle(member.read(_HEAD_INSIDE)):
                    return True
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        return False  # no zip that PyTorch or NumPy would read
    return False


def _header_problem(head: bytes, stream: IO[bytes], size: int) -> str:
    """Return what is wrong with a safetensors file's length and header; its tensors are not read."""
    length = int.from_bytes(head[:8], "little")
    wrong = "is no safetensors file: "
    if not 2 <= length <= min(size - 8, _LONGEST_HEADER) or head[8:9] != b"{":  # noqa: PLR2004 - of {}
        return f"{wrong}it has no header"
    text = head[8 : 8 + length]
    text += stream.read(length - len(text))
    try:
        header = strict_json.loads(text.decode())
        header.pop("__metadata__", None)
        end = max((one["data_offsets"][1] for one in header.values()), default=0)
    except (ValueError, RecursionError, KeyError, TypeError, IndexError, AttributeError):
        return f"{wrong}its header is damaged"
    return "" if end == size - 8 - length else f"{wrong}its tensors end elsewhere"
