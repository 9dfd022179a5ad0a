"""A ``.proto`` text (proto2 or proto3) as values: messages, enumerations and methods, with the comments before them.

It reads what models' interfaces are written in: messages in messages, ``oneof``, maps, enumerations, services. Options
are passed over. Imports, groups and extensions are refused, because a model's file has to be whole in itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.package.importers.proto_tokens import Token, tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ProtoEnum", "ProtoField", "ProtoFile", "ProtoMessage", "ProtoMethod", "read_proto"]

_DEEPEST = 32
_LABELS = {"optional", "required", "repeated"}
_PASSED_OVER = {"option", "reserved", "extensions"}
_REFUSED = {"extend", "group", "import"}
_BASES = {"0x": 16, "0X": 16}


@dataclass(frozen=True, slots=True)
class ProtoField:
    """A field of a message.

    Attributes:
        name: Its name.
        number: Its number.
        type: Its type as it is written; a map's values' type.
        label: ``optional``, ``required``, ``repeated``, ``map``, ``oneof`` or nothing.
        key: The type of a map's keys.
        doc: The comment before it.
        note: The comment behind it.
    """

    name: str
    number: int
    type: str
    label: str = ""
    key: str = ""
    doc: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ProtoMessage:
    """A message; ``name`` is whole: ``Outer.Inner``."""

    name: str
    fields: tuple[ProtoField, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class ProtoEnum:
    """An enumeration; ``name`` is whole, ``members`` are pairs of a name and a number."""

    name: str
    members: tuple[tuple[str, int], ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class ProtoMethod:
    """A method of a service; ``streams`` says that it takes or gives a stream."""

    name: str
    input: str
    output: str
    streams: bool = False
    doc: str = ""


@dataclass(slots=True)
class ProtoFile:
    """What a ``.proto`` text holds; messages and enumerations by their whole names, without the package."""

    syntax: str = "proto2"
    package: str = ""
    messages: dict[str, ProtoMessage] = field(default_factory=dict)
    enums: dict[str, ProtoEnum] = field(default_factory=dict)
    methods: list[ProtoMethod] = field(default_factory=list)

    def resolve(self, name: str, scope: str = "") -> str | None:
        """Return the whole name of the type that *name* means in the message *scope*, or None."""
        prefix = f"{self.package}." if self.package else ""
        if name.startswith("."):
            return self._known(name[1:].removeprefix(prefix))
        parts = scope.split(".") if scope else []
        for count in range(len(parts), -1, -1):
            if found := self._known(".".join([*parts[:count], name])):
                return found
        return self._known(name.removeprefix(prefix))

    def _known(self, name: str) -> str | None:
        return name if name in self.messages or name in self.enums else None


def read_proto(text: str) -> ProtoFile:
    """Return what the ``.proto`` *text* holds.

    Raises:
        FormatError: It is no such text, is too large or too deep, or needs other files.
    """
    reader = _Reader(tokens_of(text))
    while not reader.at_end:
        reader.take_statement()
    return reader.file


class _Reader:
    """A descent through the tokens of a file."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self.file = ProtoFile()

    @property
    def at_end(self) -> bool:
        return self._place == len(self._tokens)

    def take_statement(self) -> None:
        """Take a statement at the top of the file."""
        word = self._peek()
        match word.text:
            case "syntax":
                self._next()
                self._expect("=")
                self.file.syntax = self._next("text").text[1:-1]
                self._expect(";")
            case "package":
                self._next()
                self.file.package = self._type()
                self._expect(";")
            case "message":
                self._message("", 0)
            case "enum":
                self._enum("")
            case "service":
                self._service()
            case ";":
                self._next()
            case "option":
                self._pass_over()
            case _:
                self._refuse(word)

    def _message(self, scope: str, depth: int) -> None:
        if depth == _DEEPEST:
            raise FormatError(f"line {self._peek().line}: messages lie more than {_DEEPEST} levels deep")
        doc = self._next().doc
        name = self._whole(scope)
        fields: list[ProtoField] = []
        self._free(name)
        self.file.messages[name] = ProtoMessage(name, ())  # its place, before those inside it
        self._block(lambda: self._member(name, fields, depth))
        self.file.messages[name] = ProtoMessage(name, tuple(fields), doc)

    def _member(self, name: str, fields: list[ProtoField], depth: int) -> None:
        word = self._peek()
        follows_name = self._peek(1).kind == "name"
        if word.text == "message" and follows_name and self._peek(2).text == "{":
            self._message(name, depth + 1)
        elif word.text == "enum" and follows_name and self._peek(2).text == "{":
            self._enum(name)
        elif word.text == "oneof" and follows_name and self._peek(2).text == "{":
            self._next()
            self._next()
            self._block(lambda: self._choice(fields))
        elif word.text in _PASSED_OVER and self._peek(1).text != ".":
            self._pass_over()
        else:
            fields.append(self._field())

    def _choice(self, fields: list[ProtoField]) -> None:
        if self._peek().text == "option":
            self._pass_over()
        else:
            fields.append(self._field(label="oneof"))

    def _field(self, label: str = "") -> ProtoField:
        first = self._peek()
        if first.text in _REFUSED and self._peek(1).kind == "name" and self._peek(2).text != "=":
            self._refuse(first)
        if not label and first.text in _LABELS and self._peek(1).text != "=":
            label = self._next().text
        key = ""
        if self._peek().text == "map" and self._peek(1).text == "<":
            if label:
                self._refuse(self._peek())
            label = "map"
            self._next()
            self._next()
            key = self._type()
            self._expect(",")
            kind = self._type()
            self._expect(">")
        else:
            if self._peek().text == "group":
                self._refuse(self._peek())
            kind = self._type()
        name = self._next("name").text
        self._expect("=")
        number = self._number()
        self._options()
        note = self._expect(";").note
        return ProtoField(name, number, kind, label, key, first.doc, note)

    def _enum(self, scope: str) -> None:
        doc = self._next().doc
        name = self._whole(scope)
        members: list[tuple[str, int]] = []

        def take() -> None:
            if self._peek().text in _PASSED_OVER and self._peek(1).text != "=":
                self._pass_over()
                return
            member = self._next("name").text
            self._expect("=")
            members.append((member, self._number()))
            self._options()
            self._expect(";")

        self._free(name)
        self._block(take)
        self.file.enums[name] = ProtoEnum(name, tuple(members), doc)

    def _service(self) -> None:
        self._next()
        self._next("name")
        self._block(self._method)

    def _method(self) -> None:
        word = self._peek()
        if word.text == "option":
            self._pass_over()
            return
        if word.text != "rpc":
            self._refuse(word)
        self._next()
        name = self._next("name").text
        taken, streamed = self._side()
        self._expect("returns")
        given, streaming = self._side()
        if self._peek().text == "{":
            self._block(self._pass_over)
        else:
            self._expect(";")
        self.file.methods.append(ProtoMethod(name, taken, given, streamed or streaming, word.doc))

    def _side(self) -> tuple[str, bool]:
        self._expect("(")
        streams = self._peek().text == "stream" and self._peek(1).text != ")"
        if streams:
            self._next()
        kind = self._type()
        self._expect(")")
        return kind, streams

    def _block(self, take: Callable[[], object]) -> None:
        """Take what stands in braces, one statement by one."""
        self._expect("{")
        while self._peek().text != "}":
            if self._peek().text == ";":
                self._next()
            else:
                take()
        self._next()

    def _options(self) -> None:
        if self._peek().text == "[":
            self._balanced()

    def _pass_over(self) -> None:
        """Pass over a statement, to its ``;``."""
        while self._peek().text != ";":
            if self._peek().text in {"{", "["}:
                self._balanced()
            elif self._peek().text in {"}", "]"}:
                self._refuse(self._peek())
            else:
                self._next()
        self._next()

    def _balanced(self) -> None:
        depth = 0
        while True:
            text = self._next().text
            depth += (text in {"{", "["}) - (text in {"}", "]"})
            if not depth:
                return

    def _whole(self, scope: str) -> str:
        name = self._next("name").text
        return f"{scope}.{name}" if scope else name

    def _free(self, name: str) -> None:
        if name in self.file.messages or name in self.file.enums:
            raise FormatError(f"line {self._peek().line}: {name} is there twice")

    def _type(self) -> str:
        text = self._next().text if self._peek().text == "." else ""
        text += self._next("name").text
        while self._peek().text == ".":
            text += self._next().text + self._next("name").text
        return text

    def _number(self) -> int:
        sign = -1 if self._peek().text == "-" else 1
        if sign < 0:
            self._next()
        token = self._next("number")
        try:
            base = _BASES.get(token.text[:2]) or (8 if token.text[:1] == "0" and token.text != "0" else 10)
            return sign * int(token.text, base)
        except ValueError as error:
            raise FormatError(f"line {token.line}: {token.text[:40]} is no whole number") from error

    def _peek(self, ahead: int = 0) -> Token:
        place = self._place + ahead
        if place < len(self._tokens):
            return self._tokens[place]
        return Token("end", "the end", self._tokens[-1].line if self._tokens else 1)

    def _next(self, kind: str = "") -> Token:
        token = self._peek()
        if token.kind == "end" or (kind and token.kind != kind):
            raise FormatError(f"line {token.line}: {token.text[:40]} where a {kind or 'word'} belongs")
        self._place += 1
        return token

    def _expect(self, text: str) -> Token:
        token = self._peek()
        if token.text != text or token.kind == "end":
            raise FormatError(f"line {token.line}: {token.text[:40]} where {text} belongs")
        self._place += 1
        return token

    def _refuse(self, token: Token) -> None:
        raise FormatError(f"line {token.line}: {token.text[:40]!r} is nothing that a model's interface may hold here")
