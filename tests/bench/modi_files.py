# ruff: noqa: ANN401, PLC0415 - Keras ships no types, and is imported late
"""MODI's network, InceptionV3 for five kinds of flowers, with random weights: its file as trained, and its variants.

Bytes and times do not depend on what the weights say, but on how they are spread: random ones, as training begins with.
Batch normalisation has seen noise, and Adam has made one step, so that nothing gzip meets is all zeros. All of it is
made once, in processes of its own, and kept: the network under ``build/networks``, its variants in the cache that
``modelport variants build`` has.

``python -m tests.bench.modi_files FOLDER`` makes the network there.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelport.edge.cache import Cache, file_digest, installed_versions
from modelport.edge.calibration import digest_of, write_calls
from modelport.edge.interface import Made, NotMadeError
from modelport.edge.litert import BACKEND
from modelport.edge.rounding import rounded
from modelport.edge.steps import CALLS, run_step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelport.edge.interface import Calibration, Recipe

__all__ = ["CACHE", "SAMPLE", "SAMPLES", "coarser", "download", "inception", "made_files", "noise", "variants"]

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "networks"
CACHE = ROOT / "build" / "test-cache"
"""Where what was made is kept, as the tests do."""
ROOM = ROOT / "registry" / "modelport" / "edge"
_SIDE, _KINDS = 299, 5
_PIECE = 2**21
SAMPLES, SAMPLE = 12, 2**18
"""From how many pieces of how many bytes each the download of a file of few levels is estimated."""
_FRAME = 18  # bytes of gzip's own head and tail
_MODULES = ("litert", "lite_file", "converting", "mixing", "quantizing", "rounding", "distance", "interface")
"""What the backend consists of: the rest of the room changes nothing about what it makes."""


def inception() -> tuple[Path, Path]:
    """Return the Keras file as training leaves it, Adam's two slots for every weight included, and the one without."""
    made_with = (inspect.getsource(noise), inspect.getsource(_trained), version("keras"))
    folder = KEPT / f"inception-{hashlib.sha256(json.dumps(made_with).encode()).hexdigest()[:16]}"
    if not folder.is_dir():
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as scratch:
            whole = Path(scratch) / "whole"
            whole.mkdir()
            subprocess.run([sys.executable, "-m", "tests.bench.modi_files", str(whole)], check=True, cwd=ROOT)
            whole.rename(folder)
    return folder / "retrained.keras", folder / "inception.keras"


def variants(parent: Path, calls: Calibration, cache: Path) -> dict[str, Made | NotMadeError]:
    """Return the variants of *parent*, a Keras file, by name; of one that cannot be made, why.

    Args:
        parent: The file.
        calls: What it is fed for ranges of integers.
        cache: The settings' cache.
    """
    kept, found = Cache(cache), dict[str, Made | NotMadeError]()
    for recipe in BACKEND.recipes(parent):
        base = found.get(recipe.base or "")
        try:
            if isinstance(base, NotMadeError):
                raise base
            found[recipe.name] = _variant(recipe, base.file if base else parent, parent, calls, kept)
        except NotMadeError as error:
            found[recipe.name] = error
            sys.stderr.write(f"{parent.stem}, {recipe.name}: {error.message}\n")
    return found


def made_files(found: Mapping[str, Made | NotMadeError]) -> dict[str, Path]:
    """Return the files of those variants that could be made."""
    return {name: one.file for name, one in found.items() if isinstance(one, Made)}


def _variant(recipe: Recipe, source: Path, parent: Path, calls: Calibration, cache: Cache) -> Made:
    given = calls if recipe.needs_calibration else None
    key = _key(recipe, (source, parent), digest_of(given) if given else "")
    if found := cache.find(key):
        return found
    sys.stderr.write(f"{parent.stem}: making {recipe.name}\n")
    with cache.scratch() as folder:
        if given:
            write_calls(given, folder / CALLS)
        job = {"module": "modelport.edge.litert", "recipe": asdict(recipe), "source": source, "parent": parent}
        result = run_step(folder, "make", **job)
        return cache.keep(key, Made(folder / "out" / result["file"], result["recipe"]))


def _key(recipe: Recipe, sources: tuple[Path, ...], calibration: str) -> str:
    said = [asdict(recipe), installed_versions(recipe.tools), calibration, *map(file_digest, sources)]
    text = json.dumps([said, *(file_digest(ROOM / f"{name}.py") for name in _MODULES)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def download(file: Path) -> int:
    """Return the bytes of *file* after ``gzip -9``; counted once for the same file."""
    return _counted(file_digest(file), lambda: _deflated(file.read_bytes()))


def coarser(file: Path, levels: int) -> int:
    """Return about how many bytes ``gzip -9`` leaves of the LiteRT *file* with its weights on *levels* levels.

    Low entropy is slow to pack: it is estimated from pieces all over the file, of which each is far larger than the
    32 kB that gzip looks back.
    """
    key = f"{file_digest(file)}-{levels}-{file_digest(ROOM / 'rounding.py')}"
    return _counted(key, lambda: _sampled(rounded(file.read_bytes(), levels)))


def _sampled(content: bytes) -> int:
    starts = range(0, len(content) - SAMPLE, len(content) // SAMPLES)
    taken = [content[start : start + SAMPLE] for start in starts]
    return round(sum(map(_deflated, taken)) / sum(map(len, taken)) * len(content))


def _deflated(content: bytes) -> int:
    """Return the bytes after ``gzip -9`` on all cores: in pieces, each with what lies before it in view, like pigz."""

    def piece(start: int) -> int:
        packing = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=content[max(0, start - 2**15) : start])
        return len(packing.compress(content[start : start + _PIECE])) + len(packing.flush())

    with ThreadPoolExecutor(8) as threads:
        return sum(threads.map(piece, range(0, len(content), _PIECE))) + _FRAME


def _counted(key: str, count: Callable[[], int]) -> int:
    note = KEPT / "downloads" / key
    if not note.is_file():
        note.parent.mkdir(parents=True, exist_ok=True)
        scratch = note.with_suffix(".part")
        scratch.write_text(str(count()), "ascii")
        scratch.replace(note)
    return int(note.read_text("ascii"))


def noise(count: int = 8) -> Calibration:
    """Return as many pictures of noise, each of one row."""
    random = np.random.default_rng(1)
    return [{"x": random.uniform(-1, 1, (1, _SIDE, _SIDE, 3)).astype(np.float32)} for _ in range(count)]


def _trained() -> Any:
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    network = keras.applications.InceptionV3(weights=None, classes=_KINDS)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # one look is all that it gets
    network.compile("adam", "sparse_categorical_crossentropy")
    pictures = np.concatenate([call["x"] for call in noise(4)])
    with tf.GradientTape() as tape:
        losses = keras.losses.sparse_categorical_crossentropy(np.arange(4) % _KINDS, network(pictures, training=True))
        lost = keras.ops.mean(losses)
    network.optimizer.apply(tape.gradient(lost, network.trainable_variables), network.trainable_variables)
    return network


def main(folder: Path) -> int:
    """Make the network in *folder*, with the optimizer's slots and without."""
    from modelport.package.state.keras import KerasBackend

    network = _trained()
    network.save(folder / "retrained.keras")
    scratch = folder / "part"
    KerasBackend().save(network, scratch)
    shutil.move(scratch, folder / "inception.keras")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
