"""The address that a service takes, without what the service itself needs."""

from __future__ import annotations

import errno
import socket

from modelport.errors import InputError, SetupError

__all__ = ["bind", "cannot_listen"]


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to *host* and *port* (0: any free port).

    Raises:
        InputError: There is no such port.
        SetupError: The address is not this machine's, or the port is taken or needs rights.
    """
    if not 0 <= port <= 65535:  # noqa: PLR2004 - a port has 16 bits
        raise InputError(f"{port} is not a port", hint="a port is between 1 and 65535; 0 takes any free one")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SetupError(
            f"cannot listen on {host}: {error.strerror}", hint="give an address of this machine"
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise cannot_listen(host, port, error) from error
    return listener


def cannot_listen(host: str, port: int, error: OSError) -> SetupError:
    """Return the error for an address that the system refuses, with the way out."""
    hints = {
        errno.EADDRINUSE: "stop what listens there, or give another --port (0 takes any free one)",
        errno.EACCES: "ports below 1024 need rights: give a higher --port",
        errno.EADDRNOTAVAIL: "give an address of this machine as --host",
    }
    return SetupError(f"cannot listen on {host} port {port}: {error.strerror}", hint=hints.get(error.errno or 0, ""))
