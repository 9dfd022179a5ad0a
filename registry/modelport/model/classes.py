"""Classes that become messages: NamedTuples, dataclasses and pydantic models, read into parts."""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from modelport.errors import SignatureError
from modelport.model.annotations import own_about, type_hints
from modelport.model.defaults import Made
from modelport.model.docs import read_docs
from modelport.model.records import Record, UnfitError
from modelport.model.spec import NO_DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["MessageClass", "Part", "is_message", "read_class"]


@dataclass(frozen=True, slots=True)
class Part:
    """What will be a field: its name, its annotation, its default in Python, and what a docstring says of it."""

    name: str
    annotation: Any
    default: Any = NO_DEFAULT
    words: str = ""


@dataclass(frozen=True, slots=True)
class MessageClass:
    """What a class says of itself: its parts, its words, and how messages meet it."""

    parts: tuple[Part, ...]
    doc: str
    record: Record


def is_message(kind: object) -> bool:
    """Tell whether *kind* is a class that becomes a message: a NamedTuple, a dataclass or a pydantic model."""
    return isinstance(kind, type) and (
        dataclasses.is_dataclass(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields")) or _is_pydantic(kind)
    )


def read_class(kind: Any, where: str) -> MessageClass:
    """Return the parts of a class that :func:`is_message` knows.

    Raises:
        SignatureError: A field has no type, a default is not the same each time, or the class cannot be made from its
            fields; *where* begins the message.
    """
    if _is_pydantic(kind):
        annotations, defaults, words = _pydantic_fields(kind, where)
        record = _validated(kind, _aliases(kind, where))
    else:
        hints = type_hints(kind, f"{where}: {kind.__name__}")
        dataclass_ = dataclasses.is_dataclass(kind)
        defaults = _dataclass_defaults(kind, where) if dataclass_ else dict(kind._field_defaults)
        names = [f.name for f in dataclasses.fields(kind)] if dataclass_ else list(kind._fields)
        if untyped := [n for n in names if n not in hints]:
            raise SignatureError(
                f"{where}: {kind.__name__} has no type for {', '.join(untyped)}",
                hint="use typing.NamedTuple or a dataclass, which give each field a type",
            )
        _check_constructor(kind, names, where)
        annotations, words = {n: hints[n] for n in names}, {}
        record = _validated(kind, {}) if hasattr(kind, "__pydantic_validator__") else Record.of_class(kind)
    docs = read_docs(_own_doc(kind), annotations)
    said = {**docs.fields, **words}
    parts = (Part(n, a, defaults.get(n, NO_DEFAULT), said.get(n, "")) for n, a in annotations.items())
    return MessageClass(tuple(parts), docs.text, record)


def _dataclass_defaults(kind: Any, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in dataclasses.fields(kind):
        if one.default is not dataclasses.MISSING:
            found[one.name] = one.default
        elif one.default_factory is not dataclasses.MISSING:
            found[one.name] = _made(one.default_factory, f"{where}: {kind.__name__}, field {one.name!r}")
    return found


def _made(factory: Callable[[], Any], where: str) -> Made:
    try:
        return Made(factory(), factory())
    except Exception as error:
        raise SignatureError(
            f"{where}: its default cannot be made: {type(error).__name__}: {error}",
            hint="the factory is called without arguments and gives a value of the field's type",
        ) from error


def _check_constructor(kind: type, names: list[str], where: str) -> None:
    parameters = inspect.signature(kind).parameters.values()
    taken = {p.name for p in parameters if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}}
    given = taken if not any(p.kind is p.VAR_KEYWORD for p in parameters) else {*taken, *names}
    odd = [f"it does not take {n!r}" for n in names if n not in given]
    odd += [f"it needs {n!r} besides" for n in sorted(taken - set(names)) if _is_needed(kind, n)]
    if odd:
        raise SignatureError(
            f"{where}: {kind.__name__} cannot be made from its fields: {', '.join(odd)}",
            hint="its constructor takes every field and needs nothing else (no init=False, no InitVar)",
        )


def _is_needed(kind: type, name: str) -> bool:
    return inspect.signature(kind).parameters[name].default is inspect.Parameter.empty


def _is_pydantic(kind: type) -> bool:
    return isinstance(getattr(kind, "model_fields", None), dict) and hasattr(kind, "model_validate")


def _pydantic_fields(kind: Any, where: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """Return the annotations, defaults and words of a pydantic model's fields."""
    if getattr(kind, "__pydantic_generic_metadata__", {}).get("origin"):
        raise SignatureError(
            f"{where}: {kind.__name__} is a generic class, whose name is no message's",
            hint=f"give it a name of its own: class Mine({kind.__name__})",
        )
    try:
        kind.model_rebuild()  # annotations that were not yet defined when the class was
    except Exception as error:
        raise SignatureError(
            f"{where}: {kind.__name__}: its annotations cannot be read: {type(error).__name__}",
            hint="use types that can be reached by name from the top of the module that defines it",
        ) from error
    annotations, defaults, words = {}, {}, {}
    for name, one in kind.model_fields.items():
        notes = own_about(one.metadata, one.annotation)
        annotations[name] = Annotated[(one.annotation, *notes)] if notes else one.annotation
        words[name] = one.description or ""
        if one.default_factory is not None:
            defaults[name] = _made(one.default_factory, f"{where}: {kind.__name__}, field {name!r}")
        elif not one.is_required():
            defaults[name] = one.default
    return annotations, defaults, {name: said for name, said in words.items() if said}


def _aliases(kind: Any, where: str) -> dict[str, str]:
    """Return by which name the constructor takes each field that it does not take by its own."""
    found = {}
    for name, one in kind.model_fields.items():
        alias = one.validation_alias if one.validation_alias is not None else one.alias
        if alias is not None and not isinstance(alias, str):
            raise SignatureError(
                f"{where}: {kind.__name__}, field {name!r}: has an alias by {type(alias).__name__}",
                hint="give it one name: alias='...'; in the signature it keeps its own",
            )
        if alias not in {None, name}:
            found[name] = alias
    return found


def _validated(kind: Any, aliases: dict[str, str]) -> Record:
    """Return the record of a class whose constructor is pydantic's: it names the fields that it refuses."""
    names = {alias: name for name, alias in aliases.items()}

    def make(**values: Any) -> Any:
        from pydantic import ValidationError

        try:
            return kind(**{aliases.get(name, name): value for name, value in values.items()})
        except ValidationError as error:
            problems = [(_path(one["loc"], names), str(one["msg"])) for one in error.errors(include_url=False)]
            raise UnfitError(problems) from error

    return Record(kind, make)


def _path(loc: Sequence[Any], names: dict[str, str]) -> str:
    head = [names.get(loc[0], loc[0]), *loc[1:]] if loc else []
    return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in head).removeprefix(".")


def _own_doc(kind: type) -> str:
    # namedtuple and dataclass write a docstring of their own, which says nothing new.
    doc = vars(kind).get("__doc__") or ""
    return "" if doc.startswith(f"{kind.__name__}(") else inspect.cleandoc(doc)
