"""Weights on a grid that gzip likes: a file of the same size and speed, which is downloaded as a third.

Rounded are the constants of the finished LiteRT file, in place. Rounded before conversion, they would be multiplied by
the scales of batch normalisation that the converter folds into them, and most of what gzip saves would be gone.

Each output channel has a grid of its own: the multiples of a power of two, so that the low bytes of its floats are 0
besides there being few different ones. At the same download this errs a third less than one such grid for a tensor,
and five times less where channels differ much, as in depthwise convolutions; levels at even distances from the least
to the greatest weight, by k-means or by quantiles all save less, and err more.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from modelport.edge.lite_file import constants, parsed

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

__all__ = ["LEVELS", "SAVED", "compressed", "fewest_lost", "rounded"]

LEVELS = (1024, 512, 256, 128)
"""How many steps a tensor's range has at most, the finest first."""
SAVED = 0.6
"""What gzip has to save of the file with 32-bit floats."""
_DIMENSIONS = 2


def fewest_lost(content: bytes) -> tuple[bytes, int]:
    """Return the file in *content* on the finest grid of which gzip saves enough, and the grid's levels.

    Where none does, it is the coarsest.
    """
    found, levels = content, 0
    for levels in LEVELS:
        found = rounded(content, levels)
        if len(compressed(found)) <= (1 - SAVED) * len(content):
            break
    return found, levels


def rounded(content: bytes, levels: int) -> bytes:
    """Return the file in *content* with the weights of each channel on at most *levels* levels.

    Biases, of one dimension, stay as they are: there are few, and they count much.
    """
    import numpy as np

    made = bytearray(content)
    whole = np.frombuffer(made, np.uint8)
    start = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
    for tensor, buffer in constants(parsed(content)):
        if len(tensor.shape) >= _DIMENSIONS:
            place = buffer.data.__array_interface__["data"][0] - start  # its constants are views
            weights = whole[place : place + len(buffer.data)].view(np.float32).reshape(tensor.shape)
            weights[...] = _on_grid(weights, levels)
    return bytes(made)


def compressed(content: bytes) -> bytes:
    """Return *content* as a download: ``gzip -9`` without name and time, so that same bytes are the same again."""
    return gzip.compress(content, 9, mtime=0)


def _on_grid(weights: NDArray[Any], levels: int) -> NDArray[Any]:
    """Return the nearest multiples of each channel's least power of two of which *levels* reach from end to end.

    The channels are the first dimension, and those of a depthwise convolution, whose first one is 1, the last.
    """
    import numpy as np

    channels = weights.ndim - 1 if weights.shape[0] == 1 else 0
    others = tuple(axis for axis in range(weights.ndim) if axis != channels)
    largest = np.abs(weights.astype(np.float64)).max(axis=others, keepdims=True)
    usable = np.isfinite(largest) & (largest > 0)
    step = 2.0 ** np.ceil(np.log2(np.where(usable, largest, 1) / (levels // 2 - 1)))
    found: NDArray[Any] = np.where(usable, np.rint(weights / step) * step, weights).astype(np.float32)
    return found
