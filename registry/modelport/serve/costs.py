"""What a call may cost, in words and numbers: callers meet these limits as problems, and may read them before.

A program finds them in ``limits`` of ``/model/artifacts/metadata``, a person on the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from modelport.model import Model
    from modelport.serve.info import ServiceInfo
    from modelport.serve.limits import Limits

__all__ = ["Cost", "costs"]

_KIB = 1024


class Cost(NamedTuple):
    """One limit.

    Attributes:
        name: Its name in `Limits`.
        value: The number.
        what: What it limits.
        most: The number with its unit, for people.
        beyond: The status of what is beyond it.
    """

    name: str
    value: float
    what: str
    most: str
    beyond: str


def costs(model: Model, info: ServiceInfo, limits: Limits) -> list[Cost]:
    """Return the limits that callers of *model* may meet."""
    methods = model.spec.methods
    found = [Cost("body_bytes", limits.body_bytes, "the body of a call", _bytes(limits.body_bytes), "413")]
    if any(m.streams_in for m in methods):
        what = "all messages that a call sends one after the other"
        found.append(Cost("stream_bytes", limits.stream_bytes, what, _bytes(limits.stream_bytes), "413"))
    if info.row_methods:
        found.append(Cost("rows", limits.rows, "the rows of a call", f"{limits.rows:,} rows", "413"))
    return [
        *found,
        Cost("json_depth", limits.json_depth, "the nesting of JSON", f"{limits.json_depth} levels", "400"),
        Cost("body_seconds", limits.body_seconds, "the time to send a body", f"{limits.body_seconds:g} s", "408"),
        Cost(
            "call_seconds", limits.call_seconds, "the time to an answer, waiting included",
            f"{limits.call_seconds:g} s", "504, or 429 if its turn never came",
        ),
        Cost(
            "waiting", limits.waiting, "calls that wait for the model",
            f"{limits.waiting:,} calls", "429, and Retry-After says when to try again",
        ),
    ]  # fmt: skip


def _bytes(number: int) -> str:
    size, units = float(number), ["bytes", "KiB", "MiB", "GiB"]
    while size >= _KIB and len(units) > 1:
        size /= _KIB
        units.pop(0)
    return f"{size:,.4g} {units[0]}"
