"""The frame of the generated pages: one built prose page with slots where a page's own parts go.

The page is built one folder deep, so that each of its links inside the site begins with ``..``. Those are slots, too:
a page may then lie at any depth, and neither the number of pages nor their folders meet the site builder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from modelport.errors import FormatError
from modelport_site.policy import seal

__all__ = ["HEAD_SLOT", "Frame", "root_of"]

HEAD_SLOT = '<meta name="modelport-slot-head">'
"""Where what only one page has goes into its head: the frame has it, and the home page."""

_PATH = "modelport-slot-path/"
_TITLE, _DESCRIPTION, _CONTENT = (f"modelport-slot-{part}" for part in ("title", "description", "content"))
_ROOT, _HOME = '"modelport-slot-root', '"modelport-slot-home'
_SLOTS = re.compile(
    "({})".format("|".join(map(re.escape, (HEAD_SLOT, _ROOT, _HOME, _TITLE, _DESCRIPTION, _PATH, _CONTENT))))
)
_HERE = re.compile(r' mp-(?:links|menu)__link--here|(?<=") aria-current="true"')
_NEEDED = {_TITLE, _CONTENT, HEAD_SLOT}


def root_of(place: str) -> str:
    """Return the way from the page at *place*, for instance ``models/iris/``, to the site's root: ``../../``."""
    return "../" * place.count("/")


@dataclass(frozen=True, slots=True)
class Frame:
    """A page cut at its slots: text and slot names in turn."""

    parts: tuple[str, ...]

    @classmethod
    def cut(cls, page: str) -> Frame:
        """Cut a built prose page at its slots.

        Raises:
            FormatError: A slot is missing, or a script is inline: the theme does not do what this generator expects.
        """
        # Templates leave most lines empty, and the frame is in each of thousands of pages; it holds no <pre>.
        tight = re.sub(r"\s*\n\s*", "\n", seal(page))
        tight = re.sub(r'"\.\.(?:/(?=")|(?="))', _HOME, tight).replace('"../', _ROOT)
        parts = tuple(_SLOTS.split(tight))
        if missing := _NEEDED - set(parts[1::2]):
            raise FormatError(
                f"the built frame page lacks {', '.join(sorted(missing))}",
                hint="compare theme/main.html with the installed mkdocs-material",
            )
        return cls(parts)

    def under(self, section: str, item: str = "") -> Frame:
        """Return the frame for pages of another section of the navigation, and of its *item* where it has several."""
        page = _HERE.sub("", "".join(self.parts))
        for label in dict.fromkeys((section, item or section)):
            link = re.compile(rf'class="(mp-(?:links|menu)__link)"([^>]*)>{re.escape(escape(label))}</a>')
            page = link.sub(rf'class="\1 \1--here"\2 aria-current="true">{escape(label)}</a>', page)
        return Frame(tuple(_SLOTS.split(page)))

    def fill(self, *, title: str, description: str, content: str, place: str, head: str = "") -> str:
        """Return the page that lies at *place*: a folder below the site's root, for instance ``models/iris/``.

        *content* and *head* are HTML that is already safe; the others are plain text.
        """
        root = root_of(place)
        values = {
            _TITLE: escape(title),
            _DESCRIPTION: escape(description),
            _PATH: escape(place),
            _CONTENT: content,
            HEAD_SLOT: head,
            _ROOT: f'"{root}',
            _HOME: f'"{root or "./"}',
        }
        return "".join(values[part] if number % 2 else part for number, part in enumerate(self.parts))
