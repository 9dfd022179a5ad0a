"""``modelport check --level registry``: each version held against its package. Nothing of a package is run.

The package is taken from the store, else fetched by its digest from the catalog's registry into a folder that is gone
afterwards.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, IntegrityError, ModelportError, NotFoundError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from modelport.catalog.document import Document
    from modelport.catalog.problem import Problem
    from modelport.oci import Descriptor, Layout
    from modelport.package import Package
    from modelport.settings import Settings

__all__ = ["package_check"]

_HINT = "take the file as `modelport submit` wrote it; another package is another version"


def package_check(settings: Settings) -> Callable[[Document], list[Problem]]:
    """Return a check of versions for ``check_paths(..., extra_checks=[...])``."""

    def check(document: Document) -> list[Problem]:
        with ExitStack() as open_folders:
            try:
                package, size = _package_of(document, settings, open_folders)
            except (NotFoundError, RegistryError) as error:
                message = f"names a package that cannot be had: {_in_one_line(error)}"
                missing = isinstance(error, NotFoundError)
                hint = "push it to the catalog's registry: modelport push NAME REFERENCE" if missing else error.hint
                return [document.problem(("digest",), message, hint=hint, rule="package-missing")]
            except (FormatError, IntegrityError) as error:
                message = f"names a package that cannot be read: {_in_one_line(error)}"
                return [document.problem(("digest",), message, hint=error.hint, rule="package-differs")]
            return list(_differences(document, package, size))

    return check


def _package_of(document: Document, settings: Settings, open_folders: ExitStack) -> tuple[Package, int]:
    """Return the package that a version pins, and the bytes of all its blobs."""
    from modelport.oci import Layout, Manifest
    from modelport.package.modelpack import package_manifest, unpack
    from modelport.types import Digest

    digest = Digest.parse(document.value["digest"])
    settings.cache.mkdir(parents=True, exist_ok=True)
    scratch = Path(open_folders.enter_context(TemporaryDirectory(dir=settings.cache, prefix="check-")))
    layout = Layout(settings.store)
    root = _in_store(layout, digest)
    if root is None:
        layout = Layout(scratch / "layout")
        root = _fetched(layout, _name_of(document), digest, settings)
    manifest = layout.manifest(package_manifest(layout, root))
    blobs = manifest.children if isinstance(manifest, Manifest) else ()
    return unpack(layout, root, scratch / "package"), sum(blob.size for blob in blobs)


def _in_store(layout: Layout, digest: object) -> Descriptor | None:
    from modelport.package.modelpack import package_manifest

    for root in layout.tags().values():
        try:
            if package_manifest(layout, root).digest == digest:
                return root
        except ModelportError:
            continue  # another package, which is damaged or none of ours
    return None


def _fetched(layout: Layout, name: str | None, digest: Any, settings: Settings) -> Descriptor:  # noqa: ANN401 - a Digest
    from modelport.cli.models import access_of
    from modelport.package.store import pull_package
    from modelport.types import Reference

    if settings.registry is None or name is None:
        why = "and the settings name no registry" if name else "and the file lies in no entry that says its name"
        raise NotFoundError(f"it is not in the store ({settings.store}), {why}")
    host, _, path = settings.registry.partition("/")
    remote = Reference(host, f"{path}/{name}" if path else name, digest=digest)
    return pull_package(layout.path, remote, digest=digest, access=access_of(settings)).index


def _name_of(document: Document) -> str | None:
    folder = PurePosixPath(document.file).parent
    return folder.parent.name if folder.name == "versions" and folder.parent.name else None


def _differences(document: Document, package: Package, size: int) -> Iterator[Problem]:
    from modelport.package.modelpack import file_records

    there = {
        "size": size,
        "tier": package.info["tier"]["level"],
        "python": package.info.get("python"),
        "requirements": package.info.get("requirements"),
        "files": file_records(package),
        "signature": package.spec.to_json(),
        "examples": package.examples,
        "evaluations": package.evaluations,
    }
    for key, value in there.items():
        said = document.value[key]
        if said != value:
            message = f"is not what the package holds{_where(key, said, value)}"
            yield document.problem((key,), message, hint=_HINT, rule="package-differs")


def _where(key: str, said: Any, there: Any) -> str:  # noqa: ANN401 - JSON
    """Return where two values of a version differ, in a few words."""
    if key == "files":
        one, other = _by_path(said), _by_path(there)
        differ = [path for path in sorted(one.keys() | other.keys()) if one.get(path) != other.get(path)]
        return f": {', '.join(differ[:3])}{' and more' if len(differ) > 3 else ''}" if differ else ""  # noqa: PLR2004 - a few
    return f": {there!r}" if isinstance(there, str | int) else ""


def _by_path(files: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {file["path"]: file for file in files}


def _in_one_line(error: ModelportError) -> str:
    return " ".join(error.message.split())
