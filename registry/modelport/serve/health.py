"""``python -m modelport.serve.health``: whether a service on this machine answers calls; its image's health check.

It exits with 0 when it does and with 1 when it does not. It needs the standard library only, and starts quickly.
"""

from __future__ import annotations

import argparse
import http
import http.client
import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Ask the service at the port that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m modelport.serve.health", description="Ask a service how it is.")
    parser.add_argument("--port", type=int, default=3330, help="the service's port (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=4, help="how long to wait (default: %(default)s)")
    options = parser.parse_args(arguments)
    connection = http.client.HTTPConnection("127.0.0.1", options.port, timeout=options.seconds)
    try:
        connection.request("GET", "/health/ready")
        status = connection.getresponse().status
    except OSError as error:
        sys.stderr.write(f"nothing answers at port {options.port}: {error}\n")
        return 1
    if status != http.HTTPStatus.OK:
        sys.stderr.write(f"the service is not ready: it answers {status}\n")
    return int(status != http.HTTPStatus.OK)


if __name__ == "__main__":
    sys.exit(main())
