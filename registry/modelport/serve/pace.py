"""Which runs of a method the event loop makes itself: what it has seen of the earlier ones tells.

To hand a run to a thread and to be woken by its end costs a tenth of a millisecond, or several where the machine is a
guest among others. What the loop runs itself keeps it from everything else, so that it does so only with runs that are
known to be short, or that keep nobody waiting: a caller who is alone, and for whom nothing but the model's answer is to
be had.
"""

from __future__ import annotations

from time import monotonic

__all__ = ["LONG", "Pace"]

SHORT = 0.0005  # seconds that the event loop may give to one run
LONG = 0.002  # seconds after which a method has shown that it does not belong there
ALONE = 0.02  # seconds that it may give to a caller who is alone: a check of its health is late by no more
NOTICED = 0.05  # seconds after which other requests have been kept waiting, and the method is banned for a while
_BAN = 60.0  # seconds that the first ban lasts; each further one lasts twice as long
_MOST = 1024  # rows of a run on the loop
_FEW, _MANY = 2, 1024  # short runs that a method has to show
_LONG_TIME = 16  # how many times as many show that it behaves
_SINGLY = 16  # runs without company, after which a caller counts as alone
_GLANCE = 64  # of a caller who is alone so many runs' last one takes a thread: then company is seen


class Pace:
    """How many rows a method may be given on the event loop: none until runs of them have been seen to be short.

    A short run lets twice as many rows in. A long one sends the method back to the threads, where it has to show short
    runs again: more of them each time, unless it has behaved for long. One long run now and then is the machine's.
    After a very long one it stays with the threads for a minute, and each time for twice as long: that its next calls
    are short says little, where it is the arguments that make them long.

    A caller who is alone may keep the loop for longer. While the loop runs a model it sees nobody come; so now and then
    such a run takes a thread after all.

    Attributes:
        rows: The most rows that a run on the loop may have.
    """

    __slots__ = ("_alone_rows", "_ban", "_banned_until", "_left", "_short", "_singly", "_wanted", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self._wanted = _FEW
        self._left = _FEW
        self._short = 0
        self._singly = 0
        self._alone_rows = 0
        self._ban = _BAN
        self._banned_until = 0.0

    def ran(self, rows: int, seconds: float) -> None:
        """Learn that a run of *rows* rows took *seconds*."""
        if seconds <= SHORT:
            self._short += 1
            self._left -= 1
            if self._left <= 0 and self.rows < 2 * rows <= _MOST and monotonic() >= self._banned_until:
                self.rows = 2 * rows
        elif seconds > LONG and rows <= self.rows:
            behaved = self._short > _LONG_TIME * self._wanted
            self._wanted = _FEW if behaved else min(2 * self._wanted, _MANY)
            self._left, self._short, self.rows = self._wanted, 0, rows // 2
            if seconds > NOTICED:
                self._ban_it()
        self._ran_singly(rows, seconds)

    def met(self) -> None:
        """Learn that a call came while another one ran or waited."""
        self._singly = 0

    def takes_alone(self, rows: int) -> bool:
        """Tell whether the loop may run *rows* rows of a caller who is alone."""
        seen = rows <= self._alone_rows and self._singly >= _SINGLY and self._singly % _GLANCE != 0
        return seen and monotonic() >= self._banned_until

    def _ran_singly(self, rows: int, seconds: float) -> None:
        if seconds <= ALONE:
            self._singly += 1
            self._alone_rows = max(self._alone_rows, rows)
            return
        if seconds > NOTICED and rows <= self._alone_rows and self._singly >= _SINGLY:
            self._ban_it()
        self._singly = self._alone_rows = 0

    def _ban_it(self) -> None:
        self.rows, self._banned_until = 0, monotonic() + self._ban
        self._ban *= 2
