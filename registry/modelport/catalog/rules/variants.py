"""Variants: of which package they are, what each must say, and figures that can be true."""

from __future__ import annotations

import difflib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from modelport.catalog.document import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from modelport.catalog.document import Document, Path
    from modelport.catalog.problem import Problem

__all__ = ["check_devices", "check_parent", "check_variants"]

_NEEDED = ("digest", "runtime", "size")
_MANY = 8


def check_variants(document: Document) -> Iterator[Problem]:
    """Yield what is wrong with a variants file by itself: names given twice, things unsaid, figures that cannot be."""
    yield from _check_twice(document)
    for place, variant in enumerate(document.value.get("variants", ())):
        path = ("variants", place)
        yield from _check_status(document, path, variant)
        yield from _check_accuracy(document, path, variant.get("accuracy"))
        for device, measured in variant.get("measured", {}).items():
            for key in ("load", "infer", "open", "call"):
                if key in measured:
                    yield from _check_times(document, (*path, "measured", device, key), measured[key])


def check_parent(document: Document, stem: str, version: Document | None) -> Iterator[Problem]:
    """Yield a problem when the variants file called *stem* is not of the package of that *version* of its entry."""
    if version is None:
        message = f"is of {shown(stem)}, which is no version of the entry"
        yield document.problem((), message, hint="call it by the version that it is of", rule="variants-version")
        return
    of, digest = document.value.get("of"), version.value.get("digest")
    if of and digest and of != digest:
        message = f"is {of}, and {stem} is {digest}"
        hint = "make and measure the variants of that package, or take the file to the version that it is of"
        yield document.problem(("of",), message, hint=hint, rule="variants-digest")


def check_devices(document: Document, devices: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each device of *document*'s measurements that is not among the catalog's *devices*."""
    for place, variant in enumerate(document.value.get("variants", ())):
        for device in variant.get("measured", {}):
            if device not in devices:
                near = difflib.get_close_matches(device, devices, n=1)
                known = ", ".join(sorted(devices)[:_MANY]) or "none"
                hint = f"did you mean {near[0]}?" if near else f"add devices/{device}.yaml; there are: {known}"
                path = ("variants", place, "measured", device)
                yield document.problem(path, "is no device of the catalog", hint=hint, rule="variants-device")


def _check_twice(document: Document) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for place, variant in enumerate(document.value.get("variants", ())):
        for key in ("name", "digest"):
            said = (key, variant.get(key, ""))
            if said in seen:
                message = f"{shown(said[1])} is another variant's {key} already"
                hint = "list each variant once"
                yield document.problem(("variants", place, key), message, hint=hint, rule="variants-twice")
            if said[1]:
                seen.add(said)


def _check_status(document: Document, path: Path, variant: Mapping[str, Any]) -> Iterator[Problem]:
    if variant["status"] == "failed" and "message" not in variant:
        hint = "say what failed, so that nobody tries it again in vain"
        yield document.problem((*path, "message"), "is missing: the variant failed", hint=hint, rule="variants-status")
    elif variant["status"] == "ok":
        missing = [key for key in _NEEDED if key not in variant]
        if missing:
            message = f"{' and '.join(missing)} {'are' if missing[1:] else 'is'} missing: the variant is ok"
            hint = "a variant that can be used has a package, a runtime and a size"
            yield document.problem(path, message, hint=hint, rule="variants-status")
        if "message" in variant:
            hint = "remove it, or write 'status: failed'"
            yield document.problem((*path, "message"), "is of a variant that is ok", hint=hint, rule="variants-status")


def _check_accuracy(document: Document, path: Path, accuracy: Mapping[str, Any] | None) -> Iterator[Problem]:
    if accuracy is None:
        return
    (low, high), value = accuracy["interval"], accuracy["value"]
    if low > high:
        message, hint = f"ends, at {high}, before it begins, at {low}", "write [low, high]"
    elif not low <= value <= high:
        message = f"[{low}, {high}] does not hold the value, {value}"
        hint = "the interval is where the true share lies with 95 % confidence"
    else:
        return
    yield document.problem((*path, "accuracy", "interval"), message, hint=hint, rule="variants-figures")


def _check_times(document: Document, path: Path, times: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem where times do not rise as their names say."""
    for keys in (("min", "p50", "p95"), ("min", "mean")):
        rising = [key for key in keys if key in times]
        for low, high in pairwise(rising):
            if times[low] > times[high]:
                message = f"is {times[low]}, more than {high}, {times[high]}"
                yield document.problem((*path, low), message, hint="measure again", rule="variants-figures")
