from dataclasses import dataclass
from typing import NamedTuple

from modelport import Model


@dataclass(frozen=True)
class Limits:
    low: float
    high: float = 1.0

    def cut(self, x: float) -> float:
        return min(max(x, self.low), self.high)


@dataclass(kw_only=True, slots=True)
class Setting:
    limits: Limits
    names: tuple[str, ...] = ()


class Step(NamedTuple):
    factor: float
    setting: Setting | None = None


DEFAULT = Limits(0.0)
SETTING = Setting(limits=Limits(-1.0, 2.0), names=("a", "b"))
STEPS = [Step(2.0), Step(3.0, SETTING)]


def cut(x: float, limits: Limits = DEFAULT) -> float:
    """Cut a number to the limits, by the steps."""
    first, second = STEPS
    assert first.setting is None and second.setting.names == ("a", "b")
    return limits.cut(x) * first.factor + SETTING.limits.cut(x) * second.factor


model = Model(cut=cut)
model.add_example("cut", {"x": 5.0, "limits": {"low": 0.0, "high": 3.0}})
