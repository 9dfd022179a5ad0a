"""The strong variants' services: one process each, as ``modelport serve`` starts them, kept running.

A service that ends by itself is started again on its port, later each time; devices that find nobody there answer on
their own meanwhile. Each is tended by a thread of its own: one that takes long to load keeps no other waiting. They are
no part of the terminal's group of processes, so that Ctrl-C ends the server, which ends them; and they end with it,
however it ends (`modelport.edge.leash`).
"""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from modelport.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["MODULE", "Child", "Children"]

MODULE = "modelport.edge.leash"
"""What a service's process runs."""
_STOP_SECONDS = 20
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_WELL = 30.0
"""Seconds after which a service that was started again counts as well."""


class Child:
    """A service's process.

    Attributes:
        name: The model's name, with its variant.
        port: Where it answers.

    Args:
        name: The model's name, with its variant.
        command: The command line, of `MODULE`; the port is added.
        variables: Its environment.
        port: 0 takes any free port, and keeps it.

    Raises:
        ModelError: It did not start; it has said why.
    """

    def __init__(self, name: str, command: Sequence[str], variables: Mapping[str, str], port: int) -> None:
        self.name, self.port = name, port
        self._command, self._variables = list(command), dict(variables)
        self._lock, self._is_stopped = Lock(), False
        self._pause, self._started = _FIRST_PAUSE, time.monotonic()
        self._process = self._begun()
        self._announced(self._process)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def tend(self, tell: Callable[[str], object]) -> None:
        """Start the service again if it has ended, and the time for that has come; wait until it answers."""
        status = self._process.poll()
        if status is None:
            if time.monotonic() - self._started > _WELL:
                self._pause = _FIRST_PAUSE
            return
        if time.monotonic() - self._started < self._pause:
            return
        with self._lock:
            if self._is_stopped:
                return
            tell(f"{self.name}: its service {_end(status)}; starting it again")
            self._started, self._pause = time.monotonic(), min(2 * self._pause, _LONGEST_PAUSE)
            self._let_go()
            self._process = self._begun()
        try:
            self._announced(self._process)
        except ModelError as error:
            if not self._is_stopped:
                tell(error.message)

    def stop(self) -> None:
        """Ask the service to end, also one that is just starting; `ended` waits for it."""
        with self._lock:
            self._is_stopped = True
            if self._process.poll() is None:
                self._process.terminate()

    def ended(self) -> None:
        """Wait until it has ended; one that does not is ended."""
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._let_go()

    def _begun(self) -> subprocess.Popen[str]:
        command = [*self._command, "--port", str(self.port)]
        return subprocess.Popen(
            command, env=self._variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def _announced(self, process: subprocess.Popen[str]) -> None:
        """Wait until the service says where it answers; end it if it does not, or if nobody waits any longer."""
        assert process.stdout is not None  # noqa: S101 - it was asked for
        line = ""
        try:
            line = process.stdout.readline()
            if not line:  # it says no more: then it ends
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_STOP_SECONDS)
            status = process.poll()
        finally:
            process.stdout.close()
            if not line.startswith("serving "):
                process.kill()
                process.wait()
        if not line.startswith("serving "):
            said = f"said {line[:100]!r} and not where it answers" if line else _end(status)
            hint = "what it said is above; --variant names those that are to answer"
            raise ModelError(f"the service of {self.name} did not start: it {said}", hint=hint)
        self.port = urlsplit(line.split()[-1]).port or self.port

    def _let_go(self) -> None:
        """Close the leash of a process that has ended."""
        if self._process.stdin is not None:
            self._process.stdin.close()


def _end(status: int | None) -> str:
    """Return how a process ended, in words."""
    if status is None:
        return "hangs"
    if status >= 0:
        return f"ended with status {status}"
    why = ", perhaps for want of memory" if -status == signal.SIGKILL else ""
    return f"was ended by {signal.Signals(-status).name}{why}"


class Children:
    """All the services; a context that ends them."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell, self._closing = tell, Event()
        self._all: list[tuple[Child, Thread]] = []

    def add(self, child: Child) -> None:
        """Keep *child* running."""
        thread = Thread(target=self._tend, args=(child,), name=f"edge-{child.name}", daemon=True)
        self._all.append((child, thread))
        thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        for child, _thread in self._all:
            child.stop()
        for child, thread in self._all:
            child.ended()
            thread.join()

    def _tend(self, child: Child) -> None:
        while not self._closing.wait(0.2):
            try:
                child.tend(self._say)
            except OSError as error:  # no memory for another process, say
                self._say(f"{child.name}: its service cannot be started now: {error}")

    def _say(self, text: str) -> None:
        with suppress(OSError):  # services are kept running also where nobody reads any longer
            self._tell(text)
