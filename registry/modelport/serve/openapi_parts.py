"""Pieces that all parts of the OpenAPI document are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.serve.problem import KINDS, PROBLEM_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROBLEM", "document", "errors", "problem_response"]

_TRY_AGAIN = {429, 503}
_LIMITS = "`limits` of /model/artifacts/metadata says"
_WORDS = {
    400: "JSON may be nested only so deep, and a number only so long",
    408: f"{_LIMITS} how many seconds a body may take (`body_seconds`)",
    413: f"{_LIMITS} how many bytes (`body_bytes`) and rows (`rows`) a call may have; send the rows in several calls",
    422: "Each misfit is named by its path in `errors`; nothing was run",
    429: "Too many calls wait, or this one's turn did not come in time; try again after the seconds in Retry-After",
    500: "The service's log says why, under the request's id",
    503: "It starts, stops, or is held by calls past their time; /health/ready says when it is ready",
    504: f"{_LIMITS} how many seconds an answer may take (`call_seconds`)",
}

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "enum": [f"urn:modelport:problem:{kind}" for kind in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "request_id": {"type": "string", "description": "As in the header X-Request-ID and in the service's log."},
        "errors": {
            "type": "array",
            "description": "Every misfit of a call's arguments, up to a hundred.",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
"""The schema of ``modelport.Problem``."""


def errors(*statuses: int) -> dict[str, Any]:
    """Return the responses that are problems."""
    return {str(status): {"$ref": f"#/components/responses/problem.{status}"} for status in statuses}


def problem_response(status: int) -> dict[str, Any]:
    """Return the response that problems of *status* are."""
    kinds = [f"{title} (`{kind}`)" for kind, (one, title) in KINDS.items() if one == status]
    response: dict[str, Any] = {
        "description": "; ".join(kinds) + (f". {_WORDS[status]}." if status in _WORDS else "."),
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/modelport.Problem"}}},
    }
    if status in _TRY_AGAIN:
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return response


def document(
    name: str, summary: str, media_type: str, *statuses: int, schema: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a path that is only read.

    Args:
        name: The operation's id.
        summary: What it gives.
        media_type: In what form.
        statuses: The problems it may answer with.
        schema: Of what it gives, when more is known than the media type says.
    """
    kind = schema or {"type": "object" if media_type == "application/json" else "string"}
    found = {"200": {"description": f"{summary}.", "content": {media_type: {"schema": kind}}}}
    return {
        "get": {"operationId": name, "tags": ["service"], "summary": summary, "responses": found | errors(*statuses)}
    }
