"""The API of the Acumos paper, over Modelport's own rooms.

The paper's listing (Zhao et al., "Packaging and Sharing Machine Learning Models via the Acumos AI Open Platform", 2018,
Fig. 2) runs with nothing changed but its two import lines::

    from modelport.acumos import AcumosSession
    from modelport.acumos import Model, List, create_namedtuple

``push`` packs a model, keeps it in the embedded store and, where a registry is set, pushes it there.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple  # noqa: UP035 - the names that Acumos's users import

from modelport.errors import SignatureError
from modelport.model import Model
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelport.types import Digest

__all__ = ["AcumosSession", "Dict", "List", "Model", "NamedTuple", "Pushed", "create_namedtuple"]

_log = logging.getLogger(__name__)


def create_namedtuple(name: str, fields: Iterable[Any]) -> Any:  # noqa: ANN401 - a class made here, as in Acumos
    """Return a NamedTuple class called *name* with (field, type) pairs *fields*.

    The paper's listing puts an extra pair of parentheses round the pairs; both forms mean the same.

    Raises:
        SignatureError: An item is not a pair of a name and a type.
    """
    pairs: list[Any] = []
    for item in fields:
        pairs.extend(item if _holds_pairs(item) else [item])
    for pair in pairs:
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str)):  # noqa: PLR2004 - a pair
            raise SignatureError(
                f"create_namedtuple({name!r}): {pair!r} is not a pair of a name and a type",
                hint="write [('sepal_length', List[float]), ...]",
            )
    made = NamedTuple(name, [(field, kind) for field, kind in pairs])  # type: ignore[misc]
    made.__module__ = sys._getframe(1).f_globals.get("__name__", "__main__")  # noqa: SLF001 - as collections.namedtuple does
    return made


def _holds_pairs(item: object) -> bool:
    return isinstance(item, tuple | list) and all(isinstance(one, tuple | list) for one in item)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push came to.

    Attributes:
        name: The name in the embedded store, ``NAME:latest``.
        digest: The package's digest.
        remote: The reference in the registry, or None where none is set.
    """

    name: str
    digest: Digest
    remote: str | None

    def __str__(self) -> str:
        return self.remote or f"{self.name}@{self.digest}"


class AcumosSession:
    """A session, as in Acumos; where models go is said by the settings, not by an address and a token.

    Args:
        settings: The settings; those of the working directory and the environment by default.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or load_settings()

    def push(self, model: Model, name: str) -> Pushed:
        """Pack *model* as *name*, keep it in the embedded store, and push it where a registry is set.

        Raises:
            PackError: The model cannot be packed.
            RegistryError: The registry cannot be reached or refuses; the package stays in the store.
        """
        from modelport.package.store import keep_package
        from modelport.package.trust import vouch_packed_here

        with TemporaryDirectory() as scratch:
            folder = self.dump(model, name, Path(scratch))
            kept = keep_package(folder, self._settings.store, tags=["latest"])
            vouch_packed_here(self._settings.data, kept.manifest.digest)
        remote = self._push(name, kept.index) if self._settings.registry else None
        pushed = Pushed(f"{name}:latest", kept.manifest.digest, remote)
        _log.info("packed %s", pushed)
        return pushed

    def dump(self, model: Model, name: str, outdir: str | Path) -> Path:
        """Write *model* as the package folder ``outdir/name`` and return it.

        Raises:
            PackError: The model cannot be packed, or ``outdir/name`` is there and is not a package.
        """
        from modelport.package import pack

        return pack(model, name, Path(outdir).expanduser() / name, verify_in=self._settings.cache)

    def _push(self, name: str, index: Any) -> str:  # noqa: ANN401 - a descriptor; the room is imported late
        from modelport.package.store import Access, push_package

        settings = self._settings
        access = Access(insecure=settings.insecure, docker_config=settings.docker_config)
        return str(push_package(settings.store, index, settings.registry or "", name, "latest", access=access))
