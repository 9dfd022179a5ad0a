"""A session: where models are packed and pushed."""

from __future__ import annotations

import logging
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from modelport.acumos.metadata import Options, Requirements
from modelport.errors import InputError
from modelport.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model import Model
    from modelport.types import Digest

__all__ = ["AcumosSession", "Pushed"]

_log = logging.getLogger(__name__)
_DAWN = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can say: the same package gives the same bytes


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
        push_api: The address of an Acumos server; nothing is sent there, which a warning says.
        auth_api: Likewise.
        settings: The settings; those of the working directory and the environment by default.
    """

    def __init__(
        self, push_api: str | None = None, auth_api: str | None = None, *, settings: Settings | None = None
    ) -> None:
        self._settings = settings or load_settings()
        for name, address in {"push_api": push_api, "auth_api": auth_api}.items():
            if address:
                _log.warning("%s=%r is not used: the settings say where models go (registry)", name, address)

    def push(
        self,
        model: Model,
        name: str,
        requirements: Requirements | None = None,
        extra_headers: Mapping[str, str] | None = None,
        options: Options | None = None,
    ) -> Pushed:
        """Pack *model* as *name*, keep it in the embedded store, and push it where a registry is set.

        Args:
            model: The model.
            name: Its name.
            requirements: What it needs besides what is found by itself.
            extra_headers: Of no use here, which a warning says.
            options: How it is published; its licence goes along.

        Raises:
            InputError: A file that goes along cannot be read.
            PackError: The model cannot be packed.
            RegistryError: The registry cannot be reached or refuses; the package stays in the store.
        """
        from modelport.package.store import keep_package
        from modelport.package.trust import vouch_packed_here

        options = options or Options()
        if options.deploy:
            _log.warning("deploy=True does nothing here: run the model with `modelport serve %s`", name)
        if extra_headers:
            _log.warning("extra_headers are not used: no Acumos server is asked")
        with TemporaryDirectory() as scratch:
            folder = self._pack(model, name, Path(scratch) / name, requirements, options)
            kept = keep_package(folder, self._settings.store, tags=["latest"])
            vouch_packed_here(self._settings.data, kept.manifest.digest)
        remote = self._push(name, kept.index) if self._settings.registry else None
        pushed = Pushed(f"{name}:latest", kept.manifest.digest, remote)
        _log.info("packed %s", pushed)
        return pushed

    def dump(
        self,
        model: Model,
        name: str,
        outdir: str | Path,
        requirements: Requirements | None = None,
        replace: bool = False,  # noqa: FBT001, FBT002 - as in Acumos
        *,
        options: Options | None = None,
    ) -> Path:
        """Write *model* as the package folder ``outdir/name`` and return it.

        Args:
            model: The model.
            name: Its name.
            outdir: The folder in which its folder is made.
            requirements: What it needs besides what is found by itself.
            replace: Whether a package that is there is replaced; nothing else ever is.
            options: Its licence goes along.

        Raises:
            InputError: ``outdir/name`` is there, or a file that goes along cannot be read.
            PackError: The model cannot be packed, or ``outdir/name`` is there and is not a package.
        """
        out = _free(Path(outdir).expanduser() / name, replace=replace)
        return self._pack(model, name, out, requirements, options or Options())

    def dump_zip(
        self,
        model: Model,
        name: str,
        outpath: str | Path,
        requirements: Requirements | None = None,
        replace: bool = False,  # noqa: FBT001, FBT002 - as in Acumos
        *,
        options: Options | None = None,
    ) -> Path:
        """Write *model* as a package in the zip file *outpath* and return its path; arguments are as for :meth:`dump`.

        The same trained state gives the same bytes.

        Raises:
            InputError: *outpath* is there or cannot be written, or a file that goes along cannot be read.
            PackError: The model cannot be packed.
        """
        out = _free(Path(outpath).expanduser(), replace=replace)
        with TemporaryDirectory() as scratch:
            folder = self._pack(model, name, Path(scratch) / name, requirements, options or Options())
            try:
                _write_zip(folder, out)
            except OSError as error:
                raise InputError(f"{out} cannot be written: {error.strerror}", hint="give another outpath") from error
        return out

    def _pack(self, model: Model, name: str, out: Path, requirements: Requirements | None, options: Options) -> Path:
        from modelport.package import Package, pack

        requirements, text = requirements or Requirements(), options.license_text()
        requirements.check()
        folder = pack(model, name, out, verify_in=self._settings.cache, requirements=requirements.changes())
        requirements.warn_of_unused(Package.read(folder).info["code"])
        if text:
            (folder / "LICENSE").write_bytes(text)
        return folder

    def _push(self, name: str, index: Any) -> str:  # noqa: ANN401 - a descriptor; the room is imported late
        from modelport.package.store import Access, push_package

        settings = self._settings
        access = Access.of(settings)
        return str(push_package(settings.store, index, settings.registry or "", name, "latest", access=access))


def _free(out: Path, *, replace: bool) -> Path:
    if out.exists() and not replace:
        raise InputError(f"{out} is there", hint="give another place, or replace=True")
    return out


def _write_zip(folder: Path, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _DAWN)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, file.read_bytes())
