"""The examples of a release: shortened for the page, complete as files beside the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport_site.documents import to_json
from modelport_site.pictures import pictures
from modelport_site.shorten import elide

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ExampleView", "Picture", "view_examples"]

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in an example: its file in the site and how to show it."""

    path: str
    alt: str
    width: int
    height: int
    scale: int


@dataclass(frozen=True, slots=True)
class ExampleView:
    """One example as the page shows it."""

    number: int
    method: str
    input: str
    input_cut: bool
    output: str
    output_cut: bool
    tolerance: float
    pictures: tuple[Picture, ...]
    path: str
    input_path: str


def view_examples(name: str, release: Mapping[str, Any]) -> tuple[tuple[ExampleView, ...], dict[str, bytes]]:
    """Return the first examples and the files they need: the example, its input alone, its pictures."""
    views, files = [], {}
    for number, example in enumerate(release["examples"][:_SHOWN], 1):
        path = f"api/v1/models/{name}/examples/{number}.json"
        input_path = f"api/v1/models/{name}/examples/{number}-input.json"
        files[path], files[input_path] = to_json(example), to_json(example["input"])
        found: list[Picture] = []
        for field, content, width, height in _find_pictures(release["signature"], example):
            place = f"models/{name}/example-{number}-{len(found) + 1}.png"
            files[place] = content
            alt = f"Picture {len(found) + 1} of {field} in example {number}, {width} by {height} pixels"
            found.append(Picture(place, alt, width, height, max(1, 112 // max(width, height))))
        views.append(
            ExampleView(
                number,
                example["method"],
                *elide(example["input"]),
                *elide(example["output"]),
                example.get("tolerance", 0.0),
                tuple(found),
                path,
                input_path,
            )
        )
    return tuple(views), files


def _find_pictures(signature: Mapping[str, Any], example: Mapping[str, Any]) -> list[tuple[str, bytes, int, int]]:
    messages = {message["name"]: message for message in signature["messages"]}
    method = next((m for m in signature["methods"] if m["name"] == example["method"]), None)
    fields = messages[method["input"]]["fields"] if method else []
    return [
        (field["name"], *picture)
        for field in fields
        for picture in pictures(field["type"], example["input"].get(field["name"]))
    ]
