"""The signature as protobuf: the ``.proto`` text and, with no compiler, the descriptors and message classes.

A tensor is a message with its shape and its elements in row-major order; ``Tensor<Dtype>`` is written into the file for
each dtype in use. 8-bit and half-precision elements travel as little-endian bytes, all others as packed scalars.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import category

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from modelport.model.kinds import CARRIERS
from modelport.model.spec import FieldType, ListOf, Message, MessageRef, ModelSpec, Scalar, TensorOf

if TYPE_CHECKING:
    from google.protobuf.message import Message as ProtoMessage

__all__ = ["TENSOR_DATA", "file_descriptor", "message_classes", "proto_text", "tensor_message"]

TENSOR_DATA = {
    "bool": "bool", "int8": "bytes", "int16": "int32", "int32": "int32", "int64": "int64", "uint8": "bytes",
    "uint16": "uint32", "uint32": "uint32", "uint64": "uint64", "float16": "bytes", "float32": "float",
    "float64": "double",
}  # fmt: skip
"""The protobuf type that carries a tensor's elements, by dtype; ``bytes`` is not repeated."""

_FIELD = descriptor_pb2.FieldDescriptorProto
_TYPE_NUMBER = {
    "double": _FIELD.TYPE_DOUBLE, "float": _FIELD.TYPE_FLOAT, "int32": _FIELD.TYPE_INT32, "int64": _FIELD.TYPE_INT64,
    "uint32": _FIELD.TYPE_UINT32, "uint64": _FIELD.TYPE_UINT64, "bool": _FIELD.TYPE_BOOL,
    "string": _FIELD.TYPE_STRING, "bytes": _FIELD.TYPE_BYTES,
}  # fmt: skip


def tensor_message(dtype: str) -> str:
    """Return the name of the message that carries tensors of *dtype*: ``float32`` -> ``TensorFloat32``."""
    return "Tensor" + (f"UI{dtype[2:]}" if dtype.startswith("u") else dtype.capitalize())


def proto_text(spec: ModelSpec) -> str:
    """Return the ``.proto`` file (proto3) of a signature: the same signature gives the same text."""
    blocks = ['syntax = "proto3";', f"package {spec.proto_package};"]
    names = {m.name for m in spec.methods}
    methods = "\n".join(
        f"{_comment(m.doc, '  ')}  rpc {m.name} ({_named(m.input, names, spec)})"
        f" returns ({_named(m.output, names, spec)});"
        for m in spec.methods
    )
    blocks.append(f"service Model {{\n{methods}\n}}")
    blocks += [_message_text(m, spec) for m in spec.messages]
    for dtype in _dtypes(spec):
        data = TENSOR_DATA[dtype]
        repeated = "" if data == "bytes" else "repeated "
        blocks.append(
            f"// {dtype} elements in row-major order{', little-endian' if data == 'bytes' else ''}.\n"
            f"message {tensor_message(dtype)} {{\n  repeated int64 shape = 1;\n  {repeated}{data} data = 2;\n}}"
        )
    return "\n\n".join(blocks) + "\n"


def file_descriptor(spec: ModelSpec) -> descriptor_pb2.FileDescriptorProto:
    """Return the descriptor that a compiler would make of :func:`proto_text`, without its comments."""
    file = descriptor_pb2.FileDescriptorProto(name="model.proto", package=spec.proto_package, syntax="proto3")
    for message in spec.messages:
        made = file.message_type.add(name=message.name)
        for number, one in enumerate(message.fields, 1):
            _add_field(made, one.name, number, one.type, spec.proto_package)
    for dtype in _dtypes(spec):
        made = file.message_type.add(name=tensor_message(dtype))
        data = TENSOR_DATA[dtype]
        _add_field(made, "shape", 1, ListOf(Scalar("int64")), spec.proto_package)
        _add_field(made, "data", 2, Scalar(data) if data == "bytes" else ListOf(Scalar(data)), spec.proto_package)
    service = file.service.add(name="Model")
    for method in spec.methods:
        prefix = f".{spec.proto_package}."
        service.method.add(name=method.name, input_type=prefix + method.input, output_type=prefix + method.output)
    return file


@lru_cache(maxsize=64)
def message_classes(spec: ModelSpec) -> dict[str, type[ProtoMessage]]:
    """Return the protobuf class of each message of the signature and of each ``Tensor<Dtype>`` it uses, by name."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file_descriptor(spec))
    file = pool.FindFileByName("model.proto")
    return {name: message_factory.GetMessageClass(d) for name, d in file.message_types_by_name.items()}


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: FieldType, package: str) -> None:
    made = message.field.add(name=name, number=number, json_name=_json_name(name))
    made.label = _FIELD.LABEL_REPEATED if isinstance(kind, ListOf) else _FIELD.LABEL_OPTIONAL
    inner = kind.item if isinstance(kind, ListOf) else kind
    if isinstance(inner, Scalar):
        made.type = _TYPE_NUMBER[CARRIERS[inner.name]]
    else:
        made.type = _FIELD.TYPE_MESSAGE
        made.type_name = f".{package}.{_proto_type(inner)}"


def _proto_type(kind: FieldType) -> str:
    match kind:
        case Scalar(name):
            return CARRIERS[name]
        case MessageRef(name):
            return name
        case TensorOf(dtype, _):
            return tensor_message(dtype)
        case ListOf(item):
            return _proto_type(item)


def _named(kind: str, siblings: set[str], spec: ModelSpec) -> str:
    """Return the name of a message type where *siblings* are in scope: protoc stops at one of the same name."""
    return f".{spec.proto_package}.{kind}" if kind in siblings else kind


def _message_text(message: Message, spec: ModelSpec) -> str:
    if not message.fields:
        return f"{_comment(message.doc)}message {message.name} {{}}"
    lines, names = [], {f.name for f in message.fields}
    for number, one in enumerate(message.fields, 1):
        inner = one.type.item if isinstance(one.type, ListOf) else one.type
        note = f"  // {inner}" if isinstance(inner, TensorOf) else ""
        kind = CARRIERS[inner.name] if isinstance(inner, Scalar) else _named(_proto_type(inner), names, spec)
        repeated = "repeated " if isinstance(one.type, ListOf) else ""
        lines.append(f"  {repeated}{kind} {one.name} = {number};{note}")
    return f"{_comment(message.doc)}message {message.name} {{\n" + "\n".join(lines) + "\n}"


def _comment(doc: str, indent: str = "") -> str:
    # A NUL would end the file for protoc; half a surrogate pair has no UTF-8 form.
    lines = ("".join(" " if category(c) in {"Cc", "Cs"} else c for c in line) for line in doc.splitlines())
    return "".join(f"{indent}// {line}".rstrip() + "\n" for line in lines)


def _json_name(name: str) -> str:
    # protoc's ToJsonName: drop each '_' and raise the letter after it.
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def _dtypes(spec: ModelSpec) -> list[str]:
    kinds = [f.type.item if isinstance(f.type, ListOf) else f.type for m in spec.messages for f in m.fields]
    return sorted({k.dtype for k in kinds if isinstance(k, TensorOf)})
