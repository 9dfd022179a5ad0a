"""Which form a body has and which form the answer shall have (RFC 9110, sections 8.3 and 12.5.1)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from modelport.serve.problem import ProblemError

__all__ = ["MEDIA_TYPES", "Form", "answer_type", "request_type"]


class Form(enum.Enum):
    """The two forms of a message."""

    JSON = "JSON"
    PROTOBUF = "protobuf"


MEDIA_TYPES = {
    "application/json": Form.JSON,
    "application/x-protobuf": Form.PROTOBUF,
    "application/protobuf": Form.PROTOBUF,
    "application/vnd.google.protobuf": Form.PROTOBUF,  # what Acumos clients send
}
"""The media types of calls and answers, the preferred ones first."""

_OFFERED = ", ".join(MEDIA_TYPES)
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


def request_type(content_type: str | None, content_encoding: str | None) -> str:
    """Return the media type of a call's body; a body without a Content-Type is read as JSON.

    Raises:
        ProblemError: The type is not offered, is in a character set other than UTF-8, or the body is compressed.
    """
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise _unsupported(f"a body with Content-Encoding {content_encoding!r} is not read; send it as it is")
    if content_type is None or not content_type.strip():
        return "application/json"
    media_type, *parameters = (part.strip() for part in content_type.lower().split(";"))
    if media_type not in MEDIA_TYPES:
        curl = "; with curl add: -H 'Content-Type: application/json'" if media_type == _CURL else ""
        raise _unsupported(f"Content-Type is {media_type[:100]!r}; this method takes {_OFFERED}{curl}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in {"utf-8", "utf8", "us-ascii"}:
            raise _unsupported(f"the character set is {value.strip()!r}; JSON is read as UTF-8 (RFC 8259, section 8.1)")
    return media_type


def answer_type(accept: str | None, asked_in: str) -> str:
    """Return the media type of the answer: the best of what is accepted, the request's own among equals.

    Raises:
        ProblemError: Nothing that is accepted is offered.
    """
    if accept is None or not accept.strip():
        return asked_in
    ranges = [_parse_range(part) for part in accept.lower().split(",")[:_ACCEPT_LIMIT]]
    # The request's own type first: max() keeps the first among equals.
    offered = [asked_in, *(m for m in MEDIA_TYPES if m != asked_in)]
    best = max(offered, key=lambda media_type: _quality(media_type, ranges))
    if _quality(best, ranges) == 0:
        raise ProblemError("not-acceptable", f"Accept is {accept[:200]!r}; this method answers in {_OFFERED}")
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


def _unsupported(detail: str) -> ProblemError:
    return ProblemError("unsupported-media-type", detail, headers={"Accept": _OFFERED, "Accept-Encoding": "identity"})
