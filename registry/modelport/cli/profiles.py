"""How commands find what they reckon with in the catalog's kept index: devices, networks, and models' variants."""

from __future__ import annotations

import difflib
from math import inf
from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import plural, talk
from modelport.errors import FormatError, InputError, NotFoundError
from modelport.types import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelport.catalog.kept import KeptIndex
    from modelport.edge.types import Candidate, Device

__all__ = [
    "Known",
    "accuracy_of",
    "all_devices",
    "deadline_of",
    "find_profile",
    "find_variants",
    "fitting",
    "tell_broken",
    "tell_unknown",
]

_MANY = 12


class Known:
    """A version of a model whose variants are known.

    Attributes:
        name: The model's name.
        version: The version.
        variants: The items of its variants file that can be used.
    """

    __slots__ = ("name", "variants", "version")

    def __init__(self, name: str, version: str, variants: list[dict[str, Any]]) -> None:
        self.name = name
        self.version = version
        self.variants = variants

    @property
    def label(self) -> str:
        """``NAME VERSION``."""
        return f"{self.name} {self.version}"


def find_profile(kind: str, name: str, index: KeptIndex) -> dict[str, Any]:
    """Return the profile called *name* among the catalog's of a *kind*: device or network.

    Raises:
        NotFoundError: There is none; the hint names the nearest, or all.
        FormatError: Its file has problems; all of them are in the message.
    """
    known = index.devices if kind == "device" else index.networks
    if name in known:
        return known[name]
    if problems := index.broken_profiles.get(f"{kind}s/{name}.yaml"):
        hint = "mend the file; `modelport check` shows the same"
        raise FormatError(f"the {kind} {name} cannot be reckoned with:\n" + "\n".join(problems), hint=hint)
    if name == "this" and kind == "device":
        hint = "`modelport variants measure NAME --write` makes this machine one, and tells its name"
    elif not known:
        hint = f"the catalog has no {kind}s: add one to {kind}s/"
    else:
        hint = _hint(name, known) or f"modelport {kind} list shows all"
    raise NotFoundError(f"the catalog has no {kind} {name}", hint=hint)


def tell_broken(index: KeptIndex, *folders: str) -> None:
    """Tell which profiles in the *folders*, devices or networks, are left out because their files have problems."""
    for file, problems in index.broken_profiles.items():
        if file.partition("/")[0] in folders:
            talk(f"left out: {file} has {plural(len(problems), 'problem')}; `modelport check` shows what is wrong")


def find_variants(text: str, index: KeptIndex) -> Known:
    """Return the variants of what *text* names: NAME, which means its latest version, or NAME:VERSION.

    Raises:
        NotFoundError: There is no such model or version, or none of its variants can be used.
    """
    from modelport.edge.profiles import usable_variants

    reference = Reference.parse(text)
    model = None if reference.host else index.model(reference.repository)
    if model is None:
        names = [row["name"] for row in index.rows]
        hint = _hint(reference.repository, names) or "modelport list shows the models"
        raise NotFoundError(f"{text} is not in the catalog", hint=hint)
    version = reference.tag or model["latest"]
    if version is None or version not in {one["version"] for one in model["versions"]}:
        hint = f"modelport show {model['name']} --versions lists its versions"
        hint = hint if model["versions"] else f"modelport submit {model['name']} 1.0.0 gives it one"
        raise NotFoundError(f"{model['name']} has no version {version or 'yet'}", hint=hint)
    variants = usable_variants(model, version)
    if not variants:
        raise _without_figures(model, version, index)
    return Known(model["name"], version, variants)


def _without_figures(model: Mapping[str, Any], version: str, index: KeptIndex) -> NotFoundError:
    """Return the error for a version of whose variants the catalog knows nothing that can be reckoned with."""
    name, label = f"{model['name']}:{version}", f"{model['name']} {version}"
    way = f"modelport variants measure {name} --write, after modelport variants build {name}"
    listed = next((one["variants"] for one in model.get("variants", ()) if one["version"] == version), ())
    if listed:
        failed = ", ".join(one["name"] for one in listed)
        return NotFoundError(f"every variant of {label} that was tried failed: {failed}", hint=way)
    return NotFoundError(
        f"the catalog has no figures of variants of {label}", hint=f"{way}; {_with_variants(model, index)}"
    )


