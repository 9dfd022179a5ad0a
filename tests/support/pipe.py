"""A slow line: what goes into a loopback port comes out at a host, piece by piece, and can be made to stand still."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 64 * 1024


class Pipe:
    """A line that is up; *passed* is how many bytes have gone out through it, *came* how many have come back.

    Args:
        to: Where it leads, ``host:port``.
        pace: Seconds that each 64 KiB take, either way.
    """

    def __init__(self, to: str, pace: float) -> None:
        self.passed = self.came = 0
        self.open = threading.Event()
        self.open.set()
        self._to = to
        self._pace = pace
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _PIECE)  # little is on its way unseen
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def wait_for(self, passed: int, came: int = 0) -> None:
        """Wait until so many bytes have gone out, and come back."""
        deadline = time.monotonic() + 30
        while self.passed < passed or self.came < came:
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def close(self) -> None:
        """Cut it."""
        self.open.set()
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        host, _, port = self._to.rpartition(":")
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                try:
                    there = socket.create_connection((host, int(port)))
                except OSError:  # nobody is there, perhaps for now
                    here.close()
                    continue
                self._sockets += [here, there]
                for source, target, out in ((here, there, True), (there, here, False)):
                    threading.Thread(target=self._pump, args=(source, target, out), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, out: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                self.open.wait()
                time.sleep(self._pace * len(data) / _PIECE)
                target.sendall(data)
                self.passed += len(data) * out
                self.came += len(data) * (not out)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextmanager
def slow_pipe(to: str, *, pace: float = 0.0) -> Iterator[Pipe]:
    """Give a slow line to *to* until the context ends."""
    pipe = Pipe(to, pace)
    try:
        yield pipe
    finally:
        pipe.close()
