"""How commands find what they reckon with in the catalog's kept index: devices, networks, and models' variants."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from modelport.errors import NotFoundError
from modelport.types import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelport.catalog.kept import KeptIndex
    from modelport.edge.types import Device

__all__ = ["Known", "all_devices", "find_profile", "find_variants"]

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


def find_profile(kind: str, name: str, known: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the profile called *name* among those *known* of a *kind*: device or network.

    Raises:
        NotFoundError: There is none; the hint names the nearest, or all.
    """
    if name in known:
        return known[name]
    if not known:
        hint = f"the catalog has no {kind}s: add one to {kind}s/"
    else:
        hint = _hint(name, known) or f"modelport {kind} list shows all"
    raise NotFoundError(f"the catalog has no {kind} {name}", hint=hint)


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
        raise NotFoundError(f"{model['name']} has no version {version or 'yet'}", hint=hint)
    variants = usable_variants(model, version)
    if not variants:
        raise NotFoundError(
            f"no variants of {model['name']} {version} are known that can be used", hint=_with_variants(model, index)
        )
    return Known(model["name"], version, variants)


def all_devices(index: KeptIndex) -> dict[str, Device]:
    """Return the catalog's devices."""
    from modelport.edge.profiles import device_of

    return {name: device_of(name, document) for name, document in index.devices.items()}


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
