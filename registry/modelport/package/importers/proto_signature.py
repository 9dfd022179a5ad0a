"""A ``.proto`` text -> a signature: which messages a model's methods take and give, in Modelport's own types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.model.about import About
from modelport.model.kinds import (
    DTYPES,
    EnumRef,
    FieldType,
    ListOf,
    MapOf,
    MessageRef,
    OptionalOf,
    Scalar,
    Single,
    TensorOf,
)
from modelport.model.names import is_identifier, is_reserved
from modelport.model.spec import Enumeration, Field, Message, MethodSpec, ModelSpec, structure_problems
from modelport.package.importers.words import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelport.package.importers.proto_file import ProtoField, ProtoFile

__all__ = ["ForeignMethod", "Raw", "signature_of"]

_SCALARS = {name: name for name in ("double", "float", "int32", "int64", "uint32", "uint64", "bool", "string", "bytes")}
_SCALARS |= {
    "sint32": "int32", "sint64": "int64", "sfixed32": "int32", "sfixed64": "int64", "fixed32": "uint32",
    "fixed64": "uint64",
}  # fmt: skip
_TENSOR = re.compile(rf"({'|'.join(DTYPES)})\[(.*)\]")
_OPTIONAL = {"optional", "oneof"}
_MOST_FIELDS, _LONGEST_DOC = 10_000, 4000


@dataclass(frozen=True, slots=True)
class Raw:
    """What a method takes or gives as bytes or text of a media type, not as a message.

    Attributes:
        media_types: What the bytes hold, the preferred one first.
        doc: What it is.
    """

    media_types: tuple[str, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class ForeignMethod:
    """A method of a stranger's model: it takes and gives a message by its name, or raw bytes, or nothing."""

    name: str
    input: str | Raw | None
    output: str | Raw | None
    doc: str = ""


def signature_of(file: ProtoFile, methods: Sequence[ForeignMethod]) -> ModelSpec:
    """Return the signature of *methods* over the messages of *file*; messages that no method needs are left out.

    Names keep their spelling, but for those that a signature cannot have: a message in a message is called
    ``Outer_Inner``, and one with a name of protobuf's or of ours gets ``Message`` behind it.

    Raises:
        FormatError: Something has no place in a signature; all problems are in the message.
    """
    made = _Making(file)
    specs = tuple(made.method(one) for one in methods)
    if made.problems:
        raise FormatError("; ".join(dict.fromkeys(made.problems)))
    spec = ModelSpec(tuple(made.messages.values()), specs, enums=tuple(made.enums.values())).with_proto_package()
    if problems := structure_problems(spec):
        raise FormatError("; ".join(problems))
    return spec


