"""What a request carries, and how it is put on the wire."""

from __future__ import annotations

import select
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.oci.verify import CHUNK

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable
    from pathlib import Path

__all__ = ["Body", "send_body"]

_SLICE = 4 * CHUNK


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries; *chunks* gives the bytes anew each time it is called.

    Attributes:
        size: The number of bytes.
        chunks: Gives the bytes, in pieces.
        media_type: What they are, for the Content-Type header.
        file: Where else the same bytes lie: a file, and the offset in it from which *size* bytes are meant. Without TLS
            they are sent straight from there (``sendfile``, which costs next to no time of the processor), and *chunks*
            is not called. Whoever gives it vouches that the file holds what *chunks* would give.
        sent: Told after each piece of *file* how many bytes of this body are sent; whoever counts *chunks* is told
            there.
    """

    size: int
    chunks: Callable[[], Iterable[bytes]]
    media_type: str
    file: tuple[Path, int] | None = None
    sent: Callable[[int], object] | None = None


def send_body(sock: socket.socket, body: Body) -> bool:
    """Send *body*, and tell whether all of it was sent: a server that refuses early answers before it has read all.

    Raises:
        OSError: The connection failed, or the file cannot be read.
    """
    if body.file and not isinstance(sock, ssl.SSLSocket):
        return _send_file(sock, body, *body.file)
    for chunk in body.chunks():
        if _has_answered(sock):
            return False
        sock.sendall(chunk)
    return True


def _send_file(sock: socket.socket, body: Body, path: Path, start: int) -> bool:
    done = 0
    with path.open("rb") as file:
        while done < body.size:
            if _has_answered(sock):
                return False
            count = sock.sendfile(file, start + done, min(_SLICE, body.size - done))
            if count == 0:
                raise OSError(f"{path} ended {body.size - done} bytes before it should")
            done += count
            if body.sent:
                body.sent(done)
    return True


def _has_answered(sock: socket.socket) -> bool:
    """Tell whether an answer has come; under TLS what comes may be the protocol's own, and nothing is known."""
    return not isinstance(sock, ssl.SSLSocket) and bool(select.select([sock], [], [], 0)[0])
