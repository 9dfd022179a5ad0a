"""Distributions made by hand: put into a folder as an installer does, or built as a wheel for an index of files."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

REGISTRY = str(Path(__file__).parents[2] / "registry")


def install(site: Path, name: str, files: dict[str, str], requires: tuple[str, ...] = (), url: str = "") -> None:
    """Put a distribution into a folder; *url* is where it came from, if not from an index, as JSON (PEP 610)."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, "utf-8")
    (info / "METADATA").write_text(_metadata(name, "1.0", requires), "utf-8")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in files), "utf-8")
    if url:
        (info / "direct_url.json").write_text(url, "utf-8")


def wheel(index: Path, name: str, version: str, requires: tuple[str, ...] = ()) -> None:
    """Put a wheel of one empty module into the folder of an index (PEP 503)."""
    info, file = f"{name}-{version}.dist-info", index / name / f"{name}-{version}-py3-none-any.whl"
    file.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", _metadata(name, version, requires))
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with (file.parent / "index.html").open("a", encoding="utf-8") as page:
        page.write(f'<a href="{file.name}#sha256={digest}">{file.name}</a>\n')


@contextmanager
def served(index: Path) -> Iterator[dict[str, str]]:
    """Serve the folder of an index; give the variables that make it uv's only one."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(index))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"UV_INDEX_URL": f"http://127.0.0.1:{server.server_port}/", "UV_NO_CACHE": "1", "NO_PROXY": "127.0.0.1"}
        server.shutdown()


def python(script: str, *paths: Path, **variables: str) -> str:
    """Run a script with more folders on its path; return what it prints."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([REGISTRY, *map(str, paths)])} | variables
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _metadata(name: str, version: str, requires: tuple[str, ...]) -> str:
    lines = "".join(f"Requires-Dist: {one}\n" for one in requires)
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{lines}"
