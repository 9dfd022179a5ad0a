"""``modelport edge serve|export``: an edge server beside small devices, and what they measured."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.cli.models import add_allow_code, check_code, find_model
from modelport.cli.runtime import command_for
from modelport.cli.terminal import talk
from modelport.errors import InputError
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from modelport.cli.models import Found
    from modelport.edge.children import Children
    from modelport.edge.documents import Item
    from modelport.edge.offers import Offer
    from modelport.edge.types import Spread
    from modelport.settings import Settings

__all__ = ["configure", "run"]

_TRIES = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    serve = actions.add_parser("serve", help="answer for devices with models, make their plans, take their statistics")
    help_text = "a model: NAME[:VERSION], a registry's reference, or a package's folder"
    serve.add_argument("references", metavar="REFERENCE", nargs="+", help=help_text)
    help_text = "0 takes any free port; the models take the ports after it (default: %(default)s)"
    serve.add_argument("--port", type=int, default=3340, help=help_text)
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: loopback only)")
    help_text = "where devices' figures are kept (default: edge-statistics.sqlite in the user's data folder)"
    serve.add_argument("--statistics", type=Path, metavar="DB", help=help_text)
    help_text = "HOST[:PORT]/PREFIX that devices pull from (default: the settings' registry)"
    serve.add_argument("--registry", metavar="PREFIX", help=help_text)
    add_allow_code(serve)
    serve.set_defaults(act=_serve)
    export = actions.add_parser("export", help="write the figures of a period as one file")
    export.add_argument("database", type=Path, metavar="DB", help="the file of edge serve --statistics")
    export.add_argument("--out", type=Path, metavar="FILE", help="where to (default: print it)")
    help_text = "YEAR, YEAR-MONTH or YEAR-MONTH-DAY (default: all days)"
    export.add_argument("--period", default="", metavar="DATE", help=help_text)
    export.set_defaults(act=_export)


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    done: int = options.act(options, load_settings())
    return done


def _export(options: argparse.Namespace, _: Settings) -> int:
    import re

    from modelport.edge.statistics import export, text_of

    if not re.fullmatch(r"(\d{4}(-\d{2}(-\d{2})?)?)?", options.period):
        raise InputError(f"{options.period} is no period", hint="write YEAR, YEAR-MONTH or YEAR-MONTH-DAY")
    document = export(options.database, options.period)
    if options.out is None:
        sys.stdout.write(text_of(document))
        return 0
    options.out.write_text(text_of(document), "utf-8")
    talk(f"wrote {options.out}: {document['from']} to {document['to']}")
    return 0


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    """Start a service for each model, then answer devices until a signal comes."""
    import signal

    from modelport.edge.children import Children
    from modelport.edge.server import create_app
    from modelport.edge.statistics import Statistics
    from modelport.serve.address import bind

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the services are ended on the way out
    with bind(options.host, options.port) as listener:
        found = [find_model(one, settings) for one in options.references]
        names = [one.package.name for one in found]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"{twice[0]} is named twice", hint="serve one version of a model")
        for one in found:
            check_code(one, settings, allow_code=options.allow_code)
        statistics = Statistics(options.statistics or settings.data / "edge-statistics.sqlite")
        with Children(talk) as children:
            offers = [
                _offer(one, children, options, settings, port=options.port + place if options.port else 0)
                for place, one in enumerate(found, 1)
            ]
            host, port = listener.getsockname()[:2]
            url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            _run_app(create_app(offers, statistics), listener, f"serving {', '.join(names)} for devices at {url}")
    return 0


def _run_app(app: Any, listener: Any, line: str) -> None:  # noqa: ANN401 - an ASGI application and a socket
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401 - uvicorn's own
            await super().startup(sockets)
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    listener.listen(128)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, proxy_headers=False, ws="none", lifespan="off",
        timeout_graceful_shutdown=5, limit_concurrency=256,
    )  # fmt: skip
    try:
        Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        talk("stopped")


def _offer(found: Found, children: Children, options: argparse.Namespace, settings: Settings, *, port: int) -> Offer:
    from dataclasses import replace

    from modelport.edge.children import Child
    from modelport.edge.documents import ORIGINAL, Item
    from modelport.edge.offers import Offer
    from modelport.edge.types import Spread, Variant

    folder = found.package.folder.resolve()
    arguments = [str(folder), "--host", options.host, "--digest", str(found.digest), "--no-access-log"]
    command, variables = command_for(found.package, settings.cache, "modelport.serve", arguments, extra="serve")
    del variables["PYTHONHASHSEED"]  # strangers' keys must not be able to collide as they like
    child = Child(found.package.name, command, variables, port)
    children.add(child)
    talk(f"{found.name} answers on port {child.port}")
    accuracy, interval = _accuracy(found.package)
    variant = Variant(
        name=str(found.package.info.get("variant", {}).get("name", ORIGINAL)), model=found.package.name,
        size=_size(found.package), accuracy=accuracy, interval=interval, digest=str(found.digest),
    )  # fmt: skip
    host = "127.0.0.1" if options.host in {"0.0.0.0", "::"} else options.host  # noqa: S104 - what it is compared with
    infer = _measured(f"http://{host}:{child.port}", found)
    served = Item(variant=variant, load=Spread(), infer=infer, port=child.port)
    rows = _rows(found, settings)
    device = _device_items(found, settings, options.registry, rows) or (replace(served, port=0, infer=Spread()),)
    return Offer(name=found.package.name, server=(served,), device=device, times=_times(rows, settings))


def _measured(url: str, found: Found) -> Spread:
    """Return what an inference of the service takes, by its first example, without a network between."""
    import time

    from modelport.edge.remote import Endpoint
    from modelport.edge.serving import Interface
    from modelport.edge.types import Spread
    from modelport.package.load import read_examples

    spec = found.package.spec
    example = next((e for e in read_examples(found.package.folder) if not spec.method(e.method).streams), None)
    spread, interface = Spread(), Interface.of(spec)
    if example is None:
        return spread
    endpoint, method = Endpoint(url), interface.method(example.method)
    body = interface.write(method, example.input)
    try:
        for number in range(_TRIES + 1):
            turn = endpoint.probe() or 0.0
            start = time.perf_counter()
            endpoint.call(spec, method.name, body, 60.0)
            if number:  # the first one warms it up
                spread = spread.plus(max(0.0, time.perf_counter() - start - turn))
    finally:
        endpoint.close()
    return spread


def _accuracy(package: Any) -> tuple[float | None, float]:  # noqa: ANN401 - a package
    """Return the package's own accuracy, and half the width of its interval."""
    for one in package.evaluations:
        if one["metric"] == "accuracy":
            low, high = one.get("interval") or (one["value"], one["value"])
            return float(one["value"]), (high - low) / 2
    return None, 0.0


