"""Images: how large they are, and how long one takes to assemble.

Sizes are of all files in an image, its base among them. Against MLflow they are compared on the same base: to what its
``models build-docker`` installs for a scikit-learn model, ours is added.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.rows import Row, wall_seconds
from tests.support.commands import CACHE, ROOT, Workplace
from tests.support.images import made_base
from tests.support.peer_python import peer_python

from modelport.oci import Layout

_HOW = "make bench ROOM=image"
_RUNS = 3


def rows() -> list[Row]:
    """Build iris-forest's images in a scratch store; measure them and the time."""
    base = made_base()
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        place = Workplace(ROOT, store=Path(scratch) / "store")
        place.modelport("pack", "catalog/models/iris-forest", check=True)
        images = {form: _built(place, base, form) for form in ("converted", "framework")}
        sizes = {form: one["platforms"]["linux/amd64"]["bytes"] / 1e6 for form, one in images.items()}
        mlflow = _environment_bytes("mlflow") / 1e6 + _base_bytes(base) / 1e6
        cold, warm = _seconds(place, base, Path(scratch))
    return [
        Row(
            figure="ONNX image's size, against the scikit-learn image of the same model",
            value=sizes["converted"] / sizes["framework"], unit="x", target=0.6,
            peer="scikit-learn image, MB", peer_value=sizes["framework"], runs=1, how=_HOW,
        ),
        Row(
            figure="scikit-learn image's size, against what MLflow installs",
            value=sizes["framework"] / mlflow, unit="x", target=0.4,
            peer="mlflow models build-docker, on the same base, MB", peer_value=mlflow, runs=1, how=_HOW,
        ),
        Row(
            figure="building iris-forest's image: wheels in uv's cache, no layer made yet",
            value=cold, unit="s", target=5, peer="the same, all layers there", peer_value=warm, runs=_RUNS, how=_HOW,
        ),
    ]  # fmt: skip


def _built(place: Workplace, base: Path, form: str) -> dict[str, Any]:
    words: list[str | Path] = ["image", "build", "iris-forest", "--base", base, "--platform", "linux/amd64"]
    said: dict[str, Any] = json.loads(place.modelport(*words, "--runtime", form, "--json", check=True).stdout)
    return said


def _seconds(place: Workplace, base: Path, scratch: Path) -> tuple[float, float]:
    """Return the median seconds of a build whose layers are yet to be made, and of one right after it."""
    package = place.package("iris-forest")
    cold, warm = [], []
    for run in range(_RUNS + 1):
        target = scratch / f"out-{run}"
        command = [*_command(package, base), "--out", str(target)]
        variables = place.variables | {"MODELPORT_CACHE": str(scratch / f"cache-{run}")}
        cold.append(wall_seconds(command, env=variables, cwd=scratch))
        warm.append(wall_seconds(command, env=variables, cwd=scratch))
    return statistics.median(cold[1:]), statistics.median(warm[1:])


def _command(package: Path, base: Path) -> list[str]:
    words = ["-m", "modelport", "image", "build", str(package), "--base", str(base), "--allow-code"]
    return [sys.executable, *words, "--platform", "linux/amd64"]


def _environment_bytes(peer: str) -> int:
    folder = peer_python(peer).parents[1]
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _base_bytes(base: Path) -> int:
    layout = Layout(base)
    (index,) = layout.tags().values()
    amd64 = next(one for one in layout.manifest(index).children if str(one.platform) == "linux/amd64")
    return sum(layer.size for layer in layout.manifest(amd64).children)
