"""The model's code, written by `modelport pack`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

@dataclass(frozen=True)
class Limits:
    low: float
    high: float = 1.0

    def cut(self, x: float) -> float:
        return min(max(x, self.low), self.high)

DEFAULT = Limits(low=0.0, high=1.0)

@dataclass(kw_only=True, slots=True)
class Setting:
    limits: Limits
    names: tuple[str, ...] = ()

SETTING = Setting(limits=Limits(low=-1.0, high=2.0), names=('a', 'b'))

class Step(NamedTuple):
    factor: float
    setting: Setting | None = None

STEPS = [Step(2.0, None), Step(3.0, Setting(limits=Limits(low=-1.0, high=2.0), names=('a', 'b')))]

def cut(x: float, limits: Limits = DEFAULT) -> float:
    """Cut a number to the limits, by the steps."""
    first, second = STEPS
    assert first.setting is None and second.setting.names == ("a", "b")
    return limits.cut(x) * first.factor + SETTING.limits.cut(x) * second.factor

METHODS = {
    "cut": cut,
}
