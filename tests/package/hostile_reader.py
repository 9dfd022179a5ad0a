"""Read packages that mean harm, each in a process of its own with limits: ``python -m tests.package.hostile_reader``.

One request a line on stdin, ``{"how": "folder" | "artifact", "path": ..., "out": ...}``; one answer a line on stdout:
the stage that ended it, what was said, the seconds of CPU, and the bytes of memory that it took beyond what Python and
the libraries have. The libraries are imported once; each request is answered by a fork.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import google.protobuf.descriptor_pool
import jsonschema  # noqa: F401 - imported before the forks
import numpy as np  # noqa: F401 - as above
import onnxruntime  # noqa: F401 - as above
import sklearn.ensemble  # noqa: F401 - as above
import skops.io  # noqa: F401 - as above

from modelport.errors import ModelportError
from modelport.oci import Layout
from modelport.package import Package, load_package
from modelport.package.modelpack import unpack
from modelport.schema import validator

_SPACE = 1024**3  # beyond what is mapped when a request begins
_FILE = 128 * 1024**2
_SECONDS = 20


def main() -> None:
    google.protobuf.descriptor_pool.Default()
    for schema in ("package", "signature", "example", "evaluations"):
        validator(schema).is_valid({})
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.write(writing, json.dumps(_answer(json.loads(line))).encode())
            os._exit(0)
        os.close(writing)
        with open(reading, "rb") as stream:  # noqa: PTH123 - a pipe
            said = stream.read()
        _, status = os.waitpid(child, 0)
        sys.stdout.write((said.decode() or json.dumps({"stage": "killed", "said": f"status {status}"})) + "\n")
        sys.stdout.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    Path("/proc/self/clear_refs").write_text("5", "utf-8")  # the peak begins anew
    before, began = _memory("VmRSS"), time.process_time()
    mapped = _memory("VmSize") + _SPACE
    resource.setrlimit(resource.RLIMIT_AS, (mapped, mapped))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE, _FILE))
    seconds = int(began) + _SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    stage, said = "read", ""
    try:
        folder = Path(request["path"])
        if request["how"] == "artifact":
            layout = Layout(folder)
            folder = unpack(layout, layout.resolve("hostile:1"), Path(request["out"])).folder
        Package.read(folder)
        stage = "load"
        load_package(folder)
        stage = "loaded"
    except ModelportError as error:
        said = error.message
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        stage, said = "broke", f"{type(error).__name__}: {error}"[:500]
    taken = _memory("VmHWM") - before
    return {"stage": stage, "said": said, "seconds": time.process_time() - began, "memory": taken}


def _memory(key: str) -> int:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


if __name__ == "__main__":
    main()
