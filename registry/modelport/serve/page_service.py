"""What the page says of the service itself: its badges, what a call may cost, what is counted, its other doors."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from modelport.serve.metrics import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from modelport.serve.costs import Cost
    from modelport.serve.info import ServiceInfo

__all__ = ["badges", "costs_and_counts", "doors"]

_LICENSE = "model/artifacts/license"
_LINKS = {
    "openapi.json": "the contract, as OpenAPI 3.1",
    "model/artifacts/protobuf": "the methods and messages, as a .proto file",
    "model/artifacts/metadata": "what is served, as JSON",
    "model/artifacts/examples": "golden examples, as JSON",
    _LICENSE: "the model's licence",
    "health/live": "does the process run?",
    "health/ready": "are calls answered?",
    "metrics": "counts and times, for Prometheus",
    "v2": "the Open Inference Protocol, version 2",
}
_FRAMEWORKS = {
    "ai-edge-litert": "LiteRT",
    "catboost": "CatBoost",
    "keras": "Keras",
    "lightgbm": "LightGBM",
    "onnxruntime": "ONNX Runtime",
    "scikit-learn": "scikit-learn",
    "tensorflow": "TensorFlow",
    "tensorflow-cpu": "TensorFlow",
    "torch": "PyTorch",
    "xgboost": "XGBoost",
}


def badges(info: ServiceInfo) -> str:
    """Return the list of what is served: version, licence, what runs it."""
    named = {"version": info.version, "tier": info.tier, "Python": info.python, "runs on": runs_on(info)}
    found = [f"<b>{name}</b> <code>{escape(value)}</code>" for name, value in named.items() if value]
    if info.license_name:
        link = f'<a href="{_LICENSE}"><code>{escape(info.license_name)}</code></a>'
        found.insert(bool(info.version), f"<b>licence</b> {link}")
    if info.digest:
        found.append(f'<b>digest</b> <code title="{escape(info.digest)}">{escape(info.digest[:19])}…</code>')
    return "".join(f"<li>{badge}</li>" for badge in found)


def runs_on(info: ServiceInfo) -> str:
    """Return what runs the model, in words: ``ONNX Runtime in place of scikit-learn``; nothing where none is known."""
    needed = [one.partition("==")[0] for one in info.requirements]
    runs = _known(name for name in needed if name not in info.idle)
    idle = _known(info.idle) if info.runtime != "framework" else ""
    return f"{runs} in place of {idle}" if runs and idle else runs


def _known(names: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(_FRAMEWORKS[name] for name in names if name in _FRAMEWORKS))


def costs_and_counts(costs: Iterable[Cost]) -> str:
    """Return the section of limits and metrics."""
    rows = "".join(
        f'<tr><th scope="row">{escape(one.what)}</th><td>{escape(one.most)}</td><td>{escape(one.beyond)}</td></tr>'
        for one in costs
    )
    counted = "".join(
        f"<div><dt><code>{name}</code></dt><dd>{escape(text)}</dd></div>" for name, text in FAMILIES.items()
    )
    return f"""<section class="about" aria-labelledby="costs">
<h2 id="costs">Limits</h2>
<div class="lead"><p>What a call may cost. What costs more is refused with the status beside it.</p></div>
<table><thead><tr><th scope="col">limited is</th><th scope="col">at most</th><th scope="col">beyond it</th></tr></thead>
<tbody>{rows}</tbody></table>
<details><summary>What <code>/metrics</code> counts</summary><dl>{counted}</dl></details>
</section>
"""


def doors(info: ServiceInfo, paths: Collection[str], grpc: str) -> str:
    """Return the links to those of *paths* that a reader may want, and the address of the gRPC doors."""
    there = {path for path in _LINKS if f"/{path}" in paths}
    if not info.license_name:
        there.discard(_LICENSE)
    links = (
        f'<li><a href="{path}"><code>/{path}</code></a> {text}</li>' for path, text in _LINKS.items() if path in there
    )
    door = f"<li><code>{escape(grpc)}</code> gRPC, with reflection</li>" if grpc else ""
    return "".join(links) + door