def all_devices(index: KeptIndex) -> dict[str, Device]:
    """Return the catalog's devices."""
    from modelport.edge.profiles import device_of

    return {name: device_of(name, document) for name, document in index.devices.items()}


def tell_unknown(model: str, candidates: Sequence[Candidate], device: Device) -> None:
    """Tell where no time is known of any of a model's variants on a device, and why none is estimated."""
    if candidates and not any(candidate.infer.known for candidate in candidates):
        how = "and none can be estimated" if device.anchors else "and it has no anchors to estimate any by"
        talk(f"no time of {model} is known on {device.id}: nothing was measured there, {how}")


def fitting(
    models: Iterable[dict[str, Any]], index: KeptIndex, device: str | None, deadline_ms: float | None
) -> list[dict[str, Any]]:
    """Return the index's lines of the *models* with a variant that answers on *device* in time.

    Under ``fits`` each says which variant it is, its time in seconds, and whether that is estimated.

    Raises:
        InputError: There is a deadline and no device, or it is none.
        NotFoundError: There is no such device.
        FormatError: Its file has problems.
    """
    from modelport.edge.select import choose
    from modelport.edge.types import Request

    if device is None:
        raise InputError("a deadline is one on a device", hint="add --device ID: modelport device list")
    find_profile("device", device, index)
    tell_broken(index, "devices")
    devices = all_devices(index)
    request = Request(deadline=deadline_of(deadline_ms))
    found = []
    for row in models:
        candidates = _measured(row, index, devices, device) if row["variants"] else []
        choice = choose(candidates, None, request) if candidates else None
        if choice is not None and not choice.degraded:
            fits = {
                "variant": choice.variant.name,
                "expected": choice.expected,
                "estimated": choice.candidate.estimated,
            }
            found.append({**row, "fits": fits})
    return found


def deadline_of(milliseconds: float | None) -> float:
    """Return a deadline in seconds; None is infinite.

    Raises:
        InputError: It is not above 0.
    """
    if milliseconds is None:
        return inf
    if not milliseconds > 0:
        raise InputError(f"a deadline of {milliseconds:g} ms cannot be met", hint="give milliseconds above 0")
    return milliseconds / 1000


def accuracy_of(share: float) -> float:
    """Return the least accuracy that is asked for.

    Raises:
        InputError: It is no share.
    """
    if not 0 <= share <= 1:
        raise InputError(f"{share:g} is not an accuracy", hint="give a share from 0 to 1: 0.9, not 90")
    return share


def _measured(row: Mapping[str, Any], index: KeptIndex, devices: Mapping[str, Device], device: str) -> list[Candidate]:
    """Return the variants of a model's latest version whose time on *device* is known."""
    from modelport.edge.profiles import candidates_of, usable_variants

    model = index.model(row["name"])
    variants = usable_variants(model) if model else []
    found = candidates_of(row["name"], variants, devices, on=device)
    return [candidate for candidate in found if candidate.infer.known]


def _with_variants(model: Mapping[str, Any], index: KeptIndex) -> str:
    """Return where variants are, when not where they were looked for."""
    from modelport.edge.profiles import usable_variants

    versions = [one["version"] for one in model.get("variants", ()) if usable_variants(model, one["version"])]
    if versions:
        labels = (f"{model['name']}:{one}" for one in versions[:_MANY])
        return f"there are variants of {', '.join(labels)}"
    others = [row["name"] for row in index.rows if row["variants"]]
    return f"there are variants of {', '.join(others[:_MANY])}" if others else "no model of the catalog has variants"


def _hint(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are: {', '.join(names)}" if len(names) <= _MANY else ""
