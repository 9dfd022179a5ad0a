"""A signature -> a TypeScript client in one file: interfaces and a class with a function for each method.

It needs `fetch` and nothing else, and passes ``tsc --strict``. Names are those of the wire.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from modelport.client.generate.words import filled, free_names, told
from modelport.client.options import streams
from modelport.model.kinds import EnumRef, ListOf, MapOf, MessageRef, OptionalOf, Scalar, TensorOf, single
from modelport.model.scalars import FLOATS

if TYPE_CHECKING:
    from modelport.model.kinds import FieldType, Single
    from modelport.model.spec import Enumeration, Message, MethodSpec, ModelSpec

__all__ = ["typescript_client"]

_RESERVED = frozenset({
    "any", "as", "async", "await", "bigint", "boolean", "break", "case", "catch", "class", "const", "continue",
    "debugger", "default", "delete", "do", "else", "enum", "export", "extends", "false", "finally", "for", "function",
    "if", "implements", "import", "in", "instanceof", "interface", "intrinsic", "let", "never", "new", "null", "number",
    "object", "package", "private", "protected", "public", "return", "static", "string", "super", "switch", "symbol",
    "this", "throw", "true", "try", "type", "typeof", "undefined", "unknown", "var", "void", "while", "with", "yield",
    "globalThis", "SIGNATURE",
})  # fmt: skip
_OWN = ("Client", "ServiceError", "Options")
_WIDE = frozenset({"int64", "uint64"})
_TYPES = {"bool": "boolean", "string": "string", "bytes": "globalThis.Uint8Array"}


def typescript_client(spec: ModelSpec, name: str, version: str = "") -> str:
    """Return the text of the client."""
    return _Writer(spec).text(name, version)


class _Writer:
    """Writes one signature's client. What is sent and what is received differ: a field may be left out of the first."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        taken = [m.name for m in spec.messages] + [e.name for e in spec.enums]
        self.types = free_names(taken, _RESERVED)
        self.inputs = free_names([f"{m.name}Input" for m in spec.messages], {*_RESERVED, *self.types.values()})
        self.own = free_names(_OWN, {*_RESERVED, *self.types.values(), *self.inputs.values()})
        self.methods = free_names([m.name for m in spec.methods], {"constructor"})

    def text(self, name: str, version: str) -> str:
        spec = self.spec
        kinds = [*map(self.enum, spec.enums)]
        for message in spec.messages:
            kinds += [self.message(message, sent=True), self.message(message, sent=False)]
        code = [part for m in spec.messages for part in (self.writer(m), self.reader(m))]
        parts = {
            "NAME": _comment(name), "VERSION": f" {_comment(version)}" if version else "",
            "FIRST": self.methods[spec.methods[0].name], "SIGNATURE": spec.proto_package,
            "TYPES": "\n\n".join(kinds), "CLIENT": self.own["Client"], "ERROR": self.own["ServiceError"],
            "OPTIONS": self.own["Options"], "METHODS": "\n".join(map(self.method, spec.methods)),
            "CODE": "\n\n".join(code),
        }  # fmt: skip
        text = filled("typescript.tmpl", parts).rstrip("\n") + "\n"
        if any(any(streams(m)) for m in spec.methods):
            return text
        before, _, after = text.partition("  async *#stream")
        return before + "  async #opened" + after.partition("  async #opened")[2]

    def enum(self, enum: Enumeration) -> str:
        members = " | ".join(json.dumps(name) for name, _ in enum.members)
        return (
            f"{_docs(enum.doc or f'One of the names of {enum.name}.')}export type {self.types[enum.name]} = {members};"
        )

    def message(self, message: Message, *, sent: bool) -> str:
        doc = message.doc or f"The message {message.name}."
        name = self.input(message.name) if sent else self.types[message.name]
        lines = [f"{_docs(doc + (' As it is sent.' if sent else ''))}export interface {name} {{"]
        for field in message.fields:
            absent = "?" if sent and not field.is_required else ""
            lines.append(_docs(told(field, message, self.spec), 2) + f"  {field.name}{absent}: ")
            lines[-1] += self.type(field.type, sent=sent) + (" | undefined;" if absent else ";")
        return "\n".join([*lines, "}"])

    def input(self, message: str) -> str:
        return self.inputs[f"{message}Input"]

    def method(self, method: MethodSpec) -> str:
        takes, gives = streams(method)
        given, out = self.input(method.input), self.types[method.output]
        lines = [_docs(method.doc or f"Call {method.name}.", 2).rstrip("\n")]
        call = f'"{method.name}", content, '
        call += '"application/x-ndjson"' if takes else '"application/json"'
        argument = (
            f"messages: Iterable<{given}>".replace("Iterable", "globalThis.Iterable") if takes else f"given: {given}"
        )
        write = f"_write{self.types[method.input]}"
        content = f'globalThis.Array.from(messages, (one) => globalThis.JSON.stringify({write}(one)) + "\\n").join("")'
        content = content if takes else f"globalThis.JSON.stringify({write}(given))"
        read = f"_read{self.types[method.output]}"
        name = self.methods[method.name]
        if gives:
            lines.append(f"  async *{name}({argument}): globalThis.AsyncGenerator<{out}, void> {{")
            lines.append(f"    const content = {content};")
            lines.append(f"    for await (const one of this.#stream({call})) yield {read}(one);")
        else:
            lines.append(f"  async {name}({argument}): globalThis.Promise<{out}> {{")
            lines.append(f"    const content = {content};")
            lines.append(f"    return {read}(await this.#call({call}));")
        return "\n".join([*lines, "  }", ""])

    def type(self, kind: FieldType, *, sent: bool) -> str:
        one = self.single(single(kind), sent=sent)
        match kind:
            case ListOf():
                return f"({one})[]"
            case MapOf():
                return f"{{ [key: string]: {one} }}"
            case OptionalOf():
                return f"{one} | null"
            case _:
                return one

    def single(self, kind: Single, *, sent: bool) -> str:
        match kind:
            case Scalar(name):
                return _TYPES.get(name, "number | bigint" if sent and name in _WIDE else "number")
            case EnumRef(name):
                return self.types[name]
            case MessageRef(name):
                return self.input(name) if sent else self.types[name]
            case TensorOf(dtype, shape):
                element = "boolean" if dtype == "bool" else "number | bigint" if sent and dtype in _WIDE else "number"
                return f"({element})" + "[]" * len(shape) if shape else element

    def writer(self, message: Message) -> str:
        name = self.types[message.name]
        value = "value" if message.fields else "_"
        lines = [f"export function _write{name}({value}: {self.input(message.name)}): _Json {{", "  return {"]
        for field in message.fields:
            there = f"value.{field.name}"
            written = self.through(field.type, there, self.way(single(field.type), out=True))
            if not field.is_required:
                written = f"{there} === undefined ? undefined : {written}"
            lines.append(f"    {field.name}: {written},")
        return "\n".join([*lines, "  };", "}"])

    def reader(self, message: Message) -> str:
        name = self.types[message.name]
        lines = [f"export function _read{name}(document: unknown): {name} {{"]
        lines += ["  const value = _object(document);"] if message.fields else ["  void document;"]
        lines.append("  return {")
        for field in message.fields:
            kind = self.type(field.type, sent=False)
            there = f'value["{field.name}"]'
            way = self.way(single(field.type), out=False)
            there = f"({there} ?? null)" if isinstance(field.type, OptionalOf) else there
            if isinstance(field.type, MapOf):
                there = f"_object({there})"
            elif isinstance(field.type, ListOf) and way:
                there = f"_array({there})"
            lines.append(f"    {field.name}: {self.through(field.type, there, way)} as {kind},")
        return "\n".join([*lines, "  };", "}"])

    def through(self, kind: FieldType, value: str, function: str) -> str:
        if not function:
            return value
        match kind:
            case ListOf():
                return f"{value}.map((one) => {function}(one))"
            case MapOf():
                return f"_map({value}, (one) => {function}(one))"
            case OptionalOf():
                return f"({value} === null ? null : {function}({value}))"
            case _:
                return f"{function}({value})"

    def way(self, kind: Single, *, out: bool) -> str:
        """Return the function that a value goes through; empty for one that stays as it is."""
        match kind:
            case MessageRef(name):
                return f"_{'write' if out else 'read'}{self.types[name]}"
            case Scalar("bytes"):
                return "_bytesOut" if out else "_bytesIn"
            case Scalar("bool" | "string") | EnumRef() | TensorOf("bool", _):
                return ""
            case Scalar(name):
                return "_numberOut" if out else "_floatIn" if name in FLOATS else "_integerIn"
            case TensorOf(dtype, _):
                return "_numbersOut" if out else "_floatsIn" if dtype in FLOATS else "_integersIn"


def _comment(text: str) -> str:
    return "".join(c for c in text if c == "\n" or c.isprintable()).replace("*/", "* /")


def _docs(text: str, indent: int = 0) -> str:
    space = " " * indent
    lines = _comment(text.strip()).splitlines() or [""]
    if len(lines) == 1:
        return f"{space}/** {lines[0]} */\n"
    return "".join([f"{space}/**\n", *(f"{space} * {line}".rstrip() + "\n" for line in lines), f"{space} */\n"])
