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
# Draws, prints or packs: no function does otherwise afterwards.
_HARMLESS = {"matplotlib", "modelport", "pprint", "pylab", "seaborn", "time"}


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

    These are calls (``warnings.simplefilter("ignore")``) and assignments to parts (``os.environ["A"] = "1"``).
    Blocks are looked into, but for ``if __name__ == "__main__"``.

    Args:
        text: The file's source, as text or as it is stored.

    Raises:
        SyntaxError: It is not Python.
    """
    tree = ast.parse(text)
    imported = _imported(tree)
    found = []
    for node in _statements(tree.body):
        names = [_dotted(target, imported) for target in _changed(node)]
        if any(name and name.partition(".")[0] not in _HARMLESS for name in names):
            said = " ".join(ast.unparse(node).split())
            found.append(LeftBehind(node.lineno, said if len(said) <= _LONGEST else f"{said[: _LONGEST - 3]}..."))
    return found


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return the names that the file imports, with what each is in full."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            yield from _statements(node.orelse)
        elif isinstance(node, ast.If | ast.For | ast.While | ast.With | ast.Try):
            for part in ("body", "handlers", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []))
        elif isinstance(node, ast.ExceptHandler):
            yield from _statements(node.body)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def _changed(node: ast.stmt) -> list[ast.expr]:
    """Return what a statement calls for nothing but its effect, or assigns a part of."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return [node.value.func]
    targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
    targets = [node.target] if isinstance(node, ast.AugAssign) else targets
    return [one for one in targets if isinstance(one, ast.Attribute | ast.Subscript)]


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
