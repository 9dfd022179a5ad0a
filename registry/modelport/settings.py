"""Settings: ``modelport.toml``, then ``MODELPORT_*``; the only reader of the environment.

``modelport.toml`` lies at the catalog repository's root, beside ``catalog/``, and is found by walking up from the
working directory. Its schema is ``schemas/settings.schema.json``. Flags of a command come after both.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, InputError
from modelport.schema import validator

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FILE_NAME", "Settings", "load_settings"]

FILE_NAME = "modelport.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a catalog's owner and a user may set."""

    root: Path | None
    """The folder of ``modelport.toml``: the repository's root; None outside any."""

    store: Path
    """The folder of the embedded store (``store.path``, ``MODELPORT_STORE``)."""

    cache: Path
    """Clean environments and fetched data, all of it rebuildable (``MODELPORT_CACHE``)."""

    registry: str | None
    """``HOST[:PORT]/PREFIX`` under which packages are pushed and pulled (``registry.prefix``,
    ``MODELPORT_REGISTRY``)."""

    insecure: frozenset[str]
    """Registry hosts that may be spoken to without TLS, besides loopback (``registry.insecure``)."""

    site: Mapping[str, Any]
    """What the site's pages say about the catalog: ``title``, ``url``, ``description``."""

    @property
    def catalog(self) -> Path | None:
        """The folder of the catalog, ``catalog/`` beside ``modelport.toml``, or None outside a repository."""
        return self.root / "catalog" if self.root else None

    def need_catalog(self) -> Path:
        """Return the catalog's folder, or raise InputError when there is none around."""
        if self.catalog is None or not self.catalog.is_dir():
            raise InputError(
                f"there is no catalog here: no {FILE_NAME} with catalog/ beside it in {Path.cwd()} or above",
                hint="run this inside a catalog's repository, or give the path of an entry",
            )
        return self.catalog


def load_settings(start: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings as seen from folder *start* (the working directory).

    Raises:
        FormatError: ``modelport.toml`` is not TOML or breaks its schema; all problems are in the message.
    """
    env = os.environ if environment is None else environment
    root = _find_root((start or Path.cwd()).resolve())
    document = _read(root / FILE_NAME) if root else {}
    store, registry = document.get("store", {}), document.get("registry", {})
    return Settings(
        root=root,
        store=_store_path(env, root, store.get("path")),
        cache=Path(env.get("MODELPORT_CACHE") or _xdg(env, "XDG_CACHE_HOME", ".cache") / "modelport").absolute(),
        registry=env.get("MODELPORT_REGISTRY") or registry.get("prefix"),
        insecure=frozenset(registry.get("insecure", ())),
        site=document.get("site", {}),
    )


def _find_root(folder: Path) -> Path | None:
    return next((f for f in (folder, *folder.parents) if (f / FILE_NAME).is_file()), None)


def _store_path(env: Mapping[str, str], root: Path | None, configured: str | None) -> Path:
    if env.get("MODELPORT_STORE"):
        return Path(env["MODELPORT_STORE"]).absolute()
    if root and configured:
        return root / configured
    return _xdg(env, "XDG_DATA_HOME", ".local/share") / "modelport" / "store"


def _xdg(env: Mapping[str, str], variable: str, default: str) -> Path:
    return Path(env[variable]) if env.get(variable) else Path.home() / default


def _read(file: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{file} is not TOML: {error}") from error
    errors = sorted(validator("settings").iter_errors(document), key=lambda e: list(map(str, e.path)))
    if errors:
        listed = "; ".join(f"{'.'.join(map(str, e.path)) or '(top)'}: {e.message}" for e in errors)
        raise FormatError(f"{file} breaks its schema: {listed}")
    return document
