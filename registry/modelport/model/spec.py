"""The signature as a value: messages, enumerations and methods, with a JSON form that every room and the site read.

The JSON form is fixed by ``schemas/signature.schema.json``; `kinds` has the types of fields.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from modelport.errors import FormatError, SignatureError
from modelport.model.about import About
from modelport.model.kinds import (
    DTYPES,
    SCALARS,
    EnumRef,
    FieldType,
    ListOf,
    MapOf,
    MessageRef,
    OptionalOf,
    Scalar,
    TensorOf,
    type_from_json,
)
from modelport.model.names import is_identifier
from modelport.schema import accepts, validator

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DTYPES", "NO_DEFAULT", "SCALARS", "EnumRef", "Enumeration", "Field", "FieldType", "ListOf", "MapOf", "Message",
    "MessageRef", "MethodSpec", "ModelSpec", "OptionalOf", "Scalar", "TensorOf", "canonical_json", "structure_problems",
]  # fmt: skip

SCHEMA = "modelport/signature/1"


class _NoDefault:
    def __repr__(self) -> str:
        return "NO_DEFAULT"


_NOTHING_SAID = About()
NO_DEFAULT: Final = _NoDefault()
"""Says that a field has no default: it has to be there."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message; its protobuf number is its place in the message, counted from 1.

    Attributes:
        name: Its name.
        type: Its type.
        about: What people need to know of it: words, unit, range, media types.
        default: What an absent field means, in JSON form.
    """

    name: str
    type: FieldType
    about: About = _NOTHING_SAID
    default: Any = NO_DEFAULT

    @property
    def has_default(self) -> bool:
        """Whether the field may be left out, and has a value then."""
        return self.default is not NO_DEFAULT

    @property
    def is_required(self) -> bool:
        """Whether the field has to be there."""
        return not self.has_default and not isinstance(self.type, OptionalOf)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        document: dict[str, Any] = {"name": self.name, "type": self.type.to_json()}
        return document | ({"default": self.default} if self.has_default else {}) | self.about.to_json()

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Field:
        """Read the JSON form, which the schema has accepted."""
        kind = type_from_json(document["type"])
        return cls(document["name"], kind, About.from_json(document), document.get("default", NO_DEFAULT))


@dataclass(frozen=True, slots=True)
class Message:
    """A named record of fields.

    Attributes:
        name: Its name.
        fields: Its fields, in order.
        doc: What it is.
        table: Whether its fields are columns: lists of one length, a data frame in Python.
    """

    name: str
    fields: tuple[Field, ...] = ()
    doc: str = ""
    table: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        document = {"name": self.name, "doc": self.doc, "fields": [one.to_json() for one in self.fields]}
        return document | ({"table": True} if self.table else {})


@dataclass(frozen=True, slots=True)
class Enumeration:
    """A named choice: the members' names, which stand in JSON, with their numbers, which stand in protobuf."""

    name: str
    members: tuple[tuple[str, int], ...]
    doc: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        members = [{"name": name, "number": number} for name, number in self.members]
        return {"name": self.name, "doc": self.doc, "members": members}


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """A method: what it takes and gives, as names of messages.

    Attributes:
        name: Its name.
        input: The message that it takes.
        output: The message that it gives.
        doc: What it does.
        streams_in: Whether it takes a stream of such messages.
        streams_out: Whether it gives a stream of such messages.
    """

    name: str
    input: str
    output: str
    doc: str = ""
    streams_in: bool = False
    streams_out: bool = False

    @property
    def streams(self) -> bool:
        """Whether it takes or gives a stream."""
        return self.streams_in or self.streams_out

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; what does not stream says nothing of streams."""
        document: dict[str, Any] = {"name": self.name, "doc": self.doc, "input": self.input, "output": self.output}
        streams = {"streams_in": self.streams_in, "streams_out": self.streams_out}
        return document | {key: True for key, there in streams.items() if there}


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """All that a model takes and gives.

    ``proto_package`` is made from the content (see :meth:`with_proto_package`), so one signature has one name.
    """

    messages: tuple[Message, ...]
    methods: tuple[MethodSpec, ...]
    proto_package: str = ""
    enums: tuple[Enumeration, ...] = ()

    def __hash__(self) -> int:
        # The package is a digest of the content: no need to go through all of it for each look into a cache.
        return hash(self.proto_package)

    def message(self, name: str) -> Message:
        """Return the message called *name*; raise FormatError, naming those there are, otherwise."""
        messages = _messages(self)
        if name not in messages:
            raise FormatError(f"the model has no message {name!r}", hint=f"its messages are: {', '.join(messages)}")
        return messages[name]

    def method(self, name: str) -> MethodSpec:
        """Return the method called *name*; raise FormatError, naming those there are, otherwise."""
        for method in self.methods:
            if method.name == name:
                return method
        raise FormatError(
            f"the model has no method {name!r}", hint=f"its methods are: {', '.join(m.name for m in self.methods)}"
        )

    def enum(self, name: str) -> Enumeration:
        """Return the enumeration called *name*; raise FormatError, naming those there are, otherwise."""
        for enum in self.enums:
            if enum.name == name:
                return enum
        known = ", ".join(e.name for e in self.enums) or "none"
        raise FormatError(f"the model has no enumeration {name!r}", hint=f"its enumerations are: {known}")

    def with_proto_package(self) -> ModelSpec:
        """Return the signature named after its content: ``modelport.s<16 hex digits of its sha256>``.

        Only what a caller's bytes depend on counts: another wording of a docstring, or another range, is the same
        interface.
        """
        bare = ModelSpec(
            tuple(Message(m.name, tuple(replace(f, about=About()) for f in m.fields)) for m in self.messages),
            tuple(replace(m, doc="") for m in self.methods),
            enums=tuple(replace(e, doc="") for e in self.enums),
        )
        content = canonical_json(bare.to_json())
        return replace(self, proto_package=f"modelport.s{hashlib.sha256(content).hexdigest()[:16]}")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form (``schemas/signature.schema.json``)."""
        document = {
            "schema": SCHEMA,
            "proto_package": self.proto_package,
            "methods": [one.to_json() for one in self.methods],
            "messages": [one.to_json() for one in self.messages],
        }
        return document | ({"enums": [one.to_json() for one in self.enums]} if self.enums else {})

    @classmethod
    def from_json(cls, document: Any) -> ModelSpec:
        """Read the JSON form.

        Raises:
            FormatError: The document breaks the schema or the rules for names (all problems are in the message), or its
                ``proto_package`` is not the one its content gives.
        """
        try:
            problems = _misfits(document) or _unprintable(document)
        except RecursionError as error:
            raise FormatError("not a signature: it is nested too deeply") from error
        if problems:
            raise FormatError(f"not a signature: {'; '.join(problems)}")
        try:
            spec = _built(document)
        except SignatureError as error:
            raise FormatError(f"not a signature: {error.message}", hint=error.hint) from error
        if problems := structure_problems(spec):
            raise FormatError(f"not a signature: {'; '.join(problems)}")
        if document["proto_package"] != spec.proto_package:
            raise FormatError(
                f"not a signature: proto_package is {document['proto_package']!r}, its content gives"
                f" {spec.proto_package!r}"
            )
        return spec

    @classmethod
    def from_own_json(cls, document: Any) -> ModelSpec:
        """Read the JSON form as :meth:`to_json` writes it, without the schema, which a clean environment lacks.

        Raises:
            FormatError: It is anything else.
        """
        try:
            spec = _built(document)
            problems = _name_problems(spec) or structure_problems(spec)
        except (AttributeError, KeyError, RecursionError, SignatureError, TypeError, ValueError) as error:
            raise FormatError(f"not a signature: {type(error).__name__}: {error}") from error
        if problems:
            raise FormatError(f"not a signature: {'; '.join(problems)}")
        if spec.to_json() != document:
            raise FormatError("not a signature as this modelport writes it", hint="pack the model again")
        return spec


