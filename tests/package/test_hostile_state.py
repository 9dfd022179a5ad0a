"""Files of state that mean harm, in packages whose code asks for them."""

from __future__ import annotations

import io
import json
import os
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.package.hostile import MIB, edit, judge

from modelport.package.state.zips import write_zip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.package.hostile import Reader


class Touch:
    """What a pickle of it does when it is read: it leaves the mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.mark), "w")


def objects(mark: Path) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([Touch(mark)], dtype=object), allow_pickle=True)
    return stream.getvalue()


def npy(text: str, body: bytes = b"") -> bytes:
    padded = text.encode() + b" " * (118 - len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + body


def terabyte(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    os.truncate(file, 2**40)


def zipped(members: dict[str, Any], file: Path) -> None:
    write_zip(file, {n: c if isinstance(c, bytes) else json.dumps(c).encode() for n, c in members.items()})


def bomb(name: str, file: Path) -> None:
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w") as inside,
    ):
        for _ in range(256):
            inside.write(bytes(MIB))


def node(module: str, name: str, **more: object) -> dict[str, Any]:
    return {"__class__": name, "__module__": module, "__id__": 1, "protocol": 2, "_skops_version": "0.13", **more}


def layers(*made: dict[str, Any]) -> dict[str, Any]:
    config = {"module": "keras", "class_name": "Sequential", "config": {"name": "x", "layers": list(made)}}
    return {"config.json": config, "metadata.json": {"keras_version": "3.0.0"}, "model.weights.h5": b""}


CALL = node("builtins", "exec", __loader__="FunctionNode", content={"module_path": "builtins", "function": "exec"})
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}}
SHAPE = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }"

STATES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "an array of objects": (
        "x.npy",
        lambda f: f.write_bytes(objects(f.parents[2] / "mark")),
        "state/x.npy is not an .npy file",
    ),
    "a pickle": ("x.npy", lambda f: f.write_bytes(b"\x80\x04N."), "state/x.npy is not an .npy file"),
    "an array of 8 TB": ("x.npy", lambda f: f.write_bytes(npy(SHAPE % "10**12,")), "state/x.npy is not an .npy file"),
    "a sparse array": (
        "x.npy",
        lambda f: terabyte(f, npy(SHAPE % "10**9,")),
        "state/x.npy is not an .npy file",
    ),
    "an array cut off": (
        "x.npy",
        lambda f: f.write_bytes(npy(SHAPE % "2,", bytes(15))),
        "state/x.npy is not an .npy file",
    ),
    "a header that is code": (
        "x.npy",
        lambda f: f.write_bytes(npy("__import__('os')._exit(3)")),
        "state/x.npy is not an .npy file",
    ),
    "a header of brackets": ("x.npy", lambda f: f.write_bytes(npy("(" * 117)), "state/x.npy is not an .npy file"),
    "an estimator that calls": (
        "x.skops",
        lambda f: zipped({"schema.json": CALL}, f),
        "state/x.skops asks for types that nobody reviewed: builtins.exec",
    ),
    "an estimator of somebody's": (
        "x.skops",
        lambda f: zipped({"schema.json": node("antigravity", "Thing", __loader__="TypeNode")}, f),
        "state/x.skops asks for types that nobody reviewed: antigravity.Thing",
    ),
    "an estimator with an unknown loader": (
        "x.skops",
        lambda f: zipped({"schema.json": node("os", "x", __loader__="Nobody")}, f),
        "state/x.skops is not a .skops file",
    ),
    "a deep estimator": (
        "x.skops",
        lambda f: zipped({"schema.json": b"[" * MIB}, f),
        "state/x.skops is not a .skops file",
    ),
    "an estimator with more in it": (
        "x.skops",
        lambda f: zipped({"schema.json": CALL, "x.py": b"1/0"}, f),
        "state/x.skops holds 'x.py'",
    ),
    "a bomb for an estimator": (
        "x.skops",
        lambda f: bomb("schema.json", f),
        "state/x.skops: 'schema.json' is not stored as modelport stores it",
    ),
    "an estimator of nothing": ("x.skops", lambda f: terabyte(f, b""), "state/x.skops is not a zip"),
    "a network with a lambda": ("x.keras", lambda f: zipped(layers(LAMBDA), f), "state/x.keras"),
    "a network of somebody's": (
        "x.keras",
        lambda f: zipped(layers({"module": "os", "class_name": "system"}), f),
        "state/x.keras",
    ),
    "a bomb for a network": (
        "x.keras",
        lambda f: bomb("model.weights.h5", f),
        "state/x.keras: 'model.weights.h5' is not stored as modelport stores it",
    ),
    "a network with a file outside": (
        "x.keras",
        lambda f: tricky("../../outside", f),
        "state/x.keras: '../../outside' is not a name that a member may have",
    ),
    "a pickle by its name": (
        "x.pkl",
        lambda f: f.write_bytes(b"\x80\x04N."),
        "state/x.pkl: no state backend reads '.pkl'",
    ),
}
"""A file of state, how it is made, and how the refusal begins."""


def tricky(name: str, file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")


@pytest.mark.parametrize("case", STATES)
def test_files_of_state(case: str, coded: Path, reader: Reader) -> None:
    name, make, said = STATES[case]
    (coded / "state").mkdir()
    make(coded / "state" / name)
    text = f"from modelport.package.state import load_state\n\nload_state(__file__, 'state/{name}')\n"
    (coded / "code" / "model.py").write_text(text, "utf-8")
    edit("package.json", state=[{"path": f"state/{name}", "type": "x"}])(coded)
    judge(reader, coded, said, "load")
