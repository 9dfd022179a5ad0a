"""A web server for one's own eyes: the built site on this machine's loopback interface."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from modelport.errors import InputError, NotFoundError, SetupError

if TYPE_CHECKING:
    from typing import Self

__all__ = ["ServedSite", "serve_site"]

_log = logging.getLogger(__name__)
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class ServedSite:
    """A site being served; as a context manager it stops at the end."""

    url: str
    server: ThreadingHTTPServer
    thread: Thread

    def stop(self) -> None:
        """Stop serving and give the port back."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve_site(folder: Path, port: int = 8000) -> ServedSite:
    """Serve a built site on 127.0.0.1; port 0 takes any free one.

    Raises:
        NotFoundError: There is no built site in *folder*.
        InputError: There is no such port.
        SetupError: The port is taken.
    """
    if not 0 <= port <= _LAST_PORT:
        raise InputError(f"{port} is not a port", hint="choose one from 0 to 65535 with --port; 0 takes any free one")
    if not (folder / "index.html").is_file():
        raise NotFoundError(f"there is no built site in {folder}", hint="run `modelport site build` first")
    try:
        server = _Server(("127.0.0.1", port), partial(_Requests, directory=str(folder)))
    except OSError as error:
        raise SetupError(
            f"port {port} on 127.0.0.1 cannot be used: {error.strerror}", hint="choose another with --port"
        ) from error
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    return ServedSite(f"http://127.0.0.1:{server.server_address[1]}/", server, thread)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the standard library
        """Pass over browsers that went away in the middle of an answer."""
        if isinstance(sys.exception(), ConnectionError):
            _log.debug("%s went away", client_address)
        else:
            super().handle_error(request, client_address)


class _Requests(SimpleHTTPRequestHandler):
    """Static files with the right types, no caching, no listings, no hidden files, and the site's own 404 page."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    # The system's own table of types may differ or lack these.
    extensions_map = {  # noqa: RUF012 - never changed
        "": "application/octet-stream",
        ".bib": "text/plain; charset=utf-8",
        ".cff": "text/plain; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".xml": "application/xml",
        ".yaml": "text/plain; charset=utf-8",
    }

    def guess_type(self, path: Any) -> str:  # noqa: ANN401 - the signature of the standard library
        return self.extensions_map.get(Path(path).suffix.lower(), self.extensions_map[""])

    def translate_path(self, path: str) -> str:
        found = Path(super().translate_path(path))
        root = Path(self.directory)
        hidden = "\0" in str(found) or any(part.startswith(".") for part in found.relative_to(root).parts)
        # A path that cannot exist answers 404, whatever lies behind the hidden name.
        return str(root / "\x7f") if hidden else f"{found}/" if path.partition("?")[0].endswith("/") else str(found)

    def list_directory(self, path: Any) -> None:  # noqa: ANN401, ARG002 - as above
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        page = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        content = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", self.extensions_map[".html"])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name for it
        _log.debug(format, *args)
