"""Settings: ``modelport.toml``, then ``MODELPORT_*``; the only reader of the environment.

``modelport.toml`` lies at the catalog repository's root, beside ``catalog/``, and is found by walking up from the
working directory. Its schema is ``schemas/settings.schema.json``. Flags of a command come after both.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from modelport.errors import FormatError, InputError, SetupError
from modelport.schema import accepts, validator
from modelport.types import names_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema.exceptions import ValidationError

__all__ = ["FILE_NAME", "Settings", "load_settings"]

FILE_NAME = "modelport.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a catalog's owner and a user may set."""

    root: Path | None
    """The folder of ``modelport.toml``: the repository's root; None outside any."""

    data: Path
    """The user's own data (``MODELPORT_DATA``); a repository's settings cannot move it: it says whose code runs."""

    store: Path
    """The folder of the embedded store (``store.path``, ``MODELPORT_STORE``)."""

    cache: Path
    """Clean environments, fetched data and the catalog's index, all of it rebuildable (``MODELPORT_CACHE``)."""

    registry: str | None
    """``HOST[:PORT]/PREFIX`` under which packages are pushed and pulled (``registry.prefix``,
    ``MODELPORT_REGISTRY``)."""

    insecure: frozenset[str]
    """Registry hosts that may be spoken to without TLS, besides loopback (``registry.insecure``)."""

    docker_config: Path
    """Docker's ``config.json``, where credentials of registries lie (``DOCKER_CONFIG`` names its folder)."""

    site: Mapping[str, Any]
    """What the site's pages say about the catalog: ``title``, ``url``, ``description``."""

    proxies: Mapping[str, str] = field(default_factory=dict)
    """What the variables ``http_proxy``, ``https_proxy`` and ``no_proxy`` say, in either case, as ``http``, ``https``
    and ``no``."""

    ca: tuple[Path, ...] = ()
    """Files and folders of certificates of authorities that the user trusts besides the system's (``MODELPORT_CA``,
    ``REQUESTS_CA_BUNDLE``)."""

    repository_ca: Path | None = None
    """The same as a repository's settings say it (``registry.ca``) where no ``MODELPORT_CA`` overrules it: nobody gets
    credentials on its word alone."""

    image_bases: Mapping[str, str] = field(default_factory=dict)
    """What images are built on, by Python version: a reference, or an image layout's folder (``image.base``)."""

    source_date: int = 0
    """What images say of when they were made, in seconds since 1970 (``SOURCE_DATE_EPOCH``)."""

    audience: str = "public"
    """Who sees the catalog: ``public``, or ``internal`` (``catalog.audience``)."""

    @property
    def catalog(self) -> Path | None:
        """The folder of the catalog, ``catalog/`` beside ``modelport.toml``, or None outside a repository."""
        return self.root / "catalog" if self.root else None

    @property
    def evidence(self) -> Path:
        """The folder of what was found out about releases after they were made: beside the store."""
        return self.store.parent / "evidence"

    def need_catalog(self, *, instead: str = "") -> Path:
        """Return the catalog's folder, or raise InputError with the hint *instead* when there is none around."""
        if self.catalog is None or not self.catalog.is_dir():
            raise InputError(
                f"there is no catalog here: no {FILE_NAME} with catalog/ beside it in {Path.cwd()} or above",
                hint=instead or "run this inside a catalog's repository, or give the path of an entry",
            )
        return self.catalog


