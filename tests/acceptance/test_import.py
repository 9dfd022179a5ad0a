"""Models of other tools, the whole way: imported, checked, shown, listed, on the site; nothing of theirs is run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.package.acumos_bundles import CLIENTS, write_bundle
from tests.support.commands import Workplace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """Give a repository whose catalog is empty."""
    (tmp_path / "repository/catalog").mkdir(parents=True)
    (tmp_path / "repository/modelport.toml").write_text("", encoding="utf-8")
    return Workplace(tmp_path / "repository", store=tmp_path / "store")


@pytest.mark.parametrize("client", CLIENTS)
def test_an_acumos_bundle_becomes_an_entry_that_says_what_it_needs(
    client: str, place: Workplace, tmp_path: Path
) -> None:
    marker = tmp_path / "touched"
    terms = json.dumps({"keyword": "Apache-2.0", "licenseName": "Apache License 2.0"})
    bundle = write_bundle(tmp_path / "bundle", client, marker, license_json=terms)
    python, dill = CLIENTS[client]["python"], CLIENTS[client]["dill"]
    note = f"It needs its old runtime: Python {python} with acumos {client}, dill {dill}; it cannot be called here"

    done = place.modelport("import", "acumos", bundle, check=True)
    assert done.stdout == "catalog/models/example-model\n"
    assert note in done.stderr
    entry = place.folder / "catalog/models/example-model"
    assert sorted(one.name for one in entry.iterdir()) == ["card.md", "model.yaml"]

    assert place.modelport("check", check=True).stderr == "no problems\n"
    shown = place.modelport("show", "example-model", check=True).stdout
    assert note in shown
    assert "count: Counts the occurrences of words in `strings`" in shown
    assert "Apache-2.0" in shown
    listed = place.modelport("list", "--all", check=True).stdout
    assert f"(needs Python {python}: cannot be called here)" in listed
    assert "example-model" in place.modelport("search", "strings", "--all", check=True).stdout

    place.modelport("site", "build", "--out", tmp_path / "site", check=True)
    page = (tmp_path / "site/models/example-model/index.html").read_text("utf-8")
    assert note in page
    assert "<code>count</code>" in page
    assert "modelport pull" not in page
    assert f"acumos=={client}" in page
    assert not marker.exists()
