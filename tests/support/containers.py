"""Services in containers of a real engine: started by the command as users start them, and asked at every door."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from tests.support.commands import Service

from modelport.model import Codec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Workplace
    from tests.support.docker import DockerEngine

    from modelport.package import Package

_PATIENCE = 300


@dataclass(frozen=True, slots=True)
class Container:
    """A container that serves; *grpc* is the address of its gRPC door."""

    engine: DockerEngine
    name: str
    url: str
    grpc: str

    def inspect(self) -> dict[str, Any]:
        """Return all that the engine says of it."""
        document: dict[str, Any] = json.loads(self.engine.docker("inspect", self.name).stdout)[0]
        return document

    def execute(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program in it, whether or not that succeeds."""
        return self.engine.docker("exec", self.name, *words, check=False)

    def python(self, code: str) -> str:
        """Run Python in it by the image's own interpreter; return what it prints."""
        done = self.execute(self.inspect()["Config"]["Entrypoint"][0], "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def command(
    place: Workplace, engine: DockerEngine, *words: str | Path, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run ``modelport`` where *engine* is the user's."""
    done = subprocess.run(
        [sys.executable, "-m", "modelport", *map(str, words)],
        cwd=place.folder, env=place.variables | engine.variables, capture_output=True, text=True, check=False,
        timeout=_PATIENCE,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@contextmanager
def container(place: Workplace, engine: DockerEngine, reference: str, *words: str | Path) -> Iterator[Container]:
    """Run the image of *reference* by ``modelport image run`` until the context ends."""
    words = ("image", "run", reference, "--detach", "--json", "--port", "0", "--grpc-port", "0", *words)
    said = json.loads(command(place, engine, *words).stdout)
    try:
        yield Container(engine, said["container"], said["url"], said["grpc"])
    finally:
        engine.docker("rm", "--force", said["container"])


def answers(url: str, grpc_address: str | None, package: Package) -> list[list[Any]]:
    """Return what a service answers to each golden example by JSON, by protobuf, and by gRPC where that is open."""
    service, found = Service(url, package.spec), []
    for example in package.examples:
        method, arguments = example["method"], example["input"]
        doors = [service.call_json(method, arguments), service.call_protobuf(method, arguments)]
        found.append(doors + ([by_grpc(grpc_address, package, method, arguments)] if grpc_address else []))
    return found


def by_grpc(address: str, package: Package, method: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """Call a method by the model's own gRPC service; its messages are packed by our own codec."""
    codec, spec = Codec.bare(package.spec), package.spec.method(method)
    body = codec.to_bytes(codec.from_json(arguments, spec.input), spec.input)
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(f"/{package.spec.proto_package}.Model/{method}")
        answer: bytes = call(body, timeout=60, wait_for_ready=True)
    return codec.to_json(codec.from_bytes(answer, spec.output), spec.output)


def until_ready(url: str) -> None:
    """Return when the service at *url* is ready."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            asked(url, "/health/ready")
        except (OSError, http.client.HTTPException):  # not there yet, or not ready
            assert time.monotonic() < deadline, f"{url} is not ready"
            time.sleep(0.1)
        else:
            return


def asked(url: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON that a service answers to a GET, or to a POST of *body*."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, content, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
        return json.load(answer)
