"""A container that runs a service: waiting until it answers, reading its log, ending it; and what to say if it died."""

from __future__ import annotations

import http.client
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import ModelError, SetupError
from modelport.image.config import GRPC_PORT, HTTP_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NOT_THERE", "STOP_SECONDS", "Running", "gone", "reason", "told"]

STOP_SECONDS = 45
"""Between the signal to stop and the end: more than open calls get (``Limits.drain_seconds``)."""

NOT_THERE = "start it, or say with DOCKER_HOST where it is; modelport serve needs none"
"""What helps where no engine answers."""

_LINES = 20
# What is published, not what is listened on; Podman says nothing of "anywhere".
_ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - as above


@contextmanager
def told(where: str) -> Iterator[None]:
    """Say what the engine at *where* refused in words of our own.

    Raises:
        SetupError: It refused, or does not answer.
    """
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        text = str(error.explanation or error)
        hint = "free some space: docker system df" if "no space left" in text else ""
        raise SetupError(f"the Docker engine at {where} refused: {text}", hint=hint) from error
    except (DockerException, RequestException, HTTPError) as error:
        raise SetupError(f"the Docker engine at {where} does not answer: {reason(error)}", hint=NOT_THERE) from error


@contextmanager
def gone() -> Iterator[None]:
    """Let pass that somebody else removed a container, or does so just now: that is what is wanted."""
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        if error.status_code not in {http.HTTPStatus.NOT_FOUND, http.HTTPStatus.CONFLICT}:
            raise


def reason(error: BaseException) -> str:
    """Return the system's own word below all that libraries have wrapped around it."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    return str(error)


@dataclass(frozen=True, slots=True)
class Running:
    """A container that was started; from `Engine.start`.

    Attributes:
        container: The Docker SDK's container.
        where: Its engine's address.
        host: Where its ports are published.
        port: The port of HTTP.
        grpc_port: The port of gRPC; None where it is not published.
        memory: MiB that it may use.
    """

    container: Any
    where: str
    host: str
    port: int
    grpc_port: int | None
    memory: int

    @classmethod
    def of(cls, container: Any, *, where: str, memory: int) -> Running:  # noqa: ANN401 - the SDK has no types
        """Read from a started container where it is published."""
        ports = container.attrs["NetworkSettings"]["Ports"]
        http_at, grpc_at = (ports.get(f"{port}/tcp") or [] for port in (HTTP_PORT, GRPC_PORT))
        if not http_at:  # it has ended already, and its ports with it
            return cls(container, where, "", 0, None, memory)
        host, port = http_at[0]["HostIp"], int(http_at[0]["HostPort"])
        grpc_port = int(grpc_at[0]["HostPort"]) if grpc_at else None
        return cls(container, where, _ANYWHERE.get(host, host), port, grpc_port, memory)

    @property
    def name(self) -> str:
        """What the engine calls it."""
        return str(self.container.name)

    @property
    def url(self) -> str:
        """The address of its HTTP door."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def wait(self, seconds: float) -> float:
        """Return when it is ready for calls; the time (of this machine, in seconds since 1970) when it was asked last.

        Raises:
            ModelError: It ended, or was not ready in *seconds*; the message holds the end of its log.
        """
        deadline = time.monotonic() + seconds
        while True:
            asked = time.time()
            if self._is_ready():
                return asked
            self._check_alive("before it was ready")
            if time.monotonic() > deadline:
                raise ModelError(
                    f"the service was not ready within {seconds:g} s; its log ends so:\n{self.log()}",
                    hint="--wait SECONDS gives it longer",
                )
            time.sleep(0.05)

    def follow(self, since: float) -> Iterator[bytes]:
        """Yield its log from *since* (seconds since 1970) until it ends.

        Raises:
            ModelError: It ended by itself with a failure, or was removed.
            SetupError: The engine does not answer any more.
        """
        try:
            with told(self.where):
                yield from self.container.logs(stream=True, follow=True, since=since)
        except SetupError:
            self._check_alive("by itself")  # where the container is gone, that is said
            raise
        self._check_alive("by itself")

    def log(self) -> str:
        """Return the last lines of its log."""
        with told(self.where):
            text: str = self.container.logs(tail=_LINES).decode("utf-8", "replace")
        return text.rstrip()

    def remove(self, *, at_once: bool = False) -> None:
        """Stop it as a service is stopped, open calls first, and remove it; interrupted, remove it at once.

        Args:
            at_once: Do not stop it before: it was never ready, so it has no calls, and may not know the signal yet.

        Raises:
            SetupError: The engine refuses, or does not answer.
        """
        with told(self.where), gone():
            try:
                if not at_once:
                    self.container.stop(timeout=STOP_SECONDS)
            finally:
                self.container.remove(force=True)

    def _is_ready(self) -> bool:
        if not self.port:
            return False
        connection = http.client.HTTPConnection(self.host, self.port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False  # nobody listens yet
        finally:
            connection.close()

    def _check_alive(self, when: str) -> None:
        from docker.errors import NotFound

        with told(self.where):
            try:
                self.container.reload()
            except NotFound as error:
                raise ModelError("somebody removed the service's container") from error
        state = self.container.attrs["State"]
        if state["Running"] or (state["ExitCode"] == 0 and when == "by itself"):
            return
        if state["Status"] in {"removing", "dead"}:
            raise ModelError("somebody removed the service's container")
        if state["OOMKilled"]:
            raise ModelError(
                f"the service ended {when}: it needs more memory than the {self.memory} MiB that it may use",
                hint=f"--memory {2 * self.memory}m",
            )
        raise ModelError(
            f"the service ended {when}, with status {state['ExitCode']}; its log ends so:\n{self.log()}",
        )
