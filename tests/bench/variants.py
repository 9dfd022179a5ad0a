"""What variants of LiteRT save, in bytes and in time, and what they lose in accuracy.

fashion-classifier is the network in the catalog's package, the others are the bench's own. Accuracy is counted on the
10,000 test pictures of Fashion-MNIST. Times are of one thread with XNNPACK, of one picture, the least of interleaved
rounds: what else runs on the machine only adds to them. They are judged only on processors that compute with 8-bit
integers (VNNI, or dot products of ARM); elsewhere they are shown on stderr. Two forms are statically quantized,
``int8`` and ``mixed-int8``: which is quicker depends on the processor, and each is judged by itself.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.bench.modi import packed_calls, packed_network
from tests.bench.networks import WIDTHS, fashion, mobilenet, separable
from tests.bench.rows import Row

from modelport.edge.interface import Source
from modelport.edge.litert import BACKEND
from modelport.edge.probe import facts
from modelport.package.state.standins import LiteRtStandIn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.edge.interface import Calibration

ROUNDS, LOADS = 25, 9
HOW = "make bench ROOM=variants"

_TIMES = """
import json, statistics, sys, time
import numpy as np
from ai_edge_litert.interpreter import Interpreter
random = np.random.default_rng(0)
files = [open(name, "rb").read() for name in sys.argv[2:]]
least = [9e9] * len(files)
for _ in range(int(sys.argv[1])):
    for number, content in enumerate(files):
        one = Interpreter(model_content=content, num_threads=1)
        one.allocate_tensors()
        for given in one.get_input_details():
            one.set_tensor(given["index"], random.integers(0, 100, given["shape"]).astype(given["dtype"]))
        times = []
        for _ in range(40):
            began = time.perf_counter()
            one.invoke()
            times.append(time.perf_counter() - began)
        least[number] = min(least[number], statistics.median(times))
print(json.dumps(least))
"""

# In a process that has loaded such a file before, memory is at hand, which a device's first load has to wait for.
_LOAD = """
import sys, time
from ai_edge_litert.interpreter import Interpreter
began = time.perf_counter()
with open(sys.argv[1], "rb") as stream:
    one = Interpreter(model_content=stream.read(), num_threads=1)
one.allocate_tensors()
print(time.perf_counter() - began)
"""


def rows() -> list[Row]:
    """Make the variants and measure them; networks are trained on first use (some minutes)."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        small = {width: _made(separable(width), folder / f"separable-{width}", _pictures()) for width in WIDTHS}
        own = _made(packed_network(), folder / "packed", packed_calls())
        large = _made(
            mobilenet(), folder / "mobilenet", _noise(), only=("float32", "float16", "int8", "mixed-int8", "rounded")
        )
        named = {"separable network": small[1.0], "fashion-classifier": own}
        return [
            *(row for name, files in named.items() for row in _sizes(name, files, most=0.36)),
            *_sizes("MobileNetV2", large, most=0.29),
            *_lost({**{f"separable {width}": files for width, files in small.items()}, "fashion-classifier": own}),
            *_times("separable network", small[1.0]),
            *_times("fashion-classifier", own),
            *_times("MobileNetV2", large),
            *_loads("MobileNetV2", large),
        ]


def _made(parent: Path, folder: Path, calls: Calibration, *, only: tuple[str, ...] = ()) -> dict[str, Path]:
    made: dict[str, Path] = {}
    for recipe in BACKEND.recipes(parent):
        if only and recipe.name not in only:
            continue
        out = folder / recipe.name
        out.mkdir(parents=True)
        source = Source(made.get(recipe.base or "", parent), parent, calls if recipe.needs_calibration else None)
        found = BACKEND.make(recipe, source, out)
        made[recipe.name] = found.file
        said = {"network": folder.name, "variant": recipe.name, "bytes": found.file.stat().st_size, **found.recipe}
        sys.stderr.write(f"{json.dumps(said)}\n")
    return made


def _pictures() -> Calibration:
    images, _ = fashion("train")
    return [{"x": image[None].astype(np.float32)} for image in images[-200:]]


def _noise() -> Calibration:
    random = np.random.default_rng(1)
    return [{"x": random.uniform(-1, 1, (1, 224, 224, 3)).astype(np.float32)} for _ in range(8)]


