"""Python types -> the types, messages and enumerations of a signature: the table in `modelport.model.infer`."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections import namedtuple
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from modelport.errors import SignatureError
from modelport.model.about import About
from modelport.model.annotations import Annotation, read_annotation
from modelport.model.checks import check_about, check_fields, check_identifier
from modelport.model.choices import is_choice, of_enum, of_literal
from modelport.model.classes import MessageClass, Part, is_message, read_class
from modelport.model.defaults import Default, default_of
from modelport.model.document import DOCUMENT, JSON_TEXT, Document
from modelport.model.frame import Frame, frame_record
from modelport.model.kinds import (
    EnumRef,
    FieldType,
    ListOf,
    MapOf,
    MessageRef,
    OptionalOf,
    Scalar,
    Single,
)
from modelport.model.names import is_reserved
from modelport.model.records import Record
from modelport.model.refused import bad_key, nested, refused
from modelport.model.spec import Field, Message
from modelport.model.tensor import Tensor

if TYPE_CHECKING:
    from enum import Enum

    from modelport.model.spec import Enumeration

__all__ = ["EMPTY", "Messages", "check_identifier", "is_record", "title_of"]

EMPTY = "Empty"
_SCALARS: dict[type, str] = {bool: "bool", int: "int64", float: "double", str: "string", bytes: "bytes"}
_NUMPY_SCALARS = {
    "bool": "bool", "bool_": "bool", "int8": "int8", "int16": "int16", "int32": "int32", "int64": "int64",
    "uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "uint64": "uint64",
    "float16": "float16", "float32": "float", "float64": "double",
}  # fmt: skip
_LISTS = {list, collections.abc.Sequence}
_MAPS = {dict, collections.abc.Mapping}
_UNIONS = {typing.Union, types.UnionType}


@dataclass(slots=True)
class Messages:
    """Collects the messages and enumerations of a signature, by name, with their Python side.

    Attributes:
        messages: The messages; their fields have no defaults yet.
        records: How each message meets Python.
        enumerations: The enumerations.
        enums: The Python class of each, where it has one.
        defaults: The defaults of fields, as Python has them.
    """

    messages: dict[str, Message] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    enumerations: dict[str, Enumeration] = field(default_factory=dict)
    enums: dict[str, type[Enum]] = field(default_factory=dict)
    defaults: list[Default] = field(default_factory=list)
    _sources: dict[str, object] = field(default_factory=dict)  # what each name stands for
    _open: list[type] = field(default_factory=list)  # classes whose fields are being read

    def add_generated(self, name: str, parts: tuple[Part, ...], where: str, *, place: str = "") -> str:
        """Add the message made for plain parameters or a plain result; return its name.

        Args:
            name: The message's name.
            parts: Its fields.
            where: What an error message begins with.
            place: What follows there for one field, with ``{}`` for its name.
        """
        if not parts and name == EMPTY and name in self.messages and not self.messages[name].fields:
            return name
        check_fields([p.name for p in parts], where, place)
        made = namedtuple(name, [p.name for p in parts])  # type: ignore[misc]  # noqa: PYI024 - its fields are known only now
        self._reserve(name, EMPTY if not parts else made, where)
        return self._put(name, MessageClass(parts, "", Record.of_class(made)), where, place)

    def add_record(self, said: Annotation, made: str, where: str) -> str:
        """Add the message that a class or a marked data frame stands for, and those in its fields; return its name.

        Args:
            said: The annotation, for which :func:`is_record` holds.
            made: The message's name, where nobody gave one.
            where: What an error message begins with.
        """
        if isinstance(said.marker, Frame):
            return self._add_frame(said.kind, said.marker, made, where)
        if isinstance(said.marker, Document):
            return self._add_document(said.marker, where)
        kind: type = said.kind
        if kind in self._open:
            raise SignatureError(f"{where}: {kind.__name__} holds itself", hint="a message cannot be recursive")
        name = kind.__name__
        if self._sources.get(name) is kind:
            return name
        found = read_class(kind, where)
        self._reserve(name, kind, where, empty=not found.parts)
        check_fields([p.name for p in found.parts], where, ", field {!r}")
        self._open.append(kind)
        self._put(name, found, where, ", field {!r}")
        self._open.pop()
        return name

    def _add_frame(self, kind: type, frame: Frame, made: str, where: str) -> str:
        name = frame.name or made
        record = frame_record(kind, frame, where)
        if self._sources.get(name) == frame:
            return name
        self._reserve(name, frame, where)
        check_fields(frame.fields, where, ", column {!r}")
        parts = [_column(one, column, frame.columns[column], where) for one, column in frame.fields.items()]
        return self._put(name, MessageClass(tuple(parts), "", record), where, ", column {!r}", table=True)

    def _add_document(self, document: Document, where: str) -> str:
        if self._sources.get(document.name) == document:
            return document.name
        self._reserve(document.name, document, where)
        return self._put(
            document.name, MessageClass((Part("value", JSON_TEXT),), document.doc, DOCUMENT), where, ", field {!r}"
        )

    def _reserve(self, name: str, source: object, where: str, *, empty: bool = False) -> None:
        """Let *name* stand for *source*, and for nothing else."""
        check_identifier(name, f"{where}: message {name!r}")
        if is_reserved(name):
            raise SignatureError(f"{where}: the name {name!r} is reserved", hint="give the message another name")
        if name in self._sources and not (empty and self._sources[name] == EMPTY):
            raise SignatureError(f"{where}: two different types are called {name!r}", hint="rename one of them")
        self._sources[name] = source

    def _put(self, name: str, found: MessageClass, where: str, place: str, *, table: bool = False) -> str:
        fields = tuple(self._field(name, part, where + place.format(part.name)) for part in found.parts)
        self.messages[name] = Message(name, fields, found.doc, table)
        self.records[name] = found.record
        return name

    def _field(self, message: str, part: Part, where: str) -> Field:
        kind, about = self._type(part.annotation, f"{message}{title_of(part.name)}", where)
        made = Field(part.name, kind, About(doc=part.words).merged(about))
        check_about(made, where)
        if default := default_of(part.default, message, made, where):
            self.defaults.append(default)
        return made

    def _type(self, annotation: Any, made: str, where: str) -> tuple[FieldType, About]:
        """Return the type that *annotation* says and what it says of it; *made* names what has no name."""
        said = read_annotation(annotation, where)
        origin, arguments = typing.get_origin(said.kind), typing.get_args(said.kind)
        if said.marker is None and origin in _UNIONS and len(arguments) == 2 and types.NoneType in arguments:  # noqa: PLR2004 - one type and None
            (inner,) = (a for a in arguments if a is not types.NoneType)
            kind, about = self._inner(inner, OptionalOf, made, where)
            return OptionalOf(kind), about.merged(said.about)
        if said.marker is None and origin in _LISTS and len(arguments) == 1:
            kind, about = self._inner(arguments[0], ListOf, made, where)
            return ListOf(kind), about.merged(said.about)
        if said.marker is None and origin in _MAPS and len(arguments) == 2:  # noqa: PLR2004 - key and value
            if read_annotation(arguments[0], where).kind is not str:
                raise bad_key(arguments[0], where)
            kind, about = self._inner(arguments[1], MapOf, made, where)
            return MapOf(kind), about.merged(said.about)
        return self._single(said, made, where), said.about

    def _inner(self, annotation: Any, holder: type[FieldType], made: str, where: str) -> tuple[Single, About]:
        kind, about = self._type(annotation, made, where)
        if isinstance(kind, ListOf | MapOf | OptionalOf):
            raise nested(holder, kind, where)
        return kind, about

    def _single(self, said: Annotation, made: str, where: str) -> Single:
        kind = said.kind
        if isinstance(said.marker, Tensor):
            return said.marker.type
        if is_record(said):
            return MessageRef(self.add_record(said, made, where))
        if isinstance(kind, type) and kind in _SCALARS:
            return Scalar(_SCALARS[kind])
        if isinstance(kind, type) and kind.__module__ == "numpy" and kind.__name__ in _NUMPY_SCALARS:
            return Scalar(_NUMPY_SCALARS[kind.__name__])
        if is_choice(kind):
            return self._choice(of_enum(kind, where), kind, where)
        if typing.get_origin(kind) is typing.Literal:
            return self._choice(of_literal(typing.get_args(kind), made, where), None, where)
        raise refused(kind, where)

    def _choice(self, found: Enumeration, kind: type[Enum] | None, where: str) -> EnumRef:
        source = kind or found
        if self._sources.get(found.name) != source:
            self._reserve(found.name, source, where)
            self.enumerations[found.name] = found
            if kind:
                self.enums[found.name] = kind
        return EnumRef(found.name)


def is_record(said: Annotation) -> bool:
    """Tell whether an annotation stands for a message of its own."""
    return isinstance(said.marker, Frame | Document) or (said.marker is None and is_message(said.kind))


def title_of(name: str) -> str:
    """Return *name* as a part of a message's name: ``add_up`` as ``AddUp``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _column(field: str, column: str, kind: Any, where: str) -> Part:
    """Return the part for a column; a tuple are its categories, a text says that it is one without saying which."""
    category = isinstance(kind, str | tuple)
    said = [] if category else [read_annotation(kind, where).about.doc]
    said += [f"one of {', '.join(kind)}"] if isinstance(kind, tuple) else []
    said += [f"column {column!r}"] if field != column else []
    # Around all else: an `About` inside says no word of the column's name.
    words = About(doc="; ".join(filter(None, said)))
    return Part(field, Annotated[types.GenericAlias(list, (str if category else kind,)), words])
