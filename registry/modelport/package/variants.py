"""Variants in the store: packages that say of whom they are one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import FormatError, NotFoundError
from modelport.oci import Layout, Manifest
from modelport.package.modelpack import ANNOTATION_VARIANT, ANNOTATION_VARIANT_OF, package_manifest
from modelport.package.store import Kept

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.package.folder import Package
    from modelport.types import Digest

__all__ = ["variant_file", "variant_named", "variants_in"]


def variants_in(store: Path, parent: Digest) -> list[Kept]:
    """Return the variants in *store* of the package with the manifest *parent*, one for each name, by name."""
    layout = Layout(store)
    found: dict[str, Kept] = {}
    for tag, index in sorted(layout.tags().items()):
        try:
            manifest = package_manifest(layout, index)
            document = layout.manifest(manifest)
        except (FormatError, NotFoundError):
            continue  # an image, or a part
        if isinstance(document, Manifest) and document.annotations.get(ANNOTATION_VARIANT_OF) == str(parent):
            found[document.annotations[ANNOTATION_VARIANT]] = Kept(tag, manifest, index)
    return [found[name] for name in sorted(found)]


def variant_named(document: Manifest) -> str:
    """Return the name of the variant whose manifest *document* is; nothing where it is none."""
    return document.annotations.get(ANNOTATION_VARIANT, "")


def variant_file(package: Package) -> Path:
    """Return the file that a variant has in the place of its parent's; its suffix says what runs it."""
    second = [str(one["path"]) for one in package.info.get("alternatives", ())]
    return package.folder / (second or [str(one["file"]) for one in package.info["methods"].values()])[0]
