"""``modelport image load|run|dockerfile``: images and a Docker engine."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from modelport.cli.models import find_model
from modelport.cli.terminal import add_json, data, talk
from modelport.settings import load_settings
from modelport.types import names_host

if TYPE_CHECKING:
    import argparse

    from modelport.cli.models import Found
    from modelport.image.engine import Engine, RunOptions
    from modelport.image.running import Running
    from modelport.oci import Descriptor, Layout
    from modelport.settings import Settings

__all__ = ["Image", "configure", "measured_memory", "run_container", "stored_image"]

_PORT = 3330
_ENGINES = "the engine's"
_OWN_TAG = "-run"


@dataclass(frozen=True, slots=True)
class Image:
    """An image in the store.

    Attributes:
        name: The model's name.
        tag: The image's name in an engine, ``NAME:VERSION-service``.
        layout: Where it lies.
        index: What points at it.
        measured: The model's own peak of memory in bytes, where the catalog has it measured.
    """

    name: str
    tag: str
    layout: Layout
    index: Descriptor
    measured: int | None = None


def configure(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's actions to those of ``modelport image``; each sets ``act``."""
    from modelport.cli.image import build_options

    load = actions.add_parser("load", help="build an image, and hand it to the Docker engine")
    build_options(load)
    load.set_defaults(act=_load, platform=_ENGINES)
    running = actions.add_parser("run", help="build an image, and run it in the Docker engine, hardened")
    build_options(running)
    _add_run_flags(running)
    running.set_defaults(act=_run, platform=_ENGINES)
    dockerfile = actions.add_parser("dockerfile", help="write the image as a Dockerfile, to add system packages to")
    build_options(dockerfile)
    dockerfile.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    dockerfile.set_defaults(act=_dockerfile, platform="linux/amd64")
    for one in (load, running):
        add_json(one)


def _add_run_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=_PORT, help="0 takes any free port (default: %(default)s)")
    parser.add_argument("--grpc-port", type=int, metavar="N", help="publish gRPC there, too; 0 takes any free port")
    parser.add_argument("--host", default="127.0.0.1", help="the address to publish on (default: loopback only)")
    parser.add_argument(
        "--memory", metavar="SIZE", help="all that it may use, as in 512m or 2g (default: by what was measured, or 1g)"
    )
    parser.add_argument("--cpus", type=float, default=0, metavar="N", help="cores that it may use (default: all)")
    parser.add_argument(
        "--wait", type=float, default=120, metavar="SECONDS", help="until it is ready (default: %(default)s)"
    )
    parser.add_argument("--detach", action="store_true", help="leave it running, and end when it is ready")


def stored_image(found: Found, settings: Settings, engine: Engine) -> Image | None:
    """Return the image of a package that the store has for this engine's platform; None where there is none."""
    from modelport.cli.image import about_of
    from modelport.errors import InputError
    from modelport.oci import Layout

    about, layout = about_of(found, settings, ""), Layout(settings.store)
    tags = layout.tags()
    for index in (tags[tag] for tag in (about.tag, f"{about.tag}{_OWN_TAG}") if tag in tags):
        said = layout.manifest(index).annotations.get("org.modelport.package.digest")
        if said != str(found.digest):
            continue  # it is of an earlier package by that name
        try:
            engine.choose(layout, index, about.tag)
        except InputError:
            continue
        return Image(about.name, about.tag, layout, index, measured_memory(found, settings))
    return None


def measured_memory(found: Found, settings: Settings) -> int | None:
    """Return the peak of memory in bytes that the catalog says of a package; None where it was not measured."""
    from modelport.catalog import load_entry
    from modelport.errors import FormatError

    folder = settings.catalog / "models" / found.package.name if settings.catalog else None
    if folder is None or not folder.is_dir():
        return None
    try:
        versions = load_entry(folder).versions
    except FormatError:
        return None  # an entry with problems is no reason not to run a package
    figures = [one.document.get("resources", {}).get("memory") for one in versions if one.digest == found.digest]
    return next(filter(None, figures), None)


def _image(options: argparse.Namespace, settings: Settings, engine: Engine) -> Image:
    """Return the image that the command line asks for, built anew: the parts that were built before are found again.

    In the store it has a name of its own, because the image for all platforms, which is pushed, may be there.
    """
    from modelport.cli.image import build_reference
    from modelport.oci import Layout

    found = find_model(options.reference, settings)
    if options.platform == _ENGINES:
        options.platform = str(engine.platform)
    built = build_reference(options, settings, Layout(settings.store), suffix=_OWN_TAG)
    tag = built.tag.removesuffix(_OWN_TAG)
    return Image(found.package.name, tag, built.layout, built.index, measured_memory(found, settings))


