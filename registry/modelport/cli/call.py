"""``modelport call``: one prediction, without a server. Prints the answer's JSON and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.cli.models import add_allow_code, check_code, find_model
from modelport.cli.runtime import command_for
from modelport.cli.terminal import data, talk
from modelport.errors import CallError, FormatError, InputError, ModelError
from modelport.package.answer import read_answer
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "reference", metavar="REFERENCE", help="NAME[:VERSION], a registry's reference, or a package's folder"
    )
    parser.add_argument("method", metavar="METHOD")
    parser.add_argument("arguments", metavar="JSON", help="the arguments; @FILE reads them from a file, - from stdin")
    add_allow_code(parser)


def run(options: argparse.Namespace) -> int:
    """Call and print the answer."""
    settings = load_settings()
    text = _arguments(options.arguments)
    found = find_model(options.reference, settings)
    found.package.spec.method(options.method)
    check_code(found, settings, allow_code=options.allow_code)
    folder = str(found.package.folder.resolve())
    command, variables = command_for(found.package, settings.cache, "modelport.package.call", [folder, options.method])
    # Frameworks chatter on stderr while they load: it is shown only where something went wrong.
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False, env=variables)
    answer = read_answer(done.stdout)
    if answer is None:
        said = done.stderr.strip()
        raise ModelError(f"{found.name} ended with status {done.returncode} and without an answer:\n{said}")
    if "problems" in answer:
        raise CallError(
            answer["problems"], hint=f"modelport show {options.reference} tells what {options.method} takes"
        )
    if "error" in answer:
        if said := done.stderr.strip():
            talk(said)
        hint = f"that is the model's own code; modelport show {options.reference} tells what {options.method} takes"
        raise ModelError(answer["error"], hint=answer.get("hint") or hint)
    data(json.dumps(answer["answer"], ensure_ascii=False))
    return 0


def _arguments(given: str) -> str:
    """Return the JSON text, checked to be JSON before anything is loaded."""
    if given == "-":
        text = sys.stdin.read()
    elif given.startswith("@"):
        try:
            text = Path(given[1:]).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the arguments cannot be read from {given[1:]}: {error}") from error
    else:
        text = given
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the arguments are not JSON: {error}", hint='write {"field": value}') from error
    return text
