"""Times one file in a process of its own, a round whenever it is asked: ``python -m modelport.edge.timing JOB``.

The job is a JSON document: ``file``, ``package`` (its folder, or nothing), ``runtime``, ``threads``, ``xnnpack``,
``whole``. The process says that it is ready, then answers each line on its standard input with a line of JSON: how long
the file took to load, the first inference, some warm ones, those in whose middle the system ran something else, all in
seconds, and how much memory it took at most, in bytes, with the file itself, beyond what the bare process held with its
runtime loaded. The file is loaded anew in each round. Inputs are one half where they are real numbers and else 0, open
dimensions 1, if no example says what the file takes (`modelport.edge.feeds`).

Of a *whole* package the same is told of what a device does with it (`modelport.edge.local.Loaded`): it loads the
package until its first example is answered, and calls it with that example in protobuf. That takes what the package's
code and its signature take, too. What it imports is imported before.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from modelport.edge.probe import Lite, read_status, timed
from modelport.errors import InputError, ModelportError
from modelport.package.answer import keep_stdout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["main"]

_LONGEST = 300  # characters of a runtime's message


class _Session:
    """An ONNX file that is loaded: call it to run it once."""

    def __init__(self, content: bytes, threads: int, known: Mapping[str, Any]) -> None:
        import onnxruntime as runtime

        options = runtime.SessionOptions()
        options.log_severity_level = 4  # what matters is raised
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.load_model_format", "ONNX")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._one = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._known, self._feeds = known, dict[str, Any]()

    def fill(self) -> None:
        import numpy as np

        from modelport.edge.trial import port

        for one in map(port, self._one.get_inputs()):
            shape = [1 if size < 0 else size for size in one["shape"]]
            value = "" if one["dtype"] == "object" else 0.5 if one["dtype"].startswith("float") else 0
            given = self._known.get(one["name"])
            self._feeds[one["name"]] = np.full(shape, value, one["dtype"]) if given is None else given

    def __call__(self) -> None:
        self._one.run(None, self._feeds)


class _Package:
    """A package that is loaded as a device has it: call it to ask it its first example once."""

    def __init__(self, folder: Path) -> None:
        from modelport.edge.local import Loaded

        self._one = Loaded(folder)
        model = self._one.model
        example = next((one for one in model.examples if not model.spec.method(one.method).streams), None)
        if example is None:
            raise InputError("its package has no example to call it with", hint="model.add_example(...)")
        taken = model.spec.method(example.method).input
        self._method = example.method
        self._body = model.codec.to_bytes(model.codec.from_json(example.input, taken), taken)

    def fill(self) -> None:
        """Do nothing: its example is at hand."""

    def __call__(self) -> None:
        self._one.call(self._method, self._body)


_Opened: TypeAlias = "Lite | _Session | _Package"


def _opening(job: Mapping[str, Any]) -> tuple[Callable[[], _Opened], int]:
    """Return what loads the job's file, which was looked through, and the bytes of it that are held by then.

    Its runtime is imported by then, too.
    """
    if job["whole"]:
        _Package(Path(job["package"]))
        return lambda: _Package(Path(job["package"])), 0
    content, threads = Path(job["file"]).read_bytes(), int(job["threads"])
    if job["runtime"] == "onnx":
        import numpy as np
        import onnxruntime as runtime

        from modelport.edge.feeds import feeds_of
        from modelport.package.files.graph import check_graph

        check_graph(content)
        np.zeros(1), runtime.get_available_providers()
        known = feeds_of(Path(job["package"])) if job["package"] else {}
        return lambda: _Session(content, threads, known), len(content)
    from ai_edge_litert import interpreter

    from modelport.package.files.litegraph import check_lite

    check_lite(content)
    interpreter.OpResolverType.AUTO  # noqa: B018 - it is loaded by now
    return lambda: Lite(content, threads=threads, xnnpack=bool(job["xnnpack"])), len(content)


def _round(load: Callable[[], _Opened], bare: int) -> dict[str, Any]:
    start = time.perf_counter()
    one = load()
    loaded = time.perf_counter()
    one.fill()
    filled = time.perf_counter()
    one()
    first = time.perf_counter() - filled
    warm, interrupted = timed(one)
    peak = max(read_status("VmHWM"), read_status("VmRSS"))
    return {
        "load": loaded - start, "first": first, "warm": warm, "interrupted": interrupted, "memory": max(0, peak - bare),
    }  # fmt: skip


def _forget_peak() -> int:
    """Let the process's memory be counted from now on, and return what it holds, in bytes; 0 where nobody says."""
    try:
        Path("/proc/self/clear_refs").write_text("5", "ascii")
    except OSError:
        return read_status("VmHWM")  # the peak so far then counts as what it holds
    return read_status("VmRSS")


def main(text: str) -> int:
    """Do the job; ends with its standard input."""
    with keep_stdout() as answer:

        def say(document: Mapping[str, Any]) -> None:
            answer.write(json.dumps(document) + "\n")
            answer.flush()

        try:
            load, held = _opening(json.loads(text))
            bare = _forget_peak() - held
            say({"ready": True})
            for _ in sys.stdin:
                say(_round(load, bare))
        except ModelportError as error:
            say({"failed": error.message})
        except Exception as error:  # noqa: BLE001 - runtimes raise what they like
            said = " ".join(str(error).split())[:_LONGEST]
            say({"failed": said or type(error).__name__})
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
