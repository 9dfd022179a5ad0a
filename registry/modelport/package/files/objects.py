"""The objects that a trained object is made of."""

from __future__ import annotations

from typing import Any

__all__ = ["inside"]


def inside(value: Any) -> list[Any]:
    """Return the objects in an estimator, the inner ones first."""
    found: list[Any] = []
    seen: set[int] = set()

    def look(one: Any) -> None:
        if id(one) in seen or isinstance(one, str | bytes | int | float):
            return
        seen.add(id(one))
        if isinstance(one, dict):
            parts = list(one.values())
        elif isinstance(one, list | tuple | set):
            parts = list(one)
        elif getattr(getattr(one, "dtype", None), "kind", "") == "O":
            parts = one.ravel().tolist()
        else:
            parts = list(vars(one).values()) if hasattr(one, "__dict__") else []
        for part in parts:
            look(part)
        found.append(one)

    look(value)
    return found
