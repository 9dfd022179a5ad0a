"""Images: how large they are, and how long one takes to assemble.

Sizes are of all files in an image, its base among them. Against MLflow they are compared on the same base: to what its
``models build-docker`` installs for a scikit-learn model, ours is added. Against ``docker build`` of the same image's
Dockerfile, by an engine of its own, both have the wheels on this machine, and the engine the base: neither reaches a
network. Twice: nothing made yet, and a new version of the model, whose requirements' layers both have.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.rows import Row, wall_seconds
from tests.support.commands import CACHE, ROOT, Workplace
from tests.support.docker import may_start, running_engine
from tests.support.ejected import build, load_pip_base, locked_wheels, wheel_index
from tests.support.images import made_base
from tests.support.peer_python import peer_python

from modelport.oci import Layout

if TYPE_CHECKING:
    from tests.support.docker import DockerEngine

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
        dockers = _docker_seconds(place, base, Path(scratch)) if may_start() else (None, None)
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
        _against_docker("building iris-forest's image, wheels at hand and no layer made yet", cold, dockers[0], 0.3),
        _against_docker("the same, layers there on both sides", warm, dockers[1], 1),
    ]  # fmt: skip


def _against_docker(figure: str, seconds: float, docker: float | None, target: float) -> Row:
    return Row(
        figure=f"{figure}, against docker build of its Dockerfile", value=seconds / docker if docker else None,
        unit="x", target=target, peer="docker build, s", peer_value=docker, runs=_RUNS, how=f"{_HOW}, as root",
    )  # fmt: skip


def _docker_seconds(place: Workplace, base: Path, scratch: Path) -> tuple[float, float]:
    """Return the median seconds of a `docker build` that has no layer yet, and of one that has those but the model."""
    context, wheels, pip = scratch / "context", scratch / "wheels", scratch / "pip"
    for folder in (wheels, pip):
        folder.mkdir()
    place.modelport("image", "dockerfile", "iris-forest", "--out", context, check=True)
    locked_wheels(context, wheels)
    cold, warm = [], []
    with running_engine() as engine, wheel_index(wheels) as index:
        load_pip_base(engine, base, pip)
        for run in range(_RUNS + 1):
            cold.append(_timed(engine, context, index, "--no-cache"))
            (context / "model/version").write_text(str(run), "utf-8")
            warm.append(_timed(engine, context, index))
            (context / "model/version").unlink()
    return statistics.median(cold[1:]), statistics.median(warm[1:])


def _timed(engine: DockerEngine, context: Path, index: str, *flags: str) -> float:
    began = time.perf_counter()
    build(engine, context, index, "iris-forest:ejected", *flags)
    return time.perf_counter() - began


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
