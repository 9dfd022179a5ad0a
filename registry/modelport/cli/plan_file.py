"""A plan as the file that a device goes by without an edge server: what `modelport.edge.Runtime` opens as ``plan=``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import talk
from modelport.errors import InputError, SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelport.edge.documents import Item
    from modelport.edge.plan import Plan
    from modelport.edge.types import Candidate

__all__ = ["check_out", "device_plan", "write_plan"]


def check_out(file: Path | None, *, server: str | None, classes: Sequence[str]) -> None:
    """See that what is asked for can be a device's plan in *file*, where one is named.

    Args:
        file: Where to.
        server: The server that the plan counts on, if it does.
        classes: The classes of devices that are planned for.

    Raises:
        InputError: It cannot.
    """
    from modelport.edge.probe import unwritable

    if file is None:
        return
    if problem := unwritable(file):
        raise InputError(problem, hint="name a file in a folder that is there")
    if server is not None:
        raise InputError(
            "a plan in a file is one for a device alone: it does not know at which ports a server answers",
            hint="leave out --out, or --server and --network; a device with an edge server asks that for its plan:"
            " modelport edge serve",
        )
    if len(classes) > 1:
        hint = f"add --device ID, one of: {', '.join(classes)}"
        raise InputError(f"{file} holds the plan of one class of devices, and there are {len(classes)}", hint=hint)


def device_plan(device: str, made: Plan, candidates: Sequence[Candidate], registry: str | None) -> dict[str, Any]:
    """Return the plan as a document of the schema ``edge-plan``.

    Args:
        device: The class of devices.
        made: The plan.
        candidates: What it was made of.
        registry: ``HOST[:PORT]/PREFIX`` under which the packages lie; None: nobody said.
    """
    from modelport.edge.documents import checked, item_json

    times = {one.variant.label: one for one in candidates if one.place == "device"}
    kept: dict[str, list[dict[str, Any]]] = {}
    for variant in made.kept:
        source = f"{registry.rstrip('/')}/{variant.model}" if registry else ""
        kept.setdefault(variant.model, []).append(item_json(_item(times[variant.label], source)))
    models = [{"name": name, "keep": items, "server": []} for name, items in kept.items()]
    document = {"schema": "modelport/edge-plan/1", "device": device, "budget": made.budget, "models": models}
    return checked(document, "edge-plan", "the plan")


def _item(candidate: Candidate, source: str) -> Item:
    from modelport.edge.documents import Item
    from modelport.edge.prior import prior

    # The device goes on from an estimate as a server's plan lets it.
    load, infer = (
        prior(one, estimated=True) if candidate.estimated else one for one in (candidate.load, candidate.infer)
    )
    return Item(variant=candidate.variant, load=load, infer=infer, source=source)


def write_plan(file: Path, document: dict[str, Any], registry: str | None) -> None:
    """Write a device's plan, and say how it is used.

    Raises:
        SetupError: The file cannot be written.
    """
    try:
        file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise SetupError(f"{file} cannot be written: {error.strerror}", hint="is the disk full?") from error
    talk(f'wrote {file}; on the device: Runtime.open(FOLDER, plan=Path("{file.name}"))')
    if not registry:
        talk(
            "it does not say where the packages are, for no registry is named: add --registry HOST[:PORT]/PREFIX, or"
            " give the device a store that has them: Runtime.open(..., source=Path(STORE))"
        )
