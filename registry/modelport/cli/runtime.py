"""Running a package in an environment that has what its lock pins: this one, or a clean one made for it."""

from __future__ import annotations

import importlib.metadata
import os
import re
from typing import TYPE_CHECKING

from modelport.cli.terminal import talk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelport.package import Package

__all__ = ["command_for", "reads_docstrings"]

_READS_DOCSTRINGS = re.compile(rb"__doc__|getdoc|pydoc|doctest|\bhelp\b")


def command_for(
    package: Package, cache: Path, module: str, arguments: Sequence[str], *, extra: str = ""
) -> tuple[list[str], dict[str, str]]:
    """Return the command line and variables that run *module* where the package's lock is satisfied.

    Args:
        package: The package.
        cache: Where clean environments are kept.
        module: The module to run.
        arguments: Its arguments.
        extra: The extras of Modelport's (``serve``, ``serve,otel``) that *module* needs beside the package's own lock;
            their installed versions are added. A service's libraries go without docstrings where nothing in the
            environment could miss them.
    """
    from modelport.package.environment import make_environment
    from modelport.package.files.reviewed import is_reviewed

    purpose = f"with what its service needs ({extra.replace(',', ', ')})" if extra else "for calls"
    environment = make_environment(
        package.lock,
        cache,
        python=package.info["python"],
        extra=_pins_of(extra),
        docstrings=not (extra and is_reviewed(package.lock)) or reads_docstrings(package.folder / "code"),
        on_build=lambda: talk(f"making the clean environment of {package.name} {purpose}, once"),
    )
    return environment.command(module, *arguments), environment.variables(os.environ)


def reads_docstrings(code: Path) -> bool:
    """Tell whether the files in the folder *code* may read docstrings, by the words in them."""
    return any(_READS_DOCSTRINGS.search(file.read_bytes()) for file in code.rglob("*") if file.is_file())


def _pins_of(extra: str) -> list[str]:
    """Return the installed versions of what Modelport and its extras need, with all they need in turn."""
    from modelport.package.requirements import closure

    if not extra:
        return []
    wanted = {}
    extras = "|".join(map(re.escape, extra.split(",")))
    for text in importlib.metadata.requires("modelport") or ():
        if "extra ==" not in text or re.search(rf"extra == ['\"](?:{extras})['\"]", text):
            name = re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0]
            if name != "modelport":
                wanted[name] = ""
    return [f"{name}=={version}" for name, version in closure(wanted).items()]