def _sizes(name: str, files: Mapping[str, Path], *, most: float) -> list[Row]:
    whole = files["float32"].stat().st_size
    ratio = {one: file.stat().st_size / whole for one, file in files.items()}
    saved = 1 - len(gzip.compress(files["rounded"].read_bytes(), 9, mtime=0)) / whole
    about = f"{name} ({whole / 1e6:.2f} MB)"
    return [
        _row(f"size of int8 over float32, {about}", ratio["int8"], most, "MODI's 8-bit InceptionV3", 0.25),
        _row(f"size of mixed-int8 over float32, {about}", ratio["mixed-int8"], most),
        _row(f"size of float16 over float32, {about}", ratio["float16"], 0.53),
        _row(f"saved of the download by rounded and gzip, {about}", saved, 0.6, "MODI", 0.726, at_least=True),
    ]


def _lost(networks: Mapping[str, Mapping[str, Path]]) -> list[Row]:
    images, labels = fashion("t10k")
    lost: dict[str, list[float]] = {}
    for network, files in networks.items():
        correct = {name: _correct(file, images, labels) for name, file in files.items()}
        sys.stderr.write(f"{network}: {json.dumps(correct)} of {len(labels)}\n")
        for name, count in correct.items():
            lost.setdefault(name, []).append((correct["float32"] - count) / len(labels) * 100)
    targets = {
        "float16": 0.1,
        "weight-int8": 0.3,
        "dynamic-int8": 0.5,
        "int8": 0.5,
        "mixed-int8": 0.5,
        "int4": 4.0,
        "rounded": 0.5,
    }
    about = f"the most of {len(networks)} networks"
    peers: dict[str, tuple[str, float | None]] = {"int8": ("MODI's 8 bits", 6.0)}
    return [
        _row(f"accuracy lost by {name}, {about}", max(lost[name]), target, *peers.get(name, ("", None)), unit="points")
        for name, target in targets.items()
    ]


def _correct(file: Path, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> int:
    stand_in = LiteRtStandIn.load(file)
    parts = range(0, len(images), 500)
    return int(sum((stand_in(images[n : n + 500]).argmax(axis=1) == labels[n : n + 500]).sum() for n in parts))


def _times(name: str, files: Mapping[str, Path]) -> list[Row]:
    command = [sys.executable, "-c", _TIMES, str(ROUNDS), *map(str, files.values())]
    found = dict(zip(files, json.loads(_said(command)), strict=True))
    sys.stderr.write(f"{name}: seconds: {json.dumps(found)}\n")
    peer, rows = f"float32: {found['float32'] * 1000:.3f} ms", []
    for form in ("int8", "mixed-int8"):
        with_, value = judged(found[form] / found["float32"], facts())
        rows.append(_row(f"time of {form} over float32, {name}; {with_}", value, 0.6, peer, runs=ROUNDS))
    return rows


def judged(ratio: float, machine: Mapping[str, Any]) -> tuple[str, float | None]:
    """Return with which instructions for 8-bit integers, and the ratio of times if there are any, else None."""
    has = [flag for flag in machine.get("flags", ()) if "vnni" in flag or flag in ("asimddp", "i8mm")]
    return f"with {', '.join(has)}" if has else "without VNNI, not judged", ratio if has else None


def _loads(name: str, files: Mapping[str, Path]) -> list[Row]:
    """Measure the first load of a process, of each file in turn."""
    commands = {one: [sys.executable, "-c", _LOAD, str(file)] for one, file in files.items()}
    rounds = [{one: float(_said(command)) for one, command in commands.items()} for _ in range(LOADS)]
    found = {one: min(times[one] for times in rounds) for one in files}
    sys.stderr.write(f"{name}: loaded in seconds: {json.dumps(found)}\n")
    peer = f"float32: {found['float32'] * 1000:.1f} ms"
    ratio = found["int8"] / found["float32"]
    return [_row(f"loading int8 over float32 in a new process, {name}", ratio, 0.5, peer, runs=LOADS)]


def _said(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]


def _row(
    figure: str,
    value: float | None,
    target: float,
    peer: str = "",
    peer_value: float | None = None,
    *,
    unit: str = "x",
    runs: int = 1,
    at_least: bool = False,
) -> Row:
    return Row(
        figure=figure, value=value, unit=unit, target=target, peer=peer, peer_value=peer_value, runs=runs, how=HOW,
        at_least=at_least,
    )  # fmt: skip
