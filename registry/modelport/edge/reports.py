"""What a device tells its edge server: batch after batch, each until the server has it or will never take it."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from modelport.client.errors import ServiceError

if TYPE_CHECKING:
    from modelport.edge.learning import Tally
    from modelport.edge.remote import EdgeServer

__all__ = ["Reports"]

log = logging.getLogger(__name__)

_NEVER: Final = frozenset({400, 404, 413, 415, 422})
"""The statuses of a batch that the server will never take."""


class Reports:
    """Sends what a tally has; safe for any number of threads.

    Args:
        tally: Where it is counted.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally, self._lock = tally, Lock()
        self._untold: dict[str, Any] | None = None

    def send(self, server: EdgeServer, device: str, seconds: float) -> bool:
        """Send all that is there now, each batch in so many seconds; return whether all of it was taken.

        What could not be sent is kept, and sent with the same id: the server counts it once. A batch that the server
        will never take is dropped, and no other.
        """
        is_told = True
        with self._lock:
            for _ in range(self._tally.parts + (self._untold is not None)):  # what comes meanwhile is told next time
                self._untold = self._untold or self._tally.take(device)
                if self._untold is None:
                    break
                try:
                    server.tell(self._untold, seconds=seconds)
                except ServiceError as error:
                    if error.status not in _NEVER:
                        return False
                    log.warning("the edge server does not take what was measured, which is dropped: %s", error)
                    is_told = False
                self._untold = None
        return is_told
