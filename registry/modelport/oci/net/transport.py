"""One HTTP exchange at a time, over the standard library's ``http.client``: it costs the least per byte and request.

What this adds: connections are kept and reused, credentials go to one origin only, redirects are bounded and may not
leave TLS or enter a private network, and whatever goes wrong becomes a RegistryError that says what to do.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import weakref
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urljoin, urlsplit

from modelport.errors import RegistryError
from modelport.oci.net.answers import failure, transient_status
from modelport.oci.net.body import Body, send_body
from modelport.oci.net.origin import Origin, leads_inside, registry_origin
from modelport.oci.verify import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from types import TracebackType

    from modelport.oci.net.patience import Patience

__all__ = ["Authorization", "Body", "Response", "Transport"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECT_LIMIT = 5
_IDLE_LIMIT = 8
_URL_SAFE = "%/:=&?~+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The value of an Authorization header, and the only origin that may see it."""

    origin: Origin
    value: str = field(repr=False)


class Response:
    """An answer whose body is still to be read; use it as a context manager."""

    def __init__(
        self, raw: http.client.HTTPResponse, url: str, release: Callable[[], None], discard: Callable[[], None]
    ) -> None:
        self.status = raw.status
        self.headers = raw.headers
        self.url = url
        self._raw = raw
        self._release = release
        self._discard = discard

    def read(self, limit: int) -> bytes:
        """Return the whole body; raise RegistryError when it has more than *limit* bytes."""
        parts, size = [], 0
        for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                raise RegistryError(f"{self.url} answered with more than the {limit} bytes that are allowed here")
            parts.append(chunk)
        return b"".join(parts)

    def chunks(self) -> Iterator[bytes]:
        """Yield the body in pieces; raise TransientError when the connection ends before the body does."""
        missing = self._raw.length
        try:
            while chunk := self._raw.read(CHUNK):
                missing = None if missing is None else missing - len(chunk)
                yield chunk
            if missing:  # http.client tells of a cut only when it reads all at once
                raise http.client.IncompleteRead(b"", missing)
        except (OSError, http.client.HTTPException) as error:
            self._discard()
            raise failure(self.url, error) from error

    def readinto(self, buffer: memoryview) -> int:
        """Fill *buffer* with what comes next of the body and return how many bytes that were, 0 at its end.

        Costs no memory of its own. Raises TransientError when the connection ends before the body does.
        """
        missing = self._raw.length
        try:
            got = self._raw.readinto(buffer)
            if not got and missing:
                raise http.client.IncompleteRead(b"", missing)
        except (OSError, http.client.HTTPException) as error:
            self._discard()
            raise failure(self.url, error) from error
        return got

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._raw.isclosed():  # read to its end: the connection is free again
            self._release()
        else:
            self._raw.close()
            self._discard()


class Transport:
    """Sends requests for one registry and wherever it leads.

    Args:
        home: The registry's origin.
        insecure_hosts: Hosts that may be spoken to without TLS.
        patience: The timeouts.
    """

    def __init__(self, home: Origin, *, insecure_hosts: AbstractSet[str], patience: Patience) -> None:
        self.home = home
        self._insecure_hosts = insecure_hosts
        self._patience = patience
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)  # nobody has to remember `close`

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        authorization: Authorization | None = None,
    ) -> Response:
        """Send one request, follow redirects, and return the answer, whatever its status but a passing failure's.

        Raises:
            TransientError: The connection failed, or the answer was 408, 429 or 5xx.
            RegistryError: The registry leads somewhere it must not.
        """
        for _ in range(_REDIRECT_LIMIT + 1):
            sent = dict(headers or {})
            if authorization and authorization.origin == Origin.of(url):
                sent["Authorization"] = authorization.value
            response = self._exchange(method, url, sent, body)
            location = response.headers.get("Location")
            if method not in {"GET", "HEAD"} or response.status not in _REDIRECTS or not location:
                transient_status(response)
                return response
            with response:
                url = urljoin(url, location)
        raise RegistryError(f"{url}: more than {_REDIRECT_LIMIT} redirects, one after the other")

    def close(self) -> None:
        """Close the connections that are kept for reuse."""
        with self._lock:
            _close_all(self._idle)

    def _exchange(self, method: str, url: str, headers: dict[str, str], body: Body | None) -> Response:
        origin, parts = Origin.of(url), urlsplit(url)
        target = quote(f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", safe=_URL_SAFE)
        headers["User-Agent"] = "modelport"
        if body:
            headers |= {"Content-Length": str(body.size), "Content-Type": body.media_type}
        connection = self._take(origin)
        whole = True
        try:
            try:
                connection.request(method, target, headers=headers)
                whole = send_body(connection.sock, body) if body else True
            except (BrokenPipeError, ConnectionResetError):
                whole = False  # a server that refuses early answers before it has read everything
            raw = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.close()  # a server that went away closed them all
            raise failure(url, error) from error
        except BaseException:
            connection.close()
            raise

        def release() -> None:
            self._give(origin, connection) if whole else connection.close()

        return Response(raw, url, release, connection.close)

    def _take(self, origin: Origin) -> http.client.HTTPConnection:
        self._check_scheme(origin)
        with self._lock:
            idle = self._idle.get(origin)
            if idle:
                return idle.pop()
        try:
            return self._connect(origin)
        except OSError as error:
            raise failure(str(origin), error) from error

    def _give(self, origin: Origin, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            if connection.sock is not None and len(idle) < _IDLE_LIMIT:
                idle.append(connection)
                return
        connection.close()

    def _connect(self, origin: Origin) -> http.client.HTTPConnection:
        addresses = origin.addresses()
        # The addresses that are judged are the ones connected to: a name that resolves anew each time gains nothing.
        if origin != self.home and leads_inside(self.home.addresses(), addresses):
            raise RegistryError(f"{self.home} leads to {origin}, an address inside a private network: refused")
        plain = _open_socket(addresses, origin.port, self._patience.connect_timeout)
        plain.settimeout(self._patience.read_timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection: http.client.HTTPConnection
        if origin.tls:
            connection = http.client.HTTPSConnection(origin.host, origin.port, context=self._tls)
            connection.sock = self._tls.wrap_socket(plain, server_hostname=origin.host)
        else:
            connection = http.client.HTTPConnection(origin.host, origin.port)
            connection.sock = plain
        connection.auto_open = 0  # only this function opens connections
        return connection

    def _check_scheme(self, origin: Origin) -> None:
        if origin.tls or origin == self.home:
            return
        name = str(origin).removeprefix("http://")
        if self.home.tls or registry_origin(name, self._insecure_hosts).tls:
            raise RegistryError(f"{self.home} leads to {origin}, which is not encrypted: refused")

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _open_socket(addresses: list[str], port: int, timeout: float) -> socket.socket:
    last: OSError = OSError("the name has no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            last = error
    raise last


def _close_all(idle: dict[Origin, list[http.client.HTTPConnection]]) -> None:
    for kept in idle.values():
        for connection in kept:
            connection.close()
    idle.clear()
