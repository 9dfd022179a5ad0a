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
    from collections.abc import Callable

    from modelport.catalog.document import Document
    from modelport.catalog.problem import Problem
    from modelport.oci import Descriptor, Layout
    from modelport.package import Package
    from modelport.settings import Settings

__all__ = ["package_check"]

_HINT = "take the file as `modelport submit` wrote it; another package is another version"


def package_check(settings: Settings) -> Callable[[Document], list[Problem]]:
    """Return a check of versions for ``check_paths(..., extra_checks=[...])``."""
    from modelport.catalog.upgrade import upgrade_version
    from modelport.publish.claims import false_claims

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
            return [
                document.problem((key,), message, hint=_HINT, rule="package-differs")
                for key, message in false_claims(upgrade_version(document.value), package, size)
            ]

    return check


def _package_of(document: Document, settings: Settings, open_folders: ExitStack) -> tuple[Package, int]:
    """Return the package that a version pins, and the bytes of all its blobs."""
    from modelport.oci import Layout
    from modelport.package.modelpack import unpack
    from modelport.publish.claims import package_size
    from modelport.types import Digest

    digest = Digest.parse(document.value["digest"])
    settings.cache.mkdir(parents=True, exist_ok=True)
    scratch = Path(open_folders.enter_context(TemporaryDirectory(dir=settings.cache, prefix="check-")))
    layout = Layout(settings.store)
    root = _in_store(layout, digest)
    if root is None:
        layout = Layout(scratch / "layout")
        root = _fetched(layout, _name_of(document), digest, settings)
    return unpack(layout, root, scratch / "package"), package_size(layout, root)


def _in_store(layout: Layout, digest: object) -> Descriptor | None:
    from modelport.oci.plan import lacking
    from modelport.package.modelpack import package_manifest

    for root in layout.tags().values():
        try:
            if package_manifest(layout, root).digest == digest and not lacking(layout, root):
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


def _in_one_line(error: ModelportError) -> str:
    return " ".join(error.message.split())
