"""What is asked for on the command line of ``select`` and ``plan``, and all that is wrong with it at once."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modelport.errors import FormatError, InputError, ModelportError, NotFoundError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from modelport.edge.types import Request

__all__ = ["Problems", "asked_prefix", "asked_request", "size_of", "take_negative"]


class Problems:
    """Collects what is wrong, so that all of it is told at once."""

    def __init__(self) -> None:
        self._found: list[ModelportError] = []

    @contextmanager
    def told(self) -> Iterator[None]:
        """Go on after what is wrong in the block; its results count for nothing until `check` has been passed."""
        try:
            yield
        except (InputError, NotFoundError) as error:
            self._found.append(error)

    def check(self) -> None:
        """Raise what was found: the one problem as it is, several in one message.

        Raises:
            InputError: There are several, or it is one.
            NotFoundError: It is the only one.
        """
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            lines = [f"  {one.message}{f' ({one.hint})' if one.hint else ''}" for one in self._found]
            raise InputError("\n".join([f"{len(lines)} things are wrong with what is asked for:", *lines]))


def asked_request(options: argparse.Namespace, problems: Problems) -> Request:
    """Return what the options ask for, in so far as it is right; *problems* has the rest."""
    from modelport.cli.profiles import accuracy_of, deadline_of
    from modelport.edge.types import Request

    found: dict[str, float | int | bool | None] = {}
    with problems.told():
        found["deadline"] = deadline_of(options.deadline_ms)
    with problems.told():
        found["min_accuracy"] = accuracy_of(options.min_accuracy)
    with problems.told():
        found["payload"] = size_of(options.payload, "--payload")
    if getattr(options, "max_bytes", None) is not None:
        with problems.told():
            found["max_bytes"] = size_of(options.max_bytes, "--max-bytes")
    found["battery_low"] = getattr(options, "battery_low", False)
    return Request(**found)  # type: ignore[arg-type]  # each by its own name


def size_of(text: str, option: str) -> int:
    """Return the bytes that an option says.

    Raises:
        InputError: It says none.
    """
    from modelport.catalog.filters import parse_size

    if text.lstrip().startswith("-"):
        raise InputError(f"{option} {text}: a size is not negative", hint="write for instance 20MB")
    try:
        return parse_size(text)
    except InputError as error:
        raise InputError(f"{option}: {error.message}", hint=error.hint) from error


def asked_prefix(text: str | None) -> str | None:
    """Return the place in a registry that ``--registry`` names; None where it is not given.

    Raises:
        InputError: It is none.
    """
    from modelport.types import Reference

    if text is None:
        return None
    bare = text.rstrip("/").partition("://")[2] or text.rstrip("/")
    try:
        host = Reference.parse(f"{bare}/model").host
    except FormatError:
        host = None
    if host is None:
        hint = "write HOST[:PORT]/PREFIX, for instance registry.example.org/models"
        raise InputError(f"--registry: {text!r} names no registry's host", hint=hint)
    if bare != text.rstrip("/"):
        raise InputError(f"--registry: {text!r} is an address of the web", hint=f"write it without http://: {bare}")
    return bare


def take_negative(parser: argparse.ArgumentParser) -> None:
    """Let ``--budget -5kB`` be an option with a value, so that it is told what is wrong with that."""
    # argparse takes what begins with '-' for an option, but for numbers; no option of ours begins with a digit.
    parser._negative_number_matcher = re.compile(r"-\.?[0-9]")  # noqa: SLF001 - it has no other way
