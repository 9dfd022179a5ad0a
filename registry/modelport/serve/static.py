"""The page's own files: scripts, style and mark, each sent once and kept for good by whoever asks.

All lie in one folder whose name is a digest of the whole, so that scripts import one another by plain names, and a
change of any is a change of every address.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["static_folder", "static_routes"]

_FILES = Path(__file__).parent / "assets"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


@functools.cache
def _files() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(_FILES.iterdir()) if file.suffix in _TYPES}


@functools.cache
def static_folder() -> str:
    """Return where the files are, without a slash at either end: ``assets/0a1b2c3d4e5f6a7b``."""
    digest = hashlib.sha256()
    for name, content in _files().items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return f"assets/{digest.hexdigest()[:16]}"


def static_routes() -> list[Route]:
    """Return a route for each file."""
    return [Route(f"/{static_folder()}/{name}", _answer, methods=["GET"]) for name in _files()]


async def _answer(request: Request) -> Response:
    name = request.url.path.rpartition("/")[2]
    return Response(_files()[name], media_type=_TYPES[Path(name).suffix], headers=_KEPT)
