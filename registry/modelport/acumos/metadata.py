"""What goes along with a model: its requirements, and how it is published."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from modelport.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport.package.changes import Changes

__all__ = ["Options", "Requirements"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a model needs besides what is found by itself.

    Attributes:
        reqs: Distributions to require, by name or as ``NAME==VERSION``; a module that was imported counts as its name.
        req_map: Module -> the distribution that is to provide it, in place of the installed one.
        packages: Folders of Python packages. What a model imports goes along by itself, so these are only checked.
        scripts: Python files or folders of them; checked likewise.
    """

    reqs: Sequence[str | ModuleType] | None = None
    req_map: Mapping[str | ModuleType, str] | None = None
    packages: Sequence[str | Path] | None = None
    scripts: Sequence[str | Path] | None = None

    def changes(self) -> Changes:
        """Return what is to change of the requirements that are found."""
        from modelport.package.changes import Changes
        from modelport.package.locks import canonical_name
        from modelport.package.modules import Origin, distributions, origin

        add, drop, replace = [_name(one) for one in self.reqs or ()], [], {}
        for one, wanted in (self.req_map or {}).items():
            module = _name(one)
            if origin(module) is Origin.STANDARD:
                continue  # nobody else can provide it
            found = [canonical_name(name) for name in distributions(module)]
            if not found:
                drop.append(module)
                add.append(wanted)
            elif canonical_name(wanted.partition("==")[0]) not in found:
                replace[found[0]] = wanted
        return Changes(tuple(add), tuple(drop), replace)

    def check(self) -> None:
        """Raise InputError unless all packages and scripts are there."""
        for one in (*(self.packages or ()), *(self.scripts or ())):
            if not Path(one).expanduser().exists():
                raise InputError(f"Requirements: {one} is not there", hint="give the path of a folder or a .py file")

    def warn_of_unused(self, code: Sequence[str]) -> None:
        """Say which packages and scripts did not go along, because nothing imports them; *code* did."""
        tops = {path.removeprefix("code/").partition("/")[0].removesuffix(".py") for path in code}
        paths = [Path(one).expanduser().resolve() for one in (*(self.packages or ()), *(self.scripts or ()))]
        for one in paths:
            modules = (
                {one.stem} if one.is_file() or (one / "__init__.py").exists() else {p.stem for p in one.glob("*.py")}
            )
            for module in sorted(modules - tops):
                _log.warning("%s did not go along: the model does not import %s", one, module)


@dataclass(frozen=True, slots=True)
class Options:
    """How a model is published.

    Attributes:
        create_microservice: Said for Acumos's server; here every package can be served.
        deploy: Said for Acumos's server; here nothing is deployed by a push, which a warning says.
        license: The path of a licence's text, or the text; it goes into the package as ``LICENSE``.
    """

    create_microservice: bool = True
    deploy: bool = False
    license: str | Path | Mapping[str, Any] | None = field(default=None)

    def license_text(self) -> bytes:
        """Return the licence's text, or nothing.

        Raises:
            InputError: The file cannot be read.
        """
        if self.license is None:
            return b""
        if not isinstance(self.license, str | Path):
            return json.dumps(dict(self.license), indent=1, ensure_ascii=False).encode() + b"\n"
        path = Path(self.license).expanduser()
        if isinstance(self.license, str) and ("\n" in self.license or not (path.suffix or path.is_file())):
            return self.license.encode() + b"\n"
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputError(
                f"Options: the licence {path} cannot be read: {error.strerror}", hint="give a file's path or the text"
            ) from error


def _name(one: str | ModuleType) -> str:
    return one.__name__.partition(".")[0] if isinstance(one, ModuleType) else one
