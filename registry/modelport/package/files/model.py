"""A model that is a file: what each kind of file has in common, and how its methods meet what runs the file."""

from __future__ import annotations

from collections import namedtuple
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from modelport.errors import PackError
from modelport.model import Codec, Model
from modelport.model.infer import MethodTypes, Signature
from modelport.model.records import Record
from modelport.model.spec import ModelSpec, structure_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from modelport.model.spec import Message, MethodSpec

__all__ = ["FileModel", "Runner", "bound", "method_title", "spec_of"]

Runner: TypeAlias = "Callable[[Any], Mapping[str, Any]]"
"""Takes the message of a method and gives the values of the answer's fields."""


class FileModel(Model):
    """A model that is a file, or a trained object that is kept as one: nothing in it is code of its maker's.

    Attributes:
        files: The bytes of its files, by their paths in a package.
        license: The licence's bytes, or nothing.
        bindings: What ``package.json`` says under ``methods``.
        modules: The modules that running it needs.
        kind: What ``package.json`` calls the file's type.
        tier: What loading it may execute, and why.
        trained: The trained object that its one file holds, where a framework runs it.
    """

    kind: ClassVar[str]
    files: Mapping[str, bytes]
    license: bytes
    bindings: Mapping[str, Any]
    modules: frozenset[str]
    tier: Mapping[str, str]
    trained: Any = None

    def __init__(
        self,
        spec: ModelSpec,
        runners: Mapping[str, Runner],
        bindings: Mapping[str, Any],
        *,
        files: Mapping[str, bytes],
        modules: Iterable[str],
        tier: tuple[str, str],
        license: bytes = b"",  # noqa: A002 - the word that entries use
    ) -> None:
        self.files, self.license, self.modules = files, license, frozenset(modules)
        self.tier = {"level": tier[0], "reason": tier[1]}
        self.bindings = bindings
        self._set(*bound(spec, runners))


def bound(spec: ModelSpec, runners: Mapping[str, Runner]) -> tuple[Signature, dict[str, Callable[..., Any]]]:
    """Return the signature and the functions of a model whose methods are *runners*, given by name."""
    plain = {m.name: _record(m) for m in spec.messages}
    taken = {m.input: _with_elements(plain[m.input], spec.message(m.input)) for m in spec.methods}
    records = {name: taken.get(name, record) for name, record in plain.items()}
    call = MethodTypes(positional=("message",), keywords=(), spread=False, wrap=False, void=False)
    functions: dict[str, Callable[..., Any]] = {
        m.name: partial(_run, runners[m.name], records[m.output].kind) for m in spec.methods
    }
    return Signature(spec, records, {m.name: call for m in spec.methods}), functions


def spec_of(messages: Iterable[Message], methods: Iterable[MethodSpec], *, hint: str) -> ModelSpec:
    """Return the signature that was read from a file; raise PackError with *hint* where it is none."""
    spec = ModelSpec(tuple(messages), tuple(methods)).with_proto_package()
    if problems := structure_problems(spec):
        raise PackError("; ".join(problems), hint=hint)
    return spec


def method_title(method: str) -> str:
    """Return what the messages of *method* begin with."""
    return "".join(part[:1].upper() + part[1:] for part in method.split("_"))


def _run(runner: Runner, answer: type, message: Any) -> Any:
    return answer(**runner(message))


def _record(message: Message) -> Record:
    """Return the record of a message: a named tuple, also of a table's columns, for which a data frame does, too."""
    if not message.table:
        return Record.of_class(Codec.bare(ModelSpec((message,), ())).types[message.name])
    kind = namedtuple(message.name, [f.name for f in message.fields])  # type: ignore[misc]  # noqa: PYI024 - its fields are known only now
    return Record(kind, kind, _column)


def _column(value: Any, name: str) -> Any:
    return value[name].tolist() if hasattr(value, "columns") else getattr(value, name)


def _with_elements(record: Record, message: Message) -> Record:
    """Return a record whose class refuses fields without elements: some graphs end the process on them."""
    names = [field.name for field in message.fields]

    def make(cls: type, *given: Any, **values: Any) -> Any:
        all_values = dict(zip(names, given, strict=False)) | values
        if empty := [name for name, value in all_values.items() if _is_empty(value)]:
            raise ValueError(f"no elements in {', '.join(empty)}: the model cannot be run without any")
        return record.kind.__new__(cls, *given, **values)

    kind = type(record.kind.__name__, (record.kind,), {"__new__": make, "__slots__": ()})
    return Record(kind, kind, record.get)


def _is_empty(value: Any) -> bool:
    return not value if isinstance(value, list | tuple) else getattr(value, "size", 1) == 0
