"""Runs third parties' clients in their own environment, on a plan made of a call and its answer."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.serve.doors import tensors
from tests.support.peer_python import OUTER, peer_python

if TYPE_CHECKING:
    from tests.serve.doors import Sent

CLIENTS = ("triton-http", "triton-grpc", "kserve")
SCRIPT = Path(__file__).parents[1] / "projects/peers/oip_clients.py"


def plan(
    meta: dict[str, Any], arguments: dict[str, Any], answer: dict[str, Any], *, http: str, grpc: str
) -> dict[str, Any]:
    """Return what the script is told: a model by its metadata, a call of it in JSON form, and the answer to expect."""
    given, wanted = tensors(arguments, meta["inputs"]), tensors(answer, meta["outputs"])
    return {
        "http": http, "grpc": grpc, "model": meta["name"],
        "inputs": [_told(one, meta["inputs"]) for one in given],
        "outputs": [_told(one, meta["outputs"]) for one in wanted],
    }  # fmt: skip


def run_client(name: str, told: dict[str, Any]) -> list[str]:
    """Return the calls that the client *name* made, all of which were answered as they should be."""
    command = [str(peer_python("oip-clients")), str(SCRIPT), name]
    done = subprocess.run(
        command, input=json.dumps(told), capture_output=True, text=True, env=OUTER, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    made: list[str] = json.loads(done.stdout.splitlines()[-1])
    return made


def _told(one: Sent, metas: list[dict[str, Any]]) -> dict[str, Any]:
    (meta,) = (meta for meta in metas if meta["name"] == one.name)
    said = {"name": one.name, "datatype": one.datatype, "shape": one.shape, "raw": base64.b64encode(one.raw).decode()}
    return said | {"content_type": meta.get("parameters", {}).get("content_type", "")}
