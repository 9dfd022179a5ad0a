"""The numbers that a second form has to refuse, because the first form does or answers otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.model.exchange import RefusedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["REFUSED", "UnfitError", "unfit"]

_LARGEST = 3.4028234663852886e38  # a 32-bit float
REFUSED: Mapping[str, str] = {
    "missing": "missing numbers (NaN)",
    "infinite": "infinite numbers",
    "large": "numbers too large for a 32-bit float",
}
"""What a second form may have to refuse, in words."""


class UnfitError(RefusedError, ValueError):
    """A second form's word that it cannot take what it is asked: the fault of who calls.

    To the model's code it is the ValueError that the first form raises.
    """


def unfit(values: Any, refused: Collection[str]) -> str:
    """Return the words for what an array of *values* has of the kinds in *refused*: nothing where it has none."""
    import numpy as np

    array = np.asarray(values)
    if not refused or array.dtype.kind != "f":
        return ""
    if np.abs(array).max(initial=0) <= _LARGEST:  # NaN is not
        return ""
    found = {
        "missing": np.isnan(array),
        "infinite": np.isinf(array),
        "large": np.isfinite(array) & (np.abs(array) > _LARGEST),
    }
    return " and no ".join(REFUSED[one] for one in REFUSED if one in refused and found[one].any())
