"""Which pages of other origins may call the service from a browser (https://fetch.spec.whatwg.org/#http-cors-protocol).

Off unless asked for, and then the application is not wrapped at all. No credentials: the service knows none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelport.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from starlette.types import ASGIApp

__all__ = ["add_flag", "check_origins", "with_cors"]

_ORIGIN = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_DEFAULT_PORT = re.compile(r"(http://.*):80|(https://.*):443")
_METHODS = ("GET", "HEAD", "POST")
_TAKEN = ("X-Request-ID", "Inference-Header-Content-Length", "traceparent", "tracestate", "If-Match")
_GIVEN = ("X-Request-ID", "Retry-After", "Inference-Header-Content-Length")


def add_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--cors`` to *parser*."""
    parser.add_argument(
        "--cors",
        nargs="+",
        default=[],
        metavar="ORIGIN",
        help="origins whose pages may call the service from a browser, as https://app.example; '*' for all",
    )


def check_origins(origins: Sequence[str]) -> None:
    """Refuse what no browser sends as an origin.

    Raises:
        InputError: One is neither ``*`` nor a scheme, host and port.
    """
    for one in origins:
        if one != "*" and (not _ORIGIN.fullmatch(one) or _DEFAULT_PORT.fullmatch(one)):
            raise InputError(
                f"{one!r} is not an origin",
                hint="write it as browsers send it, in lower case and without a path or the usual port: "
                "https://app.example or http://localhost:8080, or '*' for all",
            )


def with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Return *app* so that pages of *origins* may call it; without any, *app* itself."""
    if not origins:
        return app
    from starlette.middleware.cors import CORSMiddleware

    return CORSMiddleware(
        app, allow_origins=origins, allow_methods=_METHODS, allow_headers=_TAKEN, expose_headers=_GIVEN
    )
