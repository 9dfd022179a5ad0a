"""The base of an image: from a registry or from an OCI image layout, pinned by digest, and brought into the store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, ModelportError, NotFoundError, SetupError
from modelport.image.contents import DebianPackage, read_contents
from modelport.oci import Index, Layout, Manifest, Platform, pull
from modelport.oci.manifest import parse_json
from modelport.package.store import Access, registry_of
from modelport.types import Digest, Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelport.oci import Descriptor

    Protect = Callable[[Digest], object]

__all__ = ["DEFAULT", "Base", "base_name", "bring_base"]

DEFAULT = "docker.io/library/python:{python}-slim"
"""The official image, where settings name none."""

_WAY_OUT = (
    "`make base` makes one from Debian packages, to be named by --base build/base or, for good, under [image] base in"
    " modelport.toml"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An image to build on, for one platform; its blobs are in the store.

    Attributes:
        name: The name it is known by anywhere.
        digest: Its manifest's digest.
        config: Its config.
        layers: Its layers.
        python: The path of its interpreter.
        packages: The Debian packages that it is made of.
    """

    name: str
    digest: Digest
    config: Mapping[str, Any]
    layers: tuple[Descriptor, ...]
    python: str
    packages: tuple[DebianPackage, ...]

    @property
    def diff_ids(self) -> list[Digest]:
        """The digests of its layers, uncompressed."""
        return [Digest.parse(one) for one in self.config["rootfs"]["diff_ids"]]

    @property
    def variables(self) -> list[str]:
        """The variables that it sets, each as ``NAME=value``."""
        return list(self.config.get("config", {}).get("Env") or [])


def base_name(named: Mapping[str, str], python: str) -> str:
    """Return what the settings *named* as the base for a Python version, or else the official image."""
    return named.get(python) or DEFAULT.format(python=python)


def bring_base(text: str, platform: Platform, python: str, store: Layout, access: Access, *, protect: Protect) -> Base:
    """Bring the base *text*, the folder of a layout or a reference, into *store* for *platform*.

    What is there already is told to *protect* before it is looked for (`Lease.protect`).

    Raises:
        SetupError: It cannot be reached; the message says what to do instead.
        NotFoundError: It has nothing for the platform, or no such Python.
        FormatError: *text* is neither, or what is there is no image.
    """
    folder = Path(text)
    if (folder / "oci-layout").is_file():
        name, descriptor = _from_layout(Layout(folder), platform, python, store, protect)
    elif text.startswith(("/", ".")) or "." not in text.partition("/")[0]:
        raise SetupError(f"the base {text} is not there: no image layout is in {folder.absolute()}", hint=_WAY_OUT)
    else:
        name, descriptor = _from_registry(Reference.parse(text), platform, store, access, protect)
    manifest = store.manifest(descriptor)
    if not isinstance(manifest, Manifest):
        raise FormatError(f"the base {text} is an index in an index")
    config = parse_json(store.read(manifest.config), f"the config of {text}")
    if len(config.get("rootfs", {}).get("diff_ids", ())) != len(manifest.layers):
        raise FormatError(f"the base {text} is no image: its config does not name its layers")
    contents = read_contents(store, manifest.layers)
    return Base(
        name=name,
        digest=descriptor.digest,
        config=config,
        layers=manifest.layers,
        python=contents.python(python, text),
        packages=contents.packages,
    )


def _from_layout(
    source: Layout, platform: Platform, python: str, store: Layout, protect: Protect
) -> tuple[str, Descriptor]:
    tags = source.tags()
    if not tags:
        raise NotFoundError(f"the layout {source.path} has no tags", hint=_WAY_OUT)
    name = next((tag for tag in tags if tag.endswith(f":{python}")), next(iter(tags)))
    chosen = _choose(source.manifest(tags[name]), platform, str(source.path)) or tags[name]
    manifest = source.manifest(chosen)
    for blob in manifest.children:
        protect(blob.digest)
        if not store.has(blob):
            store.put_blob(source.file(blob), expected=blob)
    store.put_blob(manifest.raw, expected=replace(chosen, platform=None, annotations={}))
    return name, chosen


def _from_registry(
    reference: Reference, platform: Platform, store: Layout, access: Access, protect: Protect
) -> tuple[str, Descriptor]:
    host = reference.host or ""
    registry = registry_of(host, access)
    wanted = reference.digest or reference.tag or "latest"
    try:
        document = registry.manifest(reference.repository, wanted)
        chosen = _choose(document, platform, str(reference))
        wanted = (chosen or document.descriptor).digest
        # Under our lease before its own ends.
        descriptor = pull(registry, reference.repository, wanted, store, approve=lambda plan: protect(plan.root.digest))
    except ModelportError as error:
        raise SetupError(f"the base {reference} cannot be had: {error.message}", hint=_WAY_OUT) from error
    return str(replace(reference, digest=None)), descriptor


def _choose(document: Manifest | Index, platform: Platform, where: str) -> Descriptor | None:
    """Return which manifest of an index is for *platform*; None where there is no index."""
    if isinstance(document, Manifest):
        return None
    there = {one.platform: one for one in document.manifests if one.platform}
    for known, one in there.items():
        if (known.os, known.architecture) == (platform.os, platform.architecture):
            return one
    named = ", ".join(map(str, there)) or "manifests without a platform"
    raise NotFoundError(
        f"the base {where} has nothing for {platform}, only {named}",
        hint="build for those (--platform), or name another base (--base)",
    )
