"""Safe YAML reading: the values, the line of each, and every problem of syntax at once; bad data never raises.

Contributed files are read in a small, unambiguous part of YAML:

* UTF-8, one document, no directives, no tags, no anchors or aliases, at most ``MAX_DEPTH`` levels and ``MAX_NODES``
  values; keys are text, and each occurs once.
* Only what JSON spells the same way is not text (``scalars``).
* No control characters, and none that change the direction of what stands around them (Unicode TR 36).

Values are built straight from a parser's events, on a list instead of the call stack. A composer, which recurses,
never sees a file: libyaml's ends the process at 50,000 nested brackets. What is plainly right is read by ``quick``,
without lines; they are found, by reading once more, when somebody asks for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import yaml

from modelport.catalog.document import Document, Path, shown
from modelport.catalog.problem import Problem
from modelport.catalog.quick import DOUBT, quick_value
from modelport.catalog.scalars import UNREADABLE, find_unreadable, is_text, plain_value

__all__ = ["MAX_DEPTH", "MAX_NODES", "read_yaml"]

MAX_DEPTH = 32
"""How many levels of lists and mappings may lie in each other."""

MAX_NODES = 100_000
"""How many values and keys a document may hold: an image of 180 x 180 pixels in three colours fits."""

_MAX_PROBLEMS = 50
_LONG = 128 * 1024
_CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)
_ADVICE = {
    "found character '\\t'": "indent with spaces, not with tabs",
    "mapping values are not allowed": "put a text that holds ': ' in quotes",
    "found unexpected end of stream": "close the quote or the bracket",
    "expected ',' or": "close the bracket, and put a text that holds one in quotes",
    "could not find expected ':'": "write 'key: value', or indent the line under the text it goes on from",
    "expected <block end>": "give all keys of a mapping and all items of a list the same indentation",
    "cannot start any token": "put a text that starts with this character in quotes",
    "did not find expected alphabetic": "put a text that starts with '*' or '&' in quotes",
    "found unknown escape character": "write a backslash twice, or use single quotes",
}


def read_yaml(content: bytes, file: str) -> Document:
    """Read a YAML file's *content*; *file* is its name in reports.

    The document's ``value`` is None when nothing could be read; its ``problems`` then say why.
    """
    text, problems = _decode(content, file)
    if problems:
        return Document(file, None, problems=tuple(problems))
    value = quick_value(text)
    if value is DOUBT:
        return _read_with_lines(text, file)
    again = _Again(text, file)
    return Document(file, value, _Later(again, "lines"), _Later(again, "sources"))


def _read_with_lines(text: str, file: str) -> Document:
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=_loader(text)):
            builder.take(event)
    except _StopReadingError:
        builder.value = None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # PyYAML lets chr() and int() of huge escapes through
        builder.value = None
        builder.note((), *_explain(error), rule="yaml-syntax")
    return builder.document()


def _loader(text: str) -> Any:  # noqa: ANN401 - the stubs know no common type
    """Return PyYAML's own parser, whose messages are known; for what only tools write, libyaml's: nobody may wait."""
    return yaml.SafeLoader if len(text) <= _LONG else getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class _Again:
    """A text whose values are known; its lines are found when they are asked for."""

    text: str
    file: str

    @cached_property
    def document(self) -> Document:
        return _read_with_lines(self.text, self.file)


_T = TypeVar("_T")


class _Later(Mapping[Path, _T], Generic[_T]):
    """The lines of a document, or the sources of its numbers, which nobody may ever ask for."""

    __slots__ = ("_again", "_name")

    def __init__(self, again: _Again, name: str) -> None:
        self._again = again
        self._name = name

    @property
    def _found(self) -> Mapping[Path, _T]:
        found: Mapping[Path, _T] = getattr(self._again.document, self._name)
        return found

    def __getitem__(self, path: Path) -> _T:
        return self._found[path]

    def __iter__(self) -> Iterator[Path]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _decode(content: bytes, file: str) -> tuple[str, list[Problem]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        hint = "save the file as UTF-8"
        return "", [Problem(file=file, line=line, rule="encoding", message="is not UTF-8 text", hint=hint)]
    conflict = _CONFLICT.search(text)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        hint = "choose one side, and remove the lines of '<', '=' and '>'"
        return "", [Problem(file=file, line=line, rule="yaml-syntax", message="holds a merge conflict", hint=hint)]
    problems = [
        Problem(
            file=file,
            line=text.count("\n", 0, match.start()) + 1,
            rule="yaml-character",
            message=f"holds the invisible character U+{ord(match[0]):04X}",
            hint="remove it",
        )
        for match in UNREADABLE.finditer(text)
    ]
    return text, problems[:_MAX_PROBLEMS]


def _explain(error: Exception) -> tuple[str, str, int]:
    """Return what a parser's error says, the way out, and the line."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return "is not YAML: an escape names no character, or a number is endless", "", 0
    said = str(error.problem)
    hint = next((advice for part, advice in _ADVICE.items() if part in said), "")
    return f"is not YAML: {said}", hint, error.problem_mark.line + 1 if error.problem_mark else 0


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


