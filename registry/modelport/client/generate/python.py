"""A signature -> a Python client in one file: dataclasses and a class with a function for each method.

The standard library is all that it needs. It passes ``mypy --strict``.
"""

from __future__ import annotations

import base64
import builtins
import keyword
from typing import TYPE_CHECKING

from modelport.client.generate.words import filled, free_names, told
from modelport.client.options import streams
from modelport.model.kinds import EnumRef, ListOf, MapOf, MessageRef, OptionalOf, Scalar, TensorOf, single
from modelport.model.scalars import FLOATS

if TYPE_CHECKING:
    from modelport.model.kinds import FieldType, Single
    from modelport.model.spec import Field, Message, MethodSpec, ModelSpec

__all__ = ["python_client"]

_KEYWORDS = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins)})
_TYPES = {"bool": "bool", "string": "str", "bytes": "bytes"}


def python_client(spec: ModelSpec, name: str, version: str = "") -> str:
    """Return the text of the client."""
    return _Writer(spec).text(name, version)


class _Writer:
    """Writes one signature's client."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        kinds = [*(m.name for m in spec.messages), *(e.name for e in spec.enums)]
        self.types = free_names(kinds, {*_KEYWORDS, "SIGNATURE"})
        taken = {*_KEYWORDS, "SIGNATURE", *self.types.values()}
        self.own = free_names(["Client", "ServiceError"], taken)
        self.reserved = {*_KEYWORDS, "self", "messages", *self.types.values(), *self.own.values()}
        self.methods = free_names([m.name for m in spec.methods], self.reserved)

    def text(self, name: str, version: str) -> str:
        spec = self.spec
        enums = [
            f"{self.types[e.name]} = _Literal[{', '.join(repr(member) for member, _ in e.members)}]\n"
            f'"""{_doc(e.doc or f"One of the names of {e.name}.")}"""'
            for e in spec.enums
        ]
        parts = {
            "NAME": _doc(name), "VERSION": f" {_doc(version)}" if version else "",
            "FIRST": self.methods[spec.methods[0].name], "SIGNATURE": spec.proto_package,
            "ALL": ", ".join(f'"{one}"' for one in sorted([*self.types.values(), *self.own.values(), "SIGNATURE"])),
            "TYPES": "\n\n".join(["\n".join(enums), *map(self.message, spec.messages)]).strip("\n") + "\n",
            "ERROR": self.own["ServiceError"], "CLIENT": self.own["Client"],
            "METHODS": "\n".join(map(self.method, spec.methods)),
            "CODE": "\n".join(f"\n{self.writer(m)}\n\n{self.reader(m)}\n" for m in spec.messages).rstrip("\n"),
        }  # fmt: skip
        return filled("python.tmpl", parts).rstrip("\n") + "\n"

    def fields(self, message: Message) -> dict[str, str]:
        return free_names([f.name for f in message.fields], self.reserved)

    def message(self, message: Message) -> str:
        names = self.fields(message)
        lines = ["", "@_dataclass(frozen=True, kw_only=True)", f"class {self.types[message.name]}:"]
        lines.append(f'    """{_doc(message.doc or f"The message {message.name}.")}"""')
        for field in message.fields:
            default = self.default(field)
            shown = f" = {default}" if default else ""
            lines += ["", f"    {names[field.name]}: {self.type(field.type)}{shown}"]
            lines.append(f'    """{_doc(told(field, message, self.spec))}"""')
        return "\n".join(lines) + "\n"

    def default(self, field: Field) -> str:  # noqa: PLR0911 - one for each kind
        if isinstance(field.type, OptionalOf):
            return "None"
        if not field.has_default:
            return ""
        match field.type:
            case ListOf():
                return "_field(default_factory=list)"
            case MapOf():
                return "_field(default_factory=dict)"
            case Scalar("bytes"):
                return repr(base64.b64decode(field.default))
            case Scalar(name) if name in FLOATS:
                return f'float("{field.default}")' if isinstance(field.default, str) else repr(float(field.default))
            case Scalar() | EnumRef():
                return repr(field.default)
            case kind:
                return f"_field(default_factory=lambda: {self.read(kind, repr(field.default))})"

    def method(self, method: MethodSpec) -> str:
        takes, gives = streams(method)
        given, out = self.types[method.input], self.types[method.output]
        result, kind = f"_read_{out}", f"_Iterator[{out}]" if gives else out
        lines = [f'        """{_doc(method.doc or f"Call {method.name}.", indent=8)}"""']
        if takes:
            head = f"    def {self.methods[method.name]}(self, messages: _Iterable[{given}]) -> {kind}:"
            lines.append(f"        _lines = (_line(_write_{given}(one)) for one in messages)")
            sent = "_lines"
        else:
            head, body = self.parameters(method, kind)
            lines += body
            sent = "_line(_arguments)"
        called = f'self._stream("{method.name}", {sent})'
        if gives:
            lines.append(f"        return ({result}(_one) for _one in {called})")
        elif takes:
            lines.append(f'        with self._opened("{method.name}", _lines, "application/json") as _answer:')
            lines.append(f"            return {result}(_json.loads(_answer.read()))")
        else:
            lines.append(f'        return {result}(self._call("{method.name}", _arguments))')
        return "\n".join([head, *lines, ""])

    def parameters(self, method: MethodSpec, kind: str) -> tuple[str, list[str]]:
        message = self.spec.message(method.input)
        names, starred, optional = self.fields(message), False, False
        shown, body = [], ["        _arguments: dict[str, _Any] = {}"]
        for field in message.fields:
            name = names[field.name]
            if field.is_required:
                shown += ["*"] if optional and not starred else []
                starred = starred or optional
                shown.append(f"{name}: {self.type(field.type)}")
                body.append(f'        _arguments["{field.name}"] = {self.write(field.type, name)}')
                continue
            optional = True
            shown.append(f"{name}: {self.type(single_or_whole(field.type))} | None = None")
            body.append(f"        if {name} is not None:")
            body.append(f'            _arguments["{field.name}"] = {self.write(single_or_whole(field.type), name)}')
        given = "".join(f"        {one},\n" for one in shown)
        head = f"    def {self.methods[method.name]}(\n        self,\n{given}    ) -> {kind}:"
        return head, body

    def type(self, kind: FieldType) -> str:
        one = self.single(single(kind))
        match kind:
            case ListOf():
                return f"list[{one}]"
            case MapOf():
                return f"dict[str, {one}]"
            case OptionalOf():
                return f"{one} | None"
            case _:
                return one

    def single(self, kind: Single) -> str:
        match kind:
            case Scalar(name):
                return _TYPES.get(name, "float" if name in FLOATS else "int")
            case EnumRef(name) | MessageRef(name):
                return self.types[name]
            case TensorOf(dtype, shape):
                element = "bool" if dtype == "bool" else "float" if dtype in FLOATS else "int"
                return "list[" * len(shape) + element + "]" * len(shape)

    def writer(self, message: Message) -> str:
        name, names = self.types[message.name], self.fields(message)
        head = f"def _write_{name}(_value: {name}) -> dict[str, _Any]:\n    return {{"
        lines = [f'        "{f.name}": {self.write(f.type, f"_value.{names[f.name]}")},' for f in message.fields]
        return "\n".join([head, *lines, "    }"])

    def reader(self, message: Message) -> str:
        name, names = self.types[message.name], self.fields(message)
        head = f"def _read_{name}(_value: _Any) -> {name}:\n    return {name}("
        lines = []
        for f in message.fields:
            there = f'_value.get("{f.name}")' if isinstance(f.type, OptionalOf) else f'_value["{f.name}"]'
            lines.append(f"        {names[f.name]}={self.read(f.type, there)},")
        return "\n".join([head, *lines, "    )"])

    def write(self, kind: FieldType, value: str) -> str:
        return _through(kind, value, self._way(single(kind), "out"))

    def read(self, kind: FieldType, value: str) -> str:
        return _through(kind, value, self._way(single(kind), "in"))

    def _way(self, kind: Single, way: str) -> str:
        """Return the function that a value goes through; empty for one that stays as it is."""
        match kind:
            case Scalar("bytes"):
                return f"_bytes_{way}"
            case Scalar(name) if name in FLOATS:
                return f"_float_{way}"
            case MessageRef(name):
                return f"_{'write' if way == 'out' else 'read'}_{self.types[name]}"
            case TensorOf(dtype, _) if dtype in FLOATS:
                return f"_floats_{way}"
            case _:
                return ""


def single_or_whole(kind: FieldType) -> FieldType:
    """Return the type of a value that is there."""
    return kind.item if isinstance(kind, OptionalOf) else kind


def _through(kind: FieldType, value: str, function: str) -> str:
    if not function:
        return value
    match kind:
        case ListOf():
            return f"[{function}(_one) for _one in {value}]"
        case MapOf():
            return f"{{_key: {function}(_one) for _key, _one in {value}.items()}}"
        case OptionalOf():
            return f"None if {value} is None else {function}({value})"
        case _:
            return f"{function}({value})"


def _doc(text: str, indent: int = 0) -> str:
    """Return *text* as it may stand between three quotes."""
    safe = (
        "".join(c for c in text.strip() if c == "\n" or c.isprintable())
        .replace("\\", "\\\\")
        .replace('"""', '\\"\\"\\"')
    )
    safe = f"{safe[:-1]}\\{safe[-1]}" if safe.endswith('"') else safe
    return safe.replace("\n", f"\n{' ' * indent}")
