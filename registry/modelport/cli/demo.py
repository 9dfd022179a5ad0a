"""``modelport demo``: the main job on every model of the catalog, told step by step.

Builds the packages from their recipes, keeps them in the embedded store, checks the catalog, builds and serves the
site, starts a service for each model and makes one prediction with it. On a terminal all of it then stays up until
Ctrl-C. What has not changed since the last run is reused.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import human_size, talk
from modelport.errors import InputError, ModelError
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from modelport.publish.build import Built

__all__ = ["configure", "run"]

_SITE_PORT = 8000
_SERVICE_PORT = 3330
_CALL_SECONDS = 60


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--stay", action="store_true", help="keep the site and the services up, also without a terminal"
    )


def run(options: argparse.Namespace) -> int:
    """Run the demo; the status is 0 when every step did what it should."""
    from modelport.cli.check import check_and_report

    # To be stopped is to be interrupted: what was started ends with us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings, started = load_settings(), time.monotonic()
    entries = sorted(one for one in (settings.need_catalog() / "models").iterdir() if one.is_dir())
    if not entries:
        raise InputError(f"there are no models in {settings.need_catalog()}")
    _say("1. Packages, built from their recipes and kept in the store")
    built = {entry.name: _build(entry, settings) for entry in entries}
    _say("2. The catalog's entries, checked")
    if check_and_report([], settings):
        return 1
    with ExitStack() as running:
        site = _serve_site(settings, running)
        urls = {name: _serve_model(name, settings, running) for name in built}
        _say(f"\nDone in {time.monotonic() - started:.0f} s.")
        stay = options.stay or (sys.stdin.isatty() and sys.stdout.isatty())
        live = [f"open {site}", *(f"curl {url}/openapi.json" for url in urls.values())]
        _tell_what_next(settings, next(iter(urls)), live if stay else [])
        if stay:
            _wait()
        else:
            _say("\nThis is no terminal: stopping the site and the services. `modelport demo --stay` keeps them up.")
    return 0


def _build(entry: Path, settings: Settings) -> Built:
    from modelport.catalog import load_entry
    from modelport.publish.build import build_entry
    from modelport.publish.evidence import record_build

    began = time.monotonic()
    talk(f"   {entry.name}: looking whether it has to be trained anew, which may take minutes")
    built = build_entry(entry, settings)
    how = "unchanged, reused" if built.reused else f"trained, packed and tried in {time.monotonic() - began:.0f} s"
    _say(f"   {built.kept.name}  {built.kept.manifest.digest}  ({how})")
    if built.note:
        _say(f"      {built.note}")
    record_build(load_entry(entry), built, settings)
    return built


def _serve_site(settings: Settings, running: ExitStack) -> str:
    from modelport.cli.site import build
    from modelport.publish.evidence import evidence_folder
    from modelport_site import serve_site

    _say("3. The site, built and served")
    out = build(settings, evidence=evidence_folder(settings))
    server = running.enter_context(serve_site(out, port=_free_port(_SITE_PORT)))
    _say(f"   {server.url}  (in {_short(out)})")
    return str(server.url)


def _serve_model(name: str, settings: Settings, running: ExitStack) -> str:
    """Serve a model and make one prediction with it; return the service's address."""
    from modelport.package.closeness import differences
    from modelport.package.store import find_package, open_package
    from modelport.types import Reference

    _say(f"4. {name}, served and called")
    url = running.enter_context(_service(name, settings))
    kept = find_package(settings.store, Reference.parse(name))
    if kept is None:
        raise InputError(f"{name} is not in the store")
    package = open_package(settings.store, kept, settings.cache)
    streaming = {method.name for method in package.spec.methods if method.streams}
    example = next((one for one in package.examples if one["method"] not in streaming), None)
    if example is None:
        _say(f"   {url} serves streams, for which modelport call has a line for each message")
        return url
    address = f"{url}/model/methods/{example['method']}"
    answer = _post(address, example["input"])
    _say(f"   POST {address}")
    _say(f"      {_shown(example['input'])}")
    _say(f"   -> {_shown(answer)}")
    if wrong := differences(example["output"], answer, example["tolerance"], "answer"):
        raise ModelError(f"{name} does not answer as its golden example says: {'; '.join(wrong[:3])}")
    return url


@contextmanager
def _service(name: str, settings: Settings) -> Iterator[str]:
    command = [sys.executable, "-m", "modelport", "serve", name, "--port", str(_free_port(_SERVICE_PORT))]
    log = (settings.root or Path.cwd()) / "build" / "demo" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("serving "):
                process.kill()
                raise ModelError(
                    f"the service of {name} did not start: {log.read_text('utf-8').strip()}", hint=f"{log}"
                )
            yield line.split()[-1]
        finally:
            process.terminate()


def _post(address: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - a JSON document
    body = json.dumps(arguments).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - our own service
    with urllib.request.urlopen(request, timeout=_CALL_SECONDS) as answer:  # noqa: S310 - as above
        return json.load(answer)


def _free_port(wanted: int) -> int:
    """Return *wanted*, or the next port after it that nobody listens on."""
    for port in range(wanted, wanted + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return 0


def _tell_what_next(settings: Settings, name: str, live: list[str]) -> None:
    modelport = _short(Path(sys.argv[0]))
    _say(f"\nThe store is {_short(settings.store)} ({human_size(_size(settings.store))}), an OCI image layout.")
    _say("Try next:")
    for one in live:
        _say(f"   {one}")
    for command in ("list", f"show {name}", f"serve {name} --port 0", "store list"):
        _say(f"   {modelport} {command}")
    if not live:
        _say(f"   {modelport} site serve")


def _wait() -> None:
    _say("\nThe site and the services stay up. Ctrl-C stops them.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        _say("stopped")


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _short(path: Path) -> Path:
    full = path.absolute()
    return full.relative_to(Path.cwd()) if full.is_relative_to(Path.cwd()) else path


def _shown(document: object) -> str:
    text = json.dumps(document, ensure_ascii=False)
    return text if len(text) <= 150 else f"{text[:150]} ... ({len(text)} characters)"  # noqa: PLR2004 - a line or two


def _say(text: str) -> None:
    print(text, flush=True)
