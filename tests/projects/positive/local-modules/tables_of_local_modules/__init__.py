from pathlib import Path

from .read import lines


def lookup(name: str) -> list[str]:
    return lines(Path(__file__).parent / "data" / f"{name}.txt")
