"""The examples of a release: shortened for the page, complete as files beside the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport_site.documents import to_json
from modelport_site.pictures import pictures
from modelport_site.shorten import elide, plain_json
from modelport_site.signature import first_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["ExampleView", "Picture", "view_examples"]

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in an example: the field that it is from, its file in the site and how to show it."""

    field: str
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
    taken: tuple[Picture, ...]
    """The pictures in the input."""
    given: tuple[Picture, ...]
    """The pictures in the output."""
    path: str
    input_path: str


def view_examples(name: str, release: Mapping[str, Any]) -> tuple[tuple[ExampleView, ...], dict[str, bytes]]:
    """Return the examples to show and the files they need: the example, its input alone, its pictures.

    Each method's first example is among them.
    """
    views, files = [], {}
    for number in _numbers(release["examples"]):
        example = release["examples"][number - 1]
        path = f"api/v1/models/{name}/examples/{number}.json"
        input_path = f"api/v1/models/{name}/examples/{number}-input.json"
        methods = {m["name"]: m for m in release["signature"]["methods"]}
        method: Mapping[str, Any] = methods.get(example["method"], {})
        if method.get("streams_in"):
            input_path = input_path.removesuffix(".json") + ".ndjson"
            lines = "".join(f"{plain_json(message)}\n" for message in example["input"]["stream"])
            files[path], files[input_path] = to_json(example), lines.encode()
        else:
            files[path], files[input_path] = to_json(example), to_json(example["input"])
        found: dict[str, tuple[Picture, ...]] = {}
        for side, letter in (("input", ""), ("output", "out-")):
            made = list(_find_pictures(release["signature"], example, side))
            stem = f"models/{name}/example-{number}-{letter}"
            found[side] = tuple(
                Picture(
                    field, f"{stem}{place}.png", _words(place, field, number, size), *size, max(1, 112 // max(size))
                )
                for place, (field, _, size) in enumerate(made, 1)
            )
            files |= {picture.path: one[1] for picture, one in zip(found[side], made, strict=True)}
        views.append(
            ExampleView(
                number,
                example["method"],
                *elide(example["input"]),
                *elide(example["output"]),
                example.get("tolerance", 0.0),
                found["input"],
                found["output"],
                path,
                input_path,
            )
        )
    return tuple(views), files


def _numbers(examples: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return which examples are shown, counted from 1: the first of each method, and the first dozen."""
    firsts: dict[str, int] = {}
    for number, example in enumerate(examples, 1):
        firsts.setdefault(example["method"], number)
    return sorted({*firsts.values(), *range(1, min(len(examples), _SHOWN) + 1)})


def _words(place: int, field: str, number: int, size: tuple[int, int]) -> str:
    return f"Picture {place} of {field} in example {number}, {size[0]} by {size[1]} pixels"


def _find_pictures(
    signature: Mapping[str, Any], example: Mapping[str, Any], side: str
) -> Iterator[tuple[str, bytes, tuple[int, int]]]:
    messages = {message["name"]: message for message in signature["messages"]}
    method = next((m for m in signature["methods"] if m["name"] == example["method"]), None)
    message = (first_message(method, side, example) if method else None) or {}
    for field in messages[method[side]]["fields"] if method else []:
        for content, width, height in pictures(field, message.get(field["name"])):
            yield field["name"], content, (width, height)
