"""The server process: takes the port, serves until a signal comes, and lets open calls end.

A signal ends the process with status 0: a service that stops as told has not failed.
"""

from __future__ import annotations

import asyncio
import logging
import math
import signal
from typing import TYPE_CHECKING, Any

import uvicorn

from modelport.errors import ModelError
from modelport.serve.address import bind, cannot_listen
from modelport.serve.app import create_app
from modelport.serve.cors import with_cors
from modelport.serve.http1 import Http1, Http1Config
from modelport.serve.info import ServiceInfo

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType

    from modelport.model import Model
    from modelport.serve.limits import Limits
    from modelport.serve.service import Service

__all__ = ["run", "run_model"]

log = logging.getLogger(__name__)


def run(
    package: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 3330,
    limits: Limits | None = None,
    name: str | None = None,
    version: str | None = None,
    digest: str | None = None,
    cors: Sequence[str] = (),
    runtime: str = "auto",
    announce: Callable[[str, str], None] | None = None,
) -> int:
    """Load the package in folder *package* and serve it until SIGTERM or SIGINT.

    See :func:`run_model`, and `runtime` for what *runtime* may be.
    """
    from modelport.serve.runtime import load_for_service

    with bind(host, port) as listener:  # before the model is loaded: a port that is taken is said at once
        loaded, runs, seconds = load_for_service(package, runtime)
        info = ServiceInfo.of_package(loaded, name=name, version=version, digest=digest, runtime=runs)
        return run_model(
            loaded.model, info, listener, limits=limits, cors=cors, load_seconds=seconds, announce=announce
        )


def run_model(
    model: Model,
    info: ServiceInfo,
    listener: socket.socket,
    *,
    limits: Limits | None = None,
    cors: Sequence[str] = (),
    load_seconds: float = 0.0,
    announce: Callable[[str, str], None] | None = None,
) -> int:
    """Serve *model* on a bound socket until SIGTERM or SIGINT, then let open calls end.

    Args:
        model: The model.
        info: What is known about it.
        listener: The socket, from `address.bind`.
        limits: What callers may cost.
        cors: The origins whose pages may call it; see `cors.with_cors`.
        load_seconds: How long loading the model took.
        announce: Called with the model's name and the address once calls are answered.

    Returns:
        How many calls still run, past their time: their threads cannot be stopped, only the process can.

    Raises:
        ModelError: The first golden example failed.
        SetupError: Another process took the port meanwhile.
    """
    app = create_app(model, info, limits)
    service: Service = app.state.service
    service.metrics.loaded(load_seconds)
    url = _listen(listener)
    server = _Server(_config(with_cors(app, cors), service.limits))
    asyncio.run(_serve(server, listener, service, lambda: announce and announce(info.name, url)))
    return service.workers.running


def _listen(listener: socket.socket) -> str:
    """Start to listen, and return the address as a URL."""
    host, port = listener.getsockname()[:2]
    try:
        listener.listen(2048)
    except OSError as error:
        raise cannot_listen(host, port, error) from error
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _serve(server: _Server, listener: socket.socket, service: Service, announce: Callable[[], object]) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    settled = asyncio.create_task(service.settled.wait())
    await asyncio.wait({serving, settled}, return_when=asyncio.FIRST_COMPLETED)
    if settled.done() and not service.failed:
        announce()
    if service.failed:
        server.should_exit = True
    await serving
    settled.cancel()
    if service.failed:
        raise ModelError(
            f"{service.info.name} does not answer its first golden example",
            hint="the log above says why; pack the model again, or serve it where its requirements are installed",
        )


class _Server(uvicorn.Server):
    """Stops at a signal without raising it again afterwards, as uvicorn does."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        del frame
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def _config(app: Any, limits: Limits) -> Http1Config:  # noqa: ANN401 - an ASGI application, as uvicorn types it
    return Http1Config(
        app,
        head_seconds=limits.head_seconds,
        http=Http1,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,  # the application writes its own
        server_header=False,
        proxy_headers=False,
        workers=1,
        timeout_graceful_shutdown=math.ceil(limits.drain_seconds),
    )
