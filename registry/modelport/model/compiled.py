"""What passes one message in one go: Python source for so many fields, compiled once, as `dataclasses` does it.

A loop over the fields meets a tuple, a cell and a dictionary for each of them, and after a model has run none of these
is in the processor's caches. Straight lines meet little but the values. The source depends on how many fields there
are and how they are met; names, classes and functions reach it as values, so nothing that a user wrote is ever run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import CodeType

__all__ = ["Step", "compiled_bytes_reader", "compiled_reader", "compiled_writer"]


@dataclass(frozen=True, slots=True)
class Step:
    """What turns the value of one field into another form.

    Attributes:
        function: Takes the value and *given*; None says that it is not known how, or whether it is right.
        given: What the function is given besides the value; without it, the sizes of the call's dimensions.
        only: The one class that the value may be of; without it, any.
    """

    function: Callable[[Any, Any], Any]
    given: Any = None
    only: type | None = None


def compiled_reader(
    steps: Sequence[tuple[Any, str, Step]], make: Callable[..., Any], *, tuple_of: type | None, split: Any
) -> Callable[[Any, Any], Any]:
    """Return what makes a native message of its parts, each under its key.

    Args:
        steps: Each field's key, name, and way.
        make: Makes the message of the fields' values by name.
        tuple_of: The class to make a tuple of instead.
        split: Makes the parts of what is given, which otherwise is them.
    """
    shape = tuple((step.given is not None, step.only is not None) for _, _, step in steps)
    named: dict[str, Any] = {"make": make, "kind": tuple_of, "split": split, "new": tuple.__new__}
    for number, (key, name, step) in enumerate(steps):
        named |= {f"key{number}": key, f"name{number}": name} | _of_step(number, step)
    return _function(_read_code(shape, is_tuple=tuple_of is not None, is_split=split is not None), named)


def compiled_bytes_reader(
    steps: Sequence[tuple[Any, str, Step]], other: Callable[[Any, Any], Any], make: Callable[..., Any], tuple_of: Any,
    *, doubles: bool,
) -> Callable[[Any, Any], Any]:  # fmt: skip
    """Return what makes a native message of bytes in which each field stands once, in order, with a length of one byte.

    Args:
        steps: Each field's key, a number of one byte, its name, and its way.
        other: Takes whatever else is given.
        make: As for `compiled_reader`.
        tuple_of: As for `compiled_reader`.
        doubles: Whether every field is a list of doubles of any value: one row, the commonest call, is read at once.
    """
    shape = tuple((step.given is not None, step.only is not None) for _, _, step in steps)
    named: dict[str, Any] = {"make": make, "kind": tuple_of, "other": other, "new": tuple.__new__}
    for number, (key, name, step) in enumerate(steps):
        named |= {f"key{number}": key, f"name{number}": name} | _of_step(number, step)
    if doubles:
        row = Struct("<" + len(steps) * "2sd")
        named |= {"row": row.size, "unpack": row.unpack, "heads": tuple(bytes((key, 8)) for key, _, _ in steps)}
    return _function(_bytes_code(shape, is_tuple=tuple_of is not None, doubles=doubles), named)


def compiled_writer(
    steps: Sequence[tuple[str, Step]], kind: type, get: Callable[[Any, str], Any], join: Any
) -> Callable[[Any, Any], Any]:
    """Return what makes the parts of a native message and puts them together.

    Args:
        steps: Each field's name and way.
        kind: The message's class.
        get: Reads a field by its name; whatever it raises means that the message is not known.
        join: Puts the parts together; without it they stay a dictionary by their names.
    """
    shape = tuple((step.given is not None, step.only is not None) for _, step in steps)
    named: dict[str, Any] = {"kind": kind, "get": get, "join": join}
    for number, (name, step) in enumerate(steps):
        named |= {f"name{number}": name} | _of_step(number, step)
    return _function(_write_code(shape, is_joined=join is not None), named)


def _of_step(number: int, step: Step) -> dict[str, Any]:
    return {f"step{number}": step.function, f"given{number}": step.given, f"only{number}": step.only}


def _function(code: CodeType, named: dict[str, Any]) -> Callable[[Any, Any], Any]:
    exec(code, named)  # noqa: S102 - the source is made here, of numbers alone
    made: Callable[[Any, Any], Any] = named.pop("passed")
    return made


@cache
def _read_code(shape: tuple[tuple[bool, bool], ...], *, is_tuple: bool, is_split: bool) -> CodeType:
    fields = range(len(shape))
    given = " + ".join(f"(part{n} is not None)" for n in fields) or "0"
    lines = [
        "def passed(parts, sizes):",
        *(["    parts = split(parts)"] if is_split else []),
        "    if parts.__class__ is not dict: return None",
        *(f"    part{n} = parts.get(key{n})" for n in fields),
        f"    if {given} != len(parts): return None",
        *(line for n in fields for line in _step(n, *shape[n])),
        *_made(len(shape), is_tuple=is_tuple),
    ]
    return compile("\n".join(lines), "<reader of a message>", "exec")


@cache
def _bytes_code(shape: tuple[tuple[bool, bool], ...], *, is_tuple: bool, doubles: bool) -> CodeType:
    fields = range(len(shape))
    lines = [
        "def passed(data, sizes):",
        "    if data.__class__ is not bytes: return other(data, sizes)",
        *(_row(len(shape), is_tuple=is_tuple) if doubles else ()),
        "    end = 0",
        "    try:",
        "        pass",
        *(f"        {line}" for n in fields for line in _piece(n)),
        "    except IndexError:",  # it ends before its last field
        "        return other(data, sizes)",
        "    if end != len(data): return other(data, sizes)",
        *(line for n in fields for line in _step(n, *shape[n])),
        *_made(len(shape), is_tuple=is_tuple),
    ]
    return compile("\n".join(lines), "<reader of bytes>", "exec")


def _row(fields: int, *, is_tuple: bool) -> Iterator[str]:
    yield "    if len(data) == row and (found := unpack(data))[::2] == heads:"
    yield from (f"        part{n} = [found[{2 * n + 1}]]" for n in range(fields))
    yield from (f"    {line}" for line in _made(fields, is_tuple=is_tuple))


def _piece(number: int) -> Iterator[str]:
    yield "start = end + 2"
    yield f"if data[end] != key{number} or data[end + 1] > 127: return other(data, sizes)"
    yield "end = start + data[end + 1]"
    yield f"part{number} = data[start:end]"


def _made(fields: int, *, is_tuple: bool) -> Iterator[str]:
    if is_tuple:
        yield f"    return new(kind, ({''.join(f'part{n}, ' for n in range(fields))}))"
        return
    yield "    try:"
    yield f"        return make(**{{{', '.join(f'name{n}: part{n}' for n in range(fields))}}})"
    yield "    except Exception:"  # the class is the user's; the way that explains meets and tells it
    yield "        return None"


@cache
def _write_code(shape: tuple[tuple[bool, bool], ...], *, is_joined: bool) -> CodeType:
    fields = range(len(shape))
    parts = "".join(f"part{n}, " if is_joined else f"name{n}: part{n}, " for n in fields)
    lines = [
        "def passed(native, sizes):",
        "    if not isinstance(native, kind): return None",
        "    try:",
        *(f"        part{n} = get(native, name{n})" for n in fields),
        "        pass",
        "    except Exception:",  # the class is the user's; the way that explains meets and tells it
        "        return None",
        *(line for n in fields for line in _step(n, *shape[n])),
        f"    return join(({parts}))" if is_joined else f"    return {{{parts}}}",
    ]
    return compile("\n".join(lines), "<writer of a message>", "exec")


def _step(number: int, is_given: bool, is_only: bool) -> Iterator[str]:  # noqa: FBT001 - a shape's two parts
    if is_only:
        yield f"    if part{number}.__class__ is not only{number}: return None"
    yield f"    part{number} = step{number}(part{number}, {f'given{number}' if is_given else 'sizes'})"
    yield f"    if part{number} is None: return None"
