"""Search in the index: every word must be found, and where it is found decides the order."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["nearest_words", "search"]

_WEIGHTS = {
    "name": 10, "title": 8, "tags": 6, "task": 5, "frameworks": 4, "publisher": 3, "inputs": 2, "outputs": 2,
    "summary": 2,
}  # fmt: skip
_WHOLE, _START, _INSIDE = 4, 2, 1
_LISTED = "published"


def search(index: Mapping[str, Any], words: str) -> list[dict[str, Any]]:
    """Return the models of an index document that fit all *words*, best first.

    A word is found as a whole word, as the start of one, or, last of all, inside one: ``flow`` is a word of
    ``traffic-flow``, and stands inside ``tensorflow``. A model in which a word is found inside others only comes after
    all in which none is. Among equals a whole word counts twice the start of one, and the name most, the summary
    least. Models that are not ``published`` come after those that are. Without words every model fits.
    """
    wanted = _words(words)
    scored = [(_score(model, wanted), model) for model in index["models"]]
    found = [(score, model) for score, model in scored if score is not None]
    found.sort(key=lambda pair: (pair[1]["lifecycle"] != _LISTED, *pair[0], pair[1]["name"]))
    return [model for _, model in found]


def nearest_words(index: Mapping[str, Any], words: str) -> str:
    """Return *words* with each that is found nowhere put right; empty when nothing near gives a model."""
    import difflib

    known = {word for model in index["models"] for name in _WEIGHTS for word in _words(_text(model[name]))}
    better = []
    for word in _words(words):
        near = [word] if any(word in one for one in known) else difflib.get_close_matches(word, sorted(known), n=1)
        if not near:
            return ""
        better.append(near[0])
    said = " ".join(better)
    return said if said != " ".join(_words(words)) and search(index, said) else ""


def _score(model: Mapping[str, Any], wanted: list[str]) -> tuple[int, int] | None:
    """Return how many words stand inside others only, and the fit, negated; None when a word is nowhere."""
    if not wanted:
        return 0, 0
    everything = _folded(" ".join(_text(model[name]) for name in _WEIGHTS))
    if not all(word in everything for word in wanted):
        return None  # as most models, so the rest may take its time
    fields = [(weight, _words(_text(model[name]))) for name, weight in _WEIGHTS.items()]
    inside = total = 0
    for word in wanted:
        fits = [(weight, _fit(word, there)) for weight, there in fields]
        best = max(fit for _, fit in fits)
        inside += best == _INSIDE
        total += max(weight * fit for weight, fit in fits if fit > _INSIDE or best == _INSIDE)
    return inside, -total


def _fit(word: str, there: list[str]) -> int:
    if word in there:
        return _WHOLE
    if any(other.startswith(word) for other in there):
        return _START
    return _INSIDE if any(word in other for other in there) else 0


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else " ".join(value)


def _words(text: str) -> list[str]:
    """Return the words of *text* without case; ``sepal_length`` and ``iris-forest`` are two words each."""
    return re.findall(r"[^\W_]+", _folded(text))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
