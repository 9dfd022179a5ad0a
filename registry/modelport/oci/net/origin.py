"""Origins: which scheme, host and port a connection goes to, and whether it may go there.

Plain HTTP is spoken to this machine and to hosts that the user named, never to others. An address that a *registry*
names (a redirect, a token service, an upload's place) must not lead from the public network into a private one.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from modelport.errors import RegistryError
from modelport.oci.net.urls import printable, shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

__all__ = ["Origin", "is_all_inside", "is_inside", "is_loopback", "registry_origin", "resolve", "says_inside"]

_PORTS = {"https": 443, "http": 80}
_PRIVATE_NAMES = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa")
_API_HOSTS = {"docker.io": "registry-1.docker.io"}  # the name that people write, the host that answers
_HOST_LIMIT = 253
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port (RFC 6454): what credentials are bound to."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Return the origin of *url*; raise RegistryError when a registry named something that is no place to go."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            why = printable(str(error))
            raise RegistryError(f"the registry named {shown(url)!r}, which is not a URL: {why}") from error
        if parts.scheme not in _PORTS or not host or parts.username is not None or not _is_host(host):
            raise RegistryError(f"the registry named {shown(url)!r}, which is not an http(s) URL of a plain host")
        return cls(parts.scheme, host, port or _PORTS[parts.scheme])

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme == "https"

    def addresses(self) -> list[str]:
        """Resolve the host; raises OSError as ``socket.getaddrinfo`` does."""
        return resolve(self.host, self.port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of *host*; raises OSError as ``socket.getaddrinfo`` does."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def registry_origin(host: str, insecure_hosts: AbstractSet[str]) -> Origin:
    """Return where the API of the registry *host* (``name[:port]``) answers."""
    try:
        https = Origin.of(f"https://{_API_HOSTS.get(host, host)}")
    except RegistryError as error:
        raise RegistryError(
            f"{printable(host)!r} cannot be the name of a registry", hint="write host or host:port"
        ) from error
    if is_loopback(https.host) or host in insecure_hosts or https.host in insecure_hosts:
        return Origin.of(f"http://{host}")
    return https


def is_loopback(host: str) -> bool:
    """Tell whether *host* is this machine, by its name alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_inside(addresses: Iterable[str]) -> bool:
    """Tell whether any of these addresses belongs to a private network, to this machine, to a link or to a group."""
    return not all(map(_is_public, addresses))


def is_all_inside(addresses: Iterable[str]) -> bool:
    """Tell whether every one of these addresses does."""
    return not any(map(_is_public, addresses))


def says_inside(host: str) -> bool:
    """Tell whether *host* is a private place by its name or address alone, as a proxy may be asked for one.

    Those are names without a dot, the special ones (RFC 6761, RFC 6762, RFC 8375, ``.internal``), and addresses.
    """
    name = host.lower().rstrip(".")
    try:
        return is_inside([name])
    except ValueError:
        return "." not in name or name.endswith(_PRIVATE_NAMES)


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = _carried(parsed) or parsed
    special = parsed.is_multicast or parsed.is_reserved or getattr(parsed, "is_site_local", False)
    return parsed.is_global and not special


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a gateway or this machine itself makes of an IPv6 address.

    Mapped and compatible ones (RFC 4291 section 2.5.5), NAT64 (RFC 6052) and 6to4 (RFC 3056). Teredo's (RFC 4380) are
    not global in the first place.
    """
    if address in _NAT64 or address in _COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _is_host(host: str) -> bool:
    """Tell whether a resolver can be asked for *host*: an address, or labels of 1 to 63 bytes (RFC 1035, RFC 5890)."""
    if len(host) > _HOST_LIMIT or not host.isprintable() or " " in host:
        return False
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True
