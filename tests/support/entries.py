"""Catalogs of any size: made entries, each its own, as large and as varied as those that people write."""

from __future__ import annotations

import hashlib
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from modelport.catalog import version_yaml
from modelport.catalog.rules.interface import interface_files
from modelport.model.kinds import type_from_json
from modelport.model.spec import Field, Message, MethodSpec, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["MOST", "entry_name", "write_catalog", "write_entry"]

_KINDS_OF = [
    "amber", "brisk", "copper", "dusky", "fjord", "glacial", "hollow", "indigo", "jasper", "kindred", "lunar",
    "meadow", "nimble", "opaline", "prairie", "quartz", "rustic", "saffron", "silver", "tundra", "umbral", "violet",
    "willow", "xenial", "zephyr",
]  # fmt: skip
_SUBJECTS = [
    "apple-blight", "bridge-cracks", "cloud-cover", "dialect-speech", "estuary-salinity", "film-reviews",
    "grain-moisture", "heartbeat", "invoice-fields", "jet-vibration", "kiln-faults", "ledger-fraud", "moth-species",
    "news-topics", "orbit-debris", "pollen-counts", "queue-lengths", "road-signs", "snow-depth", "traffic-flow",
    "urban-noise", "vineyard-yield", "weld-seams", "x-ray-fractures", "yarn-defects", "zebra-tracks",
    "battery-health", "cough-sounds", "driver-fatigue", "engine-wear", "flower-types", "glucose-trend",
    "harbor-ships", "insect-songs", "job-titles", "kelp-forests", "leaf-shapes", "mineral-grades", "night-lights",
    "ocean-swell",
]  # fmt: skip
MOST = len(_KINDS_OF) * len(_SUBJECTS)
"""How many entries there can be: a catalog of them all has no two names that can be taken for each other."""

_LICENSES = ["Apache-2.0", "MIT", "BSD-3-Clause", "CC-BY-4.0", "GPL-3.0-only", "MPL-2.0", "CC-BY-NC-4.0"]
_PUBLISHERS = ["Modelport", "Institute of Applied Examples", "Nordlicht Labs", "Rivulet Sensing", "Open Field Station"]
_PEOPLE = [
    "Ada Example",
    "Boris Beispiel",
    "Chiyo Rei",
    "Dana Ukázka",
    "Eero Esimerkki",
    "Farid Mesal",
    "Gita Udaharan",
]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Sort:
    """What models of one sort have in common."""

    task: str
    input: dict[str, dict[str, Any]]
    output: dict[str, dict[str, Any]]
    example: tuple[dict[str, Any], dict[str, Any]]
    requirements: tuple[str, ...]
    weights: str
    metric: str


_DOUBLES = {"list": {"scalar": "double"}}
_SORTS = [
    _Sort(
        task="tabular-classification",
        input=dict.fromkeys(["length", "width", "depth", "mass"], _DOUBLES),
        output={"label": {"list": {"scalar": "int64"}}},
        example=(
            {"length": [5.1, 7.0], "width": [3.5, 3.2], "depth": [1.4, 4.7], "mass": [0.2, 1.4]},
            {"label": [0, 1]},
        ),
        requirements=("numpy==2.4.6", "scikit-learn==1.9.1", "skops==0.16.0"),
        weights="forest.skops",
        metric="accuracy",
    ),
    _Sort(
        task="image-classification",
        input={"image": {"tensor": {"dtype": "uint8", "shape": [8, 8]}}},
        output={"kinds": {"list": {"scalar": "string"}}, "probability": {"scalar": "float"}},
        example=(
            {"image": [[(row * 31 + column * 17) % 256 for column in range(8)] for row in range(8)]},
            {"kinds": ["sound", "broken"], "probability": 0.75},
        ),
        requirements=("keras==3.15.1", "numpy==2.4.6", "tensorflow-cpu==2.21.0"),
        weights="network.keras",
        metric="accuracy",
    ),
    _Sort(
        task="text-classification",
        input={"text": {"scalar": "string"}},
        output={"topic": {"scalar": "string"}, "score": {"scalar": "double"}},
        example=({"text": "It rained: nobody came."}, {"topic": "weather", "score": 0.8125}),
        requirements=("numpy==2.4.6", "onnxruntime==1.31.0"),
        weights="text.onnx",
        metric="f1",
    ),
    _Sort(
        task="time-series-forecasting",
        input={"readings": {"tensor": {"dtype": "float32", "shape": ["n", 4]}}, "hours": {"scalar": "int32"}},
        output={"forecast": {"tensor": {"dtype": "float32", "shape": ["m"]}}},
        example=({"readings": [[0.5, 0.25, 0.125, 1.0], [1.5, 1.25, 1.0, 0.75]], "hours": 2}, {"forecast": [1.5, 2.0]}),
        requirements=("numpy==2.4.6", "torch==2.9.1"),
        weights="series.safetensors",
        metric="rmse",
    ),
]


