"""Authorization: answering a registry's challenge with a password or with a token that is fetched for it.

What satisfied a registry is kept for its scope and sent from then on without being asked for. A token is replaced
before it expires, or when the registry refuses it; and when many transfers need one at once, one is fetched for all.

A registry says itself where its token service is, often on another host, and the password for the registry goes there:
whoever runs the registry gets it either way. What holds is that only the registry's own origin is heeded, that the
service is spoken to without TLS only where the registry is, and that a public one does not lead into a private network.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.oci.net.answers import refusal
from modelport.oci.net.origin import Origin
from modelport.oci.net.tokens import Token, fetch_token
from modelport.oci.net.transport import Authorization

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.oci.net.credentials import Credentials, CredentialSource
    from modelport.oci.net.transport import Response, Transport

__all__ = ["Authorizer", "Scope", "parse_challenges"]

_SCHEME = re.compile(r"\s*,?\s*([A-Za-z]+)(?:\s+(?=[A-Za-z_]+\s*=)|\s*(?=,|$))")
_PARAMETER = re.compile(r'\s*,?\s*([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')


@dataclass(frozen=True, slots=True)
class Scope:
    """What a request needs the right for; without a repository, being let in at all."""

    repository: str
    write: bool = False
    delete: bool = False

    def __str__(self) -> str:
        if not self.repository:
            return ""
        rights = ["pull", *(["push"] if self.write else []), *(["delete"] if self.delete else [])]
        return f"repository:{self.repository}:{','.join(rights)}"

    @property
    def what(self) -> str:
        """What it is the right for, as messages say it."""
        # A push reads, too: it looks for what is there.
        verb = "delete from" if self.delete else "push to" if self.write else "read"
        return f"{verb} {self.repository}" if self.repository else "log in"


@dataclass(frozen=True, slots=True)
class _Grant:
    """What satisfied the registry, and how to get the like again when it is a token."""

    authorization: Authorization
    token: Token | None = None
    challenge: Mapping[str, str] | None = None
    user: str = ""

    @property
    def holds(self) -> bool:
        return self.token is None or self.token.holds


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
        self._known: dict[Scope, _Grant] = {}
        self._fetching: dict[Scope, threading.Lock] = {}
        self._lock = threading.Lock()

    def current(self, scope: Scope) -> Authorization | None:
        """Return what to send: what satisfied the registry last time; None before the first challenge.

        Raises:
            RegistryError: The token ran out, and the token service gives no other.
        """
        grant = self._find(scope)
        if grant is None:
            return None
        if grant.holds:
            return grant.authorization
        with self._one_at_a_time(scope):
            grant = self._find(scope) or grant
            if not grant.holds and grant.challenge is not None:
                grant = self._fetch(grant.challenge, scope, self._source(self._host))
        return grant.authorization

    def user(self, scope: Scope) -> str:
        """Return whose password is sent for *scope*; empty when none is, or a token instead."""
        grant = self._find(scope)
        return grant.user if grant else ""

    def renew(self, refused: Response, scope: Scope, used: Authorization | None) -> tuple[Authorization, bool]:
        """Answer the challenge of a 401 that came to what was *used*; tell whether that was got for this answer.

        What another transfer got may be refused once more: it may be old already, or spent.

        Raises:
            RegistryError: There is no answer: no credentials, or the token service refuses them.
        """
        if Origin.of(refused.url) != self._transport.home:
            # Some other place to which the registry led; it is not to choose where our credentials go.
            raise refusal(refused, f"follow {self._host} to {Origin.of(refused.url)}", host=self._host)
        with self._one_at_a_time(scope):
            grant = self._find(scope)
            if grant is not None and grant.authorization is not used and grant.holds:
                return grant.authorization, False  # another transfer was refused, too, and has it already
            challenges = parse_challenges(refused.headers.get_all("WWW-Authenticate", []))
            credentials = self._source(self._host)
            if challenges.get("bearer", {}).get("realm"):
                return self._fetch(challenges["bearer"], scope, credentials).authorization, True
            if "basic" not in challenges or not credentials or credentials.is_identity:
                raise refusal(refused, f"speak to {self._host}{_about(scope)}", host=self._host)
            basic = Authorization(self._transport.home, credentials.basic)
            return self._keep(scope, _Grant(basic, user=credentials.username)).authorization, True

    def _fetch(self, challenge: Mapping[str, str], scope: Scope, credentials: Credentials | None) -> _Grant:
        token = fetch_token(self._transport, challenge, str(scope), credentials, host=self._host)
        return self._keep(scope, _Grant(Authorization(self._transport.home, f"Bearer {token.value}"), token, challenge))

    def _one_at_a_time(self, scope: Scope) -> threading.Lock:
        with self._lock:
            return self._fetching.setdefault(scope, threading.Lock())

    def _find(self, scope: Scope) -> _Grant | None:
        with self._lock:
            return self._known.get(scope)

    def _keep(self, scope: Scope, grant: _Grant) -> _Grant:
        with self._lock:
            self._known[scope] = grant
        return grant


def _about(scope: Scope) -> str:
    return f" about {scope.repository}" if scope.repository else ""


def parse_challenges(headers: list[str]) -> dict[str, dict[str, str]]:
    """Return the parameters of each challenge by its scheme; a header may hold several (RFC 9110 section 11.6.1)."""
    found: dict[str, dict[str, str]] = {}
    for header in headers:
        position, parameters = 0, dict[str, str]()
        while position < len(header):
            if scheme := _SCHEME.match(header, position):
                parameters = found.setdefault(scheme[1].lower(), {})
                position = scheme.end()
            elif parameter := _PARAMETER.match(header, position):
                quoted, plain = parameter[2], parameter[3]
                parameters[parameter[1].lower()] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                position = parameter.end()
            else:
                break
    return found
