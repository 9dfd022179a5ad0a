"""What one caller may cost the service, and how many calls it takes on at once."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from modelport.errors import InputError

if TYPE_CHECKING:
    import argparse

__all__ = ["Limits"]


def _limit(default: float, text: str) -> Any:  # noqa: ANN401 - what dataclasses.field returns takes the field's type
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a service; each is a flag of ``python -m modelport.serve``.

    A call passes three gates: at most ``uploads`` bodies are read at a time, ``waiting`` calls with ``waiting_rows``
    rows and ``waiting_bytes`` bytes stand in line, and ``workers`` threads run the model. There is one worker unless
    told otherwise, because few models say that they may be called from two threads at once. Calls that wait go
    together, up to ``batch_rows`` rows at a time, where the method's rows are independent; with 1 they never do.

    Raises:
        InputError: A limit is not positive (``waiting`` may be zero), or JSON may be deeper than Python can read.
    """

    body_bytes: int = _limit(16 * 2**20, "largest body of a call")
    body_seconds: float = _limit(30.0, "time to send a body, or a stream's next message, and to take one")
    stream_bytes: int = _limit(2**30, "largest stream of messages that a call sends; each is a body")
    head_seconds: float = _limit(10.0, "time to send a request's head")
    connections: int = _limit(1024, "connections that are open at the same time")
    uploads: int = _limit(64, "bodies that are read at the same time")
    json_depth: int = _limit(32, "deepest nesting of JSON")
    json_values: int = _limit(2**21, "values in JSON; a list or an object counts as 4")
    number_chars: int = _limit(512, "longest number in JSON")
    call_seconds: float = _limit(30.0, "time for a call, waiting in line included")
    workers: int = _limit(1, "threads that run the model")
    streams: int = _limit(64, "streams that are open at the same time")
    waiting: int = _limit(256, "calls that may wait for a worker")
    waiting_rows: int = _limit(65536, "rows of calls that may wait for a worker")
    waiting_bytes: int = _limit(128 * 2**20, "bytes that the callers of waiting calls sent")
    rows: int = _limit(65536, "rows of one call")
    batch_rows: int = _limit(128, "rows (or 64 KiB of tensors) that waiting calls are put together to; 1: each alone")
    drain_seconds: float = _limit(30.0, "time for open calls to end when the service stops")

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not (value > 0 or (one.name == "waiting" and value == 0)):
                raise InputError(f"the limit {one.name} is {value}", hint="a limit is greater than zero")
        if self.json_depth > 200:  # noqa: PLR2004 - far from where Python's parser runs out of stack
            raise InputError(f"the limit json_depth is {self.json_depth}", hint="it is at most 200")

    @classmethod
    def add_flags(cls, parser: argparse.ArgumentParser) -> None:
        """Give *parser* one flag for each limit: ``body_bytes`` is ``--body-bytes``."""
        group = parser.add_argument_group("limits")
        for one in fields(cls):
            group.add_argument(
                f"--{one.name.replace('_', '-')}",
                type=type(one.default),
                default=one.default,
                metavar="N",
                help=f"{one.metadata['help']} (default: %(default)s)",
            )
        group.add_argument(
            "--no-batching", dest="batch_rows", action="store_const", const=1, help="run each call by itself"
        )

    @classmethod
    def from_flags(cls, arguments: argparse.Namespace) -> Limits:
        """Return the limits that the flags of :meth:`add_flags` gave."""
        return cls(**{one.name: getattr(arguments, one.name) for one in fields(cls)})
