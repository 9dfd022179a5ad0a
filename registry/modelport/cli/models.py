"""How commands find the package that a reference names."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.cli.terminal import talk
from modelport.errors import FormatError, NotFoundError
from modelport.types import Digest, Reference, Version

if TYPE_CHECKING:
    import argparse

    from modelport.package import Package
    from modelport.package.store import Access, Kept
    from modelport.settings import Settings

__all__ = ["Found", "access_of", "add_allow_code", "check_code", "find_model", "named", "said_version", "version_of"]


@dataclass(frozen=True, slots=True)
class Found:
    """A package that a reference names.

    Attributes:
        name: What it was found as.
        digest: Its manifest's digest.
        package: The package.
    """

    name: str
    digest: Digest
    package: Package


def find_model(text: str, settings: Settings) -> Found:
    """Return the package that *text* names: a reference or a package's folder, see :func:`named`.

    A name is looked up in the store, then in the catalog, whose release is pulled from the settings' registry.

    Raises:
        NotFoundError: It is nowhere; the message says how to get it.
    """
    from modelport.package import Package
    from modelport.package.modelpack import manifest_digest
    from modelport.package.store import find_package, open_package

    reference = named(text, settings)
    if isinstance(reference, Path):
        package = Package.read(reference)
        return Found(text, manifest_digest(package), package)
    kept = find_package(settings.store, reference)
    if kept is None:
        from modelport.cli.pull import pull_reference

        kept = pull_reference(reference, settings)
    if kept.name.endswith("-rebuilt") and reference.tag:
        talk(f"{reference} is here as rebuilt from its recipe: {kept.manifest.digest}")
    return Found(kept.name, kept.manifest.digest, open_package(settings.store, kept, settings.cache))


def named(text: str, settings: Settings) -> Reference | Path:
    """Return the reference that *text* is, or else the package's folder.

    What has a ``/`` and is a folder is one. So is a package in the working directory whose name means nothing in the
    store and the catalog.

    Raises:
        FormatError: It is neither.
        NotFoundError: It is a path to nothing, or to an entry.
    """
    from modelport.package import is_package

    folder = Path(text).expanduser()
    if (source := _source(text)) and not _is_kept(text, settings):
        raise NotFoundError(f"{source} is a file, not a package", hint=f"pack it first: modelport pack {text}")
    if "/" in text and folder.is_dir():
        if (folder / "model.yaml").is_file():
            hint = f"give its name: {folder.resolve().name}"
            raise NotFoundError(f"{text} is a catalog's entry, not a package", hint=hint)
        return folder
    try:
        reference = Reference.parse(text)
    except FormatError as error:
        if is_package(folder):
            return folder
        if "/" in text and ":" not in text:
            raise NotFoundError(f"there is no folder {text}, and {error.message}", hint=error.hint) from error
        raise
    if is_package(folder) and not _is_known(reference, settings):
        talk(f"{text} is not in the store: taking the folder ./{text}")
        return folder
    return reference


def _source(text: str) -> Path | None:
    """Return the file that *text* names and that packages are made of, as FILE or FILE:ATTRIBUTE."""
    from modelport.package.source import MODEL_FILES

    files = (Path(one).expanduser() for one in (text, text.rpartition(":")[0]) if one)
    return next((one for one in files if one.suffix in {".py", *MODEL_FILES} and one.is_file()), None)


def _is_kept(text: str, settings: Settings) -> bool:
    """Tell whether the store or the catalog has a model that is called like a file."""
    try:
        return _is_known(Reference.parse(text), settings)
    except FormatError:
        return False


def version_of(found: Found, settings: Settings, *, suffix: str = "") -> Version | None:
    """Return the version of the package *found*: what its tag says, else the highest under which the store has it.

    Only tags that end in *suffix* are looked at; it is no part of the version.
    """
    from modelport.oci import Layout
    from modelport.package.modelpack import package_manifest

    model, _, tag = found.name.rpartition(":")
    if version := _version(tag, suffix):
        return version
    layout, start = Layout(settings.store), f"{model}:"
    tags = layout.tags().items() if model else ()
    versions = {_version(name.removeprefix(start), suffix): index for name, index in tags if name.startswith(start)}
    same = (v for v, index in versions.items() if v and package_manifest(layout, index).digest == found.digest)
    return max(same, default=None)


def said_version(found: Found, settings: Settings) -> str:
    """Return what a service of the package *found* says its version is; nothing where it has none.

    A variant's is its parent's with ``-VARIANT`` behind it, as its tag in the store has it.
    """
    variant = found.package.info.get("variant")
    suffix = f"-{variant['name']}" if variant else ""
    if suffix and (version := version_of(found, settings, suffix=suffix)):
        return f"{version}{suffix}"
    return str(version_of(found, settings) or "")


def _version(tag: str, suffix: str = "") -> Version | None:
    try:
        return Version.parse(tag.removesuffix(suffix).removesuffix("-rebuilt")) if tag.endswith(suffix) else None
    except FormatError:
        return None


def _is_known(reference: Reference, settings: Settings) -> bool:
    """Tell whether the store or the catalog has something of that name."""
    from modelport.package.store import find_package

    in_catalog = settings.catalog is not None and (settings.catalog / "models" / reference.repository).is_dir()
    return reference.host is not None or in_catalog or find_package(settings.store, reference) is not None


def access_of(settings: Settings) -> Access:
    """Return how registries are reached."""
    from modelport.package.store import Access

    return Access.of(settings)


def missing(reference: Reference, settings: Settings) -> NotFoundError:
    """Return the error for a name that is neither in the store nor to be had from a registry."""
    from modelport.package.store import find_package

    name = reference.repository
    here = find_package(settings.store, reference)
    if here is not None:
        return _here_otherwise(reference, here, settings)
    if longer := _pulled_as(reference, settings):
        return NotFoundError(
            f"{reference} is not in the store ({settings.store}) by that name",
            hint=f"{longer} is there: give all of it",
        )
    if settings.catalog is None or not settings.catalog.is_dir():
        return NotFoundError(
            f"{reference} is not in the store ({settings.store}), and there is no catalog here",
            hint="run this inside a catalog's clone, or say where it is: HOST/REPOSITORY:TAG",
        )
    if not (settings.catalog / "models" / name).is_dir():
        near = difflib.get_close_matches(name, [one.name for one in (settings.catalog / "models").glob("*/")], n=1)
        hint = f"did you mean {near[0]}?" if near else "modelport list and modelport store list show what there is"
        return NotFoundError(f"{reference} is neither in the catalog nor in the store ({settings.store})", hint=hint)
    where = "not in its registry" if settings.registry else "the catalog has no registry to pull it from"
    return NotFoundError(
        f"{reference} is in the catalog, but not in the store ({settings.store}), and {where}",
        hint=_way_to_build(reference, settings.catalog / "models" / name),
    )


def _here_otherwise(reference: Reference, here: Kept, settings: Settings) -> NotFoundError:
    """Return the error for a package of which the store has a part, or another one than the catalog pins."""
    from modelport.oci import Layout
    from modelport.package.partial import missing_layers

    if settings.registry is not None:
        where = f"{settings.registry} does not have it"
    else:
        where = "there is no registry to pull it from"
    if missing_layers(Layout(settings.store), here):
        return NotFoundError(
            f"{here.name} is in the store ({settings.store}) in part only, and {where}",
            hint="pull the rest from where it came: HOST/REPOSITORY:TAG",
        )
    return NotFoundError(
        f"{reference} is in the store ({settings.store}) as {here.name}, {here.manifest.digest}, which is not all of"
        f" what was asked for or not what the catalog pins, and {where}",
        hint=f"take what is there: modelport show {here.name}",
    )


def _pulled_as(reference: Reference, settings: Settings) -> str:
    """Return under which longer name, with a registry's host, the store has what may be meant."""
    from modelport.oci import Layout

    ends = f"/{reference.repository}:{reference.tag or ''}"
    tags = [tag for tag in Layout(settings.store).tags() if "/" in tag and ends in tag]
    fits = [tag for tag in tags if reference.tag is None or tag.endswith(ends) or f"{ends}@" in tag]
    return max(fits, default="")


def _way_to_build(reference: Reference, entry: Path) -> str:
    """Return how to come by a version of an entry that nobody keeps."""
    from modelport.catalog import load_entry

    latest = load_entry(entry).latest
    if not (entry / "recipe.py").is_file():
        return "it has no recipe: ask its maintainers for the package"
    if reference.tag and latest and reference.tag != str(latest.version):
        return f"its recipe builds {latest.version} today: take that, or build in a checkout of when it was released"
    return f"build it from its recipe: modelport pack {_shown(entry)}"


def add_allow_code(parser: argparse.ArgumentParser) -> None:
    """Add ``--allow-code`` to a command that loads packages."""
    parser.add_argument(
        "--allow-code", action="store_true", help="run the code of a package that was not packed on this machine"
    )


def check_code(found: Found, settings: Settings, *, allow_code: bool) -> None:
    """Raise TrustError unless the package may be loaded."""
    from modelport.package.trust import check_trust

    check_trust(settings.data, found.digest, found.package, name=found.name, allow_code=allow_code)


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
