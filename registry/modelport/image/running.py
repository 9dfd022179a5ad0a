"""A container that runs a service: waiting until it answers, reading its log, ending it; and what to say if it died."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import ModelError
from modelport.image.config import GRPC_PORT, HTTP_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Running"]

_LINES = 20
_STOP_SECONDS = 45
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is published, not what is listened on


@dataclass(frozen=True, slots=True)
class Running:
    """A container that was started; from `Engine.start`.

    Attributes:
        container: The Docker SDK's container.
        host: Where its ports are published.
        port: The port of HTTP.
        grpc_port: The port of gRPC; None where it is not published.
        memory: MiB that it may use.
    """

    container: Any
    host: str
    port: int
    grpc_port: int | None
    memory: int

    @classmethod
    def of(cls, container: Any, *, memory: int) -> Running:  # noqa: ANN401 - the SDK has no types
        """Read from a started container where it is published."""
        ports = container.attrs["NetworkSettings"]["Ports"]
        http_at, grpc_at = (ports.get(f"{port}/tcp") or [] for port in (HTTP_PORT, GRPC_PORT))
        if not http_at:  # it has ended already, and its ports with it
            return cls(container, "", 0, None, memory)
        host, port = http_at[0]["HostIp"], int(http_at[0]["HostPort"])
        return cls(container, _ANYWHERE.get(host, host), port, int(grpc_at[0]["HostPort"]) if grpc_at else None, memory)

    @property
    def name(self) -> str:
        """What the engine calls it."""
        return str(self.container.name)

    @property
    def url(self) -> str:
        """The address of its HTTP door."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def wait(self, seconds: float) -> None:
        """Return when it is ready for calls.

        Raises:
            ModelError: It ended, or was not ready in *seconds*; the message holds the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            self._check_alive("before it was ready")
            if time.monotonic() > deadline:
                raise ModelError(
                    f"the service was not ready within {seconds:g} s; its log ends so:\n{self.log()}",
                    hint="--wait SECONDS gives it longer",
                )
            time.sleep(0.05)

    def follow(self) -> Iterator[bytes]:
        """Yield its log from now on, until it ends; raise ModelError when it ended by itself with a failure."""
        yield from self.container.logs(stream=True, follow=True, tail=0)
        self._check_alive("by itself")

    def log(self) -> str:
        """Return the last lines of its log."""
        text: str = self.container.logs(tail=_LINES).decode("utf-8", "replace")
        return text.rstrip()

    def remove(self) -> None:
        """Stop it as a service is stopped, open calls first, and remove it."""
        from docker.errors import NotFound

        try:
            self.container.stop(timeout=_STOP_SECONDS)
            self.container.remove(force=True)
        except NotFound:
            return  # somebody else removed it: that is what was wanted

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

        try:
            self.container.reload()
        except NotFound as error:
            raise ModelError(f"the service's container was removed {when}") from error
        state = self.container.attrs["State"]
        if state["Running"] or (state["ExitCode"] == 0 and when == "by itself"):
            return
        if state["OOMKilled"]:
            raise ModelError(
                f"the service ended {when}: it needs more memory than the {self.memory} MiB that it may use",
                hint=f"--memory {2 * self.memory}m",
            )
        raise ModelError(
            f"the service ended {when}, with status {state['ExitCode']}; its log ends so:\n{self.log()}",
        )
