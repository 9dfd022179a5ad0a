"""The strong variants' services: one process each, as ``modelport serve`` starts them, kept running.

A service that ends by itself is started again on its port, later each time; devices that find nobody there answer on
their own meanwhile.
"""

from __future__ import annotations

import subprocess
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from modelport.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Child", "Children"]

_STOP_SECONDS = 20
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_WELL = 30.0
"""Seconds after which a service that was started again counts as well."""


class Child:
    """A service's process.

    Attributes:
        name: The model's name.
        port: Where it answers.

    Args:
        name: The model's name.
        command: The command line; the port is added.
        variables: Its environment.
        port: 0 takes any free port, and keeps it.

    Raises:
        ModelError: It did not start; it has said why.
    """

    def __init__(self, name: str, command: Sequence[str], variables: Mapping[str, str], port: int) -> None:
        self.name, self.port = name, port
        self._command, self._variables = list(command), dict(variables)
        self._process = self._start()
        self._pause, self._started = _FIRST_PAUSE, time.monotonic()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def tend(self, tell: Callable[[str], object]) -> None:
        """Start the service again if it has ended, and the time for that has come."""
        status = self._process.poll()
        if status is None:
            if time.monotonic() - self._started > _WELL:
                self._pause = _FIRST_PAUSE
            return
        if time.monotonic() - self._started < self._pause:
            return
        tell(f"{self.name}: its service ended with status {status}; starting it again")
        self._started, self._pause = time.monotonic(), min(2 * self._pause, _LONGEST_PAUSE)
        try:
            self._process = self._start()
        except ModelError as error:
            tell(str(error))

    def stop(self) -> None:
        """Ask the service to end; `ended` waits for it."""
        if self._process.poll() is None:
            self._process.terminate()

    def ended(self) -> None:
        """Wait until it has ended; one that does not is ended."""
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> subprocess.Popen[str]:
        command = [*self._command, "--port", str(self.port)]
        process = subprocess.Popen(command, env=self._variables, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None  # noqa: S101 - it was asked for
        line = process.stdout.readline()
        process.stdout.close()
        if not line.startswith("serving "):
            process.kill()
            process.wait()
            raise ModelError(f"the service of {self.name} did not start", hint="what it said is above")
        self.port = urlsplit(line.split()[-1]).port or self.port
        return process


class Children:
    """All the services; a context that ends them."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell, self._closing = tell, Event()
        self._all: list[Child] = []
        self._watcher = Thread(target=self._watch, name="edge-children", daemon=True)

    def add(self, child: Child) -> None:
        """Keep *child* running."""
        self._all.append(child)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._watcher.join()
        for child in self._all:
            child.stop()
        for child in self._all:
            child.ended()

    def _watch(self) -> None:
        while not self._closing.wait(0.2):
            for child in list(self._all):
                child.tend(self._tell)
