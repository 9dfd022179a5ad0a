"""``python -m modelport.serve PACKAGE_FOLDER``: the service's process.

Stdout gets exactly one line, ``serving NAME at URL``, once calls are answered, and with ``--grpc-port`` another one for
``grpc://HOST:PORT``. Everything else goes to stderr: the log, and in it what the model prints and warns of (`printed`).
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from pathlib import Path

from modelport.errors import FormatError, ModelportError
from modelport.package.answer import keep_stdout
from modelport.serve import cors, printed
from modelport.serve.limits import Limits
from modelport.serve.runtime import CHOICES
from modelport.types import Digest, Name, Version

__all__ = ["main"]

_OF_VARIANT = re.compile(r"(?=.{1,128}$)[0-9]+\.[0-9]+\.[0-9]+(-[0-9a-z]+(\.[0-9a-z]+)*)+", re.ASCII)


def main(arguments: list[str] | None = None) -> int:
    """Serve the package that the command line names; return the exit status."""
    options = _parser().parse_args(arguments)
    stdout, stderr = keep_stdout(), sys.stderr

    def announce(name: str, url: str) -> None:
        stdout.write(f"serving {name} at {url}\n")
        stdout.flush()

    try:
        cors.check_origins(options.cors)
        from modelport.serve.log import log_to_stderr
        from modelport.serve.server import run

        log_to_stderr(successes=not options.no_access_log)
        still_running = run(
            options.package,
            host=options.host,
            port=options.port,
            grpc_port=options.grpc_port,
            limits=Limits.from_flags(options),
            name=options.name and str(Name.parse(options.name)),
            version=options.version and _version(options.version),
            digest=options.digest and str(Digest.parse(options.digest)),
            spdx=options.license,
            cors=options.cors,
            runtime=options.runtime,
            otel=options.otel,
            announce=announce,
        )
    except ModelportError as error:
        stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    if still_running:
        # Such a thread would crash or hang the interpreter's own way out.
        printed.finish()
        logging.shutdown()
        os._exit(0)
    return 0


def _version(text: str) -> str:
    """Return a version, or what a variant has for one; raise FormatError for any other text."""
    try:
        return str(Version.parse(text))
    except FormatError:
        if not _OF_VARIANT.fullmatch(text):
            raise
        return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m modelport.serve", description="Serve a package over HTTP.")
    parser.add_argument("package", type=Path, metavar="PACKAGE_FOLDER")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--port", type=int, default=3330, help="0 takes any free port (default: %(default)s)")
    parser.add_argument("--grpc-port", type=int, metavar="N", help="speak gRPC, too, on this port; 0: any free one")
    parser.add_argument("--name", help="the name to serve under, if not the package's own")
    parser.add_argument("--version", help="the model's version; of a variant, with its name behind it: 1.0.0-int8")
    parser.add_argument("--digest", help="the package's digest")
    parser.add_argument("--license", default="", metavar="EXPRESSION", help="the model's licence, by SPDX")
    cors.add_flag(parser)
    parser.add_argument(
        "--runtime", choices=CHOICES, default="auto", help="what runs trained objects (default: %(default)s)"
    )
    parser.add_argument(
        "--otel", action="store_true", help="send traces (also without, where OTEL_EXPORTER_OTLP_ENDPOINT is set)"
    )
    parser.add_argument("--no-access-log", action="store_true", help="log no requests that went well")
    Limits.add_flags(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
