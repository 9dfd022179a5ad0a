"""What ``modelport edge serve`` offers: which variants answer, what they take, and what devices may keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.cli.models import Found
from modelport.cli.runtime import command_for
from modelport.cli.terminal import talk
from modelport.errors import ModelError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from modelport.edge.children import Children
    from modelport.edge.documents import Item
    from modelport.edge.offers import Offer
    from modelport.edge.types import Spread, Variant
    from modelport.settings import Settings

__all__ = ["Served", "offer", "start_service", "storage_of", "strong_variants"]

_ALL = "all"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Served:
    """A variant that answers.

    Attributes:
        found: Its package.
        port: Where.
        infer: Seconds that it takes.
    """

    found: Found
    port: int
    infer: Spread


def strong_variants(found: Found, names: Sequence[str], settings: Settings) -> list[Found]:
    """Return what the server answers with of the model *found*.

    Args:
        found: The model.
        names: Variants in the store; ``original`` is the model itself, ``all`` it and all of them. None: the model.
        settings: Where the store is.

    Raises:
        NotFoundError: The store has no variant of that name.
    """
    from modelport.edge.documents import ORIGINAL

    here = {_name(found): found, ORIGINAL: found}
    if any(name not in here for name in names):
        here |= {_name(one): one for one in _variants(found, settings)}
    wanted = list(here) if _ALL in names else list(names) or [ORIGINAL]
    if missing := [name for name in wanted if name not in here]:
        others = ", ".join(sorted(here))
        hint = f"of it there are: {others}; modelport variants build makes variants"
        raise NotFoundError(f"{found.name} has no variant {missing[0]!r} in the store ({settings.store})", hint=hint)
    return list({here[name].digest: here[name] for name in wanted}.values())


def start_service(found: Found, *, host: str, ports: Iterator[int], children: Children, settings: Settings) -> Served:
    """Start the service of a package, and measure what an inference takes there.

    Raises:
        ModelError: It did not start, and has said why, or gives no answer.
    """
    from modelport.client.errors import ServiceError
    from modelport.edge.children import MODULE, Child

    folder = found.package.folder.resolve()
    arguments = [str(folder), "--host", host, "--digest", str(found.digest), "--no-access-log"]
    command, variables = command_for(found.package, settings.cache, MODULE, arguments, extra="serve")
    del variables["PYTHONHASHSEED"]  # strangers' keys must not be able to collide as they like
    child = Child(found.name, command, variables, next(ports))
    children.add(child)
    talk(f"{found.name} answers on port {child.port}")
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what it is compared with
    url = f"http://[{own}]:{child.port}" if ":" in own else f"http://{own}:{child.port}"
    try:
        return Served(found, child.port, _measured(url, found))
    except ServiceError as error:
        raise ModelError(f"the service of {found.name} gives no answer: {error.message}", hint=error.hint) from error


def offer(found: Found, served: Sequence[Served], registry: str | None, settings: Settings) -> Offer:
    """Return what there is of the model *found*, of which *served* answer here."""
    from modelport.edge.documents import Item
    from modelport.edge.offers import Offer
    from modelport.edge.types import Spread

    rows = _rows(found, settings)
    server = tuple(
        Item(variant=_variant(one.found, rows), load=Spread(), infer=one.infer, port=one.port) for one in served
    )
    source = _source(found, registry, settings)
    device = _device_items(found, settings, source, rows)
    own = Item(variant=_variant(found, rows), load=Spread(), infer=Spread(), source=source)
    return Offer(name=found.package.name, server=server, device=device or (own,), times=_times(rows, settings))


def storage_of(settings: Settings) -> dict[str, int]:
    """Return the bytes that models may take on each device of the catalog whose profile says it."""
    from modelport.cli.list import read_index

    if settings.catalog is None or not settings.catalog.is_dir():
        return {}
    return {name: int(one["storage"]) for name, one in read_index(settings).devices.items() if "storage" in one}


def _name(found: Found) -> str:
    from modelport.edge.documents import ORIGINAL

    return str(found.package.info.get("variant", {}).get("name", ORIGINAL))


def _measured(url: str, found: Found) -> Spread:
    """Return what an inference of the service takes, by its first example, without a network between."""
    import time

    from modelport.edge.messages import Interface
    from modelport.edge.remote import Endpoint
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


def _variants(found: Found, settings: Settings) -> list[Found]:
    """Return the variants of a model that are in the store."""
    from modelport.package.store import open_package
    from modelport.package.variants import variants_in

    return [
        Found(kept.name, kept.manifest.digest, open_package(settings.store, kept, settings.cache))
        for kept in variants_in(settings.store, found.digest)
    ]


def _variant(found: Found, rows: dict[str, dict[str, Any]]) -> Variant:
    """Return the variant that a package is, with what the catalog says of it."""
    from modelport.edge.profiles import variant_of
    from modelport.edge.types import Variant
    from modelport.package.variants import variant_file

    package, name = found.package, _name(found)
    accuracy, interval = _accuracy(package)
    if "variant" not in package.info:
        return Variant(
            name=name, model=package.name, size=_size(package), accuracy=accuracy, interval=interval,
            digest=str(found.digest),
        )  # fmt: skip
    has_file = bool(package.info.get("alternatives") or package.info.get("methods"))
    own = {"name": name, "size": variant_file(package).stat().st_size if has_file else _size(package)}
    if accuracy is not None:
        own["accuracy"] = {"value": accuracy, "interval": (accuracy - interval, accuracy + interval)}
    return variant_of(package.name, own | rows.get(name, {}) | {"digest": str(found.digest)})


def _source(found: Found, registry: str | None, settings: Settings) -> str:
    """Return the repository that devices pull a model's variants from; nothing where no registry is named."""
    prefix = (registry or settings.registry or "").rstrip("/")
    return f"{prefix}/{found.package.name}" if prefix else ""


def _device_items(found: Found, settings: Settings, source: str, rows: dict[str, dict[str, Any]]) -> tuple[Item, ...]:
    """Return the variants that devices may keep: those in the store, with what the catalog says of them."""
    from modelport.edge.documents import Item
    from modelport.edge.types import Spread

    return tuple(
        Item(variant=_variant(one, rows), load=Spread(), infer=Spread(), source=source)
        for one in _variants(found, settings)
    )


def _times(rows: dict[str, dict[str, Any]], settings: Settings) -> Callable[[str, str], tuple[Spread, Spread]]:
    """Return what says a variant's times on a class of devices, by the catalog's index."""
    from modelport.cli.list import read_index
    from modelport.cli.profiles import all_devices
    from modelport.edge.prior import prior
    from modelport.edge.profiles import times_of
    from modelport.edge.types import Spread

    devices = all_devices(read_index(settings)) if rows else {}

    def times(name: str, device: str) -> tuple[Spread, Spread]:
        if name not in rows or device not in devices:
            return Spread(), Spread()
        known = times_of(rows[name], devices[device], devices)
        if known.estimated:
            return prior(known.infer, estimated=True), prior(known.load, estimated=True)
        return known.infer, known.load

    return times
