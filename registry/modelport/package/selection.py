"""Which part of a package a pull brings: by kind, by file, by variant; decided from descriptors alone.

Kinds are those of the CNCF ModelPack specification, which stand in a layer's media type. Two things come only when
they are asked for by name: layers of kind ``dataset``, and of a release everything but the model itself (its variants
and its service images).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from modelport.errors import NotFoundError
from modelport.oci import Index, Manifest
from modelport.oci.media import INDEXES, MANIFESTS, TITLE
from modelport.package.modelpack import ANNOTATION_VARIANT, file_kind

if TYPE_CHECKING:
    from modelport.oci import Descriptor
    from modelport.oci.plan import PullPlan

__all__ = ["ALL", "ANNOTATION_VARIANT", "EVERYTHING", "KINDS", "Selection", "is_tar", "kind_of", "title_of"]

KINDS = ("weight", "weight.config", "doc", "code", "dataset")
ALL = "all"
"""Stands for every kind, or for every variant."""

_FILEPATH = "org.cncf.model.filepath"
# `vnd.cnai` is how the specification called itself until July 2025: read, never written.
_LAYER = re.compile(r"application/vnd\.(?:cncf|cnai)\.model\.(?P<kind>[a-z.]+)\.v1\.(?P<form>raw|tar(?:\+[a-z]+)?)")
_NAMED = 12  # files that an error message names


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is wanted; without any choice that is the model, without its data sets and variants.

    Attributes:
        kinds: The kinds of layers, ``all`` for every one.
        only: Patterns (``*`` and ``?``, as ``fnmatch`` has them) of which a file's path must match one.
        variant: The variant's name in a release, ``all`` for everything in it; None for the model itself.
    """

    kinds: frozenset[str] = frozenset()
    only: tuple[str, ...] = ()
    variant: str | None = None

    def __call__(self, node: Descriptor) -> bool:
        """Tell whether a layer, or a manifest of a release, is wanted."""
        if node.media_type in MANIFESTS | INDEXES:
            return self._wants_manifest(node)
        return self._wants_kind(kind_of(node)) and self._may_hold_wanted(node)

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for single kinds or files."""
        return bool(self.kinds - {ALL}) or bool(self.only)

    @property
    def is_one_variant(self) -> bool:
        """Whether it asks for a variant instead of the model."""
        return self.variant not in {None, ALL}

    def wants_file(self, path: str) -> bool:
        """Tell whether a file of a wanted layer is wanted."""
        return not self.only or any(fnmatchcase(path, pattern) for pattern in self.only)

    def check(self, plan: PullPlan, name: str) -> None:
        """Raise NotFoundError when the plan brings nothing of what was asked for."""
        wanted = {blob.descriptor.digest for blob in plan.blobs}
        manifests = [document for document in plan.documents.values() if isinstance(document, Manifest)]
        if not manifests and (self.variant or plan.left_out):
            listed = [child.annotations.get(ANNOTATION_VARIANT) for child in _listed(plan)]
            there = ", ".join(sorted({one for one in listed if one}))
            what = f"no variant {self.variant!r}" if self.variant else "nothing but variants and images"
            hint = f"its variants: {there}; choose one with --variant" if there else "its variants: none"
            raise NotFoundError(f"{name} has {what}", hint=hint)
        layers = [layer for manifest in manifests for layer in manifest.layers]
        if self.is_narrow and not any(layer.digest in wanted for layer in layers):
            titles = sorted({f"{title_of(layer)} ({kind_of(layer) or layer.media_type})" for layer in layers})
            more = f" and {len(titles) - _NAMED} more" if len(titles) > _NAMED else ""
            raise NotFoundError(
                f"{name} has nothing of what was chosen", hint=f"its files: {', '.join(titles[:_NAMED])}{more}"
            )

    def _wants_manifest(self, node: Descriptor) -> bool:
        if self.variant == ALL:
            return True
        if self.variant is None:
            return node.platform is None and ANNOTATION_VARIANT not in node.annotations
        return node.annotations.get(ANNOTATION_VARIANT) == self.variant

    def _wants_kind(self, kind: str | None) -> bool:
        if not self.kinds:
            return kind != "dataset"
        return ALL in self.kinds or kind in self.kinds

    def _may_hold_wanted(self, layer: Descriptor) -> bool:
        if not self.only or not is_tar(layer):
            return self.wants_file(title_of(layer))
        # A tar's members are not known before it is here. Ours hold the small files of one kind.
        kind = kind_of(layer)
        ours = title_of(layer) == f"{kind}.tar"
        return any(not ours or _may_be(pattern, kind) for pattern in self.only)


EVERYTHING = Selection(kinds=frozenset({ALL}), variant=ALL)
"""All that a reference stands for."""


def kind_of(layer: Descriptor) -> str | None:
    """Return a layer's ModelPack kind, or None where its media type is no layer's of that specification."""
    found = _LAYER.fullmatch(layer.media_type)
    return found["kind"] if found else None


def is_tar(layer: Descriptor) -> bool:
    """Tell whether a layer holds many files."""
    found = _LAYER.fullmatch(layer.media_type)
    return found is not None and found["form"] != "raw"


def title_of(layer: Descriptor) -> str:
    """Return the path of the file that a layer is, or the name of a tar of many; its digest where it has none."""
    return layer.annotations.get(_FILEPATH) or layer.annotations.get(TITLE) or str(layer.digest)


def _may_be(pattern: str, kind: str | None) -> bool:
    """Tell whether a path of that kind in a package of ours might match *pattern*."""
    fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return file_kind(fixed) == kind if fixed == pattern or "/" in fixed else True


def _listed(plan: PullPlan) -> tuple[Descriptor, ...]:
    root = plan.documents[plan.root.digest]
    return root.manifests if isinstance(root, Index) else ()
