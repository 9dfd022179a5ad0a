"""A runtime's beginning: which plan holds, and which of its packages can be had. What can answer is not held up.

The plan is the one that was given; else what held here last, where it is this class's; else what the server says. A
package that cannot be had is named in a warning, and looked for again later. Only where nothing at all is left to
answer is that an error, which tells all that was wrong.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.client.errors import ServiceError
from modelport.edge.documents import MADE_BY, DevicePlan, read_document
from modelport.edge.mending import one_line
from modelport.edge.serving import Hand
from modelport.errors import FormatError, InputError, ModelportError, NotFoundError, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from modelport.edge.learning import Lessons
    from modelport.edge.local import Shelf
    from modelport.edge.notes import Notes
    from modelport.edge.remote import EdgeServer

__all__ = ["asked", "begun", "chosen", "given", "of_class", "put_in_order", "renewed"]

log = logging.getLogger(__name__)


def given(plan: Mapping[str, Any] | Path | None) -> DevicePlan | None:
    """Return the plan that a caller gave; None for None.

    Raises:
        FormatError: It is none.
        NotFoundError: There is no such file.
    """
    if plan is None:
        return None
    try:
        if isinstance(plan, Path):
            return DevicePlan.read(read_document(plan, "edge-plan"), str(plan))
        copy = json.loads(json.dumps(plan, allow_nan=False))  # that nobody changes
        return DevicePlan.read(copy, "the plan")
    except (TypeError, ValueError, RecursionError) as error:
        raise FormatError(f"the plan holds what JSON does not: {error}", hint=MADE_BY["edge-plan"]) from error


def asked(server: EdgeServer | None, device: str) -> DevicePlan:
    """Return the server's plan for a class of devices; the errors are those of `EdgeServer.plan`.

    Raises:
        InputError: There is no server, or no class.
    """
    if server is None or not device:
        raise InputError(
            "there is no plan, and nobody to ask for one", hint="give plan=, or server= and the device's class, device="
        )
    return _planned(server, device)


def of_class(plan: DevicePlan, device: str) -> DevicePlan:
    """Return the plan, if it is for the class *device*; an empty one is any.

    Raises:
        InputError: It is for another class.
    """
    if device and plan.device != device:
        raise InputError(
            f"the plan is for devices of the class {plan.device}, and this one is of the class {device}",
            hint=f"give a plan for {device}, or correct device=",
        )
    return plan


def _planned(server: EdgeServer, device: str) -> DevicePlan:
    plan = server.plan(device)
    if plan.device != device:
        raise FormatError(
            f"{server.url} answers with a plan for devices of the class {plan.device}; asked was one for {device}",
            hint="is it an edge server? `modelport edge serve` prints its address",
        )
    return plan


def chosen(
    notes: Notes, server: EdgeServer | None, plan: Mapping[str, Any] | Path | None, device: str, wrong: list[str]
) -> DevicePlan:
    """Return the plan that holds.

    Args:
        notes: What the device wrote down.
        server: Whom it can ask.
        plan: What the caller gave.
        device: The class that the caller named, in lower case; empty when none.
        wrong: Takes what was wrong on the way.

    Raises:
        InputError: There is none, and nobody to ask; or it is another class's.
        ServiceError: The server has none, or does not answer.
    """
    own = given(plan)
    if own is not None:
        return of_class(own, device)
    kept = notes.read_plan(wrong)
    if kept is None:
        try:
            return _known(asked(server, device), server)
        except ModelportError as error:
            _add_to(error, wrong)
            raise
    if not device or kept.device == device:
        return kept
    return _of_other_class(kept, notes, server, device)


def _of_other_class(kept: DevicePlan, notes: Notes, server: EdgeServer | None, device: str) -> DevicePlan:
    said = f"the plan in {notes.plan} is for devices of the class {kept.device}, and device= says {device}"
    if server is None:
        raise InputError(said, hint=f"give server= or plan= for one for {device}, or leave out device=")
    try:
        return _known(_planned(server, device), server)
    except (ServiceError, FormatError) as error:
        if isinstance(error, ServiceError) and 400 <= error.status < 500:  # noqa: PLR2004 - it refuses, and says why
            raise
        log.warning("%s: it holds until the server says another one: %s", said, one_line(error))
        return kept


def _known(plan: DevicePlan, server: EdgeServer | None) -> DevicePlan:
    """Return the plan; warn where the server has not heard of the class, whose name may be misspelt."""
    kept = [item for model in plan.models.values() for item in model.keep]
    if server is not None and kept and not any(item.infer.known for item in kept):
        log.warning(
            "the edge server at %s knows no times of the class %s: correct device=, unless it is a new class",
            server.url, plan.device,
        )  # fmt: skip
    return plan


def begun(
    notes: Notes,
    shelf: Shelf,
    server: EdgeServer | None,
    plan: Mapping[str, Any] | Path | None,
    device: str,
) -> Hand:
    """Return what answers while the plan holds, with its packages as far as they can be had; warn of the others.

    Args:
        notes: What the device wrote down; the plan is, too.
        shelf: Where the packages lie; those of other plans go.
        server: Who answers beside.
        plan: What the caller gave.
        device: The class that the caller named, in lower case; empty when none.

    Raises:
        ModelportError: As `chosen`; or nothing is left that can answer, and it tells all that was wrong.
    """
    wrong: list[str] = []
    first = chosen(notes, server, plan, device, wrong)
    try:
        hand = _with_packages(first, shelf, server, wrong)
    except ModelportError as error:
        other = None if plan is not None else _another(first, server, device, error)
        if other is None:
            raise
        hand = _with_packages(other, shelf, server, wrong)
    _write_down(hand, notes, shelf)
    return hand


def _with_packages(plan: DevicePlan, shelf: Shelf, server: EdgeServer | None, wrong: Sequence[str]) -> Hand:
    hand = Hand(plan, shelf, server)
    lost = hand.bring()
    if lost and not any(one.bar is None or one.is_distrusted for one in hand.runners()):
        hand.close()
        raise _nothing_left(lost, [*wrong, *shelf.wrong])
    _tell(hand, lost)
    return hand


def renewed(plan: DevicePlan, old: Hand, shelf: Shelf, server: EdgeServer | None, lessons: Lessons) -> Hand:
    """Return what answers while a newer plan holds: what *old* has of it, and the rest loaded, as far as it can be.

    What cannot be had, or run, holds up nothing else, as at the beginning; it is told in a warning.

    Raises:
        ModelportError: A model would be left without anything that can answer, or would lose all that answers on the
            device now though the plan keeps some there.
    """
    hand = Hand(plan, shelf, server)
    hand.take_over(old)
    lost = hand.bring()
    for one in hand.local():
        if one.bar is None and not one.is_ready and one.item.variant.digest not in old.digests():
            with suppress(ModelportError):
                one.load(lessons)  # it says what is wrong, and is barred then
    for name, model in hand.models.items():
        before = old.models.get(name)
        had_some = before is not None and any(one.bar is None for one in before.local)
        bars = [bar for _, bar in model.bars]
        if bars and len(bars) == len(model.local) and (had_some or not model.remote):
            hand.close()
            raise _nothing_left(bars, [])
    _tell(hand, lost)
    return hand


def _nothing_left(lost: Sequence[ModelportError], wrong: Sequence[str]) -> ModelportError:
    if len(lost) == 1 and not wrong:
        return lost[0]
    said = [*wrong, *(error.message for error in lost)]
    ways = dict.fromkeys(error.hint for error in lost if error.hint)
    return NotFoundError(f"nothing can answer: {'; '.join(said)}", hint="; ".join(ways))


def _tell(hand: Hand, lost: Sequence[ModelportError]) -> None:
    for error in lost:
        log.warning("a variant is not on this device, and is looked for again later: %s", one_line(error))
    if barred := [(one.item.variant.label, one.bar) for one in hand.runners() if isinstance(one.bar, TrustError)]:
        log.warning("not run on this device: %s: %s", ", ".join(label for label, _ in barred), one_line(barred[0][1]))


def _another(plan: DevicePlan, server: EdgeServer | None, device: str, error: ModelportError) -> DevicePlan | None:
    """Return the server's plan where it is another one; what is wrong with it is added to *error*."""
    if server is None:
        return None
    try:
        other = _planned(server, device or plan.device)
    except ModelportError as more:
        _add_to(error, [more.message])
        return None
    return None if other.document == plan.document else other


def _write_down(hand: Hand, notes: Notes, shelf: Shelf) -> None:
    """Keep the plan, and only its packages; a disk that is full is no reason not to answer."""
    try:
        notes.write_plan(hand.plan.document)
    except ModelportError as error:
        log.warning("the plan could not be written down: %s", one_line(error))
    else:
        put_in_order(shelf, hand.digests())


def put_in_order(shelf: Shelf, keep: Collection[str]) -> None:
    """Keep only the packages whose digests are given; where that fails, it is told, and nothing else fails for it."""
    try:
        shelf.drop(keep)
    except (ModelportError, OSError) as error:
        log.warning("what the device keeps could not be put in order: %s", one_line(error))


def _add_to(error: ModelportError, wrong: Sequence[str]) -> None:
    if wrong:
        error.message = "; ".join([error.message, *wrong])
        error.args = (error.message,)
