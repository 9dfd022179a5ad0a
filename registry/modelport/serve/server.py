"""The server process: takes the port, serves until a signal comes, and lets open calls end.

A signal ends the process with status 0: a service that stops as told has not failed.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn

from modelport.errors import ModelError, SetupError
from modelport.serve.address import bind, cannot_listen
from modelport.serve.app import call_paths, create_app
from modelport.serve.cors import with_cors
from modelport.serve.direct import without_direct
from modelport.serve.filters import fold_filters
from modelport.serve.http1 import Http1, Http1Config
from modelport.serve.info import ServiceInfo
from modelport.serve.tracing import tracing_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType

    from modelport.model import Model
    from modelport.serve.grpc import Listening
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
    spdx: str = "",
    cors: Sequence[str] = (),
    runtime: str = "auto",
    otel: bool = False,
    grpc_port: int | None = None,
    announce: Callable[[str, str], None] | None = None,
) -> int:
    """Load the package in folder *package* and serve it until SIGTERM or SIGINT.

    See :func:`run_model`, and `runtime` for what *runtime* may be.
    """
    from modelport.serve.runtime import load_for_service

    with bind(host, port) as listener:  # before the model is loaded: a port that is taken is said at once
        loaded, runs, seconds = load_for_service(package, runtime)
        info = ServiceInfo.of_package(loaded, name=name, version=version, digest=digest, spdx=spdx, runtime=runs)
        return run_model(
            loaded.model, info, listener, limits=limits, cors=cors, otel=otel, load_seconds=seconds,
            grpc_port=grpc_port, announce=announce,
        )  # fmt: skip


def run_model(
    model: Model,
    info: ServiceInfo,
    listener: socket.socket,
    *,
    limits: Limits | None = None,
    cors: Sequence[str] = (),
    otel: bool = False,
    load_seconds: float = 0.0,
    grpc_port: int | None = None,
    announce: Callable[[str, str], None] | None = None,
) -> int:
    """Serve *model* on a bound socket until SIGTERM or SIGINT, then let open calls end.

    Args:
        model: The model.
        info: What is known about it.
        listener: The socket, from `address.bind`.
        limits: What callers may cost.
        cors: The origins whose pages may call it; see `cors.with_cors`.
        otel: Whether traces are sent in any case; see `tracing`.
        load_seconds: How long loading the model took.
        grpc_port: The port of the gRPC doors, if there are to be any; 0 takes any free one.
        announce: Called with the model's name and the address once calls are answered, and with gRPC's.

    Returns:
        How many calls still run, past their time: their threads cannot be stopped, only the process can.

    Raises:
        ModelError: The first golden example failed.
        SetupError: Another process took the port meanwhile.
    """
    app = create_app(model, info, limits)
    service: Service = app.state.service
    service.metrics.loaded(load_seconds)
    fold_filters()  # before any call can run
    _listen(listener)
    tracing = tracing_of(info, asked=otel)
    if tracing:
        service.trace(tracing)
    called = with_cors(app, cors)
    called = tracing.around(called) if tracing else called
    driven = call_paths(model) if called is app else frozenset[str]()  # what wraps it may ask for its task
    server = _Server(_config(called if called is app else without_direct(called), service, driven))
    server.on_stop = service.stop
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            told = partial(announce or (lambda _name, _url: None), info.name)
            runner.run(_serve(server, listener, service, grpc_port, told))
    finally:
        if tracing:
            tracing.close()
    return service.workers.running


def _listen(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    try:
        listener.listen(2048)
    except OSError as error:
        raise cannot_listen(host, port, error) from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _serve(
    server: _Server,
    listener: socket.socket,
    service: Service,
    grpc_port: int | None,
    announce: Callable[[str], object],
) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    settled = asyncio.create_task(service.settled.wait())
    await asyncio.wait({serving, settled}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if settled.done() and not service.failed:
            await _open(server, listener, service, grpc_port, announce)
    except BaseException:
        server.should_exit = True
        await serving
        raise
    if service.failed:
        server.should_exit = True
    await serving
    settled.cancel()
    if service.failed:
        raise ModelError(
            f"{service.info.name} does not answer its first golden example",
            hint="the log above says why; pack the model again, or serve it where its requirements are installed",
        )


async def _open(
    server: _Server,
    listener: socket.socket,
    service: Service,
    grpc_port: int | None,
    announce: Callable[[str], object],
) -> None:
    """Start the gRPC doors, if there are to be any, and say where calls are answered."""
    if grpc_port is not None:
        try:
            from modelport.serve.grpc import start_grpc
        except ImportError as error:
            hint = "install it: python -m pip install 'modelport[grpc]'"
            raise SetupError(f"gRPC needs {error.name}, which is not here", hint=hint) from error
        server.grpc = await start_grpc(service, listener.getsockname()[0], grpc_port)
        service.grpc_address = server.grpc.address
    gc.freeze()  # what is here stays: looking through it would make callers wait
    _return_memory()
    announce(_url(listener))
    if server.grpc:
        announce(server.grpc.address)


def _return_memory() -> None:
    """Give back to the system what loading has freed, some megabytes, where the C library can (glibc)."""
    try:
        import ctypes  # some builds of Python lack it

        ctypes.CDLL(None).malloc_trim(0)
    except (ImportError, AttributeError, OSError, TypeError):
        log.debug("this system's C library cannot give memory back")


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop, which is quicker, where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class _Server(uvicorn.Server):
    """Stops at a signal without raising it again afterwards, as uvicorn does.

    Attributes:
        on_stop: Called at the first signal.
        grpc: The gRPC doors, if they are open.
    """

    on_stop: Callable[[], object] = staticmethod(lambda: None)
    grpc: Listening | None = None
    _grpc_ends: asyncio.Task[None] | None = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let open calls end, by HTTP and by gRPC at the same time."""
        for server in self.servers:
            server.close()
        if self.grpc:
            self._grpc_ends = asyncio.create_task(self.grpc.stop(self.config.timeout_graceful_shutdown or 0))
        await super().shutdown(sockets)

    async def _wait_tasks_to_complete(self) -> None:
        """Wait for all open calls: the workers end with the application, which ends after this."""
        await super()._wait_tasks_to_complete()
        if self._grpc_ends and not self.force_exit:
            await self._grpc_ends

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        del frame
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        self.on_stop()


def _config(app: Any, service: Service, driven: frozenset[str]) -> Http1Config:  # noqa: ANN401 - an ASGI application, as uvicorn types it
    return Http1Config(
        app,
        service.limits,
        service.outbox,
        driven,
        http=Http1,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,  # the application writes its own
        server_header=False,
        proxy_headers=False,
        workers=1,
        timeout_graceful_shutdown=math.ceil(service.limits.drain_seconds),
    )
