"""Credentials, as ``docker login`` leaves them: in docker's ``config.json`` or in a helper program named there.

The format is docker's (``cli/config/configfile``), which podman, skopeo and oras share: ``credHelpers`` for one host,
else ``credsStore``, else ``auths`` with base64 of ``user:password`` or an ``identitytoken``. Nothing here is ever
logged.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.oci.manifest import parse_json
from modelport.oci.net.helper import Helper

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["IDENTITY", "CredentialSource", "Credentials", "docker_credentials", "helper_name", "keys", "read_config"]

IDENTITY = "<token>"
"""The user's name that says that the password is an identity token."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password for one registry; ``repr`` does not tell the password.

    An identity token, as registries with single sign-on give out, stands in the password's place under the name
    ``<token>``, as docker's helpers have it.
    """

    username: str
    password: str = field(repr=False)

    @property
    def is_identity(self) -> bool:
        """Whether this is an identity token, which only a token service understands."""
        return self.username == IDENTITY

    @property
    def basic(self) -> str:
        """The value of an Authorization header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


_REPAIR = "repair it, or move it away and log in again; DOCKER_CONFIG names another folder"

CredentialSource = Callable[[str], Credentials | None]
"""Looks up the credentials for a registry's host; None when there are none."""


def docker_credentials(config: Path, *, search_path: str | None = None) -> CredentialSource:
    """Return a source that looks a host up in docker's configuration each time it is asked.

    Args:
        config: The file, ``config.json``; it may be absent.
        search_path: Where helper programs lie; the process's PATH when None.
    """

    def look_up(host: str) -> Credentials | None:
        document = read_config(config)
        auths = _mapping(document, "auths", config)
        for key in keys(host):
            # Docker notes in auths what it put into credsStore: only for that, or the usual name, is that one asked.
            helper = helper_name(document, key, config) if key in auths or key == keys(host)[0] else None
            helper = helper or _mapping(document, "credHelpers", config).get(key)
            found = Helper(helper, search_path=search_path).get(key) if helper else None
            if found or (found := _decode(auths.get(key), key, config)):
                return Credentials(*found)
        return None

    return look_up


def read_config(config: Path) -> dict[str, Any]:
    """Return docker's configuration, empty when there is none; raise FormatError when it is not what docker writes."""
    try:
        document = parse_json(config.read_bytes(), str(config))
    except FileNotFoundError:
        return {}
    except FormatError as error:
        raise FormatError(error.message, hint=_REPAIR) from error
    for key in ("auths", "credHelpers"):
        _mapping(document, key, config)
    return document


def helper_name(document: dict[str, Any], key: str, config: Path) -> object:
    """Return the name of the helper that keeps the credentials under *key*; None or empty when none does."""
    return _mapping(document, "credHelpers", config).get(key) or document.get("credsStore")


def keys(host: str) -> list[str]:
    """Return under which names *host* may be found, the one to store it under first."""
    if host == "docker.io":
        return ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"]
    return [host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/", f"http://{host}"]


def _mapping(document: dict[str, Any], key: str, config: Path) -> dict[str, Any]:
    value = document.get(key, {})
    if not isinstance(value, dict):
        raise FormatError(f"{config}: {key} is not an object", hint=_REPAIR)
    return value


def _decode(entry: object, key: str, config: Path) -> tuple[str, str] | None:
    if not isinstance(entry, dict):
        return None
    if token := entry.get("identitytoken"):
        return IDENTITY, str(token)
    if not (text := entry.get("auth")):
        return None
    try:
        username, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (ValueError, TypeError):
        colon = username = password = ""
    if not colon:
        raise FormatError(f"{config}: the auth of {key!r} is not base64 of user:password", hint="log in again")
    return username, password.rstrip("\0")
