"""Credentials, as ``docker login`` leaves them: in docker's ``config.json`` or in a helper program named there.

The format is docker's (``cli/config/configfile``): ``credHelpers`` for one host, else ``credsStore``, else ``auths``
with base64 of ``user:password``. Nothing here is ever written or logged.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, SetupError
from modelport.oci.manifest import parse_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CredentialSource", "Credentials", "docker_credentials"]

_HELPER = re.compile(r"[A-Za-z0-9_.-]+")
_HELPER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password (or token) for one registry; ``repr`` does not tell the password."""

    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The value of an Authorization header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


CredentialSource = Callable[[str], Credentials | None]
"""Looks up the credentials for a registry's host; None when there are none."""


def docker_credentials(config: Path, *, search_path: str | None = None) -> CredentialSource:
    """Return a source that looks a host up in docker's configuration each time it is asked.

    Args:
        config: The file, ``config.json``; it may be absent.
        search_path: Where helper programs lie; the process's PATH when None.
    """

    def look_up(host: str) -> Credentials | None:
        try:
            document = parse_json(config.read_bytes(), str(config))
        except FileNotFoundError:
            return None
        auths, helpers = _mapping(document, "auths", config), _mapping(document, "credHelpers", config)
        for key in _keys(host):
            helper = helpers.get(key) or (document.get("credsStore") if key in auths else None)
            found = _ask(helper, key, search_path) if helper else _decode(auths.get(key), key, config)
            if found is not None:
                return found
        return None

    return look_up


def _keys(host: str) -> list[str]:
    urls = [f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/", f"http://{host}"]
    return [host, *urls, *(["https://index.docker.io/v1/"] if host == "docker.io" else [])]


def _mapping(document: dict[str, Any], key: str, config: Path) -> dict[str, Any]:
    value = document.get(key, {})
    if not isinstance(value, dict):
        raise FormatError(f"{config}: {key} is not an object")
    return value


def _decode(entry: object, key: str, config: Path) -> Credentials | None:
    text = entry.get("auth") if isinstance(entry, dict) else None
    if not text:
        return None
    try:
        username, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (ValueError, TypeError):
        colon = username = password = ""
    if not colon:
        raise FormatError(f"{config}: the auth of {key!r} is not base64 of user:password", hint="log in again")
    return Credentials(username, password.rstrip("\0"))


def _ask(helper: object, key: str, search_path: str | None) -> Credentials | None:
    if not isinstance(helper, str) or not _HELPER.fullmatch(helper):
        raise FormatError(f"{helper!r} is not the name of a credential helper")
    program = shutil.which(f"docker-credential-{helper}", path=search_path)
    if program is None:
        raise SetupError(
            f"docker's configuration names the credential helper {helper!r}, and there is no such program",
            hint=f"install docker-credential-{helper}, or remove it from docker's config.json",
        )
    try:
        done = subprocess.run(
            [program, "get"], input=key.encode(), capture_output=True, timeout=_HELPER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"{program} did not answer within {_HELPER_SECONDS} seconds") from error
    if done.returncode != 0:
        return None  # the protocol's way to say: none for this host
    try:
        answer = json.loads(done.stdout)
        return Credentials(str(answer["Username"]), str(answer["Secret"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{program} answered something that is not credentials") from error
