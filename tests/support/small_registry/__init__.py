"""A small registry of our own on loopback that can be told what to have, what to lack and what to get wrong.

It follows distribution-spec 1.1 as strictly as it can: where registries differ, ``Rules`` says which kind it is; what
goes wrong, and when, is said by ``Fault`` values. It keeps a record of all requests, and after each change it looks
whether a tag stands for something that is not whole. ::

    with small_registry(Rules(auth="token", referrers=False)) as small:
        small.add(Fault("cut", at=1000, on=reads_blob))
        pull(small.client(), "demo", "1", layout)
    assert small.torn == []
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tests.support.small_registry.api import Api, part_of, route
from tests.support.small_registry.content import Content, is_right
from tests.support.small_registry.faults import (
    FOREVER,
    Fault,
    any_request,
    reads_blob,
    reads_manifest,
    resumes,
    sends_blob,
    sends_manifest,
)
from tests.support.small_registry.request import Answer, Incoming, RefusedError, Seen
from tests.support.small_registry.rules import Rules
from tests.support.small_registry.tokens import Guard
from tests.support.small_registry.wire import Server

from modelport.oci import Registry
from modelport.oci.net.patience import Patience

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from modelport.oci.net.credentials import Credentials

__all__ = [
    "FOREVER",
    "QUICK",
    "Fault",
    "Rules",
    "Seen",
    "SmallRegistry",
    "any_request",
    "is_right",
    "reads_blob",
    "reads_manifest",
    "resumes",
    "sends_blob",
    "sends_manifest",
    "small_registry",
]

QUICK = Patience(
    attempts=4, away_attempts=4, first_delay=0.002, longest_delay=0.02, connect_timeout=2.0, read_timeout=0.5
)
"""A client's patience in tests: everything is tried as often as ever, and nothing is waited for long."""


class SmallRegistry:
    """The registry, its bucket and its token service, and what they saw.

    Attributes:
        rules: What kind of registry it is.
        content: What it holds; tests may look at it and damage it.
        seen: All requests so far.
        torn: Each request after which a tag stood for something that was not whole, and the tags.
        host: The registry's, ``127.0.0.1:PORT``; ``bucket_host`` and ``token_host`` are other origins.
    """

    def __init__(self, rules: Rules, tls: ssl.SSLContext | None = None) -> None:
        self.rules = rules
        self.content = Content()
        self.seen: list[Seen] = []
        self.torn: list[tuple[str, list[str]]] = []
        self._faults: list[tuple[Fault, list[float]]] = []
        self._lock = threading.Lock()
        self._guard = Guard(rules)
        answers: dict[str, Callable[[Incoming], Answer]] = {
            "registry": self._answer,
            "bucket": self._answer_from_bucket,
            "tokens": self._guard.token,
        }
        self.servers = {place: Server(place, answer, self._notice, rules.pace) for place, answer in answers.items()}
        for server in self.servers.values() if tls else ():
            assert tls is not None
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        self.host, self.bucket_host, self.token_host = (server.host for server in self.servers.values())
        self._scheme = "https" if tls else "http"
        self._api = Api(self.content, rules, f"{self._scheme}://{self.host}", f"{self._scheme}://{self.bucket_host}")

    def client(self, *, patience: Patience = QUICK, credentials: Credentials | None = None) -> Registry:
        """Return a client of this registry that does not wait long."""
        return Registry(self.host, patience=patience, credentials=credentials)

    def add(self, *faults: Fault) -> None:
        """Let these go wrong; each request is hit by the first that matches it and has times left."""
        with self._lock:
            self._faults += [(fault, [fault.times]) for fault in faults]

    def fired(self) -> bool:
        """Tell whether the first fault that was added has happened."""
        with self._lock:
            fault, left = self._faults[0]
            return left[0] < fault.times

    def mend(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._faults.clear()

    def requests(self, matches: Callable[[Seen], bool] = any_request) -> list[Seen]:
        """Return the requests so far that match."""
        return [seen for seen in list(self.seen) if matches(seen)]

    def forget_requests(self) -> None:
        """Begin counting anew."""
        self.seen.clear()

    def lose_sessions(self) -> None:
        """Forget all uploads that are under way, as a registry does that is started again."""
        self.content.sessions.clear()

    def expire_tokens(self) -> None:
        """Let no token count any more."""
        self._guard.expire()

    def hang_up(self) -> None:
        """Cut all connections."""
        for server in self.servers.values():
            server.hang_up()

    # The servers' side

    def _notice(self, seen: Seen) -> Fault | None:
        with self._lock:
            self.seen.append(seen)
            for fault, left in self._faults:
                if left[0] > 0 and fault.on(seen):
                    left[0] -= 1
                    if fault.kind == "collect":
                        self.content.collect()
                    return fault
        return None

    def _answer(self, request: Incoming) -> Answer:
        seen = request.seen
        kind, names = route(seen.path)
        self._guard.check(seen, names.get("name", ""), f"{self._scheme}://{self.token_host}/token")
        try:
            return self._api.answer(request)
        finally:
            if seen.method not in {"GET", "HEAD"} and kind in {"manifest", "blob"}:
                self._look_for_torn_tags(seen)

    def _look_for_torn_tags(self, seen: Seen) -> None:
        with self.content.lock:
            torn = self.content.torn_tags()
        if torn:
            self.torn.append((f"{seen.method} {seen.path}", torn))

    def _answer_from_bucket(self, request: Incoming) -> Answer:
        """Answer as an object store does that is asked with a signed address."""
        seen, digest = request.seen, request.seen.path.rpartition("/")[2]
        if "authorization" in seen.headers or seen.asked("signature") != "x/y":
            raise RefusedError(400, "DENIED", "a signature is needed, and nothing else")
        if digest not in self.content.bytes:
            raise RefusedError(404, "BLOB_UNKNOWN", f"there is no {digest}")
        return part_of(self.content.bytes[digest], digest, seen, ranges=self.rules.ranges)


@contextmanager
def small_registry(rules: Rules | None = None, *, tls: ssl.SSLContext | None = None) -> Iterator[SmallRegistry]:
    """Run a registry on free loopback ports until the context ends; fail when it had an error of its own."""
    small = SmallRegistry(rules or Rules(), tls)
    with ExitStack() as running:
        for server in small.servers.values():
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            running.callback(thread.join)
            running.callback(server.stop)
        yield small
    errors = [error for server in small.servers.values() for error in server.errors]
    if errors:
        raise ExceptionGroup("the small registry failed", [e for e in errors if isinstance(e, Exception)])
