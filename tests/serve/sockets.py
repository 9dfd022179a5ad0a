"""What tests send over plain sockets, byte by byte."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.serve.running import Running

HEAD = b"POST /model/methods/length HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
CLOSED = r"[Rr]eset|[Bb]roken"


def exchange(service: Running, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send *parts* over a plain socket, with a pause after each, and return all that comes until it is closed."""
    with socket.create_connection(service.address, timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def pour(connection: socket.socket, part: bytes, *, pause: float = 0.0) -> None:
    """Send *part* again and again for five seconds, or until the connection is closed."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        connection.sendall(part)
        time.sleep(pause)
