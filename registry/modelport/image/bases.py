"""The base of an image: from a registry or from an OCI image layout, pinned by digest, and brought into the store."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.errors import FormatError, InputError, ModelportError, NotFoundError, SetupError
from modelport.image.contents import DebianPackage, read_contents
from modelport.oci import Index, Layout, Manifest, Platform, pull
from modelport.oci.manifest import parse_json
from modelport.package.store import Access, registry_of
from modelport.types import Digest, Reference, names_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from modelport.oci import Descriptor

    Protect = Callable[[Digest], object]

__all__ = ["DEFAULT", "Base", "base_name", "bring_base"]

DEFAULT = "docker.io/library/python:{python}-slim"
"""The official image, where settings name none."""

_OCI_LAYERS = {
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
}
"""OCI's name for what Docker calls otherwise: an OCI manifest lists only its own."""

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
        pin: The reference that leads to it for ever, for all its platforms; nothing where it came from a folder.
        diff_ids: The digests of its layers, uncompressed.
        variables: The variables that it sets, each as ``NAME=value``.
        layers: Its layers, each with OCI's media type.
        python: The path of its interpreter.
        packages: The Debian packages that it is made of.
    """

    name: str
    digest: Digest
    pin: str
    diff_ids: tuple[Digest, ...]
    variables: tuple[str, ...]
    layers: tuple[Descriptor, ...]
    python: str
    packages: tuple[DebianPackage, ...]

    @property
    def minor(self) -> str:
        """Its Python's version without the patch, as in ``3.11``."""
        return self.python.rpartition("python")[2]

    @property
    def python_version(self) -> str:
        """Its Python's version as a variable or a package of the base has it; without a patch where neither does."""
        minor = self.minor
        said = [one.removeprefix("PYTHON_VERSION=") for one in self.variables if one.startswith("PYTHON_VERSION=")]
        said += [one.version for one in self.packages if one.name == f"python{minor}-minimal"]
        found = (re.match(r"[0-9]+(?:\.[0-9]+)*", one) for one in said)
        return next((match[0] for match in found if match and match[0].startswith(f"{minor}.")), minor)


def base_name(named: Mapping[str, str], python: str) -> str:
    """Return what the settings *named* as the base for a Python version, or else the official image."""
    return named.get(python) or DEFAULT.format(python=python)


def bring_base(text: str, platform: Platform, python: str, store: Layout, access: Access, *, protect: Protect) -> Base:
    """Bring the base *text*, the folder of a layout or a reference, into *store* for *platform*.

    What is there already is told to *protect* before it is looked for (`Lease.protect`).

    Raises:
        SetupError: It cannot be reached; the message says what to do instead.
        NotFoundError: It has nothing for the platform, or no such Python.
        FormatError: What is there is no image.
        InputError: *text* is neither.
    """
    folder = Path(text)
    if (folder / "oci-layout").is_file():
        (name, descriptor), pin = _from_layout(Layout(folder), platform, python, store, protect), ""
    elif names_host(text):
        name, descriptor, pin = _from_registry(Reference.parse(text), platform, store, access, protect)
    else:
        raise InputError(
            f"the base {text} is not there: no image layout is in {folder.absolute()}, and no reference is without its"
            " registry's host",
            hint=f"of Docker Hub, write docker.io/library/NAME:TAG; {_WAY_OUT}",
        )
    manifest = store.manifest(descriptor)
    if not isinstance(manifest, Manifest):
        raise FormatError(f"the base {text} is an index in an index")
    config = _Config.parse(store.read(manifest.config), text)
    if (config.os, config.architecture) != (platform.os, platform.architecture):
        raise _nothing_for(platform, text, f"{config.os}/{config.architecture}")
    if len(config.diff_ids) != len(manifest.layers):
        raise FormatError(f"the base {text} is no image: its config does not name its layers")
    contents = read_contents(store, manifest.layers)
    return Base(
        name=name,
        digest=descriptor.digest,
        pin=pin,
        diff_ids=config.diff_ids,
        variables=config.variables,
        layers=tuple(map(_as_oci, manifest.layers)),
        python=contents.python(python, text),
        packages=contents.packages,
    )


def _as_oci(layer: Descriptor) -> Descriptor:
    return replace(layer, media_type=_OCI_LAYERS.get(layer.media_type, layer.media_type))


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
) -> tuple[str, Descriptor, str]:
    registry = registry_of(reference.host or "", access)
    with _reaching(reference):
        document = registry.manifest(reference.repository, reference.digest or reference.tag or "latest")
    wanted = (_choose(document, platform, str(reference)) or document.descriptor).digest
    with _reaching(reference):
        # Under our lease before its own ends.
        descriptor = pull(registry, reference.repository, wanted, store, approve=lambda plan: protect(plan.root.digest))
    pin = replace(reference, digest=reference.digest or document.descriptor.digest)
    return str(replace(reference, digest=None)), descriptor, str(pin)


@contextmanager
def _reaching(reference: Reference) -> Iterator[None]:
    try:
        yield
    except ModelportError as error:
        raise SetupError(f"the base {reference} cannot be had: {error.message}", hint=_WAY_OUT) from error


def _choose(document: Manifest | Index, platform: Platform, where: str) -> Descriptor | None:
    """Return which manifest of an index is for *platform*; None where there is no index."""
    if isinstance(document, Manifest):
        return None
    there = {one.platform: one for one in document.manifests if one.platform}
    for known, one in there.items():
        if (known.os, known.architecture) == (platform.os, platform.architecture):
            return one
    raise _nothing_for(platform, where, ", ".join(map(str, there)) or "manifests without a platform")


def _nothing_for(platform: Platform, where: str, there: str) -> NotFoundError:
    return NotFoundError(
        f"the base {where} has nothing for {platform}, only {there}",
        hint="build for those (--platform), or name another base (--base)",
    )


@dataclass(frozen=True, slots=True)
class _Config:
    """What is read of a base's config (image-spec 1.1, ``config.md``)."""

    os: str
    architecture: str
    diff_ids: tuple[Digest, ...]
    variables: tuple[str, ...]

    @classmethod
    def parse(cls, raw: bytes, base: str) -> _Config:
        """Read a config; raise FormatError, naming the *base*, for one that is not of an image."""
        document = parse_json(raw, f"the config of {base}")
        run = document.get("config")
        rootfs = document.get("rootfs")
        diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        variables = (run.get("Env") or []) if isinstance(run, dict) else []
        os, architecture = document.get("os"), document.get("architecture")
        sound = run is None or isinstance(run, dict)
        sound &= all(isinstance(one, list) for one in (diff_ids, variables))
        if not sound or not all(isinstance(one, str) for one in (os, architecture, *(diff_ids or ()), *variables)):
            raise FormatError(f"the base {base} is no image: its config does not say what it consists of")
        return cls(str(os), str(architecture), tuple(map(Digest.parse, diff_ids or ())), tuple(variables))
