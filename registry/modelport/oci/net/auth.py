"""Authorization: answering a registry's challenge with a password or with a token that is fetched for it.

Source: distribution-spec's token authentication (``Bearer realm="...",service="...",scope="..."``) and RFC 7617. A
token is kept for its scope until the registry refuses it; then it is fetched once more.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from modelport.errors import RegistryError
from modelport.oci.net.answers import refusal
from modelport.oci.net.origin import Origin
from modelport.oci.net.transport import Authorization

if TYPE_CHECKING:
    from modelport.oci.net.credentials import Credentials, CredentialSource
    from modelport.oci.net.transport import Response, Transport

__all__ = ["Authorizer", "Scope"]

_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,65536}")
_ANSWER_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Scope:
    """What a request needs the right for."""

    repository: str
    write: bool = False
    delete: bool = False

    def __str__(self) -> str:
        rights = ["pull", *(["push"] if self.write else []), *(["delete"] if self.delete else [])]
        return f"repository:{self.repository}:{','.join(rights)}"


class Authorizer:
    """Keeps what a registry wants to see, for each scope.

    Args:
        host: The registry's name, under which credentials are looked up.
        source: Looks credentials up, when the registry first asks for some.
        transport: Reaches the registry and its token service.
    """

    def __init__(self, host: str, source: CredentialSource, transport: Transport) -> None:
        self._host = host
        self._source = source
        self._transport = transport
        self._known: dict[Scope, Authorization] = {}
        self._lock = threading.Lock()

    def current(self, scope: Scope) -> Authorization | None:
        """Return what satisfied the registry last time; None before the first challenge."""
        with self._lock:
            return self._known.get(scope)

    def renew(self, refused: Response, scope: Scope) -> Authorization:
        """Answer the challenge of a 401.

        Raises:
            RegistryError: There is no answer: no credentials, or the token service refuses them.
        """
        challenges = dict(map(_parse_challenge, refused.headers.get_all("WWW-Authenticate", [])))
        credentials = self._source(self._host)
        if "bearer" in challenges:
            value = f"Bearer {self._fetch_token(challenges['bearer'], scope, credentials)}"
        elif "basic" in challenges and credentials:
            value = credentials.basic
        else:
            raise refusal(refused, f"speak to {self._host} about {scope.repository}", host=self._host)
        found = Authorization(self._transport.home, value)
        with self._lock:
            self._known[scope] = found
        return found

    def _fetch_token(self, challenge: dict[str, str], scope: Scope, credentials: Credentials | None) -> str:
        realm = challenge.get("realm", "")
        query = {"service": challenge.get("service", ""), "scope": challenge.get("scope") or str(scope)}
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode({k: v for k, v in query.items() if v})}"
        authorization = Authorization(Origin.of(realm), credentials.basic) if credentials else None
        with self._transport.send("GET", url, authorization=authorization) as response:
            if response.status != 200:  # noqa: PLR2004 - OK
                raise refusal(response, f"get a token for {scope} from {realm}", host=self._host)
            raw = response.read(_ANSWER_LIMIT)
        try:
            answer = json.loads(raw)
            token = answer.get("token") or answer.get("access_token")
        except (ValueError, AttributeError, RecursionError) as error:
            raise RegistryError(f"{realm}: the token service's answer is not a JSON object") from error
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise RegistryError(f"{realm}: the token service's answer holds no token")
        return token


def _parse_challenge(header: str) -> tuple[str, dict[str, str]]:
    scheme, _, rest = header.strip().partition(" ")
    found = {
        m[1].lower(): re.sub(r"\\(.)", r"\1", m[2]) if m[2] is not None else m[3] for m in _PARAMETER.finditer(rest)
    }
    return scheme.lower(), found
