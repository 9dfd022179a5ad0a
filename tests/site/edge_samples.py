"""Documents of the edge: a model with variants in every state, the devices they ran on or might, and networks."""

from __future__ import annotations

from typing import Any

from tests.site.samples import digest, fashion

__all__ = ["DEVICES", "NETWORKS", "edge", "field", "one_way"]

_PAPER = {
    "title": "A paper on phones",
    "authors": ["Ada Example", "Boris Beispiel"],
    "year": 2018,
    "venue": "Workshop on Examples",
    "arxiv": "1708.07747",
    "url": "https://example.org/phones",
    "gives": "anchors: table 1",
}

DEVICES: dict[str, dict[str, Any]] = {
    "board-1": {
        "title": "A board", "kind": "board", "year": 2024, "source": "measured", "date": "2026-11-21",
        "tools": {"ai-edge-litert": "2.3.0", "onnxruntime": "1.31.1"}, "system": "Debian 12", "cpu": "Four small cores",
        "cores": 4, "flags": ["neon", "asimd"], "memory": 1_000_000_000, "storage": 200_000_000, "watts": 3.5,
        "anchors": {"litert-net-float32": 0.004, "litert-net-int8": 0.001, "onnx-net-float32": 0.005}, "spread": 1.1,
    },
    "phone-1": {
        "title": "A phone", "kind": "phone", "source": "published", "citations": [_PAPER],
        "anchors": {"litert-net-float32": 0.008, "litert-net-int8": 0.004},
        "reported": [
            {"what": "One picture, all in all", "value": 0.536, "unit": "seconds", "place": "section 4"},
            {"what": "Speed against others", "value": 2.3, "unit": "times"},
        ],
        "notes": "The anchors are the vendor's.",
    },
    "phone-2": {"title": "Another phone", "kind": "phone", "source": "published", "citations": [_PAPER]},
    "server-1": {
        "title": "A busy server", "kind": "server", "source": "measured", "date": "2026-11-20", "cores": 8,
        "anchors": {"litert-net-float32": 0.001, "litert-net-int8": 0.0005, "onnx-net-float32": 0.001}, "spread": 2.4,
    },
}  # fmt: skip
"""A device that was measured, one with published anchors, one without any, and one that was busy."""


def one_way(mean: float, sd: float) -> dict[str, Any]:
    return {"one_way": {"mean": mean, "sd": sd}, "source": "published", "citations": [_PAPER]}


NETWORKS: dict[str, dict[str, Any]] = {
    "campus": {"title": "Campus WiFi", "notes": "From a simulator.", **one_way(0.0579, 0.0308)},
    "cable": {
        "title": "Cable", "source": "measured", "date": "2026-11-21",
        "one_way": {"mean": 0.0002, "sd": 0.00001, "n": 99},
        "bytes_per_second": 1.1e8, "loss": 0.01, "watts": 1.2,
    },
}  # fmt: skip

_SAID = (  # bytes, gzip, accuracy, agreement, p50 in ms on the board, memory
    ("float32", "litert", 467_924, 426_500, 0.9021, 1.0, 0.361, 21_300_000),
    ("float16", "litert", 242_100, 214_300, 0.9020, 0.9997, 0.362, 21_400_000),
    ("weight-int8", "litert", 146_832, 120_570, 0.9019, 0.9981, 0.363, 20_900_000),
    ("dynamic-int8", "litert", 144_808, 120_226, 0.9018, 0.9975, 1.10, 20_900_000),
    ("int8", "litert", 161_440, 124_849, 0.8998, 0.9871, 0.177, 20_100_000),
    ("rounded", "litert", 467_924, 181_200, 0.9012, 0.9942, 0.361, 21_300_000),
    ("onnx", "onnx", 473_757, 427_142, 0.9021, 1.0, 0.453, 48_100_000),
    ("onnx-int8", "onnx", 182_465, 126_746, 0.8991, 0.9866, 0.393, 47_000_000),
)


