"""The ``modelport`` command: one thin file per command, imported only when it is called.

Data goes to stdout, talk to stderr. Exit status: 0 done, 1 the user's data has problems or something failed, 2 wrong
usage. A mistake of the user's never ends in a traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from modelport import __version__
from modelport.errors import CallError, ModelportError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "pack": "make a package from a Python file or an entry's recipe, and keep it in the store",
    "push": "push a package of the store to a registry",
    "pull": "pull a package from a registry into the store; runs nothing",
    "list": "list the catalog's models",
    "show": "show a model of the catalog or the store",
    "search": "search the catalog",
    "call": "make one prediction, without a server",
    "serve": "serve a model's methods over HTTP",
    "check": "check the catalog's entries",
    "submit": "write a new version of an entry, ready for a pull request",
    "site": "build or serve the catalog's site",
    "store": "look at the embedded store",
    "demo": "build, check, serve and call every model of this catalog",
}
"""Each command and what it does; its code is ``modelport.cli.<command>``."""

_EXTRAS = {
    "numpy": "pack", "packaging": "pack", "skops": "pack", "uv": "pack", "starlette": "serve", "uvicorn": "serve",
    "jinja2": "site", "markdown": "site", "material": "site", "mkdocs": "site", "nh3": "site",
}  # fmt: skip
"""Which extra brings a module that the core does without."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser(next((a for a in given if not a.startswith("-")), None))
    options = parser.parse_args(given)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except CallError as error:
        sys.stderr.write(
            "error: " + "\n       ".join(error.problems) + (f"\n  hint: {error.hint}\n" if error.hint else "\n")
        )
        return 1
    except ModelportError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(str(error.name).partition(".")[0])
        if extra is None:
            raise
        sys.stderr.write(f"error: {error.name} is not installed\n  hint: pip install 'modelport[{extra}]'\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except BrokenPipeError:
        # Whoever read us has had enough (`| head`): that is no failure, and nothing more can be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _parser(wanted: str | None) -> argparse.ArgumentParser:
    """Return the parser; only the wanted command's own arguments are imported."""
    parser = argparse.ArgumentParser(
        prog="modelport",
        description="An app store for machine-learning models that needs no server.",
        epilog="modelport COMMAND --help tells more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"modelport {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == wanted:
            module = import_module(f"modelport.cli.{name.replace('-', '_')}")
            module.configure(command)
            command.set_defaults(run=module.run)
    return parser
