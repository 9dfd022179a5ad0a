"""An MLflow input example -> the arguments of a model's method: a golden example, whose answer is computed anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.model.spec import ListOf, TensorOf
from modelport.package.importers.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model import Model
    from modelport.package.importers.source import Source

__all__ = ["example_arguments"]

_LIMIT = 1024**2
_MOST_ROWS = 8


def example_arguments(source: Source, info: object, model: Model) -> tuple[dict[str, Any] | None, str]:
    """Return the arguments that the folder's input example makes, or None and why; None alone where there is none."""
    name = info.get("artifact_path") if isinstance(info, dict) else None
    if not isinstance(name, str):
        return None, ""
    if name not in source:
        return None, "its file is missing"
    try:
        document = parse_json(source.read(name, limit=_LIMIT).decode())
    except FormatError as error:
        return None, error.message
    except ValueError as error:
        return None, f"it is not JSON: {error}"[:200]
    document, spec = _named(document), model.spec
    fields = spec.message(spec.methods[0].input).fields
    columns = _columns(document)
    names = _own_names(model)
    if columns is not None and len(fields) == 1 and len({len(one) for one in columns.values()}) != 1:
        return None, "it has no columns, or columns of different lengths"
    arguments: dict[str, Any] = {}
    if columns is None and len(fields) == 1:
        rows = document.get("inputs", document) if isinstance(document, dict) else document
        arguments = {fields[0].name: _few(rows, fields[0].type)}
    elif columns is not None and len(fields) == 1 and isinstance(fields[0].type, TensorOf):
        arguments = {fields[0].name: _tensor(columns, fields[0].type)}
    elif columns is not None and len(fields) == 1 and len(columns) == 1:
        arguments = {fields[0].name: _few(next(iter(columns.values())), fields[0].type)}
    elif columns is not None:
        arguments = {f.name: _few(columns[names[f.name]], f.type) for f in fields if names[f.name] in columns}
    return (arguments, "") if arguments else (None, "its form is not known")


def _named(document: object) -> object:
    """Return a document of rows, as TensorFlow Serving takes them, as one of named tensors; any other as it is."""
    rows = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        return document
    if rows and all(isinstance(row, dict) and row.keys() == rows[0].keys() for row in rows):
        return {"inputs": {name: [row[name] for row in rows] for name in rows[0]}}
    return {"inputs": rows}


def _tensor(columns: Mapping[str, list[Any]], kind: TensorOf) -> list[Any]:
    """Return the rows of a tensor that is there whole under its name, or column by column."""
    whole = next(iter(columns.values()))
    if len(columns) == 1 and _depth(whole) == len(kind.shape):
        return whole[:_MOST_ROWS]
    return [list(row) for row in zip(*columns.values(), strict=True)][:_MOST_ROWS]


def _depth(value: object) -> int:
    depth = 0
    while isinstance(value, list):
        depth, value = depth + 1, value[0] if value else None
    return depth


def _columns(document: object) -> dict[str, list[Any]] | None:
    """Return the columns of a data frame written with orient='split', of records, or of named tensors."""
    if not isinstance(document, dict):
        return None
    table = document.get("dataframe_split", document)
    if isinstance(table, dict) and isinstance(table.get("columns"), list) and isinstance(table.get("data"), list):
        width = len(table["columns"])
        rows = [row for row in table["data"] if isinstance(row, list) and len(row) == width]
        return {str(name): [row[place] for row in rows] for place, name in enumerate(table["columns"])}
    named = document.get("inputs", document)
    if isinstance(named, dict) and all(isinstance(one, list) for one in named.values()):
        return {str(name): one for name, one in named.items()}
    return None


def _own_names(model: Model) -> Mapping[str, str]:
    """Return what each field of the model's method is called in its file."""
    method = model.spec.methods[0]
    names = {field.name: field.name for field in model.spec.message(method.input).fields}
    binding = getattr(model, "bindings", {}).get(method.name, {}).get("inputs", {})
    return {**names, **binding}


def _few(value: object, kind: object) -> object:
    if isinstance(value, list) and isinstance(kind, ListOf | TensorOf):
        return value[:_MOST_ROWS]
    return value
