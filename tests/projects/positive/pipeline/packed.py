"""The model's code, written by `modelport pack`."""

from __future__ import annotations

from modelport.package.state import load_state
import numpy as np

pipeline = load_state(__file__, "state/pipeline.skops")

def is_good(texts: list[str]) -> list[bool]:
    """Tell which reviews are good."""
    return [bool(one) for one in np.asarray(pipeline.predict(texts))]

METHODS = {
    "is_good": is_good,
}
