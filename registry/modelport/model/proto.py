"""The signature as protobuf: the ``.proto`` text and, with no compiler, the descriptors and message classes.

A tensor is a message with its shape and its elements in row-major order; ``Tensor<Dtype>`` is written into the file for
each dtype in use. 8-bit and half-precision elements travel as little-endian bytes, all others as packed scalars.

An enumeration is a message that holds the protobuf enumeration ``Value``, for protobuf puts the names of an
enumeration's members beside the enumeration: so two may share a name. proto3 wants a first member of number 0, so one
called ``UNSPECIFIED`` is added when there is none. A single value that may be absent is ``optional``.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING
from unicodedata import category

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from modelport.model.kinds import (
    CARRIERS,
    EnumRef,
    ListOf,
    MapOf,
    MessageRef,
    OptionalOf,
    Scalar,
    Single,
    TensorOf,
    single,
)
from modelport.model.names import map_entry
from modelport.model.packed import PACKABLE
from modelport.model.spec import Enumeration, Field, Message, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message as ProtoMessage

__all__ = [
    "TENSOR_DATA",
    "enum_form",
    "file_descriptor",
    "message_classes",
    "packed_classes",
    "proto_text",
    "tensor_message",
]

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
        f"{_comment(m.doc, '  ')}  rpc {m.name} ({_stream(m.streams_in)}{_named(m.input, names, spec)})"
        f" returns ({_stream(m.streams_out)}{_named(m.output, names, spec)});"
        for m in spec.methods
    )
    blocks.append(f"service Model {{\n{methods}\n}}")
    blocks += [_message_text(m, spec) for m in spec.messages]
    blocks += [_enum_text(e) for e in spec.enums]
    for dtype in _dtypes(spec):
        data = TENSOR_DATA[dtype]
        repeated = "" if data == "bytes" else "repeated "
        blocks.append(
            f"// {dtype} elements in row-major order{', little-endian' if data == 'bytes' else ''}.\n"
            f"message {tensor_message(dtype)} {{\n  repeated int64 shape = 1;\n  {repeated}{data} data = 2;\n}}"
        )
    return "\n\n".join(blocks) + "\n"


def file_descriptor(spec: ModelSpec, *, packed: bool = False) -> descriptor_pb2.FileDescriptorProto:
    """Return the descriptor that a compiler would make of :func:`proto_text`, without its comments.

    Args:
        spec: The signature.
        packed: Repeated numbers are bytes, in their packed form: the same bytes, read and written otherwise.
    """
    file = descriptor_pb2.FileDescriptorProto(name="model.proto", package=spec.proto_package, syntax="proto3")
    for message in spec.messages:
        made = file.message_type.add(name=message.name)
        for number, one in enumerate(message.fields, 1):
            _add_field(made, one, number, spec, packed=packed)
    for enum in spec.enums:
        kind, members = enum_form(enum)
        made_enum = file.message_type.add(name=enum.name).enum_type.add(name=kind)
        for name, value in members:
            made_enum.value.add(name=name, number=value)
    for dtype in _dtypes(spec):
        made = file.message_type.add(name=tensor_message(dtype))
        data = TENSOR_DATA[dtype]
        elements = Scalar(data) if data == "bytes" else ListOf(Scalar(data))
        _add_field(made, Field("shape", ListOf(Scalar("int64"))), 1, spec)
        _add_field(made, Field("data", elements), 2, spec, packed=packed)
    service = file.service.add(name="Model")
    for method in spec.methods:
        prefix = f".{spec.proto_package}."
        made_method = service.method.add(name=method.name)
        made_method.input_type, made_method.output_type = prefix + method.input, prefix + method.output
        # Set only where they say something: a field that is set to False is another descriptor than protoc's.
        if method.streams_in:
            made_method.client_streaming = True
        if method.streams_out:
            made_method.server_streaming = True
    return file


@lru_cache(maxsize=64)
def message_classes(spec: ModelSpec) -> dict[str, type[ProtoMessage]]:
    """Return the protobuf class of each message of the signature and of each ``Tensor<Dtype>`` it uses, by name."""
    return _classes(file_descriptor(spec))


@lru_cache(maxsize=64)
def packed_classes(spec: ModelSpec) -> dict[str, type[ProtoMessage]]:
    """Return such classes that have repeated numbers as bytes, in their packed form (see `packed`)."""
    return _classes(file_descriptor(spec, packed=True))


def enum_form(enum: Enumeration) -> tuple[str, list[tuple[str, int]]]:
    """Return the name of an enumeration's type inside its message, and its members, the one of number 0 first."""
    bare = [_bare(name) for name, _ in enum.members]
    members = sorted(enum.members, key=lambda member: member[1] != 0)
    if members and members[0][1] != 0:
        zero = next(name for name in _numbered("UNSPECIFIED") if _bare(name) not in bare)
        members, bare = [(zero, 0), *members], [*bare, _bare(zero)]
    for kind in _numbered("Value"):
        # protoc leaves the type's name out of a member's, where it begins so; that must not make two the same.
        left = {name.removeprefix(_bare(kind)) or name for name in bare}
        if kind not in dict(members) and len(left) == len(set(bare)):
            break
    return kind, members


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def _numbered(name: str) -> Iterator[str]:
    return (f"{name}{number if number > 1 else ''}" for number in count(1))


