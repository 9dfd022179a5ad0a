"""The words of a ``.proto`` text, each with its line and the comments around it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from modelport.errors import FormatError

__all__ = ["Token", "tokens_of"]

_MOST_CHARACTERS, _MOST_TOKENS = 1024 * 1024, 200_000
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>[0-9][A-Za-z0-9_.]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<sign>[{}\[\]()<>;,=.:+/-])""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class Token:
    """A word: its kind (name, number, text, sign), its line, the comment before it and the one behind it."""

    kind: str
    text: str
    line: int
    doc: str = ""
    note: str = ""


def tokens_of(text: str) -> list[Token]:
    """Return the words of *text*, without spaces.

    Raises:
        FormatError: It is too long, or holds what belongs to no word.
    """
    if len(text) > _MOST_CHARACTERS:
        raise FormatError(f"it has more than {_MOST_CHARACTERS:,} characters")
    tokens: list[Token] = []
    comments: list[str] = []
    place, line = 0, 1
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise FormatError(f"line {line}: {text[place : place + 20]!r} belongs to no protobuf text")
        place, kind, word = match.end(), str(match.lastgroup), match[0]
        if kind == "comment":
            if tokens and tokens[-1].line == line:
                tokens[-1].note = _comment_text(word)
            else:
                comments.append(_comment_text(word))
        elif kind != "space":
            tokens.append(Token(kind, word, line, "\n".join(comments).strip()))
            comments.clear()
        elif word.count("\n") > 1:
            comments.clear()  # an empty line parts a comment from what follows
        line += word.count("\n")
        if len(tokens) > _MOST_TOKENS:
            raise FormatError(f"it has more than {_MOST_TOKENS:,} words")
    return tokens


def _comment_text(comment: str) -> str:
    if comment.startswith("//"):
        return comment[2:].strip()
    return "\n".join(line.strip().lstrip("*").strip() for line in comment[2:-2].strip().splitlines())
