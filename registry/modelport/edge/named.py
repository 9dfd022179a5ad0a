"""Networks of which publications tell times: made here to be timed, so that those devices have an anchor in common.

::

    litert-mobilenet-v1-float32, -int8    MobileNet, width 1, a picture of 224 x 224 points
    litert-mobilenet-v2-float32, -int8    MobileNetV2, the same
    litert-inception-v3-float32, -int8    InceptionV3, a picture of 299 x 299 points

A network takes as long whatever its weights say, so that they are random here: nothing is fetched. Keras builds it as
it was published, TensorFlow converts it, litert-quantizer makes the integers; all that in a process of its own, which
may take some minutes and gigabytes. `modelport.edge.anchor` has what is measured everywhere, and needs none of this.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from modelport.edge.interface import NotMadeError, present
from modelport.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelport.edge.interface import Calibration

__all__ = ["NETWORKS", "main", "network_files"]

NETWORKS: Final = {
    "mobilenet-v1": ("MobileNet", 224),
    "mobilenet-v2": ("MobileNetV2", 224),
    "inception-v3": ("InceptionV3", 299),
}
"""What Keras calls each network, and the side of its picture."""

_NEEDED = {"keras": "keras", "tensorflow": "keras", "litert_quantizer": "variants"}
"""The extra that brings each module."""
_CALLS = 4  # of noise: ranges are needed, and which they are does not matter


def network_files(names: Sequence[str], folder: Path) -> list[Path]:
    """Make the networks *names* in *folder*: two files each, called as the anchors are that they become.

    Raises:
        NotMadeError: One cannot be made.
        SetupError: What makes them is not installed.
    """
    if missing := [one for one in _NEEDED if one not in present(list(_NEEDED))]:
        raise SetupError(
            f"{missing[0]} is not installed, which makes the networks",
            hint=f"pip install 'modelport[{_NEEDED[missing[0]]}]', or measure without --networks",
        )
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-P", "-m", "modelport.edge.named", str(folder.resolve()), *names]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True, env={**os.environ, **quiet}
    )
    files = [folder / f"litert-{name}-{kind}.tflite" for name in names for kind in ("float32", "int8")]
    if done.returncode or not all(one.is_file() for one in files):
        said = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise NotMadeError(f"the networks cannot be made: {''.join(said)[:300] or f'status {done.returncode}'}")
    return files


def main(folder: str, *names: str) -> int:
    """Make the networks in *folder*; what goes wrong is the process's last words."""
    from modelport.edge.quantizing import quantized
    from modelport.package.state.conversion import litert_of

    for name in names:
        network, side = _network(name)
        plain = litert_of(network)
        for kind, content in (("float32", plain), ("int8", quantized(plain, "int8", _noise(side)))):
            (Path(folder) / f"litert-{name}-{kind}.tflite").write_bytes(content)
    return 0


def _network(name: str) -> tuple[Any, int]:
    """Return a network that noise does not die away in: processors are slow with numbers that are next to nothing."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)
    called, side = NETWORKS[name]
    network = getattr(keras.applications, called)(weights=None)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # one look is all that it gets
    network(np.vstack([call["x"] for call in _noise(side)]), training=True)
    return network, side


def _noise(side: int) -> Calibration:
    import numpy as np

    random = np.random.default_rng(0)
    return [{"x": random.uniform(-1, 1, (1, side, side, 3)).astype(np.float32)} for _ in range(_CALLS)]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
