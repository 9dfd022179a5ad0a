"""What a package's code imports: the user's own modules, which go along, and those that distributions provide."""

from __future__ import annotations

import ast
import contextlib
import logging
from typing import TYPE_CHECKING

from modelport.model.kinds import TensorOf, single
from modelport.package.modules import Origin, check_not_shadowed, origin
from modelport.package.own import own_data, own_sources
from modelport.package.statements import imports_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from modelport.model.spec import ModelSpec

__all__ = ["follow_imports", "modules_of_values"]

log = logging.getLogger(__name__)


def follow_imports(source: str, files: dict[str, Path]) -> dict[str, set[str]]:
    """Return the modules that *source* and the user's own modules import, in turn and anywhere, but for their own.

    A package of the user's goes along with all its sources; what it imports is looked for in those of its modules that
    are imported, or in all of them where names of modules are made while it runs.

    Args:
        source: The code, ``model.py``.
        files: Takes the user's own modules, with their data, by their path under ``code/``.

    Returns:
        Module -> the paths of the files that import it.

    Raises:
        PackError: A module of the user's cannot go along.
        SyntaxError: *source* is not Python.
    """
    found: dict[str, set[str]] = {}
    waiting, seen = [("model.py", source)], {"model.py"}
    own: dict[str, dict[str, Path]] = {}

    def put(paths: Iterable[str]) -> None:
        fresh = [path for path in paths if path not in seen and path.endswith(".py") and path in files]
        seen.update(fresh)
        waiting.extend((path, text) for path in fresh if (text := _source(files[path])) is not None)

    while waiting:
        path, text = waiting.pop()
        imports = imports_in(text, _package(path))
        for module in imports.required | imports.guarded | imports.optional:
            kind, top = origin(module), module.partition(".")[0]
            if kind is Origin.LOCAL and top not in own:
                own[top] = own_sources(top)
                files |= own[top]
            if own.get(top):
                put(_paths(module))
            elif kind not in {Origin.LOCAL, Origin.MISSING} or module in imports.required:
                check_not_shadowed(module)
                found.setdefault(module, set()).add(f"code/{path}")
            elif module in imports.guarded:
                log.warning("code/%s imports %s in some case, and nothing here provides it", path, module)
        for package in imports.packages | ({_package(path)} if imports.is_open else set()):
            put([one for one in files if package and one.startswith(f"{package.replace('.', '/')}/")])
    for top in own:
        files |= own_data(top, seen)
    return found


def modules_of_values(spec: ModelSpec) -> set[str]:
    """Return the modules that make the values of a signature: of its tensors, and of its tables."""
    kinds = {type(single(f.type)) for message in spec.messages for f in message.fields}
    tables = {"pandas"} if any(message.table for message in spec.messages) else set()
    return tables | ({"numpy"} if TensorOf in kinds else set())


def _package(path: str) -> str:
    """Return the package that the module in file *path* belongs to, or nothing."""
    return path.rpartition("/")[0].replace("/", ".")


def _paths(module: str) -> list[str]:
    """Return the files that importing *module* may run: its own and those of the packages around it."""
    parts = module.split(".")
    places = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return [f"{place}{ending}" for place in places for ending in (".py", "/__init__.py")]


def _source(file: Path) -> str | None:
    """Return the text of a module; None where it is no Python (a template, say) and can import nothing."""
    with contextlib.suppress(SyntaxError, ValueError):
        text = file.read_text("utf-8")
        ast.parse(text)
        return text
    return None
