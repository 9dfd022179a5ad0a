"""The range that a field's numbers are held to where they come in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.model.kinds import Scalar, TensorOf, single
from modelport.model.scalars import FLOATS, INTEGER_RANGES, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from modelport.model.about import About
    from modelport.model.exchange import Exchange
    from modelport.model.kinds import FieldType

__all__ = ["Range", "range_of"]


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the greatest number allowed; NaN is in no range."""

    low: float = -math.inf
    high: float = math.inf

    def check(self, value: Any, path: str, exchange: Exchange) -> Any:
        """Return *value*, or note that it is outside and return None; None stays None."""
        if value is None or self.low <= value <= self.high:
            return value
        exchange.add(path, f"is {value!r}, {self._outside(value)}")
        return None

    def holds_all(self, values: Sequence[Any]) -> bool:
        """Tell whether all *values* are certainly inside; a sum that is no number leaves it open."""
        return not values or (math.isfinite(sum(values)) and self.low <= min(values) and max(values) <= self.high)

    def check_array(self, array: np.ndarray[Any, Any], path: str, exchange: Exchange) -> bool:
        """Tell whether all elements are inside, or note the first that is not."""
        import numpy as np

        inside = (array >= self.low) & (array <= self.high)
        if inside.all():
            return True
        place = tuple(int(i) for i in np.argwhere(~inside)[0])
        value = array[place].item()
        exchange.add(path + "".join(f"[{i}]" for i in place), f"is {value!r}, {self._outside(value)}")
        return False

    def _outside(self, value: float) -> str:
        if value < self.low:
            return f"below the minimum {self.low!r}"
        return f"above the maximum {self.high!r}" if value > self.high else "and a range is asked for"


def range_of(kind: FieldType, about: About) -> Range | None:
    """Return the range of a field's numbers, if it has one; a bound of a short float is one that it can be."""
    inner = single(kind)
    if about.minimum is None and about.maximum is None:
        return None
    name = inner.name if isinstance(inner, Scalar) else inner.dtype if isinstance(inner, TensorOf) else ""
    if name in INTEGER_RANGES:
        low, high = INTEGER_RANGES[name]
        return Range(low if about.minimum is None else about.minimum, high if about.maximum is None else about.maximum)
    if name not in FLOATS:
        return None
    low, high = (
        -math.inf if about.minimum is None else _nearest(about.minimum, name),
        math.inf if about.maximum is None else _nearest(about.maximum, name),
    )
    return Range(low, high)


def _nearest(bound: float, name: str) -> float:
    try:
        return rounded(bound, name)
    except OverflowError:
        return math.copysign(math.inf, bound)
