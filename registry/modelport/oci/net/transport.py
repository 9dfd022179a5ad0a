"""One HTTP exchange at a time, over the standard library's ``http.client``: it costs the least per byte and request.

What this adds: connections are kept and reused, credentials go to one origin only, redirects are bounded and may not
leave TLS or enter a private network, and whatever goes wrong becomes a RegistryError that says what to do.
"""

from __future__ import annotations

import contextlib
import http.client
import math
import select
import socket
import threading
import time
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, urlsplit

from modelport.errors import RegistryError
from modelport.oci.net.answers import failure, transient_status
from modelport.oci.net.body import Body, BrokenConnectionError, send_body
from modelport.oci.net.connect import Connector, refused_by_proxy
from modelport.oci.net.origin import Origin
from modelport.oci.net.patience import TransientError
from modelport.oci.net.proxy import DIRECT
from modelport.oci.net.response import Response
from modelport.oci.net.urls import following, shown
from modelport.oci.progress import log_notice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from modelport.oci.net.head import Answer
    from modelport.oci.net.patience import Patience
    from modelport.oci.net.proxy import Proxies

__all__ = ["Authorization", "Body", "InterruptedRequestError", "Response", "Transport"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECT_LIMIT = 5
_IDLE_LIMIT = 8
_RESTART = 2.0  # seconds that a server is away before that is told
_AWAY = frozenset({None, 502, 503})
"""What comes from a server that restarts, or from a proxy before it: no answer at all, or one of these."""
_URL_SAFE = "%/:=&?~+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The value of an Authorization header, and the only origin that may see it."""

    origin: Origin
    value: str = field(repr=False)


class InterruptedRequestError(RegistryError):
    """A request was ended by ``abort``, and is not to be sent again."""


class Transport:
    """Sends requests for one registry and wherever it leads.

    Args:
        home: The registry's origin.
        insecure_hosts: Hosts that may be spoken to without TLS.
        patience: The timeouts.
        proxies: What is reached through which proxy; nothing is, when left out.
        authorities: Files or folders of certificates of authorities that are trusted besides the system's.
    """

    def __init__(
        self,
        home: Origin,
        *,
        insecure_hosts: AbstractSet[str],
        patience: Patience,
        proxies: Proxies = DIRECT,
        authorities: Sequence[Path] = (),
    ) -> None:
        self.home = home
        self._patience = patience
        self._connector = Connector(
            home,
            insecure_hosts=insecure_hosts,
            patience=patience,
            proxies=proxies,
            authorities=authorities,
            opened=self._note,
        )
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._answered: set[Origin] = set()
        self._aborts = 0
        self._told = -math.inf
        self._away_since, self._absence_told = math.inf, False
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._lock = threading.RLock()  # whoever aborts may have interrupted this very thread
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
            response = self._answer(method, url, sent, body)
            location = response.headers.get("Location")
            if method not in {"GET", "HEAD"} or response.status not in _REDIRECTS or not location:
                return response
            with response:
                url = following(url, location)
        raise RegistryError(f"{shown(url)}: more than {_REDIRECT_LIMIT} redirects, one after the other")

    def close(self) -> None:
        """Close the connections that are kept for reuse."""
        with self._lock:
            _close_all(self._idle)

    def abort(self) -> None:
        """End all exchanges that are under way, in whatever thread, with an InterruptedRequestError each.

        Whoever waits for a connection's bytes, or to send some, is woken. Later requests open new connections.
        """
        with self._lock:
            self._aborts += 1
            _close_all(self._idle)
            for known in list(self._open):
                with contextlib.suppress(OSError):  # closed, or not connected
                    socket.socket.shutdown(known, socket.SHUT_RDWR)  # SSLSocket's own forgets that it is encrypted

    def _note(self, opened: socket.socket) -> None:
        with self._lock:
            self._open.add(opened)

    def _answer(self, method: str, url: str, headers: dict[str, str], body: Body | None) -> Response:
        """Return what the server says, when that is not "later"."""
        origin = Origin.of(url)
        try:
            response = self._exchange(method, url, headers, body)
            transient_status(response)
        except TransientError as error:
            gone = error.status in _AWAY and error.retry_after is None
            error.away = gone and origin in self._answered
            if error.away:
                self._tell_of_absence(error)
            raise
        self._answered.add(origin)
        self._away_since, self._absence_told = math.inf, False
        return response

    def _tell_of_absence(self, error: TransientError) -> None:
        """Tell that a server which restarts is waited for, when that takes some seconds; once for all threads."""
        now = time.monotonic()
        with self._lock:
            self._away_since = min(self._away_since, now)
            fresh = not self._absence_told and now - self._away_since > _RESTART
            self._absence_told |= fresh
        if fresh:
            log_notice(f"{error.message}; it is waited for, {self._patience.deadline:.0f} seconds at most")

    def _exchange(self, method: str, url: str, headers: dict[str, str], body: Body | None) -> Response:
        origin, parts = Origin.of(url), urlsplit(url)
        target = quote(f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", safe=_URL_SAFE)
        headers["User-Agent"] = "modelport"
        if body:
            headers |= {"Content-Length": str(body.size), "Content-Type": body.media_type}
        proxy = None if origin.tls else self._connector.proxies.choose(origin)
        if proxy:  # a proxy is given the whole URL, and its own password
            target = f"{origin}{target}"
            headers |= {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
        aborts = self._aborts

        def explain(error: Exception) -> RegistryError:
            return _interrupted(url) if aborts != self._aborts else failure(shown(url), error)

        connection = self._take(origin, url, aborts)
        try:
            whole = _send(connection, method, target, headers, body)
            self._tell_of_silence(connection.sock, url)
            raw = _read(connection)
        except (BrokenConnectionError, http.client.HTTPException) as error:
            connection.close()
            self.close()  # a server that went away closed them all
            cause = error.__cause__ if isinstance(error, BrokenConnectionError) else None
            raise explain(cause if isinstance(cause, OSError) else error) from error
        except BaseException:  # the content could not be read, or we are interrupted
            connection.close()
            raise

        def release() -> None:
            self._give(origin, connection) if whole else connection.close()

        response = Response(
            raw, url, patience=self._patience, release=release, discard=connection.close, explain=explain
        )
        if proxy and raw.status == http.HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            with response:
                raise refused_by_proxy(proxy, origin, raw.status, raw.reason)
        return response

    def _tell_of_silence(self, waiting: socket.socket, url: str) -> None:
        """Wait for the first byte of an answer for a while, and tell when there is none; once for all threads."""
        seconds, limit = self._patience.tell_after, self._patience.read_timeout
        poll = select.poll()
        poll.register(waiting, select.POLLIN)
        if seconds < limit and not poll.poll(seconds * 1000):
            with self._lock:
                if fresh := time.monotonic() - self._told > limit:
                    self._told = time.monotonic()
            if fresh:
                log_notice(f"{shown(url)}: no answer for {seconds:.0f} seconds; {limit:.0f} more are waited")

    def _take(self, origin: Origin, url: str, aborts: int) -> http.client.HTTPConnection:
        self._connector.check_scheme(origin)
        with self._lock:
            idle = self._idle.get(origin, [])
            while idle:
                connection = idle.pop()
                if not _is_stale(connection):
                    return connection
                connection.close()
        try:
            connection = self._connector.connect(origin)
        except RegistryError as error:
            if aborts != self._aborts:
                raise _interrupted(url) from error
            raise
        if aborts != self._aborts:  # while it was opened: it was not there yet to be shut down
            connection.close()
            raise _interrupted(url)
        return connection

    def _give(self, origin: Origin, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            if connection.sock is not None and len(idle) < _IDLE_LIMIT:
                idle.append(connection)
                return
        connection.close()


def _interrupted(url: str) -> InterruptedRequestError:
    return InterruptedRequestError(f"{shown(url)}: the request was interrupted")


def _send(
    connection: http.client.HTTPConnection, method: str, target: str, headers: dict[str, str], body: Body | None
) -> bool:
    """Send a request; tell whether the whole body went out, or an answer seems to have come before."""
    try:
        connection.request(method, target, headers=headers)
    except (BrokenPipeError, ConnectionResetError):
        return False  # why may be told in the answer
    except OSError as error:
        raise BrokenConnectionError from error
    return send_body(connection.sock, body) if body else True


def _read(connection: http.client.HTTPConnection) -> Answer:
    try:
        return cast("Answer", connection.getresponse())
    except OSError as error:
        raise BrokenConnectionError from error


def _is_stale(connection: http.client.HTTPConnection) -> bool:
    """Tell whether the server closed a connection, or says something unasked, while nobody used it."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def _close_all(idle: dict[Origin, list[http.client.HTTPConnection]]) -> None:
    for kept in idle.values():
        for connection in kept:
            connection.close()
    idle.clear()
