import math as m
import os.path
import xml.etree.ElementTree
from json import dumps as to_json
from random import uniform
from xml.sax.saxutils import escape as escaped

import numpy as np
from numpy import exp, mean
from scipy.special import expit
from scipy.stats import norm

from modelport import Model

half = np.linalg.norm([0.3, 0.4])


def compute(x: float) -> str:
    """Use all kinds of things from libraries."""
    import datetime
    from collections import Counter

    root = xml.etree.ElementTree.fromstring("<a>1</a>")
    assert Counter("aab")["a"] == 2 and datetime.date(2000, 1, 1).year == 2000 and os.path.basename("a/b") == "b"
    assert 0 <= uniform(0, 1) <= 1 and escaped("<") == "&lt;"
    numbers = [exp(x), mean([x, x]), expit(x), norm.cdf(x), m.floor(x), half, int(root.text)]
    return to_json([round(float(n), 6) for n in numbers])


model = Model(compute=compute)
model.add_example("compute", {"x": 0.0})
