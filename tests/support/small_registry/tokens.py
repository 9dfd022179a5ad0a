"""Who may do what: passwords (RFC 7617) and tokens for scopes, as docker's token specification has them."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tests.support.small_registry.request import Answer, RefusedError

if TYPE_CHECKING:
    from tests.support.small_registry.request import Incoming, Seen
    from tests.support.small_registry.rules import Rules

SERVICE = "small-registry"
_RIGHTS = {"GET": "pull", "HEAD": "pull", "POST": "push", "PUT": "push", "PATCH": "push", "DELETE": "delete"}


class Guard:
    """Lets requests pass, or challenges them; and is the token service."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._lock = threading.Lock()
        self._granted: dict[str, set[str]] = {}
        self._ends: dict[str, float] = {}

    def check(self, seen: Seen, repository: str, realm: str) -> None:
        """Refuse with a challenge what has not the right."""
        if self._rules.auth == "none":
            return
        given = seen.headers.get("authorization", "")
        if self._rules.auth == "basic":
            if self._user(given) is None:
                raise RefusedError(401, "UNAUTHORIZED", "log in", WWW_Authenticate='Basic realm="small"')
            return
        needed = f"repository:{repository}:{_right(seen)}" if repository else ""
        if not self._use(given.removeprefix("Bearer "), needed):
            scope = f',scope="repository:{repository}:{_asked(seen)}"' if repository else ""
            challenge = f'Bearer realm="{realm}",service="{SERVICE}"{scope}'
            raise RefusedError(401, "UNAUTHORIZED", "a token is needed", WWW_Authenticate=challenge)

    def token(self, request: Incoming) -> Answer:
        """Answer as a token service."""
        seen = request.seen
        if seen.method == "POST":
            return self._token_by_post(request)
        user = self._user(seen.headers.get("authorization", ""))
        if user is None and "authorization" in seen.headers:
            raise RefusedError(401, "UNAUTHORIZED", "no such user, or another password")
        return self._grant(seen.query.get("scope", []), user)

    def expire(self) -> None:
        """Take back all tokens."""
        with self._lock:
            self._granted.clear()

    def _token_by_post(self, request: Incoming) -> Answer:
        if not self._rules.tokens_by_post:
            raise RefusedError(404, "UNSUPPORTED", "tokens are got with GET here")
        form = parse_qs(request.read(65536).decode())
        name, password = (form.get(key, [""])[0] for key in ("username", "password"))
        if form.get("grant_type") == ["refresh_token"]:
            name, _, password = form.get("refresh_token", [""])[0].partition(":")
        if self._rules.users.get(name) != password:
            raise RefusedError(401, "UNAUTHORIZED", "no such user, or another password")
        scopes = [scope for text in form.get("scope", []) for scope in text.split(" ")]
        return self._grant(scopes, name)

    def _grant(self, scopes: list[str], user: str | None) -> Answer:
        rights = set()
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            for action in actions.split(","):
                if user is not None or (self._rules.anonymous_pull and action == "pull"):
                    rights.add(f"{kind}:{name}:{action}")
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._granted[token] = rights
            self._ends[token] = time.monotonic() + self._rules.token_seconds
        answer = {"token": token, "access_token": token, "expires_in": 300}
        return Answer(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _use(self, token: str, needed: str) -> bool:
        with self._lock:
            if token not in self._granted or self._ends[token] < time.monotonic():
                return False
            return not needed or needed in self._granted[token]

    def _user(self, header: str) -> str | None:
        try:
            name, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        except ValueError:
            return None
        return name if self._rules.users.get(name) == password else None


def _right(seen: Seen) -> str:
    return _RIGHTS["POST" if "/blobs/uploads/" in seen.path else seen.method]


def _asked(seen: Seen) -> str:
    """Return the actions that a challenge names: who writes also reads."""
    right = _right(seen)
    return right if right == "pull" else f"pull,{right}"
