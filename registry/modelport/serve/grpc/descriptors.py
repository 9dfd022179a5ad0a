"""Descriptors and message classes, made when they are needed from a short text.

A message is a line with its name and its fields, ``NUMBER TYPE NAME``; a type is a scalar, a message, ``TYPE*``
(repeated), ``TYPE^`` (a map from texts) or ``TYPE|`` (one of a choice). A service's method is ``NAME TAKES GIVES``,
with a ``~`` before what is a stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

__all__ = ["Classes", "file_of"]

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _FIELD.TYPE_BOOL, "int32": _FIELD.TYPE_INT32, "int64": _FIELD.TYPE_INT64, "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64, "float": _FIELD.TYPE_FLOAT, "double": _FIELD.TYPE_DOUBLE,
    "string": _FIELD.TYPE_STRING, "bytes": _FIELD.TYPE_BYTES,
}  # fmt: skip
_CHOICE = "parameter_choice"


class Classes:
    """The message classes of some files.

    Attributes:
        pool: Their descriptors.
    """

    def __init__(self, files: Iterable[FileDescriptorProto]) -> None:
        self.pool = descriptor_pool.DescriptorPool()
        for file in files:
            self.pool.Add(file)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a class that nobody knew when this was written
        """Return the class of the message with the full *name*."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))


def file_of(name: str, package: str, messages: str, service: str, methods: Sequence[str]) -> FileDescriptorProto:
    """Return the descriptor of a file that has *messages*, and a *service* with *methods*.

    A message's name has dots where it lies in another, which comes before it.
    """
    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3")
    made: dict[str, DescriptorProto] = {}
    for line in filter(None, map(str.strip, messages.splitlines())):
        path, _, fields = line.partition(":")
        outer, _, own = path.rpartition(".")
        message = made[outer].nested_type.add(name=own) if outer else file.message_type.add(name=own)
        made[path] = message
        for one in filter(None, map(str.strip, fields.split(","))):
            _add_field(message, one, f".{package}.{path}", package)
    offered = file.service.add(name=service)
    for line in methods:
        method, takes, gives = line.split()
        offered.method.add(
            name=method,
            input_type=f".{package}.{takes.removeprefix('~')}",
            output_type=f".{package}.{gives.removeprefix('~')}",
            client_streaming=takes.startswith("~"),
            server_streaming=gives.startswith("~"),
        )
    return file


def _add_field(message: DescriptorProto, text: str, path: str, package: str) -> None:
    """Add the field that *text* says to the message at *path*."""
    number, kind, name = text.split()
    made = message.field.add(name=name, number=int(number), label=_FIELD.LABEL_OPTIONAL)
    inner = kind.rstrip("*^|")
    if kind.endswith("^"):
        entry = message.nested_type.add(name=f"{''.join(map(str.capitalize, name.split('_')))}Entry")
        entry.options.map_entry = True
        _add_field(entry, "1 string key", path, package)
        _add_field(entry, f"2 {inner} value", path, package)
        made.type, made.type_name = _FIELD.TYPE_MESSAGE, f"{path}.{entry.name}"
    elif inner in _SCALARS:
        made.type = _SCALARS[inner]
    else:
        made.type = _FIELD.TYPE_ENUM if inner.startswith("enum/") else _FIELD.TYPE_MESSAGE
        made.type_name = f".{package}.{inner.removeprefix('enum/')}"
    if kind.endswith(("*", "^")):
        made.label = _FIELD.LABEL_REPEATED
    if kind.endswith("|"):
        if not message.oneof_decl:
            message.oneof_decl.add(name=_CHOICE)
        made.oneof_index = 0
