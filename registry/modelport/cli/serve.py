"""``modelport serve``: a model's methods over HTTP, in a clean environment, without a container."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from importlib.util import find_spec
from typing import TYPE_CHECKING

from modelport.cli.entry import entry_of, license_of
from modelport.cli.models import add_allow_code, check_code, find_model, said_version
from modelport.cli.runtime import command_for
from modelport.errors import InputError
from modelport.serve import cors
from modelport.serve.address import bind
from modelport.serve.limits import Limits
from modelport.serve.runtime import CHOICES
from modelport.serve.tracing import is_asked_for
from modelport.settings import load_settings
from modelport.types import Version

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "reference", metavar="REFERENCE", help="NAME[:VERSION], a registry's reference, or a package's folder"
    )
    parser.add_argument("--port", type=int, default=3330, help="0 takes any free port (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: loopback only)")
    parser.add_argument(
        "--grpc-port", type=int, metavar="N", help="speak gRPC, too, on this port; 0 takes any free one (default: no)"
    )
    cors.add_flag(parser)
    parser.add_argument(
        "--runtime",
        choices=CHOICES,
        default="auto",
        help="what runs trained objects: their framework, their second form (ONNX, LiteRT), or the second form where"
        " it is and works (default: %(default)s)",
    )
    parser.add_argument(
        "--otel",
        action="store_true",
        help="send traces by OpenTelemetry, as its variables say (also without, where OTEL_EXPORTER_OTLP_ENDPOINT is"
        " set)",
    )
    parser.add_argument(
        "--version", metavar="VERSION", help="what the service says its version is (default: that of the store's tag)"
    )
    parser.add_argument("--no-access-log", action="store_true", help="log no requests that went well")
    add_allow_code(parser)
    Limits.add_flags(parser)


def run(options: argparse.Namespace) -> int:
    """Become the service: this process is replaced by it, so that signals reach it."""
    settings, limits = load_settings(), Limits.from_flags(options)
    cors.check_origins(options.cors)
    bind(options.host, options.port).close()  # a port that is taken is said before an environment is made
    if options.grpc_port is not None:
        bind(options.host, options.grpc_port).close()
    version = str(Version.parse(options.version)) if options.version else ""
    found = find_model(options.reference, settings)
    if options.runtime == "converted" and not found.package.info.get("alternatives"):
        raise InputError(
            f"{found.package.name} has no second forms", hint="serve it with --runtime auto, or --runtime framework"
        )
    check_code(found, settings, allow_code=options.allow_code)
    arguments = [str(found.package.folder.resolve()), "--host", options.host, "--port", str(options.port)]
    arguments += ["--digest", str(found.digest), "--runtime", options.runtime]
    if version := version or said_version(found, settings):
        arguments += ["--version", version]
    if spdx := license_of(entry_of(found.package.name, settings)):
        arguments += ["--license", spdx]
    if options.cors:
        arguments += ["--cors", *options.cors]
    for name, value in asdict(limits).items():
        arguments += [f"--{name.replace('_', '-')}", str(value)]
    traces = options.otel or (is_asked_for() and find_spec("opentelemetry") is not None)
    arguments += ["--otel"] if traces else []
    arguments += ["--no-access-log"] if options.no_access_log else []
    if options.grpc_port is not None:
        arguments += ["--grpc-port", str(options.grpc_port)]
    extras = _extras(grpc=options.grpc_port is not None, traces=traces)
    command, variables = command_for(found.package, settings.cache, "modelport.serve", arguments, extra=extras)
    del variables["PYTHONHASHSEED"]  # strangers' keys must not be able to collide as they like
    del variables["PYTHONDONTWRITEBYTECODE"]  # Modelport's own may be written, which some installers leave to be done
    sys.stdout.flush()
    os.execve(command[0], command, variables)  # noqa: S606 - a list of words, no shell


def _extras(*, grpc: bool, traces: bool) -> str:
    """Return the extras that the service's environment gets: all that are installed here, so that one serves all ways.

    What was asked for is among them in any case: who lacks it is told.
    """
    optional = {"otel": traces or find_spec("opentelemetry") is not None, "grpc": grpc or find_spec("grpc") is not None}
    return ",".join(["serve", *(name for name, wanted in optional.items() if wanted)])
