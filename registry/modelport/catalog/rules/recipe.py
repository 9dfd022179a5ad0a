"""Recipes: reviewed source whose requirements are pinned; it is read here, never run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelport.catalog.document import Document, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.catalog.folder import RawEntry
    from modelport.catalog.problem import Problem

__all__ = ["check_data_names", "check_recipe"]

_MODEL = re.compile(r"^def model\(", re.MULTILINE)
_PINNED = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[A-Za-z0-9._,-]+\])?==[A-Za-z0-9.!+_-]+"
    r"(?:\s*;[^;]*?)?(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})*)"
)
_LOCK_HINT = "write it with: modelport pack ENTRY --lock"
_MOST = 20


def check_recipe(raw: RawEntry, model: Document) -> Iterator[Problem]:
    """Yield what is wrong with an entry's recipe and its lock; *model* is the sound ``model.yaml``."""
    has_recipe, has_lock = (raw.folder / "recipe.py").exists(), (raw.folder / "recipe.lock").exists()
    if has_recipe and not has_lock:
        yield raw.problem("recipe.lock", "is missing: there is a recipe.py", hint=_LOCK_HINT, rule="recipe-pair")
    if has_lock and not has_recipe:
        yield raw.problem("recipe.py", "is missing: there is a recipe.lock", hint="remove the lock", rule="recipe-pair")
    if "data" in model.value and not has_recipe:
        hint = "data are what a recipe reads: add recipe.py, or say under training_data what the model was trained on"
        yield model.problem(("data",), "is for a recipe, and there is none", hint=hint, rule="recipe-pair")
    if "recipe.py" in raw.texts and not _MODEL.search(raw.texts["recipe.py"]):
        hint = "write 'def model(...) -> Model:' at the top level"
        yield raw.problem("recipe.py", "has no function model()", hint=hint, rule="recipe-model")
    yield from _check_lock(raw)


def _check_lock(raw: RawEntry) -> Iterator[Problem]:
    found = 0
    for line, requirement in _requirements(raw.texts.get("recipe.lock", "")):
        match = _PINNED.fullmatch(requirement)
        if match and match["hashes"]:
            continue
        what = "has no sha256 hash" if match else "is not NAME==VERSION with hashes"
        message = f"{shown(requirement)} {what}"
        yield raw.problem("recipe.lock", message, line=line, hint=_LOCK_HINT, rule="recipe-lock")
        found += 1
        if found == _MOST:
            return


def _requirements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the first line and the text of each requirement: a backslash at a line's end goes on in the next."""
    start, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        bare = re.sub(r"(?:^|\s)#.*", "", line).strip()
        start = start if parts else number
        parts.append(bare.removesuffix("\\").strip())
        if not bare.endswith("\\"):
            whole = " ".join(part for part in parts if part)
            if whole:
                yield start, whole
            parts.clear()
    if any(parts):
        yield start, " ".join(parts)


def check_data_names(model: Document) -> Iterator[Problem]:
    """Yield a problem for each name that two of a recipe's data sets have."""
    seen: set[str] = set()
    for place, data in enumerate(model.value.get("data", ())):
        if data["name"] in seen:
            message = f"{shown(data['name'])} names other data already"
            yield model.problem(("data", place, "name"), message, hint="choose another name", rule="recipe-data")
        seen.add(data["name"])
