"""The model's code, written by `modelport pack`."""

from __future__ import annotations

from tables_of_local_modules import lookup
import words_of_local_modules

MOST = 2

def count(text: str) -> int:
    """Count known words, MOST at most."""
    from late_of_local_modules import least  # imported only where it is needed

    known = lookup("animals")
    return least(MOST, sum(w in known for w in words_of_local_modules.split(text)))

METHODS = {
    "count": count,
}
