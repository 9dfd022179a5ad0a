"""The ``modelport`` command: one thin file per command, imported only when it is called.

Data goes to stdout, talk to stderr. Exit status: 0 done, 1 the user's data has problems or something failed, 2 wrong
usage. A mistake of the user's never ends in a traceback.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, NoReturn

from modelport import __version__
from modelport.cli.terminal import talk
from modelport.errors import CallError, ModelportError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "init": "start a new entry: a draft that passes every check",
    "pack": "make a package from a Python file or an entry's recipe, and keep it in the store",
    "import": "take a model of another tool: Acumos, MLflow, ONNX, Hugging Face; runs nothing of it",
    "push": "push a package of the store to a registry",
    "pull": "pull a package from a registry into the store; runs nothing",
    "copy": "copy from one registry to another, byte for byte",
    "mirror": "take a catalog's packages to a site of its own: as a file, or into another registry",
    "login": "log in to a registry: the password is tried, then kept as docker keeps it",
    "logout": "forget a registry's password",
    "list": "list the catalog's models",
    "show": "show a model of the catalog or the store",
    "search": "search the catalog",
    "call": "make one prediction, without a server",
    "serve": "serve a model's methods over HTTP",
    "client": "write a typed client of a model, in Python, TypeScript, Java or Go",
    "run": "serve a model in a container where there is an engine and an image, otherwise without",
    "image": "assemble a package's image without an engine, run it, send it to a registry",
    "variants": "make other forms of a model, for small devices; measure them, add them to a release",
    "deploy": "write manifests that run a model's image: Compose, Kubernetes, KServe, Knative",
    "select": "choose the variant of a model for a device, a network and a deadline",
    "plan": "choose which variants to keep on a device",
    "edge": "serve models for devices beside this machine, plan what they keep, take what they measured",
    "device": "list or show the catalog's devices, or measure one",
    "network": "list or show the catalog's networks",
    "check": "check the catalog's entries",
    "submit": "write a new version of an entry, ready for a pull request",
    "publish": "build a merged version from its recipe, push it to the catalog's registry",
    "site": "build or serve the catalog's site",
    "store": "look at the embedded store, check it, and free its space",
    "demo": "build, check, serve and call every model of this catalog",
}
"""Each command and what it does; its code is ``modelport.cli.<command>``."""

_EXTRAS = {
    "numpy": "pack", "packaging": "pack", "skops": "pack", "uv": "pack", "starlette": "serve", "uvicorn": "serve",
    "ai_edge_litert": "edge", "keras": "keras", "tensorflow": "keras", "litert_quantizer": "variants",
    "cyclonedx": "image", "httpx": "client", "docker": "image",
    "jinja2": "site", "markdown": "site", "material": "site", "mkdocs": "site", "nh3": "site",
}  # fmt: skip
"""Which extra brings a module that the core does without."""

_HINTS = {
    errno.EACCES: "see to its permissions, or use another folder",
    errno.EROFS: "use a folder that can be written to: MODELPORT_STORE, MODELPORT_CACHE, MODELPORT_DATA",
    errno.ENOSPC: "free some space, and run it again: nothing that was there is lost",
    errno.ENOTDIR: "a file stands where a folder should be",
    errno.EISDIR: "a folder stands where a file should be",
    errno.ENAMETOOLONG: "use a shorter path",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        parser = _parser(next((a for a in given if not a.startswith("-")), None))
        options = parser.parse_args(given)
        status: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has had enough (`| head`): that is no failure, and nothing more can be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        talk("interrupted")
        return 130
    except (ModelportError, OSError, ModuleNotFoundError) as error:
        message = _message(error)
        if message is None:
            raise
        talk(f"error: {message}")
        return 1
    return status


def _message(error: Exception) -> str | None:
    """Return what went wrong and the way out; None for a module that no extra would bring, which is a bug of ours."""
    if isinstance(error, CallError):
        return "\n       ".join(error.problems) + (f"\n  hint: {error.hint}" if error.hint else "")
    if isinstance(error, OSError):
        return _told(error)
    if isinstance(error, ModuleNotFoundError):
        extra = _EXTRAS.get(str(error.name).partition(".")[0])
        return f"{error.name} is not installed\n  hint: pip install 'modelport[{extra}]'" if extra else None
    return str(error)


def _told(error: OSError) -> str:
    """Return what the system refused, where and why, and the way out."""
    where = f"{error.filename}: " if error.filename else ""
    hint = _HINTS.get(error.errno or 0, "")
    return f"{where}{error.strerror or error}" + (f"\n  hint: {hint}" if hint else "")


class _Parser(argparse.ArgumentParser):
    def parse_known_args(  # type: ignore[override] # the base class's overloads
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Take arguments before and after options alike; of what is left over, tell with this command's own usage.

        argparse takes ``NAME --option value NAME`` for one name too many where a command wants any number.
        """
        found, left = super().parse_known_args(args, namespace)
        if left and not self._subparsers and not self._again:
            self._again = True
            found, left = self.parse_known_intermixed_args(args, namespace)
            if left:
                self.error(f"unrecognized arguments: {' '.join(left)}")
        return found, left

    _again = False

    def error(self, message: str) -> NoReturn:
        """End with status 2; who names no command or action at all is shown what there is."""
        if message.endswith(("required: COMMAND", "required: ACTION")):
            self.print_help(sys.stderr)
            self.exit(2)
        super().error(message)


def _parser(wanted: str | None) -> argparse.ArgumentParser:
    """Return the parser; only the wanted command's own arguments are imported."""
    parser = _Parser(
        prog="modelport",
        description="An app store for machine-learning models that needs no server.",
        epilog="modelport COMMAND --help tells more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"modelport {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == wanted:
            module = import_module(f"modelport.cli.{name.replace('-', '_')}{'_' if iskeyword(name) else ''}")
            module.configure(command)
            command.set_defaults(run=module.run)
    return parser