def _classes(file: descriptor_pb2.FileDescriptorProto) -> dict[str, type[ProtoMessage]]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = pool.FindFileByName("model.proto")
    return {name: message_factory.GetMessageClass(d) for name, d in made.message_types_by_name.items()}


def _is_optional(field: Field) -> bool:
    """Tell whether protobuf has to know that the field is absent, and would not by itself."""
    may_be_absent = isinstance(field.type, OptionalOf) or (field.has_default and single(field.type) is field.type)
    return may_be_absent and isinstance(single(field.type), Scalar | EnumRef)


def _add_field(
    message: descriptor_pb2.DescriptorProto, field: Field, number: int, spec: ModelSpec, *, packed: bool = False
) -> None:
    made = message.field.add(name=field.name, number=number, json_name=_json_name(field.name))
    made.label = _FIELD.LABEL_REPEATED if isinstance(field.type, ListOf | MapOf) else _FIELD.LABEL_OPTIONAL
    inner = single(field.type)
    if isinstance(field.type, MapOf):
        entry = message.nested_type.add(name=map_entry(field.name))
        entry.options.map_entry = True
        _add_field(entry, Field("key", Scalar("string")), 1, spec)
        _add_field(entry, Field("value", inner), 2, spec)
        made.type = _FIELD.TYPE_MESSAGE
        made.type_name = f".{spec.proto_package}.{message.name}.{entry.name}"
    elif isinstance(inner, Scalar):
        carrier = CARRIERS[inner.name]
        as_bytes = packed and isinstance(field.type, ListOf) and carrier in PACKABLE
        made.type = _FIELD.TYPE_BYTES if as_bytes else _TYPE_NUMBER[carrier]
    else:
        made.type = _FIELD.TYPE_ENUM if isinstance(inner, EnumRef) else _FIELD.TYPE_MESSAGE
        made.type_name = f".{spec.proto_package}.{_proto_type(inner, spec)}"
    if _is_optional(field):
        made.proto3_optional = True
        made.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{field.name}")


def _proto_type(kind: Single, spec: ModelSpec) -> str:
    match kind:
        case Scalar(name):
            return CARRIERS[name]
        case EnumRef(name):
            return f"{name}.{enum_form(spec.enum(name))[0]}"
        case MessageRef(name):
            return name
        case TensorOf(dtype, _):
            return tensor_message(dtype)


def _named(kind: str, siblings: set[str], spec: ModelSpec) -> str:
    """Return the name of a type where *siblings* are in scope: protoc stops at one of the same name."""
    return f".{spec.proto_package}.{kind}" if kind.partition(".")[0] in siblings else kind


def _message_text(message: Message, spec: ModelSpec) -> str:
    if not message.fields:
        return f"{_comment(message.doc)}message {message.name} {{}}"
    names = {f.name for f in message.fields} | {map_entry(f.name) for f in message.fields if isinstance(f.type, MapOf)}
    lines = [_field_text(one, number, names, spec) for number, one in enumerate(message.fields, 1)]
    return f"{_comment(message.doc)}message {message.name} {{\n" + "\n".join(lines) + "\n}"


def _field_text(field: Field, number: int, siblings: set[str], spec: ModelSpec) -> str:
    inner = single(field.type)
    kind = _proto_type(inner, spec)
    kind = kind if isinstance(inner, Scalar) else _named(kind, siblings, spec)
    if isinstance(field.type, MapOf):
        kind = f"map<string, {kind}>"
    label = "repeated " if isinstance(field.type, ListOf) else "optional " if _is_optional(field) else ""
    narrow = isinstance(inner, TensorOf) or (isinstance(inner, Scalar) and CARRIERS[inner.name] != inner.name)
    notes = [str(inner)] if narrow else []
    notes += [field.about.unit] if field.about.unit else []
    note = "".join(f"  {line}" for line in _comment("; ".join(notes).replace("\n", " ")).splitlines()[:1])
    return f"{_comment(field.about.doc, '  ')}  {label}{kind} {field.name} = {number};{note}"


def _enum_text(enum: Enumeration) -> str:
    kind, members = enum_form(enum)
    lines = "\n".join(f"    {name} = {number};" for name, number in members)
    return f"{_comment(enum.doc)}message {enum.name} {{\n  enum {kind} {{\n{lines}\n  }}\n}}"


def _stream(there: bool) -> str:  # noqa: FBT001 - what a method says of one of its sides
    return "stream " if there else ""


def _comment(doc: str, indent: str = "") -> str:
    # A NUL would end the file for protoc; half a surrogate pair has no UTF-8 form.
    lines = ("".join(" " if category(c) in {"Cc", "Cs"} else c for c in line) for line in doc.splitlines())
    return "".join(f"{indent}// {line}".rstrip() + "\n" for line in lines)


def _json_name(name: str) -> str:
    # protoc's ToJsonName: drop each '_' and raise the letter after it.
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def _dtypes(spec: ModelSpec) -> list[str]:
    kinds = [single(f.type) for m in spec.messages for f in m.fields]
    return sorted({k.dtype for k in kinds if isinstance(k, TensorOf)})
