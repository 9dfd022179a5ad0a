"""What went wrong, in words: from broken connections and HTTP answers to this project's errors.

A registry's own explanation (distribution-spec 1.1, "Error Codes") is quoted, shortened and without control
characters: it is a stranger's text.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from modelport.errors import IntegrityError, ModelportError, NotFoundError, RegistryError
from modelport.oci.net.patience import TransientError

if TYPE_CHECKING:
    from modelport.oci.net.transport import Response

__all__ = ["failure", "refusal", "transient_status"]

_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_TEXT_LIMIT = 300
_BODY_LIMIT = 64 * 1024
_NO_PROXY = "behind a proxy: http_proxy and https_proxy are not supported yet, the host must be reachable directly"


def failure(where: str, error: Exception) -> RegistryError:
    """Return the error for a connection to *where* that failed with *error*."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return RegistryError(
            f"{where}: the server's certificate is not trusted: {error.verify_message}",
            hint="check the host's name; a private authority's certificate is trusted through SSL_CERT_FILE",
        )
    if isinstance(error, ssl.SSLError) and error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}:
        return RegistryError(
            f"{where}: the server does not speak TLS",
            hint="if plain HTTP is meant, list the host under registry.insecure",
        )
    if isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN:
        return RegistryError(
            f"{where}: there is no host of that name: {error.strerror}", hint=f"check the spelling; {_NO_PROXY}"
        )
    if isinstance(error, http.client.IncompleteRead):
        return TransientError(f"{where}: the connection ended before the answer did", hint="try again")
    if isinstance(error, OSError):
        why = error.strerror or str(error) or type(error).__name__
        return TransientError(
            f"{where} cannot be reached: {why}",
            hint=f"check the address and the network, then try again; {_NO_PROXY}",
        )
    return RegistryError(f"{where}: the server does not speak HTTP: {error!r}", hint="check the host and the port")


def transient_status(response: Response) -> None:
    """Raise TransientError, and free the connection, when the answer's status means "later"."""
    if response.status in _TRANSIENT:
        with response:
            _, text = _explanation(response)
            asked = _retry_after(response)
        wait = f"the registry asks to wait {asked:.0f} seconds" if asked else "try again later"
        raise TransientError(
            f"{response.url}: the server answered {response.status}{text}",
            status=response.status,
            hint=wait,
            retry_after=asked,
        )


def refusal(response: Response, what: str, *, host: str) -> ModelportError:
    """Return the error for an answer that is a final no to *what* ("push blob ... to ..."), reading its body."""
    codes, text = _explanation(response)
    message = f"cannot {what}: the registry answered {response.status}{text}"
    if response.status == http.HTTPStatus.UNAUTHORIZED:
        return RegistryError(message, status=401, hint=f"log in: docker login {host}")
    if response.status == http.HTTPStatus.FORBIDDEN:
        return RegistryError(message, status=403, hint=f"ask {host} for the right, or log in as another user")
    if "DIGEST_INVALID" in codes:
        return IntegrityError(message, hint="the bytes changed on their way; try again")
    if response.status == http.HTTPStatus.NOT_FOUND:
        return NotFoundError(message, hint="check the repository's name and the tag")
    return RegistryError(message, status=response.status)


def _explanation(response: Response) -> tuple[frozenset[str], str]:
    """Return the registry's error codes, and its messages as a text to append."""
    try:
        errors = json.loads(response.read(_BODY_LIMIT)).get("errors") or []
        pairs = [(str(e.get("code", "")), str(e.get("message", ""))) for e in errors]
    except (ValueError, AttributeError, TypeError, RecursionError, RegistryError):
        return frozenset(), ""  # an explanation is optional; the status has said enough
    text = "; ".join(f"{code}: {message}" for code, message in pairs)
    text = "".join(c if c.isprintable() else " " for c in text)[:_TEXT_LIMIT]
    return frozenset(code for code, _ in pairs), f" ({text})" if text else ""


def _retry_after(response: Response) -> float | None:
    """Return the seconds that ``Retry-After`` (RFC 9110 section 10.2.3) asks for, as a number or as a date."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
