"""MLflow's column and tensor specifications, as ``MLmodel`` keeps them: JSON texts in ``signature``.

Source: ``mlflow/types/schema.py`` of 1.x (``optional``) to 3.x (``required``; arrays, objects, maps).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.package.importers.json_text import parse_json
from modelport.package.importers.words import one_line

if TYPE_CHECKING:
    from modelport.package.importers.found import Problems

__all__ = ["SCALARS", "MlflowColumn", "read_columns"]

SCALARS = {
    "boolean": "bool", "integer": "int32", "long": "int64", "float": "float", "double": "double", "string": "string",
    "binary": "bytes",
}  # fmt: skip
"""MLflow's column types, by ours; ``datetime`` and ``any`` have none: a text or a choice of types would say less."""

_MOST_COLUMNS, _MOST_CHARACTERS = 4096, 1024**2
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class MlflowColumn:
    """A column, or a tensor.

    Attributes:
        name: Its name, or nothing.
        scalar: Our type of a column's values, or nothing where it is another thing.
        words: Its type in words, as MLflow says it.
        shape: A tensor's dimensions, -1 for any; None for a column.
        required: Whether it has to be there.
    """

    name: str
    scalar: str
    words: str
    shape: tuple[int, ...] | None = None
    required: bool = True


def read_columns(said: object, where: str, problems: Problems) -> tuple[MlflowColumn, ...]:
    """Return one side of a signature, a JSON text; what is wrong with it is noted."""
    if said is None:
        return ()
    try:
        given = parse_json(said) if isinstance(said, str) and len(said) <= _MOST_CHARACTERS else None
    except ValueError:
        given = None
    if not isinstance(given, list) or len(given) > _MOST_COLUMNS or not all(isinstance(one, dict) for one in given):
        problems.note(where, f"is no JSON list of at most {_MOST_COLUMNS:,} columns")
        return ()
    return tuple(column for one in given if (column := _column(one, where, problems)))


def _column(said: dict[str, Any], where: str, problems: Problems) -> MlflowColumn | None:
    name = one_line(said.get("name"), 200)
    required = said.get("required", not said.get("optional", False)) is not False
    told = "" if required else " (may be left out)"
    if said.get("type") == "tensor":
        given = said.get("tensor-spec")
        tensor = given if isinstance(given, dict) else {}
        shape = tensor.get("shape")
        if not isinstance(shape, list) or not all(isinstance(one, int) and one >= -1 for one in shape):
            problems.note(f"{where}: {name or 'a tensor'}", "has no shape")
            return None
        dtype = one_line(tensor.get("dtype"), 32)
        sizes = ", ".join("any" if one < 0 else str(one) for one in shape)
        return MlflowColumn(name, "", f"tensor of {dtype}, {sizes}{told}", tuple(shape), required)
    kind = said.get("type")
    scalar = SCALARS.get(kind, "") if isinstance(kind, str) else ""
    return MlflowColumn(name, scalar, f"{_words(said, 0)}{told}", None, required)


def _words(said: object, depth: int) -> str:
    if not isinstance(said, dict) or depth > _DEEPEST:
        return "something"
    kind = one_line(said.get("type"), 32)
    if kind == "array":
        return f"list of {_words(said.get('items'), depth + 1)}"
    if kind == "map":
        return f"map of {_words(said.get('values'), depth + 1)}"
    if kind == "object" and isinstance(said.get("properties"), dict):
        fields = [f"{one_line(key, 60)}: {_words(one, depth + 1)}" for key, one in said["properties"].items()]
        return f"object of {', '.join(fields)}"
    if kind == "datetime":
        return "datetime (give it as the numbers or texts that the model was trained on)"
    return kind or "something"
