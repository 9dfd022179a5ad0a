"""The files of one model: its page, its examples and its document of the API."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from modelport.catalog.facts import slug
from modelport.catalog.imported import IMPORTERS, imported_signature, old_runtime_note
from modelport_site.around import Around, look_around
from modelport_site.bibtex import bibtex, work_key
from modelport_site.card import render_card
from modelport_site.cff import cff
from modelport_site.citation import citation_text, cited_work, model_work
from modelport_site.compare_page import render_compare
from modelport_site.documents import check_model, to_json
from modelport_site.evidence import in_the_field, last_reproduced
from modelport_site.examples import view_examples
from modelport_site.frame import root_of
from modelport_site.intervals import interval_plot
from modelport_site.linked_data import linked_data
from modelport_site.plots import metric_series
from modelport_site.signature import method_tables
from modelport_site.snippets import first_calls, usage_tabs
from modelport_site.templating import ENVIRONMENT
from modelport_site.variants import view_variants
from modelport_site.versions import chosen_version, view_versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelport_site.citation import Work
    from modelport_site.documents import CatalogDocuments
    from modelport_site.examples import ExampleView
    from modelport_site.frame import Frame
    from modelport_site.settings import SiteSettings
    from modelport_site.variants import VariantsView

__all__ = ["ModelInput", "model_inputs", "render_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """All that a model's files are made from.

    Attributes:
        model: The model's document.
        row: Its row in the index.
        around: The other models that its page names.
        source: The text of its ``model.yaml``, when it is at hand.
        evidence: Its ``modelport/evidence/1`` document, when there is one.
        devices: The catalog's devices, where it has variants or was measured in the field.
        settings: The site's settings.
    """

    model: Mapping[str, Any]
    row: Mapping[str, Any]
    around: Around
    source: str | None
    evidence: Mapping[str, Any] | None
    devices: Mapping[str, Mapping[str, Any]]
    settings: SiteSettings

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.model["name"])

    def key(self) -> bytes:
        """Return bytes that change whenever one of the parts does."""
        around, settings = asdict(self.around), asdict(self.settings)
        return to_json([self.model, self.row, around, self.source, self.evidence, self.devices, settings])


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
            devices=catalog.devices if model.get("variants") or evidence.get(name, {}).get("field") else {},
            settings=settings,
        )


def render_model(frame: Frame, page: ModelInput) -> dict[str, bytes]:
    """Return the files of one model: its pages, pictures, examples, citations, and its document of the API."""
    check_model(page.model)
    release = chosen_version(page.model)
    work = model_work(page.model, release, f"{page.settings.url}models/{page.name}/" if page.settings.url else "")
    examples, files = view_examples(page.name, release) if release else ((), {})
    content = ENVIRONMENT.get_template("model.html").render(
        **_entry(page),
        **_release(page, release, examples),
        **_citations(page.model, work),
        edge=_variants(page, release),
        root=root_of(f"models/{page.name}/"),
    )
    html = frame.fill(
        title=page.model["title"],
        description=page.model["summary"],
        content=content,
        place=f"models/{page.name}/",
        head=linked_data(page.model, release, page.settings),
    )
    files |= {
        f"models/{page.name}/index.html": html.encode(),
        f"models/{page.name}/CITATION.cff": cff(page.model, work).encode(),
        f"models/{page.name}/citation.bib": _bib(page.model, work).encode(),
        f"api/v1/models/{page.name}.json": to_json(page.model),
    }
    if page.evidence is not None:
        files[f"api/v1/evidence/{page.name}.json"] = to_json(page.evidence)
    if page.source is not None:
        files[f"models/{page.name}/model.yaml"] = page.source.encode()
    return files | render_compare(frame, page.model)


def _entry(page: ModelInput) -> dict[str, Any]:
    """Return what a page says of the entry, apart from its versions."""
    model, place = page.model, f"catalog/models/{page.name}"
    repository, branch = page.settings.repository, page.settings.branch
    return {
        "model": {**_OPTIONAL, **model},
        "row": page.row,
        "card": Markup(render_card(model["card"])),  # noqa: S704 - sanitised there
        "around": page.around,
        "titles": {one.name: one.title for one in page.around.parents},
        "versions": view_versions(model),
        "series": metric_series(model["versions"]),
        "source": page.source is not None,
        "training_data": [(one, slug(one["name"])) for one in model.get("training_data", ())],
        "edit_url": f"{repository}/edit/{branch}/{place}/model.yaml" if repository else "",
        "recipe_url": f"{repository}/blob/{branch}/{place}/recipe.py" if repository and model["recipe"] else "",
        "old_runtime": old_runtime_note(model),
        "importer": IMPORTERS[model["imported"]["from"]] if "imported" in model else "",
        "report_url": model.get("links", {}).get("issues") or (f"{repository}/issues/new" if repository else ""),
    }


def _release(page: ModelInput, release: Mapping[str, Any] | None, examples: tuple[ExampleView, ...]) -> dict[str, Any]:
    """Return what a page says of the version that it is about."""
    if release is None:
        empty: dict[str, Any] = dict.fromkeys(("examples", "tabs", "inputs", "evaluations", "independent"), ())
        methods = [(table, None) for table in method_tables(imported_signature(page.model), ())]
        return {**empty, "methods": methods, "release": None, "reproduced": None, "usable": False, "resources": {}}
    paths = {one.number: one.input_path for one in examples}
    return {
        "release": release,
        "reproduced": last_reproduced(page.evidence, release),
        "usable": page.model["lifecycle"] != "yanked" and page.model["latest"] is not None,
        "resources": release.get("resources", {}),
        "methods": [
            (table, next((one for one in examples if one.method == table.name), None))
            for table in method_tables(release["signature"], release["examples"])
        ],
        "independent": {one["method"]: one["rows"] for one in release.get("row_independent", ())},
        "examples": examples,
        "tabs": usage_tabs(page.name, release, recipe=page.model["recipe"]),
        "inputs": [(one.file, paths[one.example]) for one in first_calls(page.name, release) if one.file],
        "evaluations": [(one, slug(one["data"]), interval_plot(one)) for one in release["evaluations"]],
    }


def _variants(page: ModelInput, release: Mapping[str, Any] | None) -> VariantsView | None:
    field = in_the_field(page.evidence, release)
    return view_variants(page.model, release["version"] if release else None, page.devices, field)


def _citations(model: Mapping[str, Any], work: Work) -> dict[str, Any]:
    cited = cited_work(model)
    return {
        "citation": citation_text(work),
        "cited": citation_text(cited) if cited else (model.get("citation") or {}).get("text", ""),
        "cited_url": (f"https://doi.org/{cited.doi}" if cited.doi else cited.url) if cited else "",
        "bibtex": _bib(model, work),
        "cff": cff(model, work),
    }


def _bib(model: Mapping[str, Any], work: Work) -> str:
    """Return the model and the work to cite with it, as entries of one ``.bib`` file."""
    cited = cited_work(model)
    own = bibtex(work, f"{model['name']}-{work.version}" if work.version else model["name"])
    return f"{own}\n{bibtex(cited, work_key(cited))}" if cited else own


_OPTIONAL: dict[str, Any] = {
    "imported": None,
    "tags": (),
    "languages": (),
    "lineage": (),
    "links": {},
    "reason": "",
    "successor": "",
}
"""Keys that an entry may leave out; templates know no missing ones."""
