"""Data sets: which models were trained on each, and which were measured on it, with what outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.catalog.facts import slug
from modelport_site.documents import to_json
from modelport_site.facets import LAST
from modelport_site.frame import root_of
from modelport_site.intervals import interval_plot
from modelport_site.landing import BROWSE
from modelport_site.linked_lists import list_data
from modelport_site.templating import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport_site.documents import CatalogDocuments
    from modelport_site.frame import Frame
    from modelport_site.settings import SiteSettings

__all__ = ["DataSet", "data_sets", "render_data_set"]


@dataclass(slots=True)
class DataSet:
    """What entries say of one data set; models to avoid come last in both lists."""

    id: str
    name: str
    trained: list[dict[str, Any]] = field(default_factory=list)
    measured: list[dict[str, Any]] = field(default_factory=list)

    @property
    def place(self) -> str:
        """The folder of its page."""
        return f"data/{self.id}/"

    @property
    def models(self) -> dict[str, Mapping[str, Any]]:
        """The index rows of its models by name."""
        return {one["row"]["name"]: one["row"] for one in [*self.trained, *self.measured]}

    @property
    def label(self) -> str:
        """The name, under the name that facet values have for it."""
        return self.name

    @property
    def count(self) -> int:
        """How many models it has to do with."""
        return len(self.models)

    def key(self) -> bytes:
        """Return everything that its page says, for the page's digest."""
        return to_json([self.id, self.name, self.trained, self.measured])


def data_sets(catalog: CatalogDocuments) -> list[DataSet]:
    """Return the data sets of all models' training data and latest evaluations, by name."""
    found: dict[str, DataSet] = {}
    documents = {model["name"]: model for model in catalog.models}
    for name, whole in catalog.rows.items():
        row = {key: whole[key] for key in ("name", "title", "lifecycle", "latest")}
        model = documents[name]
        release: Mapping[str, Any] = next((v for v in model["versions"] if v["version"] == model["latest"]), {})
        for one in model.get("training_data", ()):
            _of(found, one["name"]).trained.append({"row": row, **one})
        for one in release.get("evaluations", ()):
            _of(found, one["data"]).measured.append({"row": row, **one})
    for data in found.values():
        # Figures of one metric on one split can be compared: they stand together, models to avoid at the end.
        data.measured.sort(key=lambda one: (one["row"]["lifecycle"] in LAST, one["metric"], one["split"]))
    return sorted(found.values(), key=lambda one: one.name.lower())


def _of(found: dict[str, DataSet], name: str) -> DataSet:
    return found.setdefault(slug(name), DataSet(slug(name), name))


def render_data_set(frame: Frame, data: DataSet, settings: SiteSettings) -> dict[str, bytes]:
    """Return the page of a data set."""
    rows = list(data.models.values())
    sources = list(dict.fromkeys(one["source"] for one in data.trained if one.get("source")))
    licenses = list(dict.fromkeys(one["license"] for one in data.trained if one.get("license")))
    content = ENVIRONMENT.get_template("data_set.html").render(
        data=data,
        sources=sources,
        licenses=licenses,
        measured=[(one, interval_plot(one)) for one in data.measured],
        root=root_of(data.place),
    )
    description = f"{data.name}: {_counted(data)} of this catalog, with figures, splits and who measured them"
    about = {"@type": "Dataset", "name": data.name, "description": description}
    if licenses:
        about["license"] = " AND ".join(licenses)
    page = frame.fill(
        title=f"{data.name}, a data set",
        description=description,
        content=content,
        place=data.place,
        head=list_data(data.place, data.name, BROWSE, rows, settings, about=about),
    )
    return {f"{data.place}index.html": page.encode()}


def _counted(data: DataSet) -> str:
    trained, measured = len({o["row"]["name"] for o in data.trained}), len({o["row"]["name"] for o in data.measured})
    return f"{trained} model{'' if trained == 1 else 's'} trained on it and {measured} measured on it"
