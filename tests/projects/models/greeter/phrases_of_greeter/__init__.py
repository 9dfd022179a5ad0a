import json
from pathlib import Path

PHRASES = json.loads((Path(__file__).parent / "data" / "phrases.json").read_text("utf-8"))


def phrase(language: str) -> str:
    return PHRASES[language]
