import math

from modelport import Model


def make(zero):
    def sign(x: float) -> float:
        return math.copysign(x, zero)

    return sign


def make_other(zero):
    def other(x: float) -> float:
        return math.copysign(x, zero)

    return other


model = Model(sign=make(0.0), other=make_other(-0.0))
