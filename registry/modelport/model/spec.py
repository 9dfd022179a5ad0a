"""The signature as a value: messages and methods, with a JSON form that every room and the site read.

The JSON form is fixed by ``schemas/signature.schema.json``. A field's type is one of

=================================================================  ===================================================
``{"scalar": "double"}``                                           a protobuf scalar: see ``SCALARS``
``{"list": TYPE}``                                                 zero or more of TYPE
``{"message": "Input"}``                                           another message of the same signature
``{"tensor": {"dtype": "float32", "shape": ["n", 28, 28]}}``       an array; a dimension is a size, a name that stands
                                                                   for one size in the whole call, or null for any size
=================================================================  ===================================================
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from modelport.errors import FormatError
from modelport.model.names import is_identifier, is_reserved, same_but_for_case
from modelport.schema import accepts, validator

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DTYPES",
    "SCALARS",
    "Field",
    "FieldType",
    "ListOf",
    "Message",
    "MessageRef",
    "MethodSpec",
    "ModelSpec",
    "Scalar",
    "TensorOf",
    "canonical_json",
    "structure_problems",
]

SCALARS = ("double", "float", "int32", "int64", "uint32", "uint64", "bool", "string", "bytes")
"""The protobuf scalar types a field may have."""

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
)  # fmt: skip
"""The element types a tensor may have, by NumPy's names."""

SCHEMA = "modelport/signature/1"

_MOST_METHODS, _MOST_MESSAGES, _MOST_FIELDS = 256, 1024, 4096  # as in the schema
_DEEPEST = 64  # protobuf's parsers stop at 100


@dataclass(frozen=True, slots=True)
class Scalar:
    """A protobuf scalar."""

    name: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"scalar": self.name}

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListOf:
    """Zero or more values of one type."""

    item: FieldType

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"list": self.item.to_json()}

    def __str__(self) -> str:
        return f"list of {self.item}"


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message of the same signature, by its name."""

    name: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"message": self.name}

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class TensorOf:
    """An array in row-major order: its dtype and its dimensions (a size, a name, or None for any size)."""

    dtype: str
    shape: tuple[int | str | None, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"tensor": {"dtype": self.dtype, "shape": list(self.shape)}}

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join('?' if d is None else str(d) for d in self.shape)}]"


FieldType: TypeAlias = Scalar | ListOf | MessageRef | TensorOf


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message; its protobuf number is its place in the message, counted from 1."""

    name: str
    type: FieldType


@dataclass(frozen=True, slots=True)
class Message:
    """A named record of fields."""

    name: str
    fields: tuple[Field, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """A method: what it takes and gives, as names of messages."""

    name: str
    input: str
    output: str
    doc: str = ""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """All that a model takes and gives.

    ``proto_package`` is made from the content (see :meth:`with_proto_package`), so one signature has one name.
    """

    messages: tuple[Message, ...]
    methods: tuple[MethodSpec, ...]
    proto_package: str = ""

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

    def with_proto_package(self) -> ModelSpec:
        """Return the signature named after its content: ``modelport.s<16 hex digits of its sha256>``.

        Only what a caller's bytes depend on counts: another wording of a docstring is the same interface.
        """
        bare = ModelSpec(
            tuple(replace(m, doc="") for m in self.messages), tuple(replace(m, doc="") for m in self.methods)
        )
        content = canonical_json(bare.to_json())
        return replace(self, proto_package=f"modelport.s{hashlib.sha256(content).hexdigest()[:16]}")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form (``schemas/signature.schema.json``)."""
        return {
            "schema": SCHEMA,
            "proto_package": self.proto_package,
            "methods": [{"name": m.name, "doc": m.doc, "input": m.input, "output": m.output} for m in self.methods],
            "messages": [
                {
                    "name": m.name,
                    "doc": m.doc,
                    "fields": [{"name": f.name, "type": f.type.to_json()} for f in m.fields],
                }
                for m in self.messages
            ],
        }

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
        spec = _built(document)
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
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
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
        Message(m["name"], tuple(Field(f["name"], type_from_json(f["type"])) for f in m["fields"]), m.get("doc", ""))
        for m in document["messages"]
    )
    methods = tuple(MethodSpec(m["name"], m["input"], m["output"], m.get("doc", "")) for m in document["methods"])
    return ModelSpec(messages, methods).with_proto_package()


def _name_problems(spec: ModelSpec) -> list[str]:
    names = [*(m.name for m in spec.methods), *(m.name for m in spec.messages)]
    names += [field.name for message in spec.messages for field in message.fields]
    return [f"{name!r} is not a name" for name in names if not is_identifier(name)]


def type_from_json(document: dict[str, Any]) -> FieldType:
    """Read a type that the schema has already accepted."""
    ((kind, value),) = document.items()
    match kind:
        case "scalar":
            return Scalar(value)
        case "list":
            return ListOf(type_from_json(value))
        case "message":
            return MessageRef(value)
        case _:
            # A JSON Schema takes 28.0 for an integer.
            return TensorOf(value["dtype"], tuple(int(d) if isinstance(d, float) else d for d in value["shape"]))


def canonical_json(document: object) -> bytes:
    """Return JSON whose bytes depend on the content alone: sorted keys, no spaces, UTF-8, a final newline."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def structure_problems(spec: ModelSpec) -> list[str]:
    """Return what is wrong with *spec* besides the form of its parts: names, references, nesting and size."""
    problems = []
    messages = {m.name: m for m in spec.messages}
    methods = [m.name for m in spec.methods]
    problems += [f"message {n!r} is there twice" for n in _twice([m.name for m in spec.messages])]
    problems += [f"method {n!r} is there twice" for n in _twice(methods)]
    problems += [f"the message name {n!r} is reserved" for n in messages if is_reserved(n)]
    for message in spec.messages:
        if clash := same_but_for_case(f.name for f in message.fields):
            problems.append(f"{message.name}: fields {clash[0]!r} and {clash[1]!r} differ only in '_' or case")
        if len(message.fields) > _MOST_FIELDS:
            problems.append(f"{message.name} has {len(message.fields)} fields; at most {_MOST_FIELDS}: use a tensor")
    used = {name for m in spec.methods for name in (m.input, m.output)}
    used |= {ref for m in spec.messages for ref in _references(m)}
    problems += [f"message {n!r} is missing" for n in sorted(used - set(messages))]
    if len(messages) > _MOST_MESSAGES or len(methods) > _MOST_METHODS:
        problems.append(f"more than {_MOST_MESSAGES} messages or {_MOST_METHODS} methods")
    return problems or _nesting_problems(messages)


@lru_cache(maxsize=64)
def _messages(spec: ModelSpec) -> Mapping[str, Message]:
    return {m.name: m for m in spec.messages}


def _references(message: Message) -> set[str]:
    kinds = (f.type.item if isinstance(f.type, ListOf) else f.type for f in message.fields)
    return {kind.name for kind in kinds if isinstance(kind, MessageRef)}


def _twice(names: list[str]) -> list[str]:
    return sorted({n for n in names if names.count(n) > 1})


def _nesting_problems(messages: Mapping[str, Message]) -> list[str]:
    left = {name: _references(message) for name, message in messages.items()}
    for _ in range(_DEEPEST):
        left = {name: refs & left.keys() for name, refs in left.items() if refs & left.keys()}
    if not left:
        return []
    return [f"messages that hold themselves, or are nested more than {_DEEPEST} deep: {', '.join(sorted(left))}"]


def _unprintable(document: object) -> list[str]:
    try:
        canonical_json(document)
    except UnicodeEncodeError as error:
        return [f"not Unicode text: {error.reason}"]
    return []
