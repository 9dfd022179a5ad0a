"""The facets of the catalog: what models can be told apart by, in words for people and in parts of addresses.

A facet's *value* has an id, which stands in addresses (``?task=image-classification``, ``browse/task/.../``), and a
label. Both are made here, so that the list, its index, the landing pages and the home page call a thing by one name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.catalog.facts import slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["FACETS", "LAST", "Facet", "FacetValue", "framework_label", "label_of", "tabulate", "values_of"]

LAST = ("deprecated", "yanked")
"""Life cycles of models that nobody should start with: they come last wherever models are listed."""


@dataclass(frozen=True, slots=True)
class Facet:
    """One way to tell models apart."""

    key: str
    """In addresses, and the name of its checkboxes."""
    label: str
    plural: str
    field: str
    """The index row's key: one value, or a list of values."""
    order: tuple[str, ...] = ()
    """The values in their own order; without one, the commonest come first."""

    def place(self, value: str) -> str:
        """Return the folder of a value's landing page."""
        return f"publishers/{value}/" if self.key == "publisher" else f"browse/{self.key}/{value}/"


FACETS = (
    Facet("task", "Task", "Tasks", "task"),
    Facet("takes", "Takes", "What they take", "takes"),
    Facet("gives", "Gives", "What they give", "gives"),
    Facet("framework", "Framework", "Frameworks", "frameworks"),
    Facet("format", "Format", "Formats", "formats"),
    Facet("size", "Size", "Sizes", "size_class", ("under-1-mb", "1-to-10-mb", "10-to-100-mb", "over-100-mb")),
    Facet("variant", "Edge variant", "Edge variants", "variants"),
    Facet("license", "Licence", "Licences", "license_class", ("permissive", "weak-copyleft", "copyleft", "restricted")),
    Facet("publisher", "Publisher", "Publishers", "publisher"),
    Facet("lifecycle", "Life cycle", "Life cycles", "lifecycle", ("published", "draft", *LAST)),
    Facet("tag", "Tag", "Tags", "tags"),
)
_BRANDS = {
    "catboost": "CatBoost",
    "jax": "JAX",
    "keras": "Keras",
    "lightgbm": "LightGBM",
    "litert": "LiteRT",
    "onnxruntime": "ONNX Runtime",
    "pytorch": "PyTorch",
    "tensorflow": "TensorFlow",
    "transformers": "Transformers",
    "xgboost": "XGBoost",
}


@dataclass(slots=True)
class FacetValue:
    """A value that at least one model has, and those models' rows in the catalog's order."""

    facet: Facet
    id: str
    label: str
    rows: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def place(self) -> str:
        """The folder of its landing page."""
        return self.facet.place(self.id)

    @property
    def count(self) -> int:
        """How many models have it."""
        return len(self.rows)


def framework_label(value: str) -> str:
    """Return a framework's name as its makers write it."""
    return _BRANDS.get(value, value)


def label_of(facet: Facet, value: str) -> str:
    """Return a value in words."""
    match facet.key:
        case "tag" | "publisher" | "variant":
            return value
        case "framework":
            return framework_label(value)
        case "format":
            return f".{value}"
        case "size":
            return value.replace("-", " ").replace("mb", "MB").capitalize().replace("mb", "MB")
        case _:
            return value.replace("-", " ").capitalize()


def values_of(facet: Facet, row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the values that a model has: the id and the label of each."""
    said = row[facet.field]
    texts = said if isinstance(said, list) else [said] if said is not None else []
    return list(dict.fromkeys((slug(text), label_of(facet, text)) for text in texts))


def tabulate(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[FacetValue]]:
    """Return each facet's values in the order in which they are shown."""
    found: dict[str, dict[str, FacetValue]] = {facet.key: {} for facet in FACETS}
    for row in rows:
        for facet in FACETS:
            for value, label in values_of(facet, row):
                here = found[facet.key].setdefault(value, FacetValue(facet, value, label))
                if not here.rows or here.rows[-1] is not row:  # two texts may share an id
                    here.rows.append(row)
    return {facet.key: _ordered(facet, found[facet.key].values()) for facet in FACETS}


def _ordered(facet: Facet, values: Iterable[FacetValue]) -> list[FacetValue]:
    if facet.order:
        places = {value: place for place, value in enumerate(facet.order)}
        return sorted(values, key=lambda one: places.get(one.id, len(places)))
    return sorted(values, key=lambda one: (-one.count, one.label.lower()))
