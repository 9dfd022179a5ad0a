"""An entry's recipe -> its package, built in the clean environment of ``recipe.lock``.

The recipe runs in a process of its own, ``python -m modelport.package.recipe``, in an environment that holds what
``recipe.lock`` pins and nothing else; the package's own lock is taken from there, so that no index is asked again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import ModelportError, PackError, SetupError
from modelport.package.data import fetch_data
from modelport.package.environment import make_environment
from modelport.package.imports import follow_imports
from modelport.package.packing import replaced, verify_clean, write_package
from modelport.package.requirements import closure, lock, requirements_of
from modelport.package.source import model_from_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build_from_recipe", "lock_recipe"]

_FAILED = 3


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
    if not locked.is_file():
        raise PackError(
            f"{entry} has a recipe.py without a recipe.lock",
            hint=f"lock what is installed here: modelport pack {entry} --lock",
        )
    folders = {one["name"]: str(fetch_data(one, cache)) for one in data}
    version = ".".join(map(str, sys.version_info[:2]))
    environment = make_environment(locked.read_text("utf-8"), cache, python=version)
    with replaced(out) as folder:
        said = ["--data", json.dumps(folders), *(["--verified"] if verify else [])]
        command = environment.command("modelport.package.recipe", str(entry.resolve()), name, str(folder.resolve()))
        _run_recipe([*command, *said], environment.variables(os.environ), cache, name)
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
        modules = follow_imports(recipe.read_text("utf-8"), {})
    except FileNotFoundError as error:
        raise PackError(f"{entry} has no recipe.py", hint="write its function model()") from error
    except (SyntaxError, UnicodeDecodeError) as error:
        raise PackError(f"{recipe} is not Python: {error}") from error
    known = file.read_text("utf-8") if file.is_file() else ""
    # What packing itself imports inside the recipe's environment.
    packing = {"google.protobuf", "packaging"} | ({"skops"} if any(m.startswith("sklearn") for m in modules) else set())
    wanted = requirements_of(modules | packing)
    text = lock(closure(wanted), known=known)
    file.write_text(
        f"# What the recipe needs, with hashes: written by `modelport pack --lock`.\n{text}", encoding="utf-8"
    )
    return file


def _run_recipe(command: Sequence[str], variables: dict[str, str], cache: Path, name: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=cache)
    if done.returncode == _FAILED:
        raise PackError(json.loads(done.stdout.splitlines()[-1]))
    if done.returncode:
        raise PackError(f"the recipe of {name} ended with status {done.returncode}: {done.stderr.strip()[-2000:]}")


def main(arguments: Sequence[str]) -> int:
    """Run a recipe and pack what it returns; a failure is told as one JSON string on stdout."""
    parser = argparse.ArgumentParser(prog="modelport.package.recipe")
    parser.add_argument("entry", type=Path)
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=json.loads, default={})
    parser.add_argument("--verified", action="store_true")
    options = parser.parse_args(arguments)
    try:
        model = model_from_recipe(options.entry / "recipe.py", {k: Path(v) for k, v in options.data.items()})
        known = (options.entry / "recipe.lock").read_text("utf-8")
        write_package(model, options.name, options.out, known_lock=known, verified=options.verified)
    except ModelportError as error:
        sys.stdout.write(json.dumps(str(error)) + "\n")
        return _FAILED
    except ImportError as error:
        missing = SetupError(
            f"packing needs {error.name}, which recipe.lock does not have",
            hint="write it anew: modelport pack ENTRY --lock",
        )
        sys.stdout.write(json.dumps(str(missing)) + "\n")
        return _FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
