"""Imports that stand inside of functions, or are made by name, or may be missing."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from modelport import Model

if TYPE_CHECKING:
    import pandas


def _frame(one: pandas.DataFrame) -> None:
    """Be there for its annotation, which nobody evaluates."""


def summary(text: str) -> float:
    """Return the length of the vector that a YAML list is."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        import yaml
    except ImportError:
        import ruamel.yaml as yaml
    try:
        from nothing_of_this_name import faster
    except ImportError:
        faster = None
    assert tomllib and faster is None and _frame
    return float(importlib.import_module("numpy.linalg").norm(yaml.safe_load(text)))


model = Model(summary=summary)
model.add_example("summary", {"text": "[3, 4]"})
