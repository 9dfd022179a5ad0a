"""The model's code, written by `modelport pack`."""

from __future__ import annotations

from json import dumps as to_json
from modelport.package.state import load_state
from numpy import exp
from numpy import mean
from random import uniform
from scipy.special import expit
from scipy.stats import norm
from xml.sax.saxutils import escape as escaped
import math as m
import os.path
import xml.etree.ElementTree

half = load_state(__file__, "state/half.npy")

def compute(x: float) -> str:
    """Use all kinds of things from libraries."""
    import datetime
    from collections import Counter

    root = xml.etree.ElementTree.fromstring("<a>1</a>")
    assert Counter("aab")["a"] == 2 and datetime.date(2000, 1, 1).year == 2000 and os.path.basename("a/b") == "b"
    assert 0 <= uniform(0, 1) <= 1 and escaped("<") == "&lt;"
    numbers = [exp(x), mean([x, x]), expit(x), norm.cdf(x), m.floor(x), half, int(root.text)]
    return to_json([round(float(n), 6) for n in numbers])

METHODS = {
    "compute": compute,
}
