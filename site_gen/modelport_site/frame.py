"""The frame of the generated pages: a built prose page with slots where a page's own parts go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from modelport.errors import FormatError
from modelport_site.policy import seal

__all__ = ["Frame"]

_SLOTS = re.compile(r'(<meta name="modelport-slot-head">|modelport-slot-(?:title|description|path|content))')
_NEEDED = {"modelport-slot-title", "modelport-slot-content", '<meta name="modelport-slot-head">'}


@dataclass(frozen=True, slots=True)
class Frame:
    """A page cut at its slots: text and slot names in turn."""

    parts: tuple[str, ...]

    @classmethod
    def cut(cls, page: str) -> Frame:
        """Cut a built prose page at its slots.

        Raises:
            FormatError: A slot is missing: the theme does not do what this generator expects.
        """
        # Templates leave most lines empty, and the frame is in each of thousands of pages; it holds no <pre>.
        parts = tuple(_SLOTS.split(seal(re.sub(r"\s*\n\s*", "\n", page))))
        if missing := _NEEDED - set(parts[1::2]):
            raise FormatError(
                f"the built frame page lacks {', '.join(sorted(missing))}",
                hint="compare theme/main.html with the installed mkdocs-material",
            )
        return cls(parts)

    def fill(self, *, title: str, description: str, content: str, path: str = "", head: str = "") -> str:
        """Return the page. *content* and *head* are HTML that is already safe; the others are plain text."""
        values = {
            "modelport-slot-title": escape(title),
            "modelport-slot-description": escape(description),
            "modelport-slot-path": escape(path),
            "modelport-slot-content": content,
            '<meta name="modelport-slot-head">': head,
        }
        return "".join(values[part] if number % 2 else part for number, part in enumerate(self.parts))
