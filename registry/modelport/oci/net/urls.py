"""URLs: how a registry's are made, how one leads to the next, and how they are shown without the secrets in them."""

from __future__ import annotations

from urllib.parse import quote, urljoin

from modelport.errors import RegistryError

__all__ = ["api_path", "following", "printable", "shown"]

_TEXT_LIMIT = 300
_HIDDEN = "REDACTED"


def api_path(repository: str, rest: str) -> str:
    """Return the path of something in a repository (distribution-spec 1.1, "Endpoints"); *rest* is quoted already."""
    return f"/v2/{quote(repository)}/{rest}"


def following(url: str, location: str) -> str:
    """Return where *location*, a header of an answer from *url*, leads (RFC 3986 section 5); RegistryError if nowhere.

    What it returns need not be a place to go: ``Origin.of`` tells.
    """
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise RegistryError(f"{shown(url)} leads to {printable(location)!r}, which is not a URL: {error}") from error


def shown(url: str) -> str:
    """Return a URL as messages and logs may show it: without the values of its query, which may be secrets.

    Presigned URLs of object stores carry their signature there, and uploads their state; whoever reads a log must not
    be able to use them. A user's name and password, and the fragment, are left out altogether.
    """
    rest, _, query = printable(url).partition("#")[0].partition("?")
    scheme, slashes, place = rest.rpartition("://")
    host, slash, path = place.partition("/")
    hidden = "&".join(f"{name}={_HIDDEN}" if is_ else _HIDDEN for name, is_, _ in _fields(query))
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}{'?' if query else ''}{hidden}"


def _fields(query: str) -> list[tuple[str, str, str]]:
    return [field.partition("=") for field in query.split("&") if field]


def printable(text: str) -> str:
    """Return a stranger's text, shortened and without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)[:_TEXT_LIMIT]
