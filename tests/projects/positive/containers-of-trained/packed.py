"""The model's code, written by `modelport pack`."""

from __future__ import annotations

from modelport.package.state import load_state
import numpy as np

again = load_state(__file__, "state/again.skops")

both = {'up': load_state(__file__, "state/again.skops"), 'down': [load_state(__file__, "state/both.skops"), load_state(__file__, "state/again.skops")]}

means = (load_state(__file__, "state/means.npy"), load_state(__file__, "state/means-2.npy"))

up = again

def predict(x: float, kind: str) -> float:
    """Follow a line up or down."""
    assert both["up"] is both["down"][1] is up is again
    assert isinstance(means[1], np.float32) and means[0] == 3.0
    line = both["up"] if kind == "up" else both["down"][0]
    return round(float(line.predict([[x]])[0]), 6)

METHODS = {
    "predict": predict,
}
