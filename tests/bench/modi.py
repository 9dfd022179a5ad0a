"""``make modi``: MODI's figures 2, 3 and 4 beside ours, as ``build/bench/modi.json`` and as a page of the guides.

What is made is kept, so that a second run only measures times again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.bench.modi_edge import networks
from tests.bench.modi_files import CACHE, coarser, download, inception, made_files, noise, variants
from tests.bench.modi_page import write_page
from tests.bench.modi_times import times
from tests.bench.networks import fashion

from modelport.cli.models import find_model
from modelport.edge.accuracy import drop_of
from modelport.edge.interface import Made
from modelport.edge.probe import facts
from modelport.errors import NotFoundError
from modelport.package.state.standins import LiteRtStandIn
from modelport.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.edge.interface import Calibration, NotMadeError

__all__ = ["measured", "packed_calls", "packed_network"]

ROOT = Path(__file__).parents[2]
OUT = ROOT / "build" / "bench" / "modi.json"
ENTRY = ROOT / "catalog" / "models" / "fashion-classifier"
LEVELS = (256, 128)
"""How coarse rounding is tried, to see where MODI's figure lies."""


def measured() -> dict[str, Any]:
    """Return all figures of ours: sizes in bytes, times in seconds."""
    retrained, parent = inception()
    large = variants(parent, noise(), CACHE)
    small = _fashion()
    shown = _sizes(large)
    timed = _timed(large)
    rounded = {str(levels): coarser(made_files(large)["float32"], levels) for levels in LEVELS}
    plain = timed["float32"]["warm"]
    return {
        "machine": facts(),
        "tools": {name: version(name) for name in ("ai-edge-litert", "litert-quantizer", "keras", "tensorflow-cpu")},
        "inception": {
            "retrained": {"size": retrained.stat().st_size, "download": download(retrained)},
            "variants": shown, "times": timed, "rounded": rounded, "failed": _failed(large),
        },
        "fashion": {
            "variants": _sizes(small), "accuracy": _accuracy(small), "failed": _failed(small),
        },
        "networks": networks(plain),
    }  # fmt: skip


def packed_network() -> Path:
    """Return the Keras file in the package of the catalog's model, which is packed if it is not there."""
    settings = load_settings(ROOT)
    version_ = ENTRY.joinpath("versions").iterdir()
    latest = max((tuple(map(int, file.stem.split("."))) for file in version_), default=())
    name = f"{ENTRY.name}:{'.'.join(map(str, latest))}"
    try:
        found = find_model(name, settings)
    except NotFoundError:
        subprocess.run([sys.executable, "-m", "modelport", "pack", str(ENTRY)], check=True, cwd=ROOT, stdout=sys.stderr)
        found = find_model(name, settings)
    return found.package.folder / "state" / "network.keras"


def packed_calls() -> Calibration:
    """Return the pictures that the package of the catalog's model has for calibration."""
    images, _ = fashion("train")
    return [{"x": image[None].astype(np.float32)} for image in images[::300]]


def _fashion() -> dict[str, Made | NotMadeError]:
    return variants(packed_network(), packed_calls(), CACHE)


def _failed(found: Mapping[str, Made | NotMadeError]) -> dict[str, str]:
    return {name: one.message for name, one in found.items() if not isinstance(one, Made)}


def _sizes(found: Mapping[str, Made | NotMadeError]) -> dict[str, dict[str, Any]]:
    return {
        name: {"size": one.file.stat().st_size, "download": download(one.file), "recipe": dict(one.recipe)}
        for name, one in found.items()
        if isinstance(one, Made)
    }


def _timed(found: Mapping[str, Made | NotMadeError]) -> dict[str, dict[str, float]]:
    sys.stderr.write("InceptionV3: measuring times\n")
    return times(made_files(found))


def _accuracy(found: Mapping[str, Made | NotMadeError]) -> dict[str, dict[str, Any]]:
    """Return how many test pictures each variant gets right, and what it loses against float32, in shares."""
    images, labels = fashion("t10k")
    right = {name: _right(file, images, labels) for name, file in made_files(found).items()}
    answers = {}
    for name, ones in right.items():
        drop, error = drop_of(right["float32"], ones)
        answers[name] = {"correct": sum(ones), "n": len(ones), "drop": drop, "error": error}
    return answers


def _right(file: Path, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> list[bool]:
    stand_in = LiteRtStandIn.load(file)
    parts = range(0, len(images), 500)
    return [bool(one) for n in parts for one in stand_in(images[n : n + 500]).argmax(axis=1) == labels[n : n + 500]]


def main() -> int:
    """Measure, and write the figures and the page."""
    found = measured()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(write_page(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
