"""``modelport edge serve|export``: an edge server beside small devices, and what they measured."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from functools import partial
from itertools import chain, count, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.cli.asking import asked_prefix
from modelport.cli.models import add_allow_code, check_code, find_model
from modelport.cli.terminal import talk
from modelport.errors import InputError, SetupError
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse
    import socket
    from collections.abc import Iterator

    from modelport.settings import Settings

__all__ = ["configure", "run"]

_STATISTICS = "edge-statistics.sqlite"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    serve = actions.add_parser("serve", help="answer for devices with models, make their plans, take their statistics")
    help_text = "a model: NAME[:VERSION], a registry's reference, or a package's folder"
    serve.add_argument("references", metavar="REFERENCE", nargs="+", help=help_text)
    help_text = (
        "a variant in the store to answer with, also several times: each is a process of its own. 'original' is the"
        " model itself, 'all' is it and all its variants (default: original)"
    )
    serve.add_argument("--variant", dest="variants", metavar="NAME", action="append", default=[], help=help_text)
    help_text = "0 takes any free port; what answers takes the ports after it (default: %(default)s)"
    serve.add_argument("--port", type=int, default=3340, help=help_text)
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: loopback only)")
    help_text = f"where devices' figures are kept (default: {_STATISTICS} in the user's data folder)"
    serve.add_argument("--statistics", type=Path, metavar="DB", help=help_text)
    help_text = (
        "HOST[:PORT]/PREFIX that devices pull variants from, where push and variants push put them (default: the"
        " settings' registry)"
    )
    serve.add_argument("--registry", metavar="PREFIX", help=help_text)
    add_allow_code(serve)
    serve.set_defaults(act=_serve)
    export = actions.add_parser("export", help="write the figures of a period as one file")
    help_text = f"the file of edge serve --statistics (default: {_STATISTICS} in the user's data folder, as there)"
    export.add_argument("database", type=Path, metavar="DB", nargs="?", help=help_text)
    export.add_argument("--out", type=Path, metavar="FILE", help="where to (default: print it)")
    help_text = "YEAR, YEAR-MONTH or YEAR-MONTH-DAY (default: all days)"
    export.add_argument("--period", default="", metavar="DATE", help=help_text)
    export.set_defaults(act=_export)


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    done: int = options.act(options, load_settings())
    return done


def _export(options: argparse.Namespace, settings: Settings) -> int:
    from modelport.edge.exports import export, text_of

    if not _is_period(options.period):
        raise InputError(f"{options.period} is no period", hint="write YEAR, YEAR-MONTH or YEAR-MONTH-DAY")
    _check_place(options.out)
    document = export(options.database or settings.data / _STATISTICS, options.period)
    if options.out is None:
        sys.stdout.write(text_of(document))
        return 0
    options.out.write_text(text_of(document), "utf-8")
    talk(f"wrote {options.out}: {document['from']} to {document['to']}")
    return 0


def _check_place(file: Path | None) -> None:
    """See that *file* can be written, where one is named."""
    from modelport.edge.probe import unwritable

    if problem := unwritable(file):
        raise InputError(problem, hint="name a file in a folder that is there")


def _is_period(text: str) -> bool:
    """Tell whether there is such a year, month or day; no text is all days."""
    import re
    from datetime import date

    try:
        date.fromisoformat(text + "2000-01-01"[len(text) :])
    except ValueError:
        return False
    return re.fullmatch(r"(\d{4}(-\d{2}(-\d{2})?)?)?", text) is not None


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    """Start a service for each model or variant, then answer devices until a signal comes."""
    try:
        with _ended_by_signals():
            _answer(options, settings)
    except BrokenPipeError as error:  # to other commands it says that all was read that anybody wanted
        message = "a pipe broke: nobody reads what the server says, or what it started has gone"
        raise SetupError(message, hint="send its standard error to a file") from error
    return 0


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End what runs inside at SIGTERM, and when its terminal goes, the services with it; say what it was."""
    came: list[str] = []

    def end(number: int, _: object) -> None:
        came.append(signal.Signals(number).name)
        raise SystemExit(0)

    def hang_up(number: int, _: object) -> None:
        came.append(signal.Signals(number).name)
        signal.raise_signal(signal.SIGTERM)  # for whoever takes that now

    signal.signal(signal.SIGTERM, end)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, hang_up)
    try:
        yield
    except SystemExit:
        if not came:
            raise
    if came:
        talk(f"stopped by {came[0]}")


def _answer(options: argparse.Namespace, settings: Settings) -> None:
    from modelport.cli.offering import offer, start_service, storage_of, strong_variants
    from modelport.cli.supply import supply_gaps
    from modelport.edge.children import Children
    from modelport.edge.server import create_app
    from modelport.edge.statistics import Statistics
    from modelport.serve.address import bind

    _check_place(options.statistics)
    registry = asked_prefix(options.registry)
    with bind(options.host, options.port) as listener:
        found = [find_model(one, settings) for one in options.references]
        names = [one.package.name for one in found]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"{twice[0]} is named twice", hint="serve one version of a model")
        strong = [strong_variants(one, options.variants, settings) for one in found]
        for one in chain.from_iterable(strong):
            check_code(one, settings, allow_code=options.allow_code)
        file = options.statistics or settings.data / _STATISTICS
        statistics = Statistics(file)
        talk(f"what devices measure is kept in {file}")
        with Children(talk) as children:
            ports = count(options.port + 1) if options.port else repeat(0)
            start = partial(start_service, host=options.host, ports=ports, children=children, settings=settings)
            offers = [
                offer(one, [start(v) for v in own], registry, settings) for one, own in zip(found, strong, strict=True)
            ]
            for gap in supply_gaps(offers, settings):
                talk(f"warning: {gap}")
            host, port = listener.getsockname()[:2]
            url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            app = create_app(offers, statistics, storage=storage_of(settings))
            _run_app(app, listener, f"serving {', '.join(names)} for devices at {url}")


def _run_app(app: Any, listener: socket.socket, line: str) -> None:  # noqa: ANN401 - an ASGI application
    import uvicorn

    from modelport.serve.address import cannot_listen

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401 - uvicorn's own
            await super().startup(sockets)
            _announce(line)

    host, port = listener.getsockname()[:2]
    try:
        listener.listen(128)
    except OSError as error:  # two may have bound it, of which one listens by now
        raise cannot_listen(host, port, error) from error
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, proxy_headers=False, ws="none", lifespan="off",
        timeout_graceful_shutdown=5, limit_concurrency=256,
    )  # fmt: skip
    try:
        Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        talk("stopped")


def _announce(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Devices ask all the same. What is left in the buffer must not end the process on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        talk(f"nobody reads standard output; {line}")
