"""What a device tells its edge server: batch after batch, each until the server has it or will never take it.

What cannot be told is kept in the device's folder, and told by a later process if need be. There it stays as it is when
it was sent already, under its id, so that the server counts it once; the rest is joined with what is measured since,
and so are its bytes bounded: by the variants that there are, and by a number of batches. Nothing is sent of which the
disk says that it was not: rather is it forgotten there, by a disk that is full, than counted twice.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from modelport.client.errors import ServiceError
from modelport.edge.mending import Complaint, one_line
from modelport.errors import SetupError

if TYPE_CHECKING:
    from modelport.edge.learning import Tally
    from modelport.edge.notes import Notes
    from modelport.edge.remote import EdgeServer

__all__ = ["Reports"]

log = logging.getLogger(__name__)

_NEVER: Final = frozenset({400, 404, 413, 415, 422})
"""The statuses of a batch that the server will never take."""
_MOST: Final = 8
"""Batches that are kept, each of less than 128 KB."""


class Reports:
    """Sends what a tally has; safe for any number of threads.

    Args:
        tally: Where it is counted.
        notes: Where it is kept until it is told, with what an earlier process left there; None: nowhere.
        device: The class of this device.
    """

    def __init__(self, tally: Tally, notes: Notes | None, device: str) -> None:
        self._tally, self._notes, self._lock = tally, notes, Lock()
        self._untold: list[tuple[dict[str, Any], bool]] = []
        self._is_kept, self._too_many = False, 0
        self._problem = ""
        self._disk, self._away, self._left = Complaint(), Complaint(), Complaint()
        for batch, tried in notes.read_reports() if notes else ():
            self._is_kept = True
            if tried or batch["device"] != device:
                self._untold.append((batch, tried))
            else:
                tally.restore(batch)

    def send(self, server: EdgeServer, device: str, seconds: float) -> bool:
        """Send all that is there now, each batch in so many seconds; return whether all of it was taken, and counted.

        What could not be sent is kept in the folder, and sent with the same id: the server counts it once. A batch that
        the server will never take is dropped, and no other. A folder that takes nothing is told in a warning.
        """
        is_told, was_asked = True, False
        with self._lock:
            for _ in range(self._tally.parts + len(self._untold)):  # what comes meanwhile is told next time
                batch = self._next(device)
                if batch is None:
                    break
                if not self._is_marked(device):
                    return False
                try:
                    is_told = self._is_whole(server.tell(batch, seconds=seconds), server.url) and is_told
                except ServiceError as error:
                    if error.status not in _NEVER:
                        self._problem = error.detail
                        if self._try_to_keep(device):
                            self._say_kept(server.url)
                        return False
                    log.warning(
                        "the edge server does not take what was measured, which is dropped: %s", one_line(error)
                    )
                    is_told = False
                del self._untold[0]
                was_asked = True
            if self._is_kept:
                self._try_to_keep(device)
            if was_asked:
                self._problem = ""
                self._away.is_over(f"the edge server at {server.url} is told what was measured again")
        return is_told

    def _next(self, device: str) -> dict[str, Any] | None:
        """Return the batch whose turn it is."""
        if not self._untold and (taken := self._tally.take(device)) is not None:
            self._untold.append((taken, False))
        return self._untold[0][0] if self._untold else None

    def _is_marked(self, device: str) -> bool:
        """Mark the first batch as tried, first on the disk where some is kept; false where the disk denies it still."""
        batch, tried = self._untold[0]
        self._untold[0] = (batch, True)
        if tried or not self._is_kept or self._try_to_keep(device) or self._is_forgotten():
            return True
        self._untold[0], self._problem = (batch, False), "the device's own disk takes nothing"
        return False

    def _is_whole(self, left: list[str], url: str) -> bool:
        """Tell whether the server counted all of a batch; say what it left out."""
        if left:
            more = f"; and {len(left) - 1} more" if len(left) > 1 else ""
            self._left.say(f"the edge server at {url} does not count all that was measured: {left[0]}{more}")
        return not left

    def _try_to_keep(self, device: str) -> bool:
        try:
            self._keep(device)
        except SetupError as error:
            self._disk.say(f"what the edge server is to be told is not kept: {one_line(error)}")
            return False
        self._disk.is_over()
        return True

    def _is_forgotten(self) -> bool:
        """Remove what is kept, which a full disk lets be done; tell whether it is gone."""
        try:
            if self._notes is not None:
                self._notes.write_reports(())
        except SetupError:  # as before: it has been said
            return False
        self._is_kept = False
        return True

    def keep(self, device: str) -> None:
        """Keep in the folder what has not been told; this process goes on with it, or a later one.

        Raises:
            SetupError: It cannot be written.
        """
        with self._lock:
            self._keep(device)

    def _keep(self, device: str) -> None:
        if self._notes is None:
            return
        left = [*self._untold, *((batch, False) for batch in self._tally.batches(device))]
        self._too_many = max(0, len(left) - _MOST)
        left = left[-_MOST:]
        self._notes.write_reports(left)
        self._is_kept = bool(left)

    def end(self, device: str, url: str) -> None:
        """Keep what has not been told, and say so in a warning where it could not be: who made it ends."""
        if self._notes is None:
            return
        try:
            self.keep(device)
        except SetupError as error:
            log.warning("what was measured is lost, for the edge server at %s was not told: %s", url, one_line(error))
            return
        if self._too_many:
            log.warning("%d batches of what was measured are dropped: %d are kept", self._too_many, _MOST)
        if self._is_kept and self._problem:
            self._say_kept(url)
        elif self._is_kept:
            log.info("what was measured since the last report is kept, and told with the next one")

    def _say_kept(self, url: str) -> None:
        if self._notes is not None:
            self._away.say(
                f"the edge server at {url} was not told what was measured ({self._problem}): it is kept in"
                f" {self._notes.reports}, and told when the server answers again"
            )
