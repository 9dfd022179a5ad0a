"""Devices and networks: the pages and the documents of ``catalog/devices/`` and ``catalog/networks/``.

A device's page says where its figures come from, and of each model with variants which one is fastest there and which
one most accurate, or why no time is known; its document has the times of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from modelport.edge.profiles import usable_variants
from modelport_site.documents import to_json
from modelport_site.fingerprint import digest_of
from modelport_site.frame import root_of
from modelport_site.linked_lists import list_data
from modelport_site.templating import ENVIRONMENT
from modelport_site.variants import TRUSTED_SPREAD, devices_of, variant_rows, why_untimed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport_site.documents import CatalogDocuments
    from modelport_site.frame import Frame
    from modelport_site.output import OutputFolder
    from modelport_site.settings import SiteSettings
    from modelport_site.variants import VariantRow

__all__ = ["ModelThere", "put_profiles"]

_DEVICES, _NETWORKS = "devices/", "networks/"
_UNITS = {"seconds": " s", "share": "", "times": " times as fast"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelThere:
    """A model whose variants' times are known on a device.

    Attributes:
        row: The model's row in the index.
        variants: Those whose times are known, the fastest first.
        accurate: The most accurate of them, of equals the fastest; None where no accuracy was measured.
    """

    row: Mapping[str, Any]
    variants: tuple[VariantRow, ...]
    accurate: VariantRow | None

    @property
    def fastest(self) -> VariantRow:
        """The fastest variant."""
        return self.variants[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What a page of this kind is, apart from what its template shows.

    Attributes:
        template: The template's name without its ending.
        place: The page's folder; its document is called like it in the API.
        name: What the page is about.
        title: The page's title, where that is not its name.
        description: What search engines show of it.
        document: Its document.
        above: The names and the places of the pages that lead to it.
        rows: The models that it lists.
    """

    template: str
    place: str
    name: str
    description: str
    document: Mapping[str, Any]
    title: str = ""
    above: tuple[tuple[str, str], ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()

    def files(self, frame: Frame, settings: SiteSettings, **shown: object) -> dict[str, bytes]:
        """Return the page, of which the template shows what is *shown*, and the document."""
        template = ENVIRONMENT.get_template(f"{self.template}.html")
        page = frame.fill(
            title=self.title or self.name,
            description=self.description,
            content=template.render(**shown, root=root_of(self.place)),
            place=self.place,
            head=list_data(self.place, self.name, self.above, self.rows, settings),
        )
        document = f"api/v1/{self.place.removesuffix('/')}.json"
        return {f"{self.place}index.html": page.encode(), document: to_json(self.document)}


def put_profiles(
    site: OutputFolder, base: str, frame: Frame, catalog: CatalogDocuments, settings: SiteSettings
) -> None:
    """Bring the pages and the documents of devices and networks up to date."""
    base = digest_of(base, settings.url or "")
    listing, other = frame.under("Edge", "Devices"), frame.under("Edge", "Networks")
    counts = {}
    for name, profile in catalog.devices.items():
        there, untimed = _models_there(catalog, name)
        document, counts[name] = _document(name, profile, there), len(there)
        titles = [one.row["title"] for one in there], {why: [one["title"] for one in untimed[why]] for why in untimed}
        key = digest_of(base, to_json(document), to_json(titles))
        render = partial(_render_device, listing, document, profile, there, settings, untimed=untimed)
        site.put(f"device {name}", key, render)
    key = digest_of(base, to_json(catalog.devices), to_json(counts))
    site.put("devices", key, partial(_render_devices, listing, catalog.devices, counts, settings))
    key = digest_of(base, to_json(catalog.networks))
    site.put("networks", key, partial(_render_networks, other, catalog.networks, settings))
    for name, profile in catalog.networks.items():
        key = digest_of(base, name, to_json(profile))
        site.put(f"network {name}", key, partial(_render_network, other, name, profile, settings))


def _models_there(
    catalog: CatalogDocuments, device: str
) -> tuple[list[ModelThere], dict[str, list[Mapping[str, Any]]]]:
    """Return the models in use with variants whose times are known on a device, and by the reason those without.

    Both are in the catalog's order; the latter are rows of the index.
    """
    documents = {model["name"]: model for model in catalog.models}
    found: list[ModelThere] = []
    untimed: dict[str, list[Mapping[str, Any]]] = {}
    for name, row in catalog.rows.items():
        variants = usable_variants(documents[name]) if row["latest"] and row["lifecycle"] != "yanked" else []
        devices = devices_of(catalog.devices, variants)
        known = [one for one in variant_rows(variants, devices[device], devices) if one.times.infer.known]
        known.sort(key=lambda one: (one.times.infer.mean, one.name))
        measured = [one for one in known if one.accuracy]
        accurate = max(measured, key=lambda one: one.accuracy["value"] if one.accuracy else 0, default=None)
        if known:
            found.append(ModelThere(row=row, variants=tuple(known), accurate=accurate))
        elif variants:
            untimed.setdefault(why_untimed(devices[device], variants), []).append(row)
    return found, untimed


def _document(name: str, profile: Mapping[str, Any], there: Sequence[ModelThere]) -> dict[str, Any]:
    """Return ``/api/v1/devices/<name>.json``: the profile, and the times of all variants there, in seconds."""
    return {
        "schema": "modelport/api-device/1",
        "name": name,
        **profile,
        "variants": [
            {
                "model": one.row["name"],
                "version": one.row["latest"],
                "variant": row.name,
                "estimated": row.times.estimated,
                "measured_on": row.times.source,
                "infer": {"mean": row.times.infer.mean, "sd": row.times.infer.sd},
                "load": {"mean": row.times.load.mean, "sd": row.times.load.sd},
                "accuracy": row.accuracy["value"] if row.accuracy else None,
                "size": row.document["size"],
                "pareto": row.best,
            }
            for one in there
            for row in one.variants
        ],
    }


def _render_devices(
    frame: Frame, devices: Mapping[str, Mapping[str, Any]], counts: Mapping[str, int], settings: SiteSettings
) -> dict[str, bytes]:
    page = _Page(
        template="devices",
        place=_DEVICES,
        name="Devices",
        description="Devices on which this catalog knows, or can estimate, what variants of its models take",
        document={"schema": "modelport/api-devices/1", "devices": dict(devices)},
    )
    return page.files(frame, settings, devices=devices, counts=counts)


def _render_device(
    frame: Frame,
    document: Mapping[str, Any],
    profile: Mapping[str, Any],
    there: Sequence[ModelThere],
    settings: SiteSettings,
    *,
    untimed: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, bytes]:
    name, title = document["name"], profile["title"]
    page = _Page(
        template="device",
        place=f"{_DEVICES}{name}/",
        name=title,
        title=f"{title}, a device",
        description=f"{title}: where its figures come from, and which variants are fastest and most accurate on it",
        document=document,
        above=(("Devices", _DEVICES),),
        rows=tuple(one.row for one in there),
    )
    shown = {"name": name, "device": profile, "there": there, "untimed": untimed}
    return page.files(frame, settings, **shown, units=_UNITS, trusted=TRUSTED_SPREAD)


def _render_networks(
    frame: Frame, networks: Mapping[str, Mapping[str, Any]], settings: SiteSettings
) -> dict[str, bytes]:
    page = _Page(
        template="networks",
        place=_NETWORKS,
        name="Networks",
        description="Networks between a device and its edge server: how long a message takes, and who measured it",
        document={"schema": "modelport/api-networks/1", "networks": dict(networks)},
    )
    return page.files(frame, settings, networks=networks)


def _render_network(frame: Frame, name: str, profile: Mapping[str, Any], settings: SiteSettings) -> dict[str, bytes]:
    title = profile["title"]
    page = _Page(
        template="network",
        place=f"{_NETWORKS}{name}/",
        name=title,
        title=f"{title}, a network",
        description=f"{title}: how long a message takes between a device and its edge server, and who measured it",
        document={"schema": "modelport/api-network/1", "name": name, **profile},
        above=(("Networks", _NETWORKS),),
    )
    return page.files(frame, settings, name=name, network=profile)