def _times(milliseconds: float, memory: int, spread: float) -> dict[str, Any]:
    seconds = milliseconds / 1000
    infer = {"min": 0.9 * seconds, "mean": seconds, "sd": 0.05 * seconds, "p50": 0.98 * seconds, "p95": 1.1 * seconds}
    return {
        "threads": 1, "load": {"mean": 0.0025, "sd": 0.0004, "n": 20}, "first": 3 * seconds, "date": "2026-11-21",
        "infer": {**infer, "n": 500}, "memory": memory, "anchor": 0.004, "spread": spread, "flags": ["neon"],
    }  # fmt: skip


def _variant(said: tuple[str, str, int, int, float, float, float, int]) -> dict[str, Any]:
    name, runtime, size, download, right, same, took, memory = said
    measured = {"board-1": _times(took, memory, 1.2)}
    if runtime == "litert":
        measured["server-1"] = _times(took / 4, memory, 2.4 if name == "int8" else 1.3)
    return {
        "name": name, "status": "ok", "digest": digest(f"variant {name}"), "runtime": runtime,
        "recipe": {"by": "converter"}, "size": size, "download": download,
        "accuracy": {
            "value": right, "n": 10_000, "interval": [round(right - 0.006, 4), round(right + 0.0057, 4)],
            "data": "Fashion-MNIST, test",
        },
        "agreement": {"value": same, "n": 10_000}, "measured": measured,
    }  # fmt: skip


def edge() -> dict[str, Any]:
    """Return the document of a model with variants: measured, not measured, and failed."""
    found = [_variant(said) for said in _SAID]
    bare = {"name": "onnx-float16", "status": "ok", "digest": digest("bare"), "runtime": "onnx", "size": 249_290}
    failed = {
        "name": "int4", "status": "failed", "runtime": "litert",
        "message": "It answers 0.62 of the evaluation data rightly, 0.28 less than the model; 0.03 are allowed.",
    }  # fmt: skip
    said = fashion() | {"name": "coat-edge", "title": "Coats at the edge"}
    (version,) = said["versions"]
    document = {"of": version["digest"], "tools": {"ai-edge-litert": "2.3.0"}, "variants": [*found, bare, failed]}
    return said | {"variants": [{"version": version["version"], **document}]}


def _told(name: str, mean: float, n: int, place: str = "device", **more: object) -> dict[str, Any]:
    of = digest(f"variant {name}")
    return {
        "name": name, "digest": of, "place": place, "infer": {"mean": mean, "sd": round(0.2 * mean, 9), "n": n}, **more
    }  # fmt: skip


def field() -> dict[str, Any]:
    """Return the evidence of the same model: two months of boards, and a class of devices that has no profile."""
    version = edge()["versions"][0]
    said = {"version": version["version"], "digest": version["digest"]}
    load = {"mean": 0.0031, "sd": 0.0009, "n": 18}
    transfer = {"transfer": {"mean": 0.061, "sd": 0.02, "n": 300}}
    requests = {"count": 2000, "in_time": 1960, "remote": 300, "fallback": 9}
    october = said | {
        "server": "shop-north", "device": "board-1", "from": "2026-10-01", "to": "2026-10-31", "requests": requests,
        "variants": [_told("int8", 0.0002, 1000, load=load), _told("float32", 0.0004, 600),
                     _told("original", 0.004, 300, "server", **transfer) | {"digest": version["digest"]}],
    }  # fmt: skip
    november = october | {
        "server": "shop-south",
        "from": "2026-11-01",
        "to": "2026-11-20",
        "variants": [_told("int8", 0.0004, 1000)],
    }
    till = said | {
        "server": "shop-north", "device": "till", "from": "2026-11-02", "to": "2026-11-02",
        "variants": [_told("int8", 0.0011, 1), _told("original", 0.0048, 40) | {"digest": version["digest"]}],
    }  # fmt: skip
    phones = till | {"device": "phone-1", "variants": [_told("int8", 0.0009, 250)]}
    another = november | {"digest": digest("another"), "variants": [_told("int8", 9.0, 5)]}
    records = [another, november, till, phones, october]
    return {"coat-edge": {"schema": "modelport/evidence/1", "model": "coat-edge", "reproduced": [], "field": records}}
