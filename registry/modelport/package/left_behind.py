"""What a packed file sets in its libraries when it is run, and its package does not.

A package has the functions of the file and what they refer to by name. A statement that refers to none of them, such as
``np.seterr(all="raise")``, stays behind: the author is to know.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LeftBehind", "left_behind"]

_LONGEST = 60  # characters of a statement that are shown
# Draws, prints, writes files or packs: no function does otherwise afterwards. Random numbers are for training: a method
# answers the same each time.
_HARMLESS_FROM = {"matplotlib", "modelport", "pprint", "pylab", "seaborn", "shutil", "subprocess", "time"}
_HARMLESS = {
    "collect", "critical", "debug", "dump", "error", "exception", "exit", "flush", "info", "log", "makedirs",
    "manual_seed", "mkdir", "remove", "run", "save", "savetxt", "savez", "savez_compressed", "seed", "set_random_seed",
    "set_seed", "sleep", "system", "unlink", "warn", "warning", "write",
}  # fmt: skip
_RESTORE = {"catch_warnings", "errstate", "localcontext", "option_context", "patch", "printoptions", "rc_context"}
_MAIN = {"__name__ == '__main__'", "'__main__' == __name__"}


class LeftBehind(NamedTuple):
    """A statement that stays behind.

    Attributes:
        line: Where it begins, from 1.
        text: The statement, cut off where it is long.
    """

    line: int
    text: str


def left_behind(text: str | bytes) -> list[LeftBehind]:
    """Return the statements of a module's top level that do nothing but change what the file imports.

    These are calls (``warnings.simplefilter("ignore")``) and assignments to parts (``config.mode = "fast"``).
    Blocks are looked into, but for ``if __name__ == "__main__"``.

    Args:
        text: The file's source, as text or as it is stored.

    Raises:
        SyntaxError: It is not Python.
    """
    body = ast.parse(text).body
    imported = _imported(body)
    found = []
    for node in _statements(body, imported):
        if any(_matters(_dotted(target, imported)) for target in _changed(node)):
            said = " ".join(ast.unparse(node).split())
            found.append(LeftBehind(node.lineno, said if len(said) <= _LONGEST else f"{said[: _LONGEST - 3]}..."))
    return found


def _matters(name: str) -> bool:
    """Tell whether what *name* is in full may be for good; nothing where it was not imported."""
    first, last = name.partition(".")[0], name.rpartition(".")[2]
    return bool(name) and first not in _HARMLESS_FROM and last not in _HARMLESS and not last.startswith("assert")


def _imported(body: list[ast.stmt]) -> dict[str, str]:
    """Return what each name is in full that the top level imports and gives no other meaning, or calls a logger."""
    names: dict[str, str] = {}
    loggers: dict[str, str] = {}
    assigned = set()
    for node in _statements(body, {}):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        else:
            stored = (one for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
            assigned |= {one.id for one in stored}
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if _dotted(node.value, names) == "logging.getLogger":
                    loggers |= {one.id: "logging.Logger" for one in targets if isinstance(one, ast.Name)}
    return {name: full for name, full in names.items() if name not in assigned} | loggers


def _statements(body: list[ast.stmt], imported: dict[str, str]) -> Iterator[ast.stmt]:
    """Yield the statements that run when the file is imported, of blocks their own."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) in _MAIN:
            yield from _statements(node.orelse, imported)
        elif isinstance(node, ast.With) and any(_restores(one.context_expr, imported) for one in node.items):
            continue
        elif isinstance(node, ast.If | ast.For | ast.While | ast.With | ast.Try | ast.TryStar):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []), imported)
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body, imported)
        elif isinstance(node, ast.Match):
            for case in node.cases:
                yield from _statements(case.body, imported)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def _restores(manager: ast.expr, imported: dict[str, str]) -> bool:
    """Tell whether *manager*, as ``warnings.catch_warnings()``, puts back what its block sets."""
    return _dotted(manager, imported).rpartition(".")[2] in _RESTORE


def _changed(node: ast.stmt) -> list[ast.expr]:
    """Return what a statement calls for nothing but its effect, or assigns a part of."""
    called = node.value if isinstance(node, ast.Expr) else None
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_":
        called = node.value
    if isinstance(called, ast.Call):
        named = ast.unparse(called.func) in {"setattr", "delattr"} and called.args
        return [called.args[0] if named else called.func]
    if isinstance(node, ast.AnnAssign) and node.value is None:
        return []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = node.targets
    else:
        targets = [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []
    parts = [part for one in targets for part in (one.elts if isinstance(one, ast.Tuple | ast.List) else [one])]
    return [one for one in parts if isinstance(one, ast.Attribute | ast.Subscript)]


def _dotted(node: ast.expr, imported: dict[str, str]) -> str:
    """Return the full name of what is called or assigned to where that was imported, else nothing."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
        node = node.func if isinstance(node, ast.Call) else node.value
    if not isinstance(node, ast.Name) or node.id not in imported:
        return ""
    return ".".join([imported[node.id], *reversed(parts)])
