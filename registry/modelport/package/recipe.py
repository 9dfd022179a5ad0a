"""An entry's recipe -> its package, built in the clean environment of ``recipe.lock``.

The recipe runs in a process of its own, ``python -m modelport.package.recipe``, in an environment that holds what
``recipe.lock`` pins and nothing else; the package's own lock is taken from there, so that no index is asked again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import ModelportError, PackError
from modelport.package.alternatives import converters
from modelport.package.answer import keep_stdout, read_answer
from modelport.package.data import fetch_data
from modelport.package.environment import make_environment
from modelport.package.folder import Package
from modelport.package.imports import follow_imports
from modelport.package.locks import parse_lock, read_lock
from modelport.package.modules import beside
from modelport.package.packing import replaced, verify_clean
from modelport.package.requirements import closure, lock, requirements_of
from modelport.package.source import model_from_recipe
from modelport.package.tools import run
from modelport.package.writing import write_package

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build_from_recipe", "lock_recipe"]


def build_from_recipe(
    entry: Path, name: str, data: Sequence[dict[str, Any]], out: Path, cache: Path, *, verify: bool = True
) -> Path:
    """Build the package of the entry in folder *entry* as folder *out* and return it.

    Args:
        entry: The entry's folder, with ``recipe.py`` and ``recipe.lock``.
        name: The model's name.
        data: The entry's ``data``: what is fetched before and handed to ``model(data)``.
        out: The package's folder.
        cache: Where environments and data are kept.
        verify: Whether the package's examples are run in the clean environment of its own lock.

    Raises:
        PackError: The recipe fails, or what it returns cannot be packed.
        SetupError: Data or locked distributions cannot be fetched.
    """
    locked = entry / "recipe.lock"
    if not locked.is_file() or not parse_lock(read_lock(locked)):  # `modelport init` leaves one that pins nothing
        raise PackError(
            f"{entry} has a recipe.py without a recipe.lock that pins what it needs",
            hint=f"lock what is installed here: modelport pack {entry} --lock",
        )
    folders = {one["name"]: str(fetch_data(one, cache)) for one in data}
    version = ".".join(map(str, sys.version_info[:2]))
    environment = make_environment(read_lock(locked), cache, python=version)
    with replaced(out) as folder:
        said = ["--data", json.dumps(folders), *(["--verified"] if verify else [])]
        command = environment.command("modelport.package.recipe", str(entry.resolve()), name, str(folder.resolve()))
        _run_recipe([*command, *said], environment.variables(os.environ), name)
        Package.read(folder)  # what is written can be read
        if verify:
            verify_clean(folder, cache)
    return out


def lock_recipe(entry: Path) -> Path:
    """Write ``recipe.lock`` from what the recipe imports, as installed in the running environment; return its path.

    Raises:
        PackError: The recipe is not Python, or imports something that is not installed.
        SetupError: The package index cannot be reached for the hashes.
    """
    recipe, file = entry / "recipe.py", entry / "recipe.lock"
    try:
        with beside(entry.resolve()):
            modules = set(follow_imports(recipe.read_text("utf-8"), {}))
    except FileNotFoundError as error:
        raise PackError(f"{entry} has no recipe.py", hint="write its function model()") from error
    except (SyntaxError, UnicodeDecodeError) as error:
        raise PackError(f"{recipe} is not Python: {error}") from error
    known = read_lock(file) if file.is_file() else ""
    # What packing itself imports inside the recipe's environment.
    packing = {"google.protobuf", "packaging"}
    packing |= {"skops"} if any(m.startswith("sklearn") for m in modules) else set()
    packing |= {"numpy", "onnxruntime"} if "modelport.OnnxModel" in modules else set()
    packing |= {tool for tool in converters(modules) if find_spec(tool) is not None}
    wanted = requirements_of(modules | packing)
    text = lock(closure(wanted), known=known)
    file.write_text(
        f"# What the recipe needs, with hashes: written by `modelport pack --lock`.\n{text}", encoding="utf-8"
    )
    return file


def _run_recipe(command: Sequence[str], variables: dict[str, str], name: str) -> None:
    done = run(command, variables=variables)
    answer = read_answer(done.stdout)
    if answer is None:
        raise PackError(
            f"the recipe of {name} ended with status {done.returncode}: {done.stderr.strip()[-2000:]}",
            hint="model() must return a Model and not end the process",
        )
    if "error" in answer:
        raise PackError(answer["error"], hint=answer["hint"])


def main(arguments: Sequence[str]) -> int:
    """Run a recipe and pack what it returns; a failure is told as ``{"error": ..., "hint": ...}`` on stdout."""
    parser = argparse.ArgumentParser(prog="modelport.package.recipe")
    parser.add_argument("entry", type=Path)
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=json.loads, default={})
    parser.add_argument("--verified", action="store_true")
    options = parser.parse_args(arguments)
    with keep_stdout() as answer:
        told = _told(options)
        answer.write(json.dumps(told) + "\n")
    return 1 if told else 0


def _told(options: argparse.Namespace) -> dict[str, str]:
    """Build the package; return what went wrong, or nothing."""
    try:
        model = model_from_recipe(options.entry / "recipe.py", {k: Path(v) for k, v in options.data.items()})
        known = read_lock(options.entry / "recipe.lock")
        write_package(model, options.name, options.out, known_lock=known, verified=options.verified)
    except ModelportError as error:
        return {"error": error.message, "hint": error.hint}
    except ImportError as error:
        hint = "write the lock anew: modelport pack ENTRY --lock"
        return {"error": f"packing needs {error.name}, which recipe.lock does not have", "hint": hint}
    return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
