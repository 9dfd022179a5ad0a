"""A model with choices, defaults, optional fields, maps, tables and pictures, from its file to its answers."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from tests.support.commands import Workplace
from tests.support.every_kind import PNG

LEAF = '''\
from enum import Enum
from typing import Annotated, NamedTuple

import pandas as pd

from modelport import About, Frame, Image, Model


class Colour(Enum):
    red = 1
    green = 2


Length = Annotated[float, About("from end to end", unit="cm", minimum=0, maximum=10)]
Leaves = Annotated[pd.DataFrame, Frame(length=Length, colour=Colour)]


class Leaf(NamedTuple):
    colour: Colour
    length: Length = 5.0
    tag: str | None = None


def describe(leaf: Leaf) -> Leaf:
    """Say what a leaf is like."""
    return leaf._replace(tag=leaf.tag or leaf.colour.name)


def count(veins: dict[str, int], colour: Colour = Colour.red) -> dict[str, int]:
    return {f"{colour.name} {name}": number for name, number in veins.items()}


def longest(leaves: Leaves) -> Colour:
    return leaves.sort_values("length").iloc[-1]["colour"]


def same(image: Image) -> Image:
    return image


model = Model(describe=describe, count=count, longest=longest, same=same)
model.add_example("describe", {"colour": "green"})
'''
CALLS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("describe", {"colour": "green"}, {"colour": "green", "length": 5.0, "tag": "green"}),
    ("describe", {"colour": 1, "length": 2, "tag": "t"}, {"colour": "red", "length": 2.0, "tag": "t"}),
    ("count", {"veins": {"left": 2}}, {"value": {"red left": 2}}),
    ("longest", {"length": [1.0, 9.5], "colour": ["red", "green"]}, {"value": "green"}),
    ("same", {"image": "iVBORw=="}, {"value": "iVBORw=="}),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = Workplace(tmp_path_factory.mktemp("kinds"))
    (place.folder / "leaf.py").write_text(LEAF)
    place.modelport("pack", "leaf.py", "--no-verify", check=True)
    return place


def test_calls_without_a_server(place: Workplace) -> None:
    for method, given, answer in CALLS:
        done = place.modelport("call", "leaf", method, json.dumps(given), check=True)
        assert json.loads(done.stdout) == answer


def test_what_does_not_fit_is_named(place: Workplace) -> None:
    done = place.modelport("call", "leaf", "describe", '{"colour": "blue", "length": 25}')
    assert done.returncode == 1
    assert "colour: is 'blue', not a Colour: red, green" in done.stderr
    assert "length: is 25.0, above the maximum 10.0" in done.stderr


def test_calls_of_a_service_agree_in_json_and_protobuf(place: Workplace) -> None:
    with place.service("leaf") as service:
        for method, given, answer in CALLS:
            assert service.call_json(method, given) == service.call_protobuf(method, given) == answer
        headers = {"Content-Type": "image/png", "Accept": "image/png"}
        request = urllib.request.Request(f"{service.url}/model/methods/same", PNG, headers)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=60) as picture:  # noqa: S310 - as above
            assert picture.read() == PNG


def test_show_tells_units_ranges_and_choices(place: Workplace) -> None:
    shown = place.modelport("show", "leaf", check=True).stdout
    for line in (
        "  takes length                   double (cm), 0 to 10, default 5",
        "  takes colour                   one of red, green, default red",
        "  takes length                   column of double (cm), 0 to 10",
        "  takes image                    bytes, image/png or image/jpeg",
        "                                 from end to end",
    ):
        assert line in shown