def write_catalog(folder: Path, count: int) -> Path:
    """Write a repository of *count* entries, at most MOST: ``modelport.toml`` and ``catalog/``; return *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "modelport.toml").write_text("", encoding="utf-8")
    for number in range(count):
        write_entry(folder / "catalog" / "models" / entry_name(number), number)
    return folder


def entry_name(number: int) -> str:
    """Return the name of the entry of that *number*."""
    return f"{_pick(_KINDS_OF, number // len(_SUBJECTS))}-{_pick(_SUBJECTS, number)}"


def write_entry(folder: Path, number: int) -> None:
    """Write the entry of that *number*: one in five has two versions, one in forty is deprecated."""
    (folder / "versions").mkdir(parents=True)
    (folder / "model.yaml").write_text(_model(number), encoding="utf-8")
    (folder / "card.md").write_text(_card(number), encoding="utf-8")
    for minor in range(2 if number % 5 == 0 else 1):
        text = version_yaml(_version(number, minor))
        (folder / f"versions/1.{minor}.0.yaml").write_text(text, encoding="utf-8")


def _sort(number: int) -> _Sort:
    return _pick(_SORTS, number % len(_SUBJECTS))


def _model(number: int) -> str:
    name = entry_name(number)
    words, about = name.replace("-", " "), _pick(_SUBJECTS, number).replace("-", " ")
    deprecated = number % 40 == 39
    lines = [
        "schema: modelport/model/2",
        f"name: {name}",
        f"title: {words.capitalize()}",
        f"summary: Tells {about} apart, from what the {_pick(_KINDS_OF, number // 40)} station has read since 2019.",
        f"task: {_sort(number).task}",
        f"tags: [{about.split()[0]}, station-{number % 17}, made]",
        "publisher:",
        f"  name: {_pick(_PUBLISHERS, number)}",
        "  url: https://example.org/publisher",
        "authors:",
        *(f"  - name: {_pick(_PEOPLE, number + i)}" for i in range(1 + number % 3)),
        "maintainers:",
        f"  - {{name: {_pick(_PEOPLE, number)}, github: example-{number}}}",
        "license:",
        f"  weights: {_pick(_LICENSES, number)}",
        "  code: Apache-2.0",
        f"lifecycle: {'deprecated' if deprecated else 'published'}",
        *([f"successor: {entry_name(number - 1)}", "reason: The one before it is better."] if deprecated else []),
        *_folded("intended_use", f"Finding {about} in readings of the kind that station {number} takes, for people who"
                 " plan its upkeep. A person looks at each finding before anything is done."),
        *_folded("limits", f"Nobody has tried it on readings of other stations than number {number % 17}. It was"
                 " trained on days without storms, and is wrong more often when the wind is strong."),
        "training_data:",
        f"  - name: {words.capitalize()} readings",
        f"    source: https://example.org/data/{name}",
        f"    license: {_pick(_LICENSES[:4], number)}",
        f"    samples: {1000 + number * 7}",
        *(["lineage:", f"  - {{relation: fine-tuned, model: {entry_name(number - 3)}}}"] if number % 6 == 5 else []),
        "citation:",
        f"  title: On {about}",
        f"  authors: [{_pick(_PEOPLE, number)}, {_pick(_PEOPLE, number + 1)}]",
        f"  year: {2010 + number % 15}",
        "  venue: Proceedings of the Made Examples",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _folded(key: str, text: str) -> list[str]:
    return [f"{key}: >-", *(f"  {line}" for line in textwrap.wrap(text, 110))]


def _card(number: int) -> str:
    words = entry_name(number).replace("-", " ")
    return f"# {words.capitalize()}\n\nTells {words} apart.\n\n## Limits\n\n" + "Look at what it finds. " * 20 + "\n"


def _version(number: int, minor: int) -> dict[str, Any]:
    sort, name = _sort(number), f"{entry_name(number)} 1.{minor}.0"
    given, answered = sort.example
    paths = {
        "code/model.py": "code", "evaluations.json": "doc", "examples/tell-001.json": "doc", "model.proto": "doc",
        "package.json": "weight.config", "requirements.lock": "code", "signature.json": "doc",
        f"state/{sort.weights}": "weight",
    }  # fmt: skip
    size = 20_000 + (number * 7919) % 150_000_000
    version: dict[str, Any] = {
        "schema": "modelport/version/2",
        "version": f"1.{minor}.0",
        "released": f"2026-{1 + number % 9:02}-{1 + minor + number % 20:02}",
        "changes": [{"kind": "fixed" if minor else "added", "text": "Another season." if minor else "First version."}],
        "digest": _digest(name),
        "size": size + 21_000,
        "resources": {"memory": 90_000_000 + number * 1000, "environment": 200_000_000},
        "tier": "code-bearing",
        "python": "3.11",
        "requirements": list(sort.requirements),
        "files": [
            {"path": path, "kind": kind, "size": size if kind == "weight" else 3000, "digest": _digest(name + path)}
            for path, kind in paths.items()
        ],
        "signature": _signature(number % len(_SUBJECTS)),
        "examples": [{"method": "tell", "input": given, "output": answered, "tolerance": 0.001}],
        "evaluations": [
            {"data": f"{name.partition(' ')[0]} readings", "split": "a fifth held out", "n": 200 + number,
             "metric": sort.metric, "value": 0.9, "measured_by": "publisher", "interval": [0.875, 0.925]}
        ],
    }  # fmt: skip
    made = {path: content for path, (_, content) in interface_files(version, paths).items()}
    for file in version["files"]:
        if file["path"] in made:  # what the package itself would hold
            content = made[file["path"]]
            file |= {"size": len(content), "digest": f"sha256:{hashlib.sha256(content).hexdigest()}"}
    return version


@cache
def _signature(subject: int) -> dict[str, Any]:
    sort, about = _sort(subject), _SUBJECTS[subject].replace("-", " ")
    messages = tuple(
        Message(name, tuple(Field(n, type_from_json(t)) for n, t in fields.items()), doc)
        for name, fields, doc in (
            ("Input", sort.input, f"What was measured of {about}."),
            ("Output", sort.output, f"The {about}: one of all.")
        )
    )  # fmt: skip
    method = MethodSpec("tell", "Input", "Output", f"Tell {about} apart.")
    return ModelSpec(messages, (method,)).with_proto_package().to_json()


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _pick(those: Sequence[_T], number: int) -> _T:
    return those[number % len(those)]
