"""Tokens: fetched from the service that a registry names, and kept as long as they hold.

Source: distribution's token specification, for passwords (``GET`` of the realm), and its OAuth2 form for identity
tokens (``POST`` with ``grant_type=refresh_token``), which is what ``docker login`` keeps for registries with single
sign-on.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from modelport.errors import RegistryError
from modelport.oci.net.answers import refusal
from modelport.oci.net.body import Body
from modelport.oci.net.origin import Origin
from modelport.oci.net.transport import Authorization
from modelport.oci.net.urls import printable, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport.oci.net.credentials import Credentials
    from modelport.oci.net.transport import Response, Transport

__all__ = ["Token", "fetch_token"]

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,65536}")
_ANSWER_LIMIT = 256 * 1024
_LIFETIME = 60.0
"""What the specification says where a service does not say how long its token holds."""
_LONGEST = 365 * 24 * 3600.0
_MARGIN = 10.0


@dataclass(frozen=True, slots=True)
class Token:
    """What to send as ``Bearer``, and until when, by ``time.monotonic``."""

    value: str = field(repr=False)
    expires: float

    @property
    def holds(self) -> bool:
        """Whether a request that is sent now will still find it good."""
        return time.monotonic() < self.expires


def fetch_token(
    transport: Transport, challenge: Mapping[str, str], scope: str, credentials: Credentials | None, *, host: str
) -> Token:
    """Return a token that answers *challenge*, the parameters of a ``WWW-Authenticate: Bearer`` header.

    Args:
        transport: Reaches the token service.
        challenge: Says where that is, and what for.
        scope: What to ask for where the challenge does not say.
        credentials: Whose rights; nobody's when None.
        host: The registry, for messages.

    Raises:
        RegistryError: The service refuses, or answers nonsense.
    """
    realm = challenge.get("realm", "")
    asked = _wider(challenge.get("scope", ""), scope)
    where = shown(realm)
    began = time.monotonic()
    with _ask(transport, realm, challenge.get("service", ""), asked.split(), credentials) as response:
        if response.status != 200:  # noqa: PLR2004 - OK
            user = credentials.username if credentials and not credentials.is_identity else ""
            raise refusal(response, f"get a token for {printable(asked) or host} from {where}", host=host, user=user)
        raw, date = response.read(_ANSWER_LIMIT), response.headers.get("Date", "")
    try:
        answer = json.loads(raw)
        value = answer.get("token") or answer.get("access_token")
    except (ValueError, AttributeError, RecursionError) as error:
        raise RegistryError(f"{where}: the token service's answer is not a JSON object") from error
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise RegistryError(f"{where}: the token service's answer holds no token")
    lifetime = _lifetime(answer) - _age(answer, date)
    return Token(value, began + lifetime - min(_MARGIN, lifetime / 10))


def _wider(challenged: str, scope: str) -> str:
    """Return the scope that a challenge names, with all that *scope* wants to do to the same repository.

    A challenge names the right for one request (to look); what follows it (to write) would need another token.
    """
    place, _, wanted = scope.rpartition(":")
    widened = []
    for one in challenged.split():
        same, _, rights = one.rpartition(":")
        both = [*wanted.split(","), *rights.split(",")]
        widened.append(f"{same}:{','.join(dict.fromkeys(both))}" if place and same == place else one)
    return " ".join(widened) or scope


def _ask(
    transport: Transport, realm: str, service: str, scopes: Sequence[str], credentials: Credentials | None
) -> Response:
    parameters = [("service", service)] if service else []
    if credentials and credentials.is_identity:
        form = {"grant_type": "refresh_token", "refresh_token": credentials.password, "client_id": "modelport"}
        parameters += [("scope", " ".join(scopes))] if scopes else []  # OAuth 2 has them in one list, with blanks
        content = urlencode([*form.items(), *parameters]).encode()
        body = Body(len(content), lambda: (content,), "application/x-www-form-urlencoded")
        return transport.send("POST", realm, body=body)
    parameters += [("scope", scope) for scope in scopes]  # and docker's form one parameter for each
    url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(parameters)}" if parameters else realm
    authorization = Authorization(Origin.of(realm), credentials.basic) if credentials else None
    return transport.send("GET", url, authorization=authorization)


def _lifetime(answer: dict[str, Any]) -> float:
    seconds = answer.get("expires_in")
    return float(min(seconds, _LONGEST)) if isinstance(seconds, int | float) and seconds > 0 else _LIFETIME


def _age(answer: dict[str, Any], date: str) -> float:
    """Return how old the token was when it came, by the service's own clock: ours may go wrong."""
    try:
        issued = datetime.fromisoformat(str(answer["issued_at"]))
        return max(0.0, parsedate_to_datetime(date).timestamp() - issued.timestamp())
    except (KeyError, ValueError, OverflowError, OSError):
        return 0.0
