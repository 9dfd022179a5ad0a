"""Models for the service's tests, served by ``python -m tests.serve.models NAME [LIMIT...]`` on a free port."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Iterator  # noqa: TC003 - the model reads it
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
from tests.support.every_kind import every_kind

from modelport.model import Model, Tensor
from modelport.serve import Limits, ServiceInfo, bind, cors, printed, run_model
from modelport.serve.log import log_to_stderr

PRIVATE_PATH = "/srv/secret/weights.bin"
Floats = Annotated[npt.NDArray[np.float32], Tensor("float32", "n", 3)]
Images = Annotated[npt.NDArray[np.uint8], Tensor("uint8", "n", 2, 2)]
Halves = Annotated[npt.NDArray[np.float16], Tensor("float16", None)]
Counts = Annotated[npt.NDArray[np.int64], Tensor("int64", "n")]


class Point(NamedTuple):
    """A point of the plane."""

    x: float
    y: float


@dataclass
class Shape:
    """A named outline."""

    name: str
    points: list[Point]
    centre: Point
    closed: bool


class Many(NamedTuple):
    d: float
    f: np.float32
    i: np.int32
    l: int  # noqa: E741 - as any user may call a field
    u: np.uint32
    v: np.uint64
    b: bool
    s: str
    raw: bytes


def echo(many: Many) -> Many:
    """Give every scalar back.

    Nothing is <changed> & nothing is lost.
    """
    return many


def lists(numbers: list[float], words: list[str], flags: list[bool], blobs: list[bytes]) -> list[str]:
    return [f"{n:g}" for n in numbers] + words[::-1] + [str(f) for f in flags] + [b.hex() for b in blobs]


def move(shape: Shape) -> Shape:
    return Shape(shape.name, [Point(p.y, p.x) for p in shape.points], shape.centre, not shape.closed)


def tensors(floats: Floats, images: Images, halves: Halves) -> Counts:
    counts: npt.NDArray[np.int64] = images.sum(axis=(1, 2), dtype=np.int64) + halves.size
    counts += floats.sum(axis=1).astype(np.int64)
    return counts


def scale(floats: Floats, by: float) -> Floats:
    return (floats * np.float32(by)).astype(np.float32)


def nothing() -> None:
    """Take nothing, give nothing."""


def kinds() -> Model:
    model = Model(echo=echo, lists=lists, move=move, tensors=tensors, scale=scale, nothing=nothing)
    many = {
        "d": 0.1,
        "f": 0.1,
        "i": -5,
        "l": 2**53 + 1,
        "u": 7,
        "v": 2**64 - 1,
        "b": True,
        "s": "grün ☃",
        "raw": "AAEC/w==",
    }
    model.add_example("echo", many)
    model.add_example("echo", many | {"d": "NaN", "f": "-Infinity", "l": -(2**63), "s": "", "raw": "", "b": False})
    model.add_example("lists", {"numbers": [1, 2.5], "words": ["a", "ü"], "flags": [True], "blobs": ["AAE="]})
    model.add_example("lists", {"numbers": [], "words": [], "flags": [], "blobs": []})
    point = {"x": 1.5, "y": -2.0}
    model.add_example("move", {"name": "one", "points": [point, point], "centre": point, "closed": True})
    images = [[[1, 2], [3, 4]], [[255, 0], [0, 0]]]
    model.add_example("tensors", {"floats": [[1, 2, 3], [0, 0, 0.5]], "images": images, "halves": [0.5, 65504]})
    model.add_example("tensors", {"floats": [], "images": [], "halves": []})
    model.add_example("scale", {"floats": [[0.1, "NaN", -3]], "by": 2.0})
    model.add_example("nothing", {})
    return model


def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def spin(seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "spun"


def spin_each(seconds: list[float]) -> list[str]:
    return [spin(one) for one in seconds]


def fail(text: str) -> str:
    raise FileNotFoundError(f"{PRIVATE_PATH}: {text}")


def lie() -> int:
    return "not a number"  # type: ignore[return-value] # that is the point


def leave() -> int:
    sys.exit(3)


def chat() -> str:
    print("a model may print")  # noqa: T201 - that is the point
    return "said"


def length(text: str) -> int:
    return len(text)


def big(n: int) -> list[str]:
    return [str(i) for i in range(n)]


_meeting = threading.Condition()
_met: list[int] = []


def meet(others: int) -> bool:
    """Return whether so many calls ran at the same time."""
    with _meeting:
        _met.append(threading.get_ident())
        _meeting.notify_all()
        return _meeting.wait_for(lambda: len(_met) >= others, 15)


def trouble() -> Model:
    return Model(
        sleep=sleep, spin=spin, fail=fail, lie=lie, leave=leave, chat=chat, length=length, big=big, meet=meet,
        spin_each=spin_each,
    )  # fmt: skip


def print_out(text: str) -> str:
    print(text)  # noqa: T201 - that is the point
    return "printed"


def print_part(text: str) -> str:
    print(text, end="")  # noqa: T201 - as above
    return "printed"


def write_bytes(text: str) -> str:
    sys.stderr.buffer.write(text.encode() + b"\n")
    return "written"


def warn(text: str) -> str:
    warnings.warn(text, RuntimeWarning, stacklevel=1)
    return "warned"


def log_it(text: str) -> str:
    logging.getLogger("mine").warning("%s", text)
    return "logged"


def log_to_its_own(text: str) -> str:
    own = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(own)
    try:
        logging.getLogger("mine").warning("%s", text)
    finally:
        logging.getLogger().removeHandler(own)
    return "logged"


def print_each(words: list[str]) -> list[str]:
    print(" ".join(words), end="")  # noqa: T201 - as above
    time.sleep(0.05)
    if "bad" in words:
        raise ValueError("a bad word")
    return words


def print_in_thread(text: str) -> str:
    thread = threading.Thread(target=print, args=(text,), kwargs={"end": ""})
    thread.start()
    thread.join()
    return "printed"


def set_up(text: str) -> str:
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)  # type: ignore[union-attr] # as scripts do
    print(text, file=sys.__stderr__)
    return "printed"


def log_numbers(text: str) -> str:
    logging.getLogger("mine").warning(text, extra={"point": [float("nan"), 1.0], "at": float("inf")})
    return "logged"


def log_as_packed(text: str) -> str:
    logging.getLogger("modelport_source_0123456789abcdef").warning(text)
    return "logged"


def fail_in_thread(text: str) -> str:
    def fail_there() -> None:
        raise ValueError(text)

    thread = threading.Thread(target=fail_there, name="helper")
    thread.start()
    thread.join()
    return "failed"


_lock = threading.Lock()


class Slow:
    def __str__(self) -> str:
        time.sleep(0.3)
        with _lock:
            return "slow to say"


def log_slow(text: str) -> str:
    logging.getLogger("mine").warning("%s %s", Slow(), text)
    return "logged"


def print_locked(text: str) -> str:
    with _lock:
        time.sleep(0.6)
        print(text)  # noqa: T201 - as above
    return "printed"


def print_stream(text: str) -> Iterator[str]:
    print(text)  # noqa: T201 - as above
    yield text


async def print_elsewhere(text: str) -> AsyncIterator[str]:
    await asyncio.to_thread(print, text)
    yield text


def loud() -> Model:
    """Give a model that says something in every way there is."""
    model = Model(
        print_out=print_out, print_part=print_part, write_bytes=write_bytes, warn=warn, log_it=log_it,
        log_to_its_own=log_to_its_own, print_each=print_each, print_stream=print_stream,
        print_in_thread=print_in_thread, set_up=set_up, log_slow=log_slow, print_locked=print_locked,
        print_elsewhere=print_elsewhere, log_numbers=log_numbers, log_as_packed=log_as_packed,
        fail_in_thread=fail_in_thread, leave=leave,
    )  # fmt: skip
    model.add_example("print_out", {"text": "an example"})
    return model


def collected() -> int:
    """Give how many objects wait for the collector, and let it come no more of its own accord."""
    gc.disable()
    return gc.collect()


def tidy() -> Model:
    return Model(collected=collected, length=length, fail=fail)


def broken() -> Model:
    model = Model(fail=fail, length=length)
    model.add_example("length", {"text": ""})
    model.examples.insert(0, type(model.examples[0])(method="fail", input={"text": ""}, output={"value": ""}))
    return model


def slow_start() -> Model:
    model = Model(sleep=sleep)
    model.add_example("sleep", {"seconds": 0.0})
    model.examples[0].input["seconds"] = 1.0
    return model


Picture = Annotated[npt.NDArray[np.uint8], Tensor("uint8", 16, 16)]
Photo = Annotated[npt.NDArray[np.float32], Tensor("float32", "n", 3, 8, 12)]
HOSTILE = "</script></textarea><script>alert(1)</script><img src=x onerror=alert(1)>"


def darkness(picture: Picture) -> float:
    return 1 - float(picture.mean()) / 255


def red(photos: Photo) -> list[float]:
    return [float(one[0].mean()) for one in photos]


def pictures() -> Model:
    return Model(darkness=darkness, red=red)


def hostile() -> Model:
    """Give a model whose every name and text is out to break a page."""

    def valueOf(toString: dict[str, str], constructor: str = HOSTILE) -> str:  # noqa: N802, N803 - as above
        return constructor + str(toString)

    valueOf.__doc__ = HOSTILE
    model = Model(valueOf=valueOf)
    model.add_example("valueOf", {"constructor": HOSTILE, "toString": {HOSTILE: "'; echo $HOME `id` \\"}})
    return model


MODELS = {
    "kinds": kinds, "every": every_kind, "pictures": pictures, "hostile": hostile, "trouble": trouble,
    "tidy": tidy, "loud": loud, "broken": broken, "slow-start": slow_start,
}  # fmt: skip
INFO = {
    "kinds": ServiceInfo(
        name="kinds", version="1.2.0", digest="sha256:" + "0" * 64, tier="data-only", python="3.11",
        requirements=("numpy==2.4.6",), license="Do what you like.\n",
    ),
    "trouble": ServiceInfo(name="trouble", row_methods=frozenset({"spin_each"})),
    "loud": ServiceInfo(name="loud", row_methods=frozenset({"print_each"})),
    "hostile": ServiceInfo(name=HOSTILE, version=HOSTILE, python=HOSTILE, digest=HOSTILE),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--grpc-port", type=int)
    cors.add_flag(parser)
    Limits.add_flags(parser)
    options = parser.parse_args()
    stdout = sys.stdout

    def announce(name: str, url: str) -> None:
        stdout.write(f"serving {name} at {url}\n")
        stdout.flush()

    log_to_stderr()
    info = INFO.get(options.model, ServiceInfo(name=options.model))
    with bind("127.0.0.1", options.port) as listener:
        left = run_model(
            MODELS[options.model](),
            info,
            listener,
            limits=Limits.from_flags(options),
            cors=options.cors,
            grpc_port=options.grpc_port,
            announce=announce,
        )
    if left:
        printed.finish()
        os._exit(0)  # as the service's own process does: such threads cannot be stopped


if __name__ == "__main__":
    main()
