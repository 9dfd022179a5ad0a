"""What a request carries, and how it is put on the wire."""

from __future__ import annotations

import select
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

__all__ = ["Body", "BrokenConnectionError", "send_body"]

_TLS_SLICE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries; *chunks* gives the bytes anew each time it is called.

    Attributes:
        size: The number of bytes.
        chunks: Gives the bytes, in pieces.
        media_type: What they are, for the Content-Type header.
    """

    size: int
    chunks: Callable[[], Iterable[bytes]]
    media_type: str


class BrokenConnectionError(Exception):
    """The connection, and not what the body is read from, failed; the cause tells how."""


def send_body(connection: socket.socket, body: Body) -> bool:
    """Send *body*, and tell whether all of it went: a server that refuses early answers before it has read all.

    The connection's timeout is how long it may stand still, not how long the body may take.

    Raises:
        BrokenConnectionError: The connection failed, or stands still.
        OSError: The content cannot be read.
    """
    send = _send_encrypted if isinstance(connection, ssl.SSLSocket) else _send_plain
    return all(send(connection, memoryview(chunk)) for chunk in body.chunks())


def _send_plain(connection: socket.socket, left: memoryview) -> bool:
    while left:
        if not _may_send(connection):
            return False
        try:
            left = left[connection.send(left) :]
        except (BrokenPipeError, ConnectionResetError):
            return False  # the answer that tells why may lie there already
        except OSError as error:
            raise BrokenConnectionError from error
    return True


def _send_encrypted(connection: socket.socket, data: memoryview) -> bool:
    # What comes in may be the protocol's own: it does not tell of an answer.
    try:
        for start in range(0, len(data), _TLS_SLICE):
            connection.sendall(data[start : start + _TLS_SLICE])
    except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
        return False
    except OSError as error:
        raise BrokenConnectionError from error
    return True


def _may_send(connection: socket.socket) -> bool:
    """Wait until the connection takes more; False when an answer came first, or its end."""
    seconds = connection.gettimeout()
    poll = select.poll()
    poll.register(connection, select.POLLIN | select.POLLOUT)
    events = poll.poll(None if seconds is None else seconds * 1000)
    if not events:
        raise BrokenConnectionError from TimeoutError(f"the server took nothing for {seconds:.0f} seconds")
    return not events[0][1] & (select.POLLIN | select.POLLERR | select.POLLHUP)
