"""The two trust tiers of packages: what loading one executes."""

from __future__ import annotations

__all__ = ["CODE_BEARING", "DATA_ONLY"]

DATA_ONLY = "data-only"
"""The tier of packages whose loading executes nothing of theirs."""

CODE_BEARING = "code-bearing"
"""The tier of all others, also of those without code whose files are more than data to what loads them."""
