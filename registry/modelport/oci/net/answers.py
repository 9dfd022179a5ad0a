"""What went wrong, in words: from broken connections and HTTP answers to this project's errors.

A registry's own explanation (distribution-spec 1.1, "Error Codes") is quoted, shortened and without control
characters: it is a stranger's text.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from modelport.errors import IntegrityError, ModelportError, NotFoundError, RegistryError
from modelport.oci.net.patience import TransientError
from modelport.oci.net.urls import printable, shown

if TYPE_CHECKING:
    from modelport.oci.net.response import Response

__all__ = ["LacksRightError", "LostContentError", "failure", "refusal", "transient_status"]

_PASSING = frozenset({408, 429, *range(500, 600)}) - {501, 505, 507, 511}
"""Not what a server cannot do at all (501, 505), a full disk (507), or a hotel's login page (511)."""

_NO_RIGHT = frozenset({401, 403})
_TORN = "the registry has lost it, or never got all of it: push it again"
_BODY_LIMIT = 64 * 1024
_LACKING_RIGHT = re.compile(r'error="?insufficient_scope', re.IGNORECASE)
_OWN_AUTHORITY = "a private authority's certificate is trusted through MODELPORT_CA, or SSL_CERT_FILE"
_CERTIFICATE_HINTS = {
    9: "check this machine's clock",
    10: "its operator must renew it; if it is not that old, check this machine's clock",
    62: "check the host's name: somebody else may be answering in its place",
    64: "check the host's address: somebody else may be answering in its place",
}
"""By OpenSSL's number (``X509_V_ERR_*``): not yet valid, expired, another host name, another address."""


def failure(where: str, error: Exception, *, hopeless: bool = False) -> RegistryError:
    """Return the error for a connection to *where* that failed with *error*; *hopeless* when it never worked."""
    if isinstance(error, ssl.SSLError) and (found := _tls_failure(where, error)):
        return found
    if isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN:
        return RegistryError(
            f"{where}: there is no host of that name: {error.strerror}",
            hint="check the spelling; where only a proxy knows outside names, set HTTPS_PROXY",
        )
    if isinstance(error, http.client.IncompleteRead):
        return TransientError(f"{where}: the connection ended before the answer did", hint="try again")
    if isinstance(error, OSError):
        # RemoteDisconnected is both kinds of error: the server closed the connection and answered nothing.
        why = error.strerror or str(error) or type(error).__name__
        gone = hopeless and isinstance(error, ConnectionRefusedError | socket.gaierror)
        return TransientError(f"{where} cannot be reached: {why}", hint=_way_to_reach(error), hopeless=gone)
    return RegistryError(
        f"{where}: the server does not speak HTTP: {printable(repr(error))}", hint="check the host and the port"
    )