class _Making:
    """A signature in the making: what is needed so far, and what is wrong with it."""

    def __init__(self, file: ProtoFile) -> None:
        self.file = file
        self.messages: dict[str, Message] = {}
        self.enums: dict[str, Enumeration] = {}
        self.problems: list[str] = []
        self._names: dict[str, str] = {}
        self._waiting: list[str] = []
        self._fields = 0

    def method(self, one: ForeignMethod) -> MethodSpec:
        """Return a method, with all messages that it needs made."""
        self._check_name(one.name, f"method {one.name!r}")
        taken, given = (self._side(one, side) for side in ("input", "output"))
        while self._waiting:
            self._make(self._waiting.pop())
        return MethodSpec(one.name, taken, given, one.doc)

    def _side(self, method: ForeignMethod, side: str) -> str:
        value: str | Raw | None = getattr(method, side)
        title = "".join(part[:1].upper() + part[1:] for part in method.name.split("_"))
        if value is None:
            return self._own("Empty", ())
        if isinstance(value, Raw):
            written = value.media_types[:1] == ("text/plain",)
            about = About(value.doc, media_types=value.media_types)
            field = Field("value", Scalar("string" if written else "bytes"), about)
            return self._own(f"{title}{'In' if side == 'input' else 'Out'}", (field,))
        found = self.file.resolve(value)
        if found is None or found in self.file.enums:
            self.problems.append(f"method {method.name!r}: the message {value!r} is not in the .proto file")
            return value
        return self._message(found)

    def _own(self, name: str, fields: tuple[Field, ...]) -> str:
        """Add a message that the file does not hold, beside those it does."""
        while (taken := self.messages.get(name)) is not None and taken.fields != fields:
            name = f"{name}Value"
        self.messages[name] = Message(name, fields)
        return name

    def _message(self, full: str) -> str:
        """Return the name of a message in the signature; it is made later, so that depth costs no stack."""
        if full not in self._names:
            self._names[full] = name = self._free(full)
            self.messages[name] = Message(name)  # its place, in the order in which they are met
            self._waiting.append(full)
        return self._names[full]

    def _make(self, full: str) -> None:
        message = self.file.messages[full]
        self._fields += len(message.fields)
        if self._fields > _MOST_FIELDS:
            raise FormatError(f"its messages have more than {_MOST_FIELDS:,} fields")
        fields = []
        for one in sorted(message.fields, key=lambda field: field.number):
            self._check_name(one.name, f"{full}.{one.name}")
            if (kind := self._type(one, full)) is not None:
                fields.append(Field(one.name, kind, About(text(one.doc, _LONGEST_DOC))))
        name = self._names[full]
        self.messages[name] = Message(name, tuple(fields), text(message.doc, _LONGEST_DOC))

    def _type(self, field: ProtoField, scope: str) -> FieldType | None:
        where = f"{scope}.{field.name}"
        inner = self._single(field, scope)
        if inner is None:
            self.problems.append(f"{where}: the type {field.type!r} is not in the .proto file")
            return None
        if field.label == "map":
            if field.key != "string":
                self.problems.append(f"{where}: a map's keys are text, not {field.key}")
            return MapOf(inner)
        if field.label == "repeated":
            return ListOf(inner)
        return OptionalOf(inner) if field.label in _OPTIONAL else inner

    def _single(self, field: ProtoField, scope: str) -> Single | None:
        if field.type in _SCALARS:
            return Scalar(_SCALARS[field.type])
        found = self.file.resolve(field.type, scope)
        if found is None:
            return None
        if found in self.file.enums:
            return EnumRef(self._enum(found))
        if is_reserved(found) and (tensor := _TENSOR.search(field.note)):  # as Modelport itself writes tensors
            return TensorOf(tensor[1], tuple(_dimension(one.strip()) for one in tensor[2].split(",") if one.strip()))
        return MessageRef(self._message(found))

    def _enum(self, full: str) -> str:
        if full in self._names:
            return self._names[full]
        enum = self.file.enums[full]
        around = full.removesuffix(".Value")
        scoped = around != full and not self.file.messages[around].fields
        self._names[full] = name = self._free(around if scoped else full)
        members: dict[int, str] = {}
        for member, number in enum.members:
            self._check_name(member, f"{full}.{member}")
            members.setdefault(number, member)  # an alias is a second name of a number
        if scoped and members.get(0) == "UNSPECIFIED":  # added where a number 0 is needed and no member has it
            del members[0]
        doc = text(enum.doc, _LONGEST_DOC)
        self.enums[name] = Enumeration(name, tuple((member, number) for number, member in members.items()), doc)
        return name

    def _free(self, full: str) -> str:
        """Return the name that the type *full* gets in the signature."""
        name = full.replace(".", "_")
        self._check_name(name, f"type {full!r}")
        name = f"{name}Message" if is_reserved(name) else name
        if name in self.messages or name in self.enums:
            self.problems.append(f"two types would both be called {name!r}")
        return name

    def _check_name(self, name: str, what: str) -> None:
        if not is_identifier(name):
            self.problems.append(f"{what}: {name[:60]!r} is no name that a signature can hold")


def _dimension(text: str) -> int | str | None:
    if text.isascii() and text.isdigit():
        return int(text)
    return text if is_identifier(text) else None
