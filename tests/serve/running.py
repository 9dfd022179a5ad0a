"""Real service processes for the tests, and what is asked of every problem they answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, TypeVar

import httpx
from tests.serve.models import PRIVATE_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Running:
    """A service's process, a client of it, and what it has said so far."""

    process: subprocess.Popen[str]
    client: httpx.Client
    stderr: IO[bytes]

    @property
    def address(self) -> tuple[str, int]:
        url = self.client.base_url
        return url.host, url.port or 0

    def call(self, method: str, arguments: object = None, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        more = more if "content" in more else more | {"json": arguments}
        return self.client.post(f"/model/methods/{method}", **more)

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of the log; each must be one JSON object."""
        size = os.fstat(self.stderr.fileno()).st_size
        lines = os.pread(self.stderr.fileno(), size, 0).decode().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


def start(command: list[str], stderr: IO[bytes]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@contextmanager
def serving(*command: str) -> Iterator[Running]:
    """Run ``python -m tests.serve.models COMMAND`` until the context ends; it must then end by itself."""
    with running("tests.serve.models", *command) as service:
        yield service


@contextmanager
def running(*command: str) -> Iterator[Running]:
    with TemporaryFile() as stderr, start(list(command), stderr) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            url = line.rpartition(" ")[2].strip()
            assert url.startswith("http://"), os.pread(stderr.fileno(), 100_000, 0).decode()
            with httpx.Client(base_url=url, timeout=20) as client:
                yield Running(process, client, stderr)
        finally:
            process.terminate()
            try:
                process.wait(10)
            finally:
                process.kill()


def problem_of(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """Return the problem in *response*, which must be of this status and kind and give nothing away."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return problem_in(response.text, status, kind) | {"headers": response.headers}


def problem_in(text: str, status: int, kind: str) -> dict[str, Any]:
    problem: dict[str, Any] = json.loads(text)
    assert problem["status"] == status
    assert problem["type"] == f"urn:modelport:problem:{kind}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"]
    for leak in ("Traceback", ".py", str(ROOT), PRIVATE_PATH, 'File "'):
        assert leak not in text
    return problem
