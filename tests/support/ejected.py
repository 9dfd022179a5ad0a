"""The Dockerfile of a model, built by a real engine that reaches no network: its wheels come from this machine."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from modelport.image.base.make import TAG
from modelport.image.engine import Engine
from modelport.oci import Layout, Platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.docker import DockerEngine

__all__ = ["PIP_BASE", "build", "load_pip_base", "locked_wheels", "wheel_index"]

PIP_BASE = "base:pip"
"""What :func:`load_pip_base` calls the base in an engine."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as it is overridden
        del format, args


@contextmanager
def wheel_index(folder: Path) -> Iterator[str]:
    """Give the address, on this machine, of a page that lists the wheels in *folder*, as pip reads it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def locked_wheels(context: Path, folder: Path) -> None:
    """Bring the wheels that the Dockerfile in *context* installs from the index that pip is set up for to *folder*."""
    locks = ("-r", context / "requirements.lock", "-r", context / "service.lock")
    _download(folder, "--only-binary", ":all:", "--require-hashes", *locks)


def load_pip_base(engine: DockerEngine, base: Path, scratch: Path) -> None:
    """Hand *engine* the base that `make base` makes, with pip as its wheel, as ``PIP_BASE``."""
    layout = Layout(base)
    with engine.client() as client:
        version = client.version()
        known = Engine(client, engine.host, Platform(version["Os"], version["Arch"]))
        known.load(layout, layout.resolve(TAG), "base:1")
    _download(scratch, "pip")
    (wheel,) = scratch.glob("*.whl")
    (scratch / "Dockerfile").write_text(f"FROM base:1\nCOPY {wheel.name} /pip.whl\nENV PYTHONPATH=/pip.whl\n", "utf-8")
    engine.docker("build", "--quiet", "--tag", PIP_BASE, str(scratch))


def build(engine: DockerEngine, context: Path, index: str, tag: str, *flags: str) -> None:
    """Build the Dockerfile in *context* on ``PIP_BASE``, with the wheels that *index* has."""
    arguments = {"BASE": PIP_BASE, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": index}
    words = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    engine.docker("build", "--quiet", "--network", "host", *flags, *words, "--tag", tag, str(context))


def _download(folder: Path, *words: str | Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--dest", str(folder), *map(str, words)], check=True, capture_output=True, timeout=600)
