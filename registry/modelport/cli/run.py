"""``modelport run``: a model's service, in a container where that can be done at once, otherwise without one."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import ExitStack
from typing import TYPE_CHECKING

from modelport.cli.models import add_allow_code, check_code, find_model
from modelport.cli.terminal import talk
from modelport.errors import SetupError
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse

    from modelport.cli.models import Found
    from modelport.settings import Settings

__all__ = ["configure", "run"]

_READY_SECONDS = 120


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "reference", metavar="REFERENCE", help="NAME[:VERSION], a registry's reference, or a package's folder"
    )
    parser.add_argument("--port", type=int, default=3330, help="0 takes any free port (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: loopback only)")
    add_allow_code(parser)


def run(options: argparse.Namespace) -> int:
    """Run the service until it is told to stop; its address is printed when it is ready."""
    settings = load_settings()
    found = find_model(options.reference, settings)
    check_code(found, settings, allow_code=options.allow_code)
    status = _in_container(options, found, settings)
    return _without(options) if status is None else status


def _in_container(options: argparse.Namespace, found: Found, settings: Settings) -> int | None:
    """Run its image, if it was built and an engine answers; return None, and say why, otherwise."""
    with ExitStack() as stack:
        try:
            from modelport.cli.image_run import run_container, stored_image
            from modelport.deploy import default_memory
            from modelport.image.engine import RunOptions, engine

            one = stack.enter_context(engine(local=True))
        except SetupError as error:
            talk(f"without a container: {error.message}")
            return None
        except ModuleNotFoundError as error:
            talk(f"without a container: {error.name} is not installed")
            return None
        image = stored_image(found, settings, one)
        if image is None:
            talk(f"without a container: modelport image build {options.reference} makes an image")
            return None
        talk(f"in a container, from {image.tag}")
        wished = RunOptions(host=options.host, port=options.port, memory=default_memory(image.measured))
        return run_container(one, image, wished, seconds=_READY_SECONDS)


def _without(options: argparse.Namespace) -> int:
    from modelport.cli import serve

    parser = ArgumentParser()
    serve.configure(parser)
    words = [options.reference, "--port", str(options.port), "--host", options.host]
    return serve.run(parser.parse_args([*words, *(["--allow-code"] if options.allow_code else [])]))
