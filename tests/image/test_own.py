"""Modelport's own layers: the rooms that serve and nothing that lies about; what they need is what is declared."""

from __future__ import annotations

import tomllib

import pytest
from packaging.requirements import Requirement
from tests.support.commands import ROOT

from modelport.image.own import is_served, modelport_tree, service_pins
from modelport.package.locks import canonical_name


@pytest.mark.parametrize(
    "path",
    [
        "serve/.env", ".git/config", "serve/notes.txt", "serve/__pycache__/app.cpython-311.pyc", "cli/image.py",
        "serve/assets/.main.js.swp", "serve/app.py.orig", "model/.hidden.py", "sdk.py", "schemas/other.json",
    ],
)  # fmt: skip
def test_what_lies_about_is_not_served(path: str) -> None:
    assert not is_served(path)


def test_all_that_serving_reads_is_there() -> None:
    there = modelport_tree("opt")
    assert {
        "opt/modelport/py.typed",
        "opt/modelport/serve/app.py",
        "opt/modelport/serve/assets/main.js",
    } <= there.keys()
    assert sum(path.startswith("opt/modelport/schemas/") for path in there) == len(list((ROOT / "schemas").iterdir()))


def test_the_services_lock_has_all_that_is_declared_and_in_versions_that_fit() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    pinned = {pin.name: pin.version for pin in service_pins(set())}
    for one in map(Requirement, [*project["dependencies"], *extras["serve"], *extras["grpc"]]):
        assert one.specifier.contains(pinned[canonical_name(one.name)]), one
