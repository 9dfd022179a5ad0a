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


@dataclass(frozen=True, slots=True)
class DockerRegistry:
    """A registry that runs; *host* is ``127.0.0.1:PORT``, *storage* is where it keeps its files."""

    host: str
    storage: Path

    def blob_file(self, digest: Digest) -> Path:
        """Return the file in which the registry keeps a blob."""
        return self.storage / "docker/registry/v2/blobs" / digest.algorithm / digest.hex[:2] / digest.hex / "data"


@contextmanager
def running_registry(folder: Path) -> Iterator[DockerRegistry]:
    """Start a registry that keeps its files in *folder*; it ends with the context."""
    if shutil.which("docker-registry") is None:
        pytest.fail("docker-registry is not installed: `make test` installs it")
    storage = folder / "storage"
    storage.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config = folder / "config.yml"
    config.write_text(_CONFIG.format(storage=storage, host=host), "utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
    try:
        _wait_until_up(host, process, folder / "log")
        yield DockerRegistry(host, storage)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    raise RuntimeError(f"docker-registry did not start on {host}: {log.read_text('utf-8', 'replace')}")