def load_settings(start: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings as seen from folder *start* (the working directory).

    Raises:
        FormatError: ``modelport.toml`` is not TOML or breaks its schema, or a variable does; all problems are in the
            message.
        SetupError: ``modelport.toml`` cannot be read, or there is no home folder and no variable instead.
    """
    env = os.environ if environment is None else environment
    root = _find_root((start or Path.cwd()).resolve())
    document = _read(root / FILE_NAME) if root else {}
    store, registry = document.get("store", {}), document.get("registry", {})
    data = _folder(env, "MODELPORT_DATA") or _xdg(env, "XDG_DATA_HOME", ".local/share") / "modelport"
    return Settings(
        root=root,
        data=data,
        store=_store_path(env, root, store.get("path")) or data / "store",
        cache=_folder(env, "MODELPORT_CACHE") or _xdg(env, "XDG_CACHE_HOME", ".cache") / "modelport",
        registry=_registry(env) or registry.get("prefix"),
        insecure=frozenset(registry.get("insecure", ())),
        docker_config=(_folder(env, "DOCKER_CONFIG") or _home(env) / ".docker") / "config.json",
        proxies=_proxies(env),
        ca=tuple(filter(None, (_folder(env, name) for name in ("MODELPORT_CA", "REQUESTS_CA_BUNDLE")))),
        repository_ca=root / registry["ca"] if root and "ca" in registry and not env.get("MODELPORT_CA") else None,
        image_bases=_bases(root, document.get("image", {}).get("base", {})),
        source_date=_source_date(env),
        site=_site(env) | document.get("site", {}),
        audience=document.get("catalog", {}).get("audience", "public"),
    )


def _find_root(folder: Path) -> Path | None:
    return next((f for f in (folder, *folder.parents) if (f / FILE_NAME).is_file()), None)


def _store_path(env: Mapping[str, str], root: Path | None, configured: str | None) -> Path | None:
    if chosen := _folder(env, "MODELPORT_STORE"):
        return chosen
    return root / configured if root and configured else None


def _proxies(env: Mapping[str, str]) -> dict[str, str]:
    """Return the proxies' variables; lower case wins, as curl has it, and there an empty one means none."""
    found = {}
    for name in ("http", "https", "no"):
        small, large = f"{name}_proxy", f"{name.upper()}_PROXY"
        if large == "HTTP_PROXY" and "REQUEST_METHOD" in env:
            large = small  # in a CGI program, that is what a request's header "Proxy" says (CVE-2016-5385)
        if text := env.get(small, env.get(large, "")):
            found[name] = text
    return found


def _folder(env: Mapping[str, str], variable: str) -> Path | None:
    text = env.get(variable, "")
    if text == "~" or text.startswith("~/"):
        # A variable set in a file or for a container has met no shell.
        return _home(env) / text[2:]
    return Path(text).absolute() if text else None


def _xdg(env: Mapping[str, str], variable: str, default: str) -> Path:
    # The XDG Base Directory specification: a relative path is invalid and is ignored.
    path = Path(env.get(variable, ""))
    return path if path.is_absolute() else _home(env) / default


def _home(env: Mapping[str, str]) -> Path:
    try:
        return Path(env["HOME"]) if env.get("HOME") else Path.home()
    except RuntimeError as error:
        raise SetupError(
            "this user has no home folder for the store and the cache",
            hint="set HOME, or MODELPORT_DATA, MODELPORT_CACHE and DOCKER_CONFIG",
        ) from error


def _registry(env: Mapping[str, str]) -> str | None:
    prefix = env.get("MODELPORT_REGISTRY") or None
    if prefix and _schema_problems({"registry": {"prefix": prefix}}):
        raise FormatError(
            f"MODELPORT_REGISTRY is {prefix!r}, not HOST[:PORT]/PREFIX", hint="for instance localhost:5000/models"
        )
    return prefix


def _bases(root: Path | None, named: Mapping[str, str]) -> dict[str, str]:
    """Return the bases as *named*; what has neither a registry's host nor a tag is a folder, from the root."""
    return {
        version: text if names_host(text) or ":" in text else str((root or Path()) / text)
        for version, text in named.items()
    }


def _source_date(env: Mapping[str, str]) -> int:
    # reproducible-builds.org, specification of SOURCE_DATE_EPOCH: a number of seconds, or the build fails.
    text = env.get("SOURCE_DATE_EPOCH", "") or "0"
    if not re.fullmatch(r"[0-9]{1,11}", text):
        raise FormatError(f"SOURCE_DATE_EPOCH is {text!r}, not a number of seconds since 1970", hint="unset it")
    return int(text)


def _site(env: Mapping[str, str]) -> dict[str, str]:
    """Return what the variables say of the site: a deployment knows its address, and ``modelport.toml`` need not."""
    variables = {"url": "MODELPORT_SITE_URL", "repository": "MODELPORT_SITE_REPOSITORY"}
    given = {key: env[variable] for key, variable in variables.items() if env.get(variable)}
    if problems := _schema_problems({"site": given}):
        raise FormatError(f"MODELPORT_SITE_URL or MODELPORT_SITE_REPOSITORY is wrong: {'; '.join(problems)}")
    return given


def _read(file: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{file} is not TOML: {error}") from error
    except OSError as error:
        raise SetupError(f"{file} cannot be read: {error.strerror}", hint="see to its permissions") from error
    if problems := _schema_problems(document):
        raise FormatError(f"{file} breaks its schema: {'; '.join(problems)}")
    return document


def _schema_problems(document: dict[str, Any]) -> list[str]:
    if accepts("settings", document):
        return []
    errors = sorted(validator("settings").iter_errors(document), key=lambda e: list(map(str, e.path)))
    return [f"{'.'.join(map(str, e.path)) or '(top)'}: {_explained(e)}" for e in errors]


def _explained(error: ValidationError) -> str:
    """Return what is wrong with a setting, and the way out, in the schema's own words where it has some."""
    schema = error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties":
        known, given = list(schema["properties"]), cast("dict[str, Any]", error.instance)
        return ", ".join(_unknown(key, known) for key in given if key not in known)
    if error.validator == "pattern":
        return f"{error.instance!r} is not {schema.get('title', 'allowed here')} ({schema.get('description', '')})"
    return error.message


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    way = f"did you mean {near[0]}?" if near else f"the settings here are {', '.join(known)}"
    return f"{key!r} is not a setting ({way})"
