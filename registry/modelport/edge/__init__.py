"""Variants of models for small devices: made, measured, planned and chosen (MODI, HotEdge 2018).

A *variant* is a complete package that is made from another one, its parent: the same signature and code, with the
parent's weights in another form. `interface` is the plug-point of those who make forms, `build` asks them. What a
variant costs at a place, what a request asks and what was chosen are values (`types`), and two pure functions decide
on them:

- `select`: which variant answers a request, and whether on the device or on the edge server.
- `plan`: which variants a device keeps under a storage budget (`budget` is the search for it).

`runtime` is the device at work: it keeps what was planned, decides for each call, runs it here or asks the edge server
(`server`), and learns from what it measured. `simulate` says what a way of deciding is worth on a network. Deciding and
planning load neither NumPy nor YAML: a site or a small device does both without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelport.edge.answering import Answer, UnansweredError
    from modelport.edge.plan import Application, Plan, Scenario
    from modelport.edge.runtime import Runtime
    from modelport.edge.select import Selector, choose, explain
    from modelport.edge.types import Candidate, Choice, Device, Duplicate, Network, Request, Spread, Variant

__all__ = [
    "Answer", "Application", "Candidate", "Choice", "Device", "Duplicate", "Network", "Plan", "Request", "Runtime",
    "Scenario", "Selector", "Spread", "UnansweredError", "Variant", "choose", "explain",
]  # fmt: skip

_HOME = {
    "Application": "plan", "Plan": "plan", "Scenario": "plan",
    "Answer": "answering", "Runtime": "runtime", "UnansweredError": "answering",
    "Selector": "select", "choose": "select", "explain": "select",
    "Candidate": "types", "Choice": "types", "Device": "types", "Duplicate": "types", "Network": "types",
    "Request": "types", "Spread": "types", "Variant": "types",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Import the public names on first use, so that one part of the room does not load the others."""
    if name in _HOME:
        return getattr(import_module(f"modelport.edge.{_HOME[name]}"), name)
    raise AttributeError(f"module 'modelport.edge' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
