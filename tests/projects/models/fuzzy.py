"""A compiled dependency does the work."""

from rapidfuzz import fuzz, process

from modelport import Model

STREETS = ["Hauptstrasse", "Bahnhofstrasse", "Marktgasse"]


def correct(word: str) -> str:
    """Return the street that was meant."""
    found = process.extractOne(word, STREETS, scorer=fuzz.ratio)
    return found[0] if found else ""


model = Model(correct=correct)
model.add_example("correct", {"word": "Bahnhofstr"})
