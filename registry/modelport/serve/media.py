"""Which form a body has and which form the answer shall have (RFC 9110, sections 8.3 and 12.5.1)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MEDIA_TYPES", "Form", "answer_type", "best_type", "form_of", "request_type"]


class Form(enum.Enum):
    """The forms of a message; raw is one field by itself (see `raw`)."""

    JSON = "JSON"
    PROTOBUF = "protobuf"
    RAW = "raw"


MEDIA_TYPES = {
    "application/json": Form.JSON,
    "application/x-protobuf": Form.PROTOBUF,
    "application/protobuf": Form.PROTOBUF,
    "application/vnd.google.protobuf": Form.PROTOBUF,  # what Acumos clients send
}
"""The media types that every call and every answer may have, the preferred ones first."""

_CURL = "application/x-www-form-urlencoded"  # what curl says unless told otherwise
_ACCEPT_LIMIT = 32


@dataclass(frozen=True, slots=True)
class _Range:
    """One part of an Accept header: ``application/*;q=0.5``."""

    text: str
    quality: float

    def specificity(self, media_type: str) -> int:
        """Tell how closely this range names *media_type*; 0 when it does not."""
        main = media_type.partition("/")[0]
        return {media_type: 3, f"{main}/*": 2, "*/*": 1}.get(self.text, 0)


def form_of(media_type: str) -> Form:
    """Return the form that a media type stands for."""
    return MEDIA_TYPES.get(media_type, Form.RAW)


def request_type(
    content_type: str | None,
    content_encoding: str | None,
    raw: Sequence[str] = (),
    always: Sequence[str] = tuple(MEDIA_TYPES),
) -> str:
    """Return the media type of a call's body; a body without a Content-Type is of the first of *always*: JSON.

    Args:
        content_type: The header.
        content_encoding: The header.
        raw: The media types that the method takes besides.
        always: The media types that every such method takes.

    Raises:
        ProblemError: The type is not offered, is in a character set other than UTF-8, or the body is compressed.
    """
    offered = [*always, *raw]
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise _unsupported(f"a body with Content-Encoding {content_encoding!r} is not read; send it as it is", offered)
    if content_type is None or not content_type.strip():
        return always[0]
    media_type, *parameters = (part.strip() for part in content_type.lower().split(";"))
    if media_type not in offered:
        curl = f"; with curl add: -H 'Content-Type: {always[0]}'" if media_type == _CURL else ""
        raise _unsupported(
            f"Content-Type is {media_type[:100]!r}; this method takes {', '.join(offered)}{curl}", offered
        )
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in {"utf-8", "utf8", "us-ascii"}:
            raise _unsupported(
                f"the character set is {value.strip()!r}; text is read as UTF-8 (RFC 8259, section 8.1)", offered
            )
    return media_type


def answer_type(accept: str | None, asked_in: str, raw: Sequence[str] = ()) -> str:
    """Return the media type of the answer: the best of what is accepted, the request's own among equals.

    Args:
        accept: The header.
        asked_in: The media type of the call's body.
        raw: The media types that the method gives besides ``MEDIA_TYPES``.

    Raises:
        ProblemError: Nothing that is accepted is offered.
    """
    # The request's own type first.
    return best_type(accept, sorted([*MEDIA_TYPES, *raw], key=lambda media_type: media_type != asked_in))


def best_type(accept: str | None, offered: Sequence[str]) -> str:
    """Return the media type of *offered* that the header *accept* prefers; among equals, the first.

    Raises:
        ProblemError: None of them is accepted.
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [_parse_range(part) for part in accept.lower().split(",")[:_ACCEPT_LIMIT]]
    best = max(offered, key=lambda media_type: _quality(media_type, ranges))
    if _quality(best, ranges) == 0:
        raise ProblemError("not-acceptable", f"Accept is {accept[:200]!r}; this method answers in {', '.join(offered)}")
    return best


def _quality(media_type: str, ranges: list[_Range]) -> float:
    """Return the quality that the most specific range gives *media_type* (RFC 9110, section 12.5.1)."""
    named = [(r.specificity(media_type), r.quality) for r in ranges if r.specificity(media_type)]
    return max(named)[1] if named else 0.0


def _parse_range(part: str) -> _Range:
    text, *parameters = (p.strip() for p in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = min(max(float(value), 0.0), 1.0)
            except ValueError:
                quality = 0.0
    return _Range(text, quality)


def _unsupported(detail: str, offered: Sequence[str]) -> ProblemError:
    headers = {"Accept": ", ".join(offered), "Accept-Encoding": "identity"}
    return ProblemError("unsupported-media-type", detail, headers=headers)
