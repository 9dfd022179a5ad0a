"""Reading right files quickly: values alone, by libyaml, whose parser is written in C and thirty times as fast.

The reader proper (``reader``) knows each value's line and explains what is wrong. Most files have nothing wrong, and
nobody asks for a line. So a file is first read here, and whatever is not plainly right is *doubted*: then the reader
proper reads it, as if this module were not there. libyaml gives events only; its composer, which recurses, is not used.

Two parsers of one language differ in corners. A text with such a corner is doubted before it is parsed, so that a
file means the same where there is no libyaml.
"""

from __future__ import annotations

import re
from typing import Any

from yaml import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    YAMLError,
)

from modelport.catalog.scalars import find_unreadable, plain_value

__all__ = ["DOUBT", "quick_value"]

DOUBT = object()
"""Stands for a value that is not plainly right."""

_CORNERS = re.compile(r"[\t\ufeff]|(?:^|[\s\[\]{},:'\"])\?|[|>][-+0-9]*#", re.MULTILINE)
"""Where libyaml and PyYAML differ: tabs, byte order marks inside, a ``?`` that may ask for a key, ``|#``."""

_MOST_EVENTS = 100_000
_DEEPEST = 32


def quick_value(text: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    """Return the value of the YAML in *text*, which has no control characters; or DOUBT."""
    try:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs leave it out
    except ImportError:  # PyYAML was built without libyaml
        return DOUBT
    if _CORNERS.search(text):
        return DOUBT
    values = _Values(doubtful="?" in text, escapes="\\" in text)
    next_event = CParser(text).get_event
    try:
        for _ in range(_MOST_EVENTS):
            event = next_event()
            if event is None:
                return values.top
            take = _TAKERS.get(type(event))
            if take:
                take(values, event)
    except (YAMLError, ValueError, _DoubtError):
        pass
    return DOUBT


class _DoubtError(Exception):
    """This text is for the reader proper."""


class _Values:
    """Makes values of events: ``holder`` is the list or mapping whose parts come now, ``key`` that of the next one."""

    __slots__ = ("around", "documents", "doubtful", "escapes", "holder", "key")

    def __init__(self, *, doubtful: bool, escapes: bool) -> None:
        self.holder: list[Any] | dict[str, Any] = []
        self.key: str | None = None
        self.around: list[list[Any] | dict[str, Any]] = []
        self.documents = 0
        self.doubtful = doubtful
        self.escapes = escapes

    @property
    def top(self) -> Any:  # noqa: ANN401 - as above
        """The whole document's value; an empty one is doubted."""
        return self.holder[0] if isinstance(self.holder, list) and self.holder != [None] and self.holder else DOUBT

    def start_document(self, event: DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1 or event.version or event.tags:
            raise _DoubtError

    def take_scalar(self, event: ScalarEvent) -> None:
        if event.anchor is not None or event.tag is not None:
            raise _DoubtError
        text = event.value
        if self.escapes and find_unreadable(text):
            raise _DoubtError
        if self.doubtful and not event.style and "?" in text:  # the parsers differ on one in brackets
            raise _DoubtError
        holder, key = self.holder, self.key
        if type(holder) is list:
            holder.append(text if event.style else plain_value(text))
        elif key is not None:
            holder[key] = text if event.style else plain_value(text)  # type: ignore[call-overload]  # a mapping
            self.key = None
        elif text in holder:
            raise _DoubtError
        else:
            self.key = text

    def start(self, event: SequenceStartEvent | MappingStartEvent) -> None:
        if event.anchor is not None or event.tag is not None or len(self.around) == _DEEPEST:
            raise _DoubtError
        made: list[Any] | dict[str, Any] = [] if type(event) is SequenceStartEvent else {}
        holder = self.holder
        if isinstance(holder, list):
            holder.append(made)
        elif self.key is None:
            raise _DoubtError
        else:
            holder[self.key] = made
            self.key = None
        self.around.append(holder)
        self.holder = made

    def end(self, _event: object) -> None:
        self.holder = self.around.pop()

    def doubt(self, _event: object) -> None:
        raise _DoubtError


_TAKERS: dict[type, Any] = {
    ScalarEvent: _Values.take_scalar,
    MappingStartEvent: _Values.start,
    SequenceStartEvent: _Values.start,
    MappingEndEvent: _Values.end,
    SequenceEndEvent: _Values.end,
    DocumentStartEvent: _Values.start_document,
    AliasEvent: _Values.doubt,
}
