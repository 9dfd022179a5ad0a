"""The documents that pass between devices and their edge server: read, checked by their schema, taken apart.

``edge-plan``: what a device keeps and what its server offers. ``edge-batch``: what a device measured. ``statistics``:
what all devices of a server measured in a period. Each is JSON; `checked` is the only way in.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Final

from modelport.edge.types import Spread, Variant
from modelport.errors import FormatError, NotFoundError, SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "CLASS",
    "MADE_BY",
    "ORIGINAL",
    "DevicePlan",
    "Item",
    "Served",
    "checked",
    "deadline_step",
    "item_json",
    "read_document",
    "spread_json",
    "spread_of",
]

_SQLITE: Final = b"SQLite format 3\0"
MADE_BY: Final = {
    "edge-plan": "modelport plan --out FILE writes a device's plan, and an edge server answers with one at"
    " /edge/plan?device=CLASS&budget=BYTES",
    "statistics": "modelport edge export makes such files",
}
"""What to do about a document that is none, by its schema."""
CLASS: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
"""What a class of devices is called, as the schemas have it."""
ORIGINAL = "original"
"""What the model itself is called among its variants."""


def checked(document: Any, schema: str, where: str) -> dict[str, Any]:  # noqa: ANN401 - what came, whatever it is
    """Return *document* if it fulfils the schema.

    Raises:
        FormatError: It does not; the message says what is wrong first.
    """
    from modelport.schema import accepts, validator

    try:
        good = accepts(schema, document)
        wrong = None if good else next(iter(validator(schema).iter_errors(document)), None)
    except RecursionError as error:
        raise FormatError(f"{where} is nested too deeply", hint="send what the schema describes") from error
    if wrong is not None:
        if schema == "edge-plan" and isinstance(document, dict) and {"keep", "needs"} <= document.keys():
            message = f"{where} is what `modelport plan --json` prints, which no device goes by"
            raise FormatError(message, hint=MADE_BY[schema])
        path = "".join(f"{part}/" for part in wrong.absolute_path)[:-1]
        inside = f"{path}: " if path else ""
        hint = "; ".join(filter(None, (MADE_BY.get(schema), f"see schemas/{schema}.schema.json")))
        raise FormatError(f"{where}: {inside}{wrong.message[:200]}", hint=hint)
    assert isinstance(document, dict)  # noqa: S101 - every one of the schemas asks for an object
    return document


def read_document(file: Path, schema: str) -> dict[str, Any]:
    """Return the document in *file*.

    Raises:
        NotFoundError: There is no such file.
        FormatError: It is not JSON, or not what the schema describes.
        SetupError: The system refuses to read it.
    """
    try:
        document = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {file}", hint="see to its path") from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SetupError(f"{file} cannot be read: {why}", hint="give a file, and the right to read it") from error
    except (ValueError, RecursionError) as error:
        raise _not_json(file, schema, error) from error
    return checked(document, schema, str(file))


def _not_json(file: Path, schema: str, error: Exception) -> FormatError:
    with file.open("rb") as opened:
        is_database = opened.read(len(_SQLITE)) == _SQLITE
    if is_database and schema == "statistics":
        hint = f"if it is an edge server's, write what it holds as one: modelport edge export {file} --out FILE"
        return FormatError(f"{file} is a SQLite file and not JSON", hint=hint)
    if is_database:
        return FormatError(f"{file} is a SQLite file and not JSON", hint=MADE_BY.get(schema, "make it again"))
    return FormatError(f"{file} is not JSON: {error}", hint=MADE_BY.get(schema, "make it again"))


def spread_of(figures: Mapping[str, Any] | None) -> Spread:
    """Return a document's mean, deviation and count; the unknown one for None."""
    return Spread() if figures is None else Spread(figures["mean"], figures["sd"], figures["n"])


def spread_json(spread: Spread) -> dict[str, Any] | None:
    """Return *spread* as documents have it; None when it is unknown."""
    return {"mean": spread.mean, "sd": spread.sd, "n": spread.n} if spread.known and isfinite(spread.mean) else None


_STEPS: Final = tuple(float(f"{digits}e{power}") for power in range(-3, 3) for digits in (1, 1.5, 2.2, 3.3, 4.7, 6.8))
"""Deadlines as reports tell them: six in each ten, so that there are few and none says much of a single call."""


def deadline_step(seconds: float) -> float:
    """Return the longest step that is no longer than a deadline of so many seconds; no deadline stays none.

    What is in time by the step is in time by the deadline. The shortest step is a millisecond, the last one 680 s.
    """
    if seconds == inf:
        return inf
    return max((step for step in _STEPS if step <= seconds), default=_STEPS[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A variant as a plan tells of it.

    Attributes:
        variant: Which; its digest is the package's.
        load: Seconds to load it.
        infer: Seconds of an inference.
        source: The reference that it can be pulled from; empty when nobody said.
        port: Where the server answers with it; 0 when it does not.
    """

    variant: Variant
    load: Spread
    infer: Spread
    source: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model in a plan: what the device keeps of it, and what the server offers."""

    name: str
    keep: tuple[Item, ...]
    server: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePlan:
    """What a device keeps.

    Attributes:
        device: The class of devices.
        models: The models by name.
        document: What it was read from.
    """

    device: str
    models: Mapping[str, Served]
    document: Mapping[str, Any]

    @classmethod
    def read(cls, document: object, where: str) -> DevicePlan:
        """Read a document of the schema ``edge-plan``; raise FormatError where it is none."""
        plan = checked(document, "edge-plan", where)
        models: dict[str, Served] = {}
        for one in plan["models"]:
            name = one["name"]
            served = Served(
                name=name,
                keep=tuple(_item(name, item) for item in one["keep"]),
                server=tuple(_item(name, item) for item in one["server"]),
            )
            if name in models or _repeats(served.keep) or _repeats(served.server):
                raise FormatError(f"{where}: {name} or one of its variants is there twice", hint="name each once")
            if portless := [item.variant.name for item in served.server if not item.port]:
                raise FormatError(f"{where}: {name}: {portless[0]} on the server has no port", hint="make it again")
            models[name] = served
        return cls(device=plan["device"], models=models, document=plan)


def _repeats(items: tuple[Item, ...]) -> bool:
    return len({item.variant.name for item in items}) < len(items)


def item_json(item: Item) -> dict[str, Any]:
    """Return an item as plans and offers have it."""
    variant = item.variant
    document: dict[str, Any] = {"name": variant.name, "digest": variant.digest, "size": variant.size}
    if variant.download is not None:
        document["download"] = variant.download
    if variant.accuracy is not None:
        document["accuracy"] = {"value": variant.accuracy, "interval": variant.interval}
    for name, spread in (("load", item.load), ("infer", item.infer)):
        if (said := spread_json(spread)) is not None:
            document[name] = said
    if item.source:
        document["from"] = item.source
    if item.port:
        document["port"] = item.port
    return document


def _item(model: str, document: Mapping[str, Any]) -> Item:
    accuracy = document.get("accuracy", {})
    variant = Variant(
        name=document["name"],
        model=model,
        size=document.get("size", 0),
        download=document.get("download"),
        accuracy=accuracy.get("value"),
        interval=accuracy.get("interval", 0.0),
        digest=document["digest"],
    )
    return Item(
        variant=variant,
        load=spread_of(document.get("load")),
        infer=spread_of(document.get("infer")),
        source=document.get("from", ""),
        port=document.get("port", 0),
    )