def _way_to_reach(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "check the port, and that the registry runs"
    return "check the address and the network, then try again; behind a proxy, set HTTPS_PROXY"


def _tls_failure(where: str, error: ssl.SSLError) -> RegistryError | None:
    """Return the error for a failure of TLS itself; None when the connection merely broke."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return RegistryError(
            f"{where}: the server's certificate is not trusted: {error.verify_message}",
            hint=_CERTIFICATE_HINTS.get(error.verify_code, _OWN_AUTHORITY),
        )
    if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"}:
        return RegistryError(
            f"{where}: the server does not speak TLS",
            hint="if plain HTTP is meant, list the host under registry.insecure",
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError) or not error.reason:
        return None
    return RegistryError(
        f"{where}: no encrypted connection comes about: {error.reason.replace('_', ' ').lower()}",
        hint="the server's TLS is too old or wants a certificate of yours; ask its operator",
    )


def transient_status(response: Response) -> None:
    """Raise TransientError, and free the connection, when the answer's status means "later"."""
    if response.status in _PASSING:
        with response:
            _, text = _explanation(response)
            asked = _retry_after(response)
        wait = f"the registry asks to wait {asked:.0f} seconds" if asked else "try again later"
        busy = response.status == http.HTTPStatus.TOO_MANY_REQUESTS
        limit = ": it limits how often it is asked" if busy else ""
        raise TransientError(
            f"{shown(response.url)}: the server answered {response.status}{limit}{text}",
            status=response.status,
            hint=f"{wait}; many registries allow more to who is logged in" if busy else wait,
            retry_after=asked,
        )


class LacksRightError(RegistryError):
    """The registry heeds who we are, by a token that is good, and does not give us the right (RFC 6750 section 3.1)."""


class LostContentError(RegistryError):
    """The registry does not have what a manifest lists: it never got it, or has collected it in the meantime."""


def refusal(response: Response, what: str, *, host: str, user: str = "") -> ModelportError:
    """Return the error for an answer that is a final no to *what* ("push blob ... to ..."), reading its body.

    Args:
        response: The answer.
        what: What was asked for.
        host: The registry, for the way out.
        user: Whose password it was that was sent, if one was.
    """
    codes, text = _explanation(response)
    refused = user and response.status == http.HTTPStatus.UNAUTHORIZED and not _lacks_right(response)
    why = f"the password of {printable(user)} is refused, with" if refused else "the registry answered"
    message = f"cannot {what}: {why} {response.status}{text}"
    if "MANIFEST_BLOB_UNKNOWN" in codes:
        # Before the digest: docker-registry 2.8 tells of both where a blob is not linked into the repository.
        return LostContentError(message, status=response.status, hint=_TORN)
    if "DIGEST_INVALID" in codes and response.status not in _NO_RIGHT:
        return IntegrityError(message, hint="the bytes changed on their way; try again")
    torn = _TORN if "BLOB_UNKNOWN" in codes else ""
    if response.status == http.HTTPStatus.NOT_FOUND:
        return NotFoundError(message, hint=torn or "check the repository's name and the tag")
    if refused:
        hint = f"log in again, what is kept may be old: modelport login {host}"
        return RegistryError(message, status=response.status, hint=hint)
    lacking = response.status == http.HTTPStatus.UNAUTHORIZED and _lacks_right(response)
    kind = LacksRightError if lacking else RegistryError
    return kind(message, status=response.status, hint=torn or _way_out(response, host))


def _lacks_right(response: Response) -> bool:
    return bool(_LACKING_RIGHT.search(" ".join(response.headers.get_all("WWW-Authenticate", []))))


def _way_out(response: Response, host: str) -> str:
    if response.status == http.HTTPStatus.FORBIDDEN or _lacks_right(response):
        return f"ask {host} for the right, or log in as another user: modelport login {host}"
    if response.status == http.HTTPStatus.UNAUTHORIZED:
        return f"log in: modelport login {host}"
    if response.status == http.HTTPStatus.INSUFFICIENT_STORAGE:
        return f"the disk of {host} is full: tell its operator"
    if response.status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return f"{host} does not take so much at once: ask its operator for a higher limit"
    if response.status in {http.HTTPStatus.METHOD_NOT_ALLOWED, http.HTTPStatus.NOT_IMPLEMENTED}:
        return f"{host} does not offer that: ask its operator"
    return f"if what the registry says does not help, ask the operator of {host}"


def _explanation(response: Response) -> tuple[frozenset[str], str]:
    """Return the registry's error codes, and its messages as a text to append."""
    try:
        errors = json.loads(response.read(_BODY_LIMIT)).get("errors") or []
        pairs = [(str(e.get("code", "")), str(e.get("message", ""))) for e in errors]
    except (ValueError, AttributeError, TypeError, RecursionError, RegistryError):
        return frozenset(), ""  # an explanation is optional; the status has said enough
    text = "; ".join(f"{code}: {message}" for code, message in pairs)
    text = printable(text)
    return frozenset(code for code, _ in pairs), f" ({text})" if text else ""


def _retry_after(response: Response) -> float | None:
    """Return the seconds that ``Retry-After`` (RFC 9110 section 10.2.3) asks for, as a number or as a date."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError, OSError):
        return None
