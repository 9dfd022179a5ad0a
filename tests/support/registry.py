"""A real registry (Debian's ``docker-registry``) on a free loopback port, with its storage in a temporary folder.

``docker_registry`` is the fixture: one registry for the whole run, so tests use a repository of their own
(``unique_repository``). ``running_registry`` starts one more, for tests that stop or damage it.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelport.types import Digest

_START_SECONDS = 20
_STOP_SECONDS = 5
_CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {storage}}}
  delete: {{enabled: true}}
http: {{addr: "{host}"}}
"""
_PASSWORDS = """\
auth: {{htpasswd: {{realm: test, path: {file}}}}}
"""


@dataclass(frozen=True, slots=True)
class DockerRegistry:
    """A registry that runs; *host* is ``127.0.0.1:PORT``, *storage* is where it keeps its files."""

    host: str
    storage: Path

    def blob_file(self, digest: Digest) -> Path:
        """Return the file in which the registry keeps a blob."""
        return self.storage / "docker/registry/v2/blobs" / digest.algorithm / digest.hex[:2] / digest.hex / "data"


class RegistryProcess:
    """docker-registry at one address, with one folder for its files, started, killed and started again at will.

    Args:
        folder: Where its files, its configuration and its log lie; made anew.
        htpasswd: Lines of ``user:bcrypt hash``: only those users get in; everybody does when None.
    """

    def __init__(self, folder: Path, *, htpasswd: str | None = None) -> None:
        if shutil.which("docker-registry") is None:
            pytest.fail("docker-registry is not installed: `make test` installs it")
        self._folder = folder
        storage = folder / "storage"
        storage.mkdir(parents=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            host = f"127.0.0.1:{free.getsockname()[1]}"
        self.registry = DockerRegistry(host, storage)
        config = _CONFIG.format(storage=storage, host=host)
        if htpasswd is not None:
            (folder / "htpasswd").write_text(htpasswd, "utf-8")
            config += _PASSWORDS.format(file=folder / "htpasswd")
        (folder / "config.yml").write_text(config, "utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        command = ["docker-registry", "serve", str(self._folder / "config.yml")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        _wait_until_up(self.registry.host, self._process, self._folder / "log")

    def kill(self) -> None:
        """End it at once, whatever it does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it as a service is ended."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def running_registry(folder: Path, *, htpasswd: str | None = None) -> Iterator[DockerRegistry]:
    """Start a registry that keeps its files in *folder*; it ends with the context.

    With *htpasswd*, lines of ``user:bcrypt hash``, only those users get in.
    """
    process = RegistryProcess(folder, htpasswd=htpasswd)
    try:
        process.start()
        yield process.registry
    finally:
        process.stop()


@pytest.fixture(scope="session")
def docker_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A real registry, the same one for all tests of the run."""
    with running_registry(tmp_path_factory.mktemp("docker-registry")) as registry:
        yield registry


@pytest.fixture
def unique_repository() -> str:
    """The name of a repository that no other test uses."""
    return f"test/{uuid.uuid4().hex}"


def _wait_until_up(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection(host, timeout=1)
        try:
            connection.request("GET", "/v2/")
            if connection.getresponse().status in {http.HTTPStatus.OK, http.HTTPStatus.UNAUTHORIZED}:
                return
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    raise RuntimeError(f"docker-registry did not start on {host}: {log.read_text('utf-8', 'replace')}")
