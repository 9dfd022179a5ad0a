"""Opening connections: directly or through a proxy, with TLS or without, never to where a registry must not lead."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from modelport.errors import RegistryError, SetupError
from modelport.oci.net.answers import failure
from modelport.oci.net.head import Answer
from modelport.oci.net.origin import is_all_inside, is_inside, registry_origin, resolve, says_inside
from modelport.oci.net.patience import TransientError
from modelport.oci.net.urls import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from modelport.oci.net.origin import Origin
    from modelport.oci.net.patience import Patience
    from modelport.oci.net.proxy import Proxies, Proxy

__all__ = ["Connector", "refused_by_proxy"]

_PROXY_WAY_OUT = "check HTTPS_PROXY and HTTP_PROXY; NO_PROXY lists hosts that are reached directly"
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


class Connector:
    """Opens connections for one registry.

    Args:
        home: The registry's origin; what it leads to is judged by where it is itself.
        insecure_hosts: Hosts that may be spoken to without TLS.
        patience: The timeouts.
        proxies: What is reached through which proxy.
        authorities: Files or folders of certificates of authorities that are trusted besides the system's.
        opened: Told of each socket before it is connected: whoever knows them all can shut them all down.
    """

    def __init__(
        self,
        home: Origin,
        *,
        insecure_hosts: AbstractSet[str],
        patience: Patience,
        proxies: Proxies,
        authorities: Sequence[Path],
        opened: Callable[[socket.socket], object] = lambda _: None,
    ) -> None:
        self.home = home
        self.proxies = proxies
        self._insecure_hosts = insecure_hosts
        self._patience = patience
        self._authorities = authorities
        self._opened = opened
        self._met: set[str] = set()
        self._home_addresses: set[str] = set()
        self._tls_lock = threading.Lock()

    def check_scheme(self, origin: Origin) -> None:
        """Raise RegistryError when *origin* is not encrypted and neither the registry itself nor allowed to be so."""
        if origin.tls or origin == self.home:
            return
        name = str(origin).removeprefix("http://")
        if self.home.tls or registry_origin(name, self._insecure_hosts).tls:
            raise RegistryError(f"{self.home} leads to {origin}, which is not encrypted: refused")

    def connect(self, origin: Origin) -> http.client.HTTPConnection:
        """Open a connection to *origin*.

        Raises:
            RegistryError: It must not be spoken to, or cannot.
            TransientError: It cannot be reached at the moment.
            SetupError: The authorities' file cannot be used.
        """
        self.check_scheme(origin)
        context = self._trusted() if origin.tls else None  # before anything is open: its file may be missing
        proxy = self.proxies.choose(origin)
        plain = self._through(proxy, origin) if proxy else self._directly(origin)
        connection: http.client.HTTPConnection
        if context is None:
            connection = http.client.HTTPConnection(origin.host, origin.port)
            connection.sock = plain
        else:
            connection = http.client.HTTPSConnection(origin.host, origin.port, context=context)
            connection.sock = self._encrypted(plain, context, origin)
        connection.response_class = Answer
        connection.auto_open = 0  # only this class opens connections
        return connection

    def _trusted(self) -> ssl.SSLContext:
        with self._tls_lock:
            return self._tls

    def _directly(self, origin: Origin) -> socket.socket:
        where = str(origin)
        try:
            addresses = origin.addresses()
            # The addresses that are judged are those connected to: a name that resolves anew each time gains nothing.
            if origin != self.home and is_inside(addresses) and not self._home_is_inside():
                raise RegistryError(f"{self.home} leads to {origin}, an address inside a private network: refused")
            plain = self._open(addresses, origin.port, where)
            if origin == self.home:
                self._home_addresses.add(str(plain.getpeername()[0]))
        except OSError as error:
            raise failure(where, error, hopeless=where not in self._met) from error
        return plain

    def _through(self, proxy: Proxy, origin: Origin) -> socket.socket:
        # The proxy resolves the name. What the name itself or this machine's resolver says of it is heeded; besides,
        # the proxy's operator decides what it reaches, and the certificate must be one for that name.
        if origin != self.home and _seems_inside(origin) and not self._home_is_inside():
            raise RegistryError(f"{self.home} leads to {origin}, a place inside a private network: refused")
        where = f"the proxy {proxy} (set for {origin})"
        try:
            addresses = resolve(proxy.host, proxy.port)
            plain = self._open(addresses, proxy.port, where)
        except OSError as error:
            found = failure(where, error, hopeless=where not in self._met)
            found.hint = _PROXY_WAY_OUT
            raise found from error
        if origin.tls:
            try:
                _tunnel(plain, proxy, origin)
            except BaseException:
                plain.close()
                raise
        return plain

    def _open(self, addresses: list[str], port: int, where: str) -> socket.socket:
        plain = self._connected(addresses, port)
        self._met.add(where)
        plain.settimeout(self._patience.read_timeout)
        # The kernel's own buffers grow as they are needed: 1 and 4 MiB asked for by hand were measured no faster.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain

    def _connected(self, addresses: list[str], port: int) -> socket.socket:
        last: OSError = OSError("the name has no address")
        for address in addresses:
            plain = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            self._opened(plain)
            try:
                plain.settimeout(self._patience.connect_timeout)
                plain.connect(socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][4])
            except OSError as error:
                plain.close()
                last = error
            except BaseException:
                plain.close()
                raise
            else:
                return plain
        raise last

    def _encrypted(self, plain: socket.socket, context: ssl.SSLContext, origin: Origin) -> ssl.SSLSocket:
        try:
            encrypted = context.wrap_socket(plain, server_hostname=origin.host, do_handshake_on_connect=False)
        except OSError as error:
            raise failure(str(origin), error) from error
        finally:
            plain.close()  # its descriptor is the other's now, or nobody's
        self._opened(encrypted)
        try:
            encrypted.do_handshake()
        except OSError as error:
            encrypted.close()
            raise failure(str(origin), error) from error
        except BaseException:
            encrypted.close()
            raise
        return encrypted

    def _home_is_inside(self) -> bool:
        """Tell whether the registry itself is inside, so that it may lead to other places inside.

        Whoever runs it also runs its name: one private address among public ones, or a private one the next time the
        name is asked for, must not open the door. What counts is where it was reached, always.
        """
        if self.proxies.choose(self.home):
            return _home_seems_inside(self.home)
        return is_all_inside(self._home_addresses or self.home.addresses())

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()  # SSL_CERT_FILE and SSL_CERT_DIR count here
        for file in self._authorities:
            _trust(context, file)
        return context


def _trust(context: ssl.SSLContext, file: Path) -> None:
    try:
        if file.is_dir():
            context.load_verify_locations(capath=file)
        else:
            context.load_verify_locations(cafile=file)
    except OSError as error:  # SSLError is one
        why = "there is none" if isinstance(error, ssl.SSLError) else error.strerror
        raise SetupError(
            f"{file}: no authority's certificate can be read from there: {why}",
            hint="name a file of certificates in PEM form in MODELPORT_CA or registry.ca",
        ) from error


def _tunnel(plain: socket.socket, proxy: Proxy, origin: Origin) -> None:
    """Have the proxy connect *plain* to *origin*."""
    target = str(origin).removeprefix("https://")
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", "User-Agent: modelport"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    answer = Answer(plain, method="CONNECT")
    try:
        plain.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        answer.begin()
    except (OSError, http.client.HTTPException) as error:
        found = failure(f"the proxy {proxy}, asked for {origin},", error)
        found.hint = _PROXY_WAY_OUT
        raise found from error
    finally:
        answer.close()
    if not http.HTTPStatus.OK <= answer.status < http.HTTPStatus.MULTIPLE_CHOICES:
        raise refused_by_proxy(proxy, origin, answer.status, answer.reason)


def refused_by_proxy(proxy: Proxy, origin: Origin, status: int, reason: str) -> RegistryError:
    """Return the error for a proxy that does not let us through."""
    message = f"the proxy {proxy} does not lead to {origin}: it answered {status} {printable(reason)}".rstrip()
    if status == http.HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        hint = "it wants a password: HTTPS_PROXY=http://user:password@host:port"
        return RegistryError(message, status=status, hint=hint)
    if status in _PASSING:
        return TransientError(message, status=status, hint=f"try again later; {_PROXY_WAY_OUT}")
    return RegistryError(message, status=status, hint=f"ask the proxy's operator to allow it, or {_PROXY_WAY_OUT}")


def _seems_inside(origin: Origin) -> bool:
    """Tell whether a proxy would go into a private network, by the name, and by what this machine knows of it."""
    if says_inside(origin.host):
        return True
    try:
        return is_inside(origin.addresses())
    except OSError:
        return False  # only the proxy knows outside names: often so


def _home_seems_inside(home: Origin) -> bool:
    if says_inside(home.host):
        return True
    try:
        return is_all_inside(home.addresses())
    except OSError:
        return False
