"""``modelport logout``: credentials are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.cli.login import host_of
from modelport.cli.terminal import talk
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("host", metavar="HOST", help="the registry: HOST[:PORT]")


def run(options: argparse.Namespace) -> int:
    """Remove the credentials from docker's configuration and its helper; having none is no failure."""
    from modelport.oci.net.login import erase_credentials

    settings, host = load_settings(), host_of(options.host)
    erased = erase_credentials(settings.docker_config, host)
    talk(f"logged out of {host}" if erased else f"{host}: nobody was logged in")
    return 0
