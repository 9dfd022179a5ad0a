"""``modelport login``: a user's name and password -> docker's configuration, once the registry took them."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

from modelport.cli.models import access_of
from modelport.cli.terminal import talk
from modelport.errors import InputError, RegistryError
from modelport.settings import load_settings
from modelport.types import Reference

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "host_of", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("host", metavar="HOST", help="the registry: HOST[:PORT]")
    parser.add_argument("-u", "--username", metavar="USER", help="who logs in; asked for on a terminal")
    parser.add_argument(
        "--password-stdin", action="store_true", help="read the password, or a token, from standard input"
    )


def run(options: argparse.Namespace) -> int:
    """Try the credentials at the registry, then keep them where docker keeps them."""
    from modelport.oci.net.credentials import Credentials
    from modelport.oci.net.login import store_credentials
    from modelport.package.store import registry_of

    settings, host = load_settings(), host_of(options.host)
    access = access_of(settings)
    if why := access.distrust(host):
        raise InputError(
            f"{host} gets no password: {why}",
            hint="give the registry a certificate; MODELPORT_CA names the authority's that signed it",
        )
    username, password = _given(options)
    credentials = Credentials(username, password)
    try:
        asked = registry_of(host, access, credentials=credentials).ping()
    except RegistryError as error:
        if error.status in {401, 403}:
            hint = "check the user's name and the password; many registries want a token made for this in its place"
            raise RegistryError(f"{host} does not let {username} in: {error.message}", hint=hint) from error
        raise
    kept = store_credentials(settings.docker_config, host, credentials)
    talk(f"logged in to {host} as {username}" if asked else f"{host} asks nobody to log in: the password is untried")
    if kept.encrypted:
        talk(f"{kept.place} keeps the password")
    else:
        talk(
            f"the password is in {kept.place}, in base64, which is no encryption: whoever reads the file has it\n"
            "  hint: name a credential helper there as credsStore, and log in again"
        )
    return 0


def host_of(text: str) -> str:
    """Return a registry's host; raise InputError for anything else, say its web address."""
    host = text.removeprefix("https://").removeprefix("http://").rstrip("/")
    if "/" in host or not host:
        raise InputError(f"{text!r} is not a registry's host", hint=f"give HOST[:PORT]: {host.partition('/')[0]}")
    return Reference.parse(f"{host}/any").host or host


def _given(options: argparse.Namespace) -> tuple[str, str]:
    username = options.username
    if options.password_stdin:
        if not username:
            raise InputError("who logs in is not said", hint="add -u USER: standard input gives the password")
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        username = username or _asked_name()
        password = getpass.getpass(f"password of {username}: ", stream=sys.stderr)
    else:
        raise InputError("there is no terminal to ask for the password on", hint="add --password-stdin, and pipe it in")
    if not username or not password or ":" in username:
        raise InputError("a user's name without a colon, and a password, are needed to log in")
    return username, password


def _asked_name() -> str:
    sys.stderr.write("user: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()
