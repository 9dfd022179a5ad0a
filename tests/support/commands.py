"""A folder of its own in which the ``modelport`` command is run as a user runs it, and services that it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from modelport.model import Codec, ModelSpec
from modelport.package import Package
from modelport.package.store import find_package, open_package
from modelport.types import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "build" / "test-cache"  # clean environments and data: content-addressed, shared by all tests
PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs, the signature of what it serves, and with ``--grpc-port`` the address of its gRPC doors."""

    url: str
    spec: ModelSpec
    grpc: str = ""

    def call_json(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._post(method, json.dumps(arguments).encode(), "application/json"))
        return answer

    def call_protobuf(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        one, codec = self.spec.method(method), Codec.bare(self.spec)
        data = codec.to_bytes(codec.from_json(arguments, one.input), one.input)
        answer = self._post(method, data, PROTOBUF)
        return codec.to_json(codec.from_bytes(answer, one.output), one.output)

    def _post(self, method: str, body: bytes, media_type: str) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.url}/model/methods/{method}", body, {"Content-Type": media_type, "Accept": media_type}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
            content: bytes = answer.read()
        return content


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder in which a user works, with a store and a data folder of their own, in it or elsewhere.

    With *data* given, the store is the one that the settings say.
    """

    folder: Path
    store: Path | None = None
    data: Path | None = None

    def modelport(self, *arguments: str | Path, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run the command; with *check*, its failure fails the test with what it said."""
        done = self._run([sys.executable, "-m", "modelport", *map(str, arguments)])
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def package(self, name: str) -> Path:
        """Return the unpacked package that *name* means in this store."""
        kept = find_package(self._store, Reference.parse(name))
        assert kept is not None
        return open_package(self._store, kept, CACHE).folder

    def python(self, file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script as a user does."""
        done = self._run([sys.executable, str(file), *arguments])
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    @contextmanager
    def service(self, reference: str, *options: str) -> Iterator[Service]:
        """Serve *reference* on a free port until the context ends."""
        command = [sys.executable, "-m", "modelport", "serve", reference, "--port", "0", *options]
        with subprocess.Popen(
            command, cwd=self.folder, env=self.variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line.startswith("serving "), line
                url = line.split()[-1]
                grpc = process.stdout.readline().rpartition("grpc://")[2].strip() if "--grpc-port" in options else ""
                with urllib.request.urlopen(f"{url}/model/artifacts/metadata", timeout=60) as answer:  # noqa: S310 - our own loopback address
                    digest = json.load(answer).get("digest", "")
                folder = CACHE / "packages" / digest.partition(":")[2] if digest else Path(reference)
                yield Service(url, Package.read(folder).spec, grpc)
            finally:
                process.terminate()
                assert process.wait(20) == 0

    @property
    def _store(self) -> Path:
        return self.store or self.folder / "store"

    @property
    def variables(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MODELPORT_")}
        if self.data is None:
            kept["MODELPORT_STORE"] = str(self._store)
        return kept | {
            "MODELPORT_DATA": str(self.data or self._store.parent / "data"),
            "MODELPORT_CACHE": str(CACHE),
        }

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False, timeout=600
        )


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """Give a fresh folder outside any catalog, with an empty store."""
    return Workplace(tmp_path)