def _size(package: Any) -> int:  # noqa: ANN401 - a package
    places = [place for name in ("state", "code") if (place := package.folder / name).is_dir()]
    return sum(file.stat().st_size for file in places[0].rglob("*") if file.is_file()) if places else 0


def _rows(found: Found, settings: Settings) -> dict[str, dict[str, Any]]:
    """Return what the catalog says of the package's variants, by name; nothing where there is no catalog."""
    from modelport.cli.list import read_index

    if settings.catalog is None or not settings.catalog.is_dir():
        return {}
    model = read_index(settings).model(found.package.name)
    documents = (model or {}).get("variants", ())
    known = next((one for one in documents if one.get("of") == str(found.digest)), {"variants": ()})
    return {one["name"]: one for one in known["variants"] if one["status"] == "ok"}


def _device_items(
    found: Found, settings: Settings, registry: str | None, rows: dict[str, dict[str, Any]]
) -> tuple[Item, ...]:
    """Return the variants that devices may keep: those in the store, with what the catalog says of them."""
    from modelport.edge.documents import Item
    from modelport.edge.profiles import variant_of
    from modelport.edge.types import Spread
    from modelport.package.store import open_package
    from modelport.package.variants import variant_file, variants_in

    prefix = registry or settings.registry
    source = f"{prefix}/{found.package.name}" if prefix else ""
    items = []
    for kept in variants_in(settings.store, found.digest):
        package = open_package(settings.store, kept, settings.cache)
        name = package.info["variant"]["name"]
        accuracy, interval = _accuracy(package)
        has_file = bool(package.info.get("alternatives") or package.info.get("methods"))
        own = {"name": name, "size": variant_file(package).stat().st_size if has_file else _size(package)}
        if accuracy is not None:
            own["accuracy"] = {"value": accuracy, "interval": (accuracy - interval, accuracy + interval)}
        variant = variant_of(found.package.name, own | rows.get(name, {}) | {"digest": str(kept.manifest.digest)})
        items.append(Item(variant=variant, load=Spread(), infer=Spread(), source=source))
    return tuple(items)


def _times(rows: dict[str, dict[str, Any]], settings: Settings) -> Callable[[str, str], tuple[Spread, Spread]]:
    """Return what says a variant's times on a class of devices, by the catalog's index."""
    from modelport.cli.list import read_index
    from modelport.cli.profiles import all_devices
    from modelport.edge.profiles import times_of
    from modelport.edge.statistics import lightly
    from modelport.edge.types import Spread

    devices = all_devices(read_index(settings)) if rows else {}

    def times(name: str, device: str) -> tuple[Spread, Spread]:
        if name not in rows or device not in devices:
            return Spread(), Spread()
        known = times_of(rows[name], devices[device], devices)
        return (lightly(known.infer), lightly(known.load)) if known.estimated else (known.infer, known.load)

    return times
