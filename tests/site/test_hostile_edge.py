"""Whatever a contributor writes of variants, devices and networks: nothing runs, and the page stays whole."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from tests.site.edge_samples import DEVICES, NETWORKS, edge
from tests.site.fields import Field, fill, string_fields, written
from tests.site.payloads import AWKWARD, HOSTILE
from tests.site.samples import index_of
from tests.site.test_hostile import ENOUGH, FORBIDDEN, broken, pages_of, texts_of
from tests.site.watching import watched

from modelport_site import build_site, serve_site

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Browser

FIELDS = {name: list(string_fields(name)) for name in ("variants", "device", "network")}
ALL = [pytest.param(name, field, id=f"{name}.{field}") for name, fields in FIELDS.items() for field in fields]


@pytest.mark.parametrize(("name", "field"), ALL)
def test_a_field_takes_every_text_or_no_markup_at_all(name: str, field: Field) -> None:
    texts = texts_of(field)
    assert len(texts) >= ENOUGH or not any(set(text) & set("<>\"'") - {"'"} for text in texts), name


def filled(name: str, document: dict[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """Return a document with the *texts* in turn in every field that takes them."""
    one = deepcopy(document)
    for place, field in enumerate(FIELDS[name]):
        value = written(field.schema, texts[place % len(texts)])
        if value is not None and len(texts_of(field)) > 1 and "recipe" not in field.path:
            fill(one, field, name, value)
    return one


def site_of(out: Path, cache: Path, every: Sequence[Sequence[str]]) -> Path:
    models, devices, networks = [], {}, {}
    for number, texts in enumerate(every):
        one = edge() | {"name": f"h{number}"}
        one["variants"][0] = filled("variants", one["variants"][0], texts)
        variants = one["variants"][0]["variants"]
        variants[-1]["message"] = variants[0].pop("message")  # of the one that failed
        variants[0] |= {"name": "float32", "digest": f"sha256:{'0' * 64}"}
        models.append(one)
        devices[f"d{number}"] = filled("device", DEVICES["phone-1"] | {"flags": ["x"]}, texts)
        networks[f"n{number}"] = filled("network", NETWORKS["campus"], texts)
    build_site(index_of(*models), models, out, cache=cache, devices=DEVICES | devices, networks=networks)
    return out


def test_nothing_runs_and_nobody_is_asked(browser: Browser, cache: Path, tmp_path: Path) -> None:
    every = [HOSTILE[number : number + 3] for number in range(0, len(HOSTILE), 3)]
    out = site_of(tmp_path / "out", cache, every)
    told = json.loads((out / "api/v1/devices.json").read_bytes())["devices"]
    assert sum(one["title"] in HOSTILE for one in told.values()) > 10
    with serve_site(out, 0) as served, watched(browser, served.url) as one:
        for path in pages_of(out, "models/*/", "devices/", "devices/*/", "networks/", "networks/*/"):
            page = one.go(path)
            assert page.evaluate(FORBIDDEN) == [], path
            assert one.trouble == [], path


@pytest.mark.parametrize("width", [390, 1440])
def test_honest_texts_of_any_kind_keep_a_page_whole(browser: Browser, cache: Path, tmp_path: Path, width: int) -> None:
    out = site_of(tmp_path / "out", cache, [[text] for text in AWKWARD.values()])
    with serve_site(out, 0) as served, watched(browser, served.url, width=width) as one:
        paths = pages_of(out, "models/*/", "devices/", "devices/*/", "networks/", "networks/*/")
        assert not (found := broken(one, paths, width)), "\n".join(found)
