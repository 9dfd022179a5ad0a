"""The files of one model: its page, its examples and its document of the API."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from modelport_site.around import Around, look_around
from modelport_site.card import render_card
from modelport_site.documents import check_model, to_json
from modelport_site.examples import view_examples
from modelport_site.intervals import interval_plot
from modelport_site.linked_data import linked_data
from modelport_site.signature import method_tables
from modelport_site.snippets import input_file_name, usage_tabs
from modelport_site.templating import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelport_site.documents import CatalogDocuments
    from modelport_site.frame import Frame
    from modelport_site.settings import SiteSettings

__all__ = ["ModelInput", "model_inputs", "render_model"]

_LIFECYCLE = {"published": "", "draft": "Draft", "deprecated": "Deprecated", "yanked": "Yanked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """All that a model's files are made from.

    Attributes:
        model: The model's document.
        row: Its row in the index.
        around: The other models that its page names.
        source: The text of its ``model.yaml``, when it is at hand.
        evidence: Its ``modelport/evidence/1`` document, when there is one.
        settings: The site's settings.
    """

    model: Mapping[str, Any]
    row: Mapping[str, Any]
    around: Around
    source: str | None
    evidence: Mapping[str, Any] | None
    settings: SiteSettings

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.model["name"])

    def key(self) -> bytes:
        """Return bytes that change whenever one of the parts does."""
        around, settings = asdict(self.around), asdict(self.settings)
        return to_json([self.model, self.row, around, self.source, self.evidence, settings])


def model_inputs(
    catalog: CatalogDocuments,
    settings: SiteSettings,
    sources: Mapping[str, str],
    evidence: Mapping[str, Mapping[str, Any]],
) -> Iterator[ModelInput]:
    """Yield what each model's files are made from; *sources* and *evidence* are by the models' names."""
    rows = catalog.rows
    around = look_around(catalog.models, rows)
    for model in catalog.models:
        name = model["name"]
        yield ModelInput(
            model=model,
            row=rows[name],
            around=around[name],
            source=sources.get(name),
            evidence=evidence.get(name),
            settings=settings,
        )


def render_model(frame: Frame, page: ModelInput) -> dict[str, bytes]:
    """Return the files of one model: its page, its pictures, its API document and its examples."""
    model, row, successor, settings = page.model, page.row, page.around.successor, page.settings
    check_model(model)
    name = model["name"]
    release = _latest(model)
    examples, files = view_examples(name, release) if release else ((), {})
    usable = release is not None and model["lifecycle"] != "yanked"
    tabs, from_file = usage_tabs(name, release, recipe=model["recipe"]) if release else ((), False)
    content = ENVIRONMENT.get_template("model.html").render(
        model={"tags": (), **model},
        row=row,
        card=Markup(render_card(model["card"])),  # noqa: S704 - sanitised there
        lifecycle=_LIFECYCLE.get(model["lifecycle"], model["lifecycle"]),
        task_words=model["task"].replace("-", " "),
        release=release,
        usable=usable,
        methods=method_tables(release["signature"], release["examples"]) if release else (),
        examples=examples,
        tabs=tabs,
        input_file=input_file_name(name) if from_file else "",
        evaluations=[(e, interval_plot(e)) for e in release["evaluations"]] if release else [],
        successor=successor,
        root="../../",
    )
    html = frame.fill(
        title=model["title"],
        description=model["summary"],
        content=content,
        place=f"models/{name}/",
        head=linked_data(model, release, settings),
    )
    return files | {f"models/{name}/index.html": html.encode(), f"api/v1/models/{name}.json": to_json(model)}


def _latest(model: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the version that the page is about: the latest, or the newest where none is called latest."""
    found = [v for v in model["versions"] if v["version"] == model["latest"]] or model["versions"]
    return found[0] if found else None
