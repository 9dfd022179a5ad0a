"""``modelport call``: one prediction, without a server. Prints the answer's JSON and nothing else.

Of a method that gives a stream each message is printed when it is made. One that takes a stream reads a message from
each line, from stdin when it comes there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from modelport.cli.models import add_allow_code, check_code, find_model
from modelport.cli.runtime import command_for
from modelport.cli.terminal import data, talk
from modelport.errors import CallError, FormatError, InputError, ModelError
from modelport.package.answer import read_answer
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "reference", metavar="REFERENCE", help="NAME[:VERSION], a registry's reference, or a package's folder"
    )
    parser.add_argument("method", metavar="METHOD")
    help_text = "the arguments; @FILE reads them from a file, - from stdin; one message a line for a stream"
    parser.add_argument("arguments", metavar="JSON", help=help_text)
    add_allow_code(parser)


def run(options: argparse.Namespace) -> int:
    """Call and print the answer, or the answers as they come."""
    settings = load_settings()
    text = None if options.arguments == "-" else _said(options.arguments)
    found = find_model(options.reference, settings)
    method = found.package.spec.method(options.method)
    check_code(found, settings, allow_code=options.allow_code)
    folder = str(found.package.folder.resolve())
    command, variables = command_for(found.package, settings.cache, "modelport.package.call", [folder, options.method])
    with _input(text, streams=method.streams_in) as given, TemporaryFile() as said:
        with subprocess.Popen(
            # Frameworks chatter on stderr while they load: it is shown only where something went wrong.
            command, stdin=given, stdout=subprocess.PIPE, stderr=said, encoding="utf-8", env=variables
        ) as process:  # fmt: skip
            answer = _print(process.stdout or ())
        if answer and "end" in answer:
            return 0
        said.seek(0)
        words = said.read().decode("utf-8", "replace").strip()
        if answer is None:
            raise ModelError(f"{found.name} ended with status {process.returncode} and without an answer:\n{words}")
        takes = f"modelport show {options.reference} tells what {options.method} takes"
        if "problems" in answer:
            raise CallError(answer["problems"], hint=takes)
        if words:
            talk(words)
        raise ModelError(answer["error"], hint=answer.get("hint") or f"that is the model's own code; {takes}")


def _print(lines: Iterable[str]) -> dict[str, Any] | None:
    """Print each answer when it is there; return the document that ends them, or None where there is none."""
    for line in lines:
        document = read_answer(line)
        if document is None or "answer" not in document:
            return document
        data(json.dumps(document["answer"], ensure_ascii=False))
        sys.stdout.flush()
    return None


@contextmanager
def _input(text: str | None, *, streams: bool) -> Iterator[IO[Any]]:
    """Give the file that the process reads its arguments from: one JSON text, or one on each line."""
    if text is None and streams:
        yield sys.stdin  # read by the process itself, as it comes
        return
    text = sys.stdin.read() if text is None else text
    if not streams:
        _check(text)
    elif _fault(text) is None:
        text = json.dumps(json.loads(text))  # which may have stood on many lines
    with TemporaryFile() as file:
        file.write(text.encode())
        file.seek(0)
        yield file


def _said(given: str) -> str:
    """Return the arguments as text, checked to be JSON, or JSON on each line, before anything is loaded."""
    text = given
    if given.startswith("@"):
        try:
            text = Path(given[1:]).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the arguments cannot be read from {given[1:]}: {error}") from error
    lines = [line for line in text.splitlines() if line.strip()]
    if _fault(text) is not None and (len(lines) < 2 or any(map(_fault, lines))):  # noqa: PLR2004 - one is no stream
        _check(text)
    return text


def _check(text: str) -> None:
    if (fault := _fault(text)) is not None:
        raise FormatError(f"the arguments are not JSON: {fault}", hint='write {"field": value}')


def _fault(text: str) -> str | None:
    """Return why *text* is not JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        return str(error)
    return None