def _misfits(document: object) -> list[str]:
    """Return where *document* breaks the schema."""
    if accepts("signature", document):
        return []
    errors = validator("signature").iter_errors(document)  # type: ignore[arg-type]  # whatever it is: that is asked
    return [f"{'.'.join(map(str, e.absolute_path)) or '(top)'}: {e.message}" for e in errors]


def _built(document: dict[str, Any]) -> ModelSpec:
    messages = tuple(
        Message(m["name"], tuple(map(Field.from_json, m["fields"])), m.get("doc", ""), m.get("table", False))
        for m in document["messages"]
    )
    methods = tuple(
        MethodSpec(
            m["name"],
            m["input"],
            m["output"],
            m.get("doc", ""),
            m.get("streams_in", False),
            m.get("streams_out", False),
        )
        for m in document["methods"]
    )
    enums = tuple(
        Enumeration(e["name"], tuple((m["name"], m["number"]) for m in e["members"]), e.get("doc", ""))
        for e in document.get("enums", ())
    )
    return ModelSpec(messages, methods, enums=enums).with_proto_package()


def _name_problems(spec: ModelSpec) -> list[str]:
    names = [*(m.name for m in spec.methods), *(m.name for m in spec.messages)]
    names += [field.name for message in spec.messages for field in message.fields]
    names += [name for enum in spec.enums for name in (enum.name, *(member for member, _ in enum.members))]
    return [f"{name!r} is not a name" for name in names if not is_identifier(name)]


def canonical_json(document: object) -> bytes:
    """Return JSON whose bytes depend on the content alone: sorted keys, no spaces, UTF-8, a final newline."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


@lru_cache(maxsize=64)
def _messages(spec: ModelSpec) -> Mapping[str, Message]:
    return {m.name: m for m in spec.messages}


def _unprintable(document: object) -> list[str]:
    try:
        canonical_json(document)
    except UnicodeEncodeError as error:
        return [f"not Unicode text: {error.reason}"]
    except (TypeError, ValueError) as error:
        return [f"not JSON: {error}"]
    return []


def structure_problems(spec: ModelSpec) -> list[str]:
    """Return what is wrong with *spec* besides the form of its parts: see `modelport.model.structure`."""
    from modelport.model.structure import problems_of

    return problems_of(spec)
