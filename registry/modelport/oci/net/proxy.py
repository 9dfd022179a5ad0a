"""Proxies: which one a request goes through, by the rules that curl and its many followers share.

A proxy is named as ``http://[user:password@]host[:port]``. Requests without TLS are handed to it whole; for TLS it is
asked for a tunnel (``CONNECT``, RFC 9110 section 9.3.6), inside which it sees nothing. Its password goes to the proxy
only, and a registry's only to the registry.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from modelport.errors import FormatError
from modelport.oci.net.origin import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.oci.net.origin import Origin

__all__ = ["DIRECT", "Proxies", "Proxy"]

_PORT = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<name>[^:]+)):(?P<port>[0-9]{1,5})")
_DEFAULT_PORT = 80


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy is, and what it wants to see."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)
    """The value of a Proxy-Authorization header (RFC 7617)."""

    @classmethod
    def parse(cls, text: str) -> Proxy:
        """Read a proxy's URL; without a scheme it is ``http``. The error never shows the password."""
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise _no_url() from None  # its text would show the password
        if not host:
            raise _no_url()
        if parts.scheme != "http":
            raise FormatError(
                f"the proxy {host} is named with {parts.scheme}://, and only http:// is spoken to proxies",
                hint="write http://host:port: what goes to the registry is encrypted inside",
            )
        authorization = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return cls(host, port or _DEFAULT_PORT, authorization)

    def __str__(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Proxies:
    """Which proxy each place is reached through.

    Attributes:
        http: For requests without TLS.
        https: For requests with TLS.
        exceptions: What is reached directly, each in lower case: a name with all names below it, an address, a network
            (``10.0.0.0/8``), any of the first two with a port, or ``*`` for everything.
    """

    http: Proxy | None = None
    https: Proxy | None = None
    exceptions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Proxies:
        """Read what the variables say: *given* maps ``http`` and ``https`` to URLs, ``no`` to a list with commas."""
        found: dict[str, Proxy | None] = {}
        for scheme in ("http", "https"):
            try:
                found[scheme] = Proxy.parse(given[scheme]) if given.get(scheme) else None
            except FormatError as error:
                raise FormatError(f"{scheme.upper()}_PROXY: {error.message}", hint=error.hint) from error
        exceptions = tuple(re.split(r"[\s,]+", given.get("no", "").strip().lower()))
        return cls(found["http"], found["https"], tuple(filter(None, exceptions)))

    def choose(self, origin: Origin) -> Proxy | None:
        """Return the proxy through which *origin* is reached; None for directly, as this machine always is."""
        proxy = self.https if origin.tls else self.http
        if proxy is None or is_loopback(origin.host):
            return None
        host = origin.host.lower().rstrip(".")
        return None if any(_matches(one, host, origin.port) for one in self.exceptions) else proxy


def _no_url() -> FormatError:
    return FormatError("the proxy's address is not a URL", hint="write http://[user:password@]host[:port]")


DIRECT = Proxies()
"""No proxies."""


def _matches(exception: str, host: str, port: int) -> bool:
    if exception == "*":
        return True
    if found := _PORT.fullmatch(exception):
        if int(found["port"]) != port:
            return False
        exception = found["six"] or found["name"]
    address = _address(host)
    if address is not None:
        return _covers(exception.strip("[]"), address)
    suffix = exception.removeprefix("*").strip(".")
    return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))


def _covers(exception: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(exception, strict=False)
    except ValueError:
        return False  # a name: it says nothing of addresses


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
