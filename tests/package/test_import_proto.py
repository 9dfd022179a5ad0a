"""Protobuf texts: what Modelport writes is read as a compiler reads it; what others write, and what nobody should."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.strategies import signatures

from modelport.errors import FormatError
from modelport.model.proto import file_descriptor, proto_text
from modelport.model.spec import (
    Enumeration,
    EnumRef,
    Field,
    FieldType,
    ListOf,
    MapOf,
    Message,
    MessageRef,
    MethodSpec,
    ModelSpec,
    OptionalOf,
    Scalar,
    TensorOf,
)
from modelport.package.importers.proto_file import ProtoFile, read_proto
from modelport.package.importers.proto_signature import ForeignMethod, signature_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

_NAMES = {
    1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string", 12: "bytes", 13: "uint32",
}  # fmt: skip
_REPEATED = 3


def told_by_descriptor(file: FileDescriptorProto) -> dict[str, object]:
    """Return messages, enumerations and methods of a descriptor, as a plain value."""
    messages: dict[str, object] = {}
    enums: dict[str, object] = {}
    for message in file.message_type:
        entries = {f".{file.package}.{message.name}.{n.name}": n for n in message.nested_type if n.options.map_entry}
        messages[message.name] = [_field(one, entries) for one in message.field]
        for enum in message.enum_type:
            enums[f"{message.name}.{enum.name}"] = [(v.name, v.number) for v in enum.value]
    methods = [(m.name, m.input_type, m.output_type) for m in file.service[0].method]
    return {"messages": messages, "enums": enums, "methods": methods}


def _field(one: FieldDescriptorProto, entries: Mapping[str, DescriptorProto]) -> tuple[object, ...]:
    kind = _NAMES.get(one.type) or one.type_name
    if kind in entries:
        key, value = entries[kind].field
        return one.name, one.number, "map", _NAMES[key.type], _NAMES.get(value.type) or value.type_name
    label = "repeated" if one.label == _REPEATED else "optional" if one.proto3_optional else ""
    return one.name, one.number, label, "", kind


def told_by_text(file: ProtoFile) -> dict[str, object]:
    """Return the same of what was read from a text."""

    def kind(name: str, scope: str) -> str:
        found = None if name in _NAMES.values() else file.resolve(name, scope)
        return f".{file.package}.{found}" if found else name

    messages = {
        name: [(f.name, f.number, f.label, f.key, kind(f.type, name)) for f in message.fields]
        for name, message in file.messages.items()
    }
    methods = [(m.name, kind(m.input, ""), kind(m.output, "")) for m in file.methods]
    enums = {name: list(enum.members) for name, enum in file.enums.items()}
    return {"messages": messages, "enums": enums, "methods": methods}


@given(signatures())
def test_it_reads_what_modelport_writes(spec: ModelSpec) -> None:
    file = read_proto(proto_text(spec))
    assert file.package == spec.proto_package
    assert told_by_text(file) == told_by_descriptor(file_descriptor(spec))


def test_a_signature_comes_back_from_its_own_text() -> None:
    kinds: dict[str, FieldType] = {
        "number": Scalar("double"), "list": ListOf(Scalar("string")), "map": MapOf(Scalar("int64")),
        "maybe": OptionalOf(Scalar("bool")), "inner": MessageRef("Inner"), "inners": ListOf(MessageRef("Inner")),
        "choice": EnumRef("Colour"), "image": TensorOf("uint8", ("h", 28, None)),
    }  # fmt: skip
    spec = ModelSpec(
        (
            Message("Taken", tuple(Field(name, kind) for name, kind in kinds.items()), "What it takes.\nAll of it."),
            Message("Inner", (Field("x", Scalar("bytes")),)),
        ),
        (MethodSpec("run", "Taken", "Inner", "Run it."),),
        enums=(Enumeration("Colour", (("RED", 1), ("GREEN", 2))),),
    ).with_proto_package()
    file = read_proto(proto_text(spec))
    assert signature_of(file, [ForeignMethod("run", "Taken", "Inner", "Run it.")]) == spec


FOREIGN = """\
// A file's comment.

