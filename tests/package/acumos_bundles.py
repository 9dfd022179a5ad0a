"""Acumos bundles as the clients of four years wrote them, whose pickle would touch a file if anybody loaded it."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CLIENTS", "PROTO", "Payload", "metadata", "write_bundle"]

CLIENTS = {
    "0.6.5": {"schema": "0.4.0", "encoding": True, "dill": "0.2.7.1", "python": "3.6.9"},
    "0.7.2": {"schema": "0.4.0", "encoding": True, "dill": "0.2.7.1", "python": "3.6.9"},
    "0.8.0": {"schema": "0.4.0", "encoding": True, "dill": "0.3.1.1", "python": "3.6.8"},
    "0.9.4": {"schema": "0.6.0", "encoding": False, "dill": "0.3.1.1", "python": "3.6.9"},
}
"""What each client's bundles say: the metadata's schema, whether they name an encoding, dill, and the Python."""

PROTO = """\
syntax = "proto3";
package PJAzYVgScWvGjAYlXZcreFqruxoIJnsJ;

service Model {
  rpc add (AddIn) returns (AddOut);
  rpc count (CountIn) returns (CountOut);
}

message AddIn {
  int64 x = 1;
  int64 y = 2;
}

message AddOut {
  int64 value = 1;
}

message CountIn {
  repeated string strings = 1;
}

message CountOut {
  map<string, int64> value = 1;
}
"""
_METHODS = {
    "add": ("AddIn", "AddOut", "Adds two numbers"),
    "count": ("CountIn", "CountOut", "Counts the occurrences of words in `strings`"),
}


class Payload:
    """An object whose unpickling writes a file: the proof that nobody unpickled it is that there is none."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.marker), "w")


def metadata(client: str) -> dict[str, Any]:
    """Return the ``metadata.json`` that *client* writes."""
    said = CLIENTS[client]
    requirements = [{"name": "dill", "version": said["dill"]}, {"name": "acumos", "version": client}]
    needs = {"pip": {"indexes": [], "requirements": requirements}, "conda": {"channels": [], "requirements": []}}
    runtime = {"name": "python", "version": said["python"], "dependencies": needs}
    return {
        "schema": f"acumos.schema.model:{said['schema']}",
        "runtime": {**runtime, **({"encoding": "protobuf"} if said["encoding"] else {})},
        "name": "example-model",
        "methods": {name: _method(*sides, said["schema"] == "0.6.0") for name, sides in _METHODS.items()},
    }


def write_bundle(folder: Path, client: str, marker: Path, *, zipped: bool = False, **files: str | bytes) -> Path:
    """Write the bundle that *client* dumps, with *files* in it or in place of its own (``license_json=...``)."""
    made: dict[str, str | bytes] = {
        "metadata.json": json.dumps(metadata(client)),
        "model.proto": PROTO,
        "model.zip": _model_zip(marker),
    }
    if client == "0.9.4":
        made["metadata_clio.json"] = json.dumps(metadata("0.8.0"))
    made |= {name.replace("_", "."): content for name, content in files.items()}
    if zipped:
        with zipfile.ZipFile(folder, "w") as archive:
            for name, content in made.items():
                archive.writestr(name, content)
        return folder
    folder.mkdir(parents=True)
    for name, content in made.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def _method(taken: str, given: str, doc: str, newest: bool) -> dict[str, Any]:  # noqa: FBT001 - a row of a table
    if not newest:
        return {"input": taken, "output": given, "description": doc}
    media = {"media_type": ["application/vnd.google.protobuf"], "metadata": {}, "description": ""}
    return {"input": {"name": taken, **media}, "output": {"name": given, **media}, "description": doc}


def _model_zip(marker: Path) -> bytes:
    stream = io.BytesIO()
    package = "PJAzYVgScWvGjAYlXZcreFqruxoIJnsJ"
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("context.json", json.dumps({"protobuf_package": package}))
        archive.writestr("model.pkl", pickle.dumps(Payload(marker)))
        archive.writestr(f"scripts/acumos_gen/{package}/model_pb2.py", f"open({str(marker)!r}, 'w')\n")
        archive.writestr("scripts/user_provided/.keep", "")
    return stream.getvalue()
