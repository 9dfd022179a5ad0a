"""Logging in and out: credentials are tried at the registry, and then kept where docker keeps them.

Where docker's configuration names a helper for the host, that keeps the password. Else it lies in ``config.json``
itself, in base64, which hides it from nobody who can read the file. Everything else in the file stays as it was.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.oci.net.credentials import helper_name, keys, read_config
from modelport.oci.net.helper import Helper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.oci.net.credentials import Credentials

__all__ = ["Kept", "erase_credentials", "store_credentials"]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where credentials went.

    Attributes:
        place: The file, or the helper's program.
        encrypted: Whether that is more than a file that its owner, and whoever is root, can read.
    """

    place: str
    encrypted: bool


def store_credentials(config: Path, host: str, credentials: Credentials, *, search_path: str | None = None) -> Kept:
    """Keep *credentials* for *host* where docker's configuration says, and tell where that is.

    Args:
        config: Docker's ``config.json``; it is made, readable by its owner only, when it is not there.
        host: The registry, ``name[:port]``.
        credentials: What to keep.
        search_path: Where helper programs lie; the process's PATH when None.

    Raises:
        FormatError: The file is not docker's configuration; it is left alone.
        SetupError: The helper is missing or refuses.
    """
    key, pair = keys(host)[0], f"{credentials.username}:{credentials.password}"
    with _changing(config) as document:
        auths = document.setdefault("auths", {})
        name = helper_name(document, key, config)
        if name:
            helper = Helper(name, search_path=search_path)
            helper.store(key, credentials.username, credentials.password)
            auths[key] = {}  # docker's note that its store has something for this host
            return Kept(helper.program, encrypted=True)
        kept = auths.get(key) if isinstance(auths.get(key), dict) else {}
        others = {k: v for k, v in (kept or {}).items() if k not in {"auth", "identitytoken", "username", "password"}}
        secret = (
            {"identitytoken": credentials.password}
            if credentials.is_identity
            else {"auth": base64.b64encode(pair.encode()).decode()}
        )
        auths[key] = others | secret
    return Kept(str(config), encrypted=False)


def erase_credentials(config: Path, host: str, *, search_path: str | None = None) -> bool:
    """Forget the credentials of *host*, under all names that docker knows it by, and tell whether there were any.

    Raises:
        FormatError: The file is not docker's configuration; it is left alone.
        SetupError: The helper is missing or refuses.
    """
    if not config.exists():
        return False
    erased = False
    with _changing(config) as document:
        auths = document.get("auths", {})
        for number, key in enumerate(keys(host)):
            name = document.get("credHelpers", {}).get(key)
            if name is None and (number == 0 or key in auths):
                name = document.get("credsStore")
            if name:
                erased = Helper(name, search_path=search_path).erase(key) or erased
            erased = auths.pop(key, None) is not None or erased
    return erased


@contextmanager
def _changing(config: Path) -> Iterator[dict[str, Any]]:
    """Give the configuration to be changed in place; it is written, whole or not at all, when that went well."""
    target = config.resolve()  # a link to it stays a link
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(target.parent):
        document = read_config(target)
        before = json.dumps(document)
        yield document
        if json.dumps(document) != before:
            _write(target, json.dumps(document, indent="\t", ensure_ascii=False))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other logins of ours out; docker itself knows no lock, and leaves no file for one."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(target: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f"{target.name}.", dir=target.parent)  # mode 0600 from its first moment
    try:
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink()
        raise