syntax = "proto2"; package a.b;
option java_package = "x;y";
/* Takes
 * it. */
message Outer {
  option (x).y = { a: [1, 2] b { c: "}" } };
  reserved 4, 9 to 11; reserved "gone"; extensions 100 to max;
  enum Kind { option allow_alias = true; UNKNOWN = 0; ONE = 0x1; UNO = 1 [deprecated = true]; LESS = -5; }
  message Inner { optional Kind kind = 1; message Inner { required string s = 1; }
    repeated .a.b.Outer.Inner.Inner deep = 3; }
  required Inner inner = 2; // which holds others
  repeated sfixed64 far = 1 [packed = true, default = -1];
  oneof either { option x = 1; string text = 5; bytes raw = 6; }
  map<string, a.b.Model> table = 7;
  optional Outer.Kind message = 8;;
}
message Model {}
service Any { rpc Do(Outer) returns (stream .a.b.Model) { option deadline = 3; }
  rpc Other(stream) returns (Model); }
message stream {}
"""


def test_what_others_write() -> None:
    file = read_proto(FOREIGN)
    assert (file.syntax, file.package) == ("proto2", "a.b")
    assert file.messages["Outer"].doc == "Takes\nit."
    assert [(m.name, m.streams) for m in file.methods] == [("Do", True), ("Other", False)]
    spec = signature_of(file, [ForeignMethod("Do", "Outer", "Model")])
    assert [m.name for m in spec.messages] == ["Outer", "ModelMessage", "Outer_Inner", "Outer_Inner_Inner"]
    outer = {field.name: field.type for field in spec.message("Outer").fields}
    assert list(outer) == ["far", "inner", "text", "raw", "table", "message"]
    assert outer["far"] == ListOf(Scalar("int64"))
    assert outer["text"] == OptionalOf(Scalar("string"))
    assert outer["table"] == MapOf(MessageRef("ModelMessage"))
    assert outer["message"] == OptionalOf(EnumRef("Outer_Kind"))
    assert spec.enums[0].members == (("UNKNOWN", 0), ("ONE", 1), ("LESS", -5))


BAD = {
    "nothing closes": ("message A {", "line 1: the end where"),
    "a comment without end": ("message A {} /* ", "belongs to no protobuf text"),
    "a text without end": ('syntax = "proto3', "belongs to no protobuf text"),
    "an import": ('import "a.proto";', "line 1: 'import' is nothing that"),
    "a group": ("message A { repeated group B = 1 { } }", "'group' is nothing that"),
    "an extension": ("extend A { optional int32 x = 1; }", "'extend' is nothing that"),
    "no number": ("message A {\n int32 x; }", "line 2: ; where = belongs"),
    "a number that is none": ("message A { int32 x = 1.5; }", "1.5 is no whole number"),
    "twice": ("message A {} message A {}", "A is there twice"),
    "too deep": ("message A {" * 40, "more than 32 levels deep"),
    "too long": ("/" * 2_000_000, "more than 1,048,576 characters"),
    "too many words": (";" * 300_000, "more than 200,000 words"),
    "a huge number": (f"message A {{ int32 x = {'9' * 5000}; }}", "is no whole number"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_proto(text)
    assert message in caught.value.message


@given(
    st.lists(
        st.sampled_from([
            "message", "enum", "oneof", "map", "service", "rpc", "returns", "option", "{", "}", "<", ">", "(", ")", ";",
            "=", "1", "A", "string", "repeated", ".", "stream", "[", "]", '"x"', ",", "-", "// c\n", "reserved",
        ]),
        max_size=40,
    ).map(" ".join) | st.text(max_size=60)
)  # fmt: skip
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        file = read_proto(text)
        signature_of(file, [ForeignMethod("m", name, name) for name in file.messages][:1])
    except FormatError as error:
        assert error.message  # noqa: PT017 - either is right