def _load(options: argparse.Namespace) -> int:
    from modelport.image.engine import engine

    settings = load_settings()
    with engine() as one:
        image = _image(options, settings, one)
        identity = one.load(image.layout, image.index, image.tag)
    if options.json:
        data({"image": image.tag, "id": identity, "engine": one.where})
    else:
        data(image.tag)
        talk(f"{one.where} has it as {identity}; modelport image run {options.reference} runs it hardened")
    return 0


def _run(options: argparse.Namespace) -> int:
    from modelport.image.engine import RunOptions, engine

    wished = RunOptions(host=options.host, port=options.port, grpc_port=options.grpc_port, cpus=options.cpus)
    memory = _memory(options.memory) if options.memory else 0
    settings = load_settings()
    with engine(local=True) as one:
        image = _image(options, settings, one)
        wished = replace(wished, memory=memory or _default_memory(image))
        return run_container(one, image, wished, seconds=options.wait, detach=options.detach, as_json=options.json)


def _memory(text: str) -> int:
    from modelport.deploy.deployment import parse_memory

    return parse_memory(text)


def _default_memory(image: Image) -> int:
    from modelport.deploy import default_memory

    return default_memory(image.measured)


def run_container(
    engine: Engine, image: Image, wished: RunOptions, *, seconds: float, detach: bool = False, as_json: bool = False
) -> int:
    """Run an image until it is told to stop, or leave it running; print its address when it is ready."""
    from modelport.image.running import STOP_SECONDS

    identity = engine.load(image.layout, image.index, image.tag)
    before = signal.signal(signal.SIGTERM, _interrupted)
    running, ready, kept = None, 0.0, False
    try:
        running = engine.start(identity, wished)
        ready = running.wait(seconds)
        _announce(image, running, as_json=as_json)
        kept = detach
        if detach:
            talk(f"stop it: docker stop -t {STOP_SECONDS} {running.name} && docker rm {running.name}")
        else:
            _follow(running, ready)
    except KeyboardInterrupt:
        talk("stopping")
    finally:
        if running and not kept:
            running.remove(at_once=not ready)
        signal.signal(signal.SIGTERM, before)
    return 0


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _announce(image: Image, running: Running, *, as_json: bool) -> None:
    if as_json:
        grpc = f"{running.host}:{running.grpc_port}" if running.grpc_port else None
        data({"name": image.name, "url": running.url, "grpc": grpc, "container": running.name, "image": image.tag})
    else:
        data(f"serving {image.name} at {running.url}")
        if running.grpc_port:
            data(f"serving {image.name} by gRPC at {running.host}:{running.grpc_port}")
    sys.stdout.flush()


def _follow(running: Running, since: float) -> None:
    """Show the service's own log from *since* until it ends."""
    for piece in running.follow(since):
        for line in piece.decode("utf-8", "replace").splitlines():
            talk(line)


def _dockerfile(options: argparse.Namespace) -> int:
    from modelport.cli.image import about_of
    from modelport.image import Plan, Runtime
    from modelport.image.dockerfile import write_context
    from modelport.image.layers import Workshop
    from modelport.image.wheels import target_of
    from modelport.oci import Layout

    settings = load_settings()
    found = find_model(options.reference, settings)
    target = target_of(options.platform)
    about = about_of(found, settings, options.revision)
    runtime = Runtime(options.runtime)
    python = found.package.info["python"]
    base = options.base or _named_base(settings, python)
    plan = Plan(about=about, targets=[target], base=base, runtime=runtime, created=settings.source_date)
    workshop = Workshop(Layout(settings.store), settings.cache, target, python, talk)
    written = write_context(found.package, plan, options.out, workshop)
    data(str(written))
    talk(f"build it: docker build --tag {about.tag} {options.out}")
    return 0


def _named_base(settings: Settings, python: str) -> str:
    """Return what a Dockerfile builds on by default: the image that the settings name, or else the official one."""
    from modelport.image.bases import DEFAULT, base_name

    named, official = base_name(settings.image_bases, python), DEFAULT.format(python=python)
    if names_host(named):
        return named
    talk(f"a Dockerfile cannot build on the folder {named}, which the settings name: it builds on {official}")
    return official
