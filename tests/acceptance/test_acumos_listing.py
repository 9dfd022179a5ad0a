"""The Acumos paper's Fig. 2 runs with nothing changed but its two import lines, and its model goes the whole way.

``listings/acumos_literal.py`` is the listing letter by letter, with its extra parentheses; ``acumos_corrected.py`` has
them removed; ``acumos_tutorial.py`` uses what the client's later versions had besides. All run outside any catalog.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.commands import Workplace

LISTINGS = Path(__file__).parent / "listings"
FLOWERS = {"sepal_length": [5.1, 6.2], "sepal_width": [3.5, 3.4], "petal_length": [1.4, 5.4], "petal_width": [0.2, 2.3]}


@pytest.mark.parametrize("form", ["literal", "corrected"])
def test_the_listing_goes_the_whole_way(form: str, workplace: Workplace) -> None:
    listing = workplace.folder / "iris.py"
    listing.write_text((LISTINGS / f"acumos_{form}.py").read_text("utf-8"), encoding="utf-8")
    assert workplace.python(listing).returncode == 0

    stored = workplace.modelport("store", "list").stdout
    assert stored.startswith("iris_model:latest")

    called = workplace.modelport("call", "iris_model", "classify", json.dumps(FLOWERS))
    assert json.loads(called.stdout) == {"IrisType": [0, 2]}, called.stderr

    with workplace.service("iris_model") as service:
        assert service.call_json("classify", FLOWERS) == {"IrisType": [0, 2]}
        assert service.call_protobuf("classify", FLOWERS) == {"IrisType": [0, 2]}


def test_both_forms_pack_to_one_digest(workplace: Workplace) -> None:
    digests = set()
    for form in ("literal", "corrected"):
        listing = workplace.folder / f"{form}.py"
        listing.write_text((LISTINGS / f"acumos_{form}.py").read_text("utf-8"), encoding="utf-8")
        assert workplace.python(listing).returncode == 0
        digests.add(workplace.modelport("store", "list").stdout.split()[1])
    assert len(digests) == 1


def test_only_what_the_method_uses_is_required(workplace: Workplace) -> None:
    # The listing imports pandas and never uses it.
    listing = workplace.folder / "iris.py"
    listing.write_text((LISTINGS / "acumos_literal.py").read_text("utf-8"), encoding="utf-8")
    assert workplace.python(listing).returncode == 0
    shown = json.loads(workplace.modelport("show", "iris_model", "--json").stdout)
    names = {one.partition("==")[0] for one in shown["requirements"]}
    assert names == {"numpy", "scikit-learn", "skops"}


def test_the_tutorial_of_the_last_client_goes_the_whole_way(workplace: Workplace) -> None:
    listing = workplace.folder / "tutorial.py"
    listing.write_text((LISTINGS / "acumos_tutorial.py").read_text("utf-8"), encoding="utf-8")
    workplace.python(listing)

    shown = json.loads(workplace.modelport("show", "my-iris", "--json", check=True).stdout)
    assert {one.partition("==")[0] for one in shown["requirements"]} == {"numpy", "packaging", "scikit-learn", "skops"}
    assert (workplace.package("my-iris") / "LICENSE").read_text("utf-8") == "As one likes.\n"
    assert (workplace.folder / "my-iris.zip").is_file()

    flowers = {f"{field}_cm": column for field, column in FLOWERS.items()}
    called = workplace.modelport("call", "my-iris", "classify", json.dumps(flowers), check=True)
    assert json.loads(called.stdout) == {"value": [0, 2]}
    called = workplace.modelport("call", "my-iris", "ask", json.dumps({"value": '{"b": 1, "a": 2}'}), check=True)
    assert json.loads(called.stdout) == {"value": ["a", "b"]}