class _StopReadingError(Exception):
    """The rest of the file is not worth reading; the problem is noted already."""


@dataclass(slots=True)
class _Frame:
    """A list or a mapping that is being read; ``key`` is the key whose value comes next."""

    path: Path
    value: list[Any] | dict[str, Any]
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """Makes values from events."""

    file: str
    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    sources: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    frames: list[_Frame] = field(default_factory=list)
    nodes: int = 0
    documents: int = 0

    def document(self) -> Document:
        """Return what was read."""
        if self.value is None and not self.problems:
            self.note((), "is empty", "", 0, rule="yaml-syntax")
        return Document(self.file, self.value, self.lines, self.sources, tuple(self.problems))

    def note(self, path: Path, message: str, hint: str, line: int, *, rule: str) -> None:
        """Keep a problem; stop reading when there are too many."""
        self.problems.append(Document(self.file, None, {path: line}).problem(path, message, hint=hint, rule=rule))
        if len(self.problems) == _MAX_PROBLEMS:
            raise _StopReadingError

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self.frames.pop()
            case yaml.NodeEvent():
                self._take_node(event, _line(event))

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        line = _line(event)
        if self.documents > 1:
            self._stop("holds more than one document", "remove this '---' and what follows", line, "yaml-one-document")
        if event.version or event.tags:
            self._stop("starts with a directive", "remove the line that starts with '%'", line, "yaml-one-document")

    def _stop(self, message: str, hint: str, line: int, rule: str) -> None:
        path = self.frames[-1].path[:1] if self.frames else ()
        self.note(path, message, hint, line, rule=rule)
        raise _StopReadingError

    def _take_node(self, event: yaml.NodeEvent, line: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._stop(f"holds more than {MAX_NODES:,} values", "keep examples small", line, "yaml-limits")
        frame = self.frames[-1] if self.frames else None
        if frame and isinstance(frame.value, dict) and frame.key is None:
            self._take_key(event, line, frame)
            return
        path: Path = ()
        if frame:
            path = (*frame.path, len(frame.value) if frame.key is None else frame.key)
        self.lines.setdefault(path, line)
        self._check_properties(event, path, line)
        value = self._value(event, path, line)
        self._place(value, frame)
        if isinstance(value, list | dict):
            if len(self.frames) == MAX_DEPTH:
                self._stop(f"lies more than {MAX_DEPTH} levels deep", "", line, "yaml-limits")
            self.frames.append(_Frame(path, value))

    def _take_key(self, event: yaml.NodeEvent, line: int, frame: _Frame) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            self._stop("has a key that is not a text", "put a text that starts so in quotes", line, "yaml-syntax")
            return
        key = str(event.value)
        path = (*frame.path, key)
        self._check_properties(event, path, line)
        self._check_text(key, path, line)
        if key in frame.value:
            first = self.lines[path]
            message = "is given twice in one line" if first == line else f"is given twice, in lines {first} and {line}"
            self.note(path, message, "keep one of them", line, rule="yaml-duplicate-key")
        self.lines[path] = line
        frame.key = key

    def _place(self, value: object, frame: _Frame | None) -> None:
        if frame is None:
            self.value = value
        elif isinstance(frame.value, list):
            frame.value.append(value)
        else:
            frame.value[str(frame.key)] = value
            frame.key = None

    def _check_properties(self, event: yaml.NodeEvent, path: Path, line: int) -> None:
        if event.anchor is not None:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            message = f"uses an anchor or an alias, {shown(sign + event.anchor)}"
            self.note(path, message, "write the value itself, or put the text in quotes", line, rule="yaml-alias")
        if getattr(event, "tag", None) is not None:
            self.note(
                path, "has a tag", "remove the '!' and its word, or put the text in quotes", line, rule="yaml-tag"
            )

    def _value(self, event: yaml.NodeEvent, path: Path, line: int) -> object:
        match event:
            case yaml.SequenceStartEvent():
                return []
            case yaml.MappingStartEvent():
                return {}
            case yaml.ScalarEvent(style=None | ""):  # libyaml says it with the empty text
                return self._plain(event.value, path, line)
            case yaml.ScalarEvent():
                self._check_text(event.value, path, line)
                return event.value
        return None  # an alias, which is noted already

    def _plain(self, text: str, path: Path, line: int) -> object:
        """Return the value of a scalar without quotes."""
        if is_text(text):
            return text
        self.sources[path] = text
        try:
            return plain_value(text)
        except ValueError:
            hint = "put it in quotes if it is a text"
            self.note(path, f"is too large or too long a number, {shown(text)}", hint, line, rule="yaml-number")
            return text

    def _check_text(self, text: str, path: Path, line: int) -> None:
        match = find_unreadable(text)
        if match:
            message = f"holds the invisible character U+{ord(match[0]):04X}"
            self.note(path, message, "remove it", line, rule="yaml-character")
