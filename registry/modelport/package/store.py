"""Packages in the embedded store: kept, looked up, moved to and from a registry, and trusted or not.

A tag of the store is ``NAME:VERSION`` for what was packed or pulled by name, or the whole reference for what came from
a registry. Which digests were packed on this machine is kept beside the layout: only their code is run without being
asked for (`modelport.package.trust`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import FormatError, NotFoundError
from modelport.oci import Descriptor, Layout, Registry, pull, push
from modelport.oci.credentials import docker_credentials
from modelport.package import trust
from modelport.package.folder import Package
from modelport.package.modelpack import add_package, package_manifest, unpack
from modelport.types import Reference, Version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Access", "Kept", "find_package", "keep_package", "open_package", "pull_package", "push_package"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A package in the store.

    Attributes:
        name: The tag it was found or kept under, ``NAME:VERSION``.
        manifest: Its ModelPack manifest; the manifest's digest is the model's identity.
        index: Its release index.
    """

    name: str
    manifest: Descriptor
    index: Descriptor


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How registries are reached.

    Attributes:
        insecure: Hosts that may be spoken to without TLS, besides loopback.
        docker_config: Docker's ``config.json``, where credentials are looked up.
    """

    insecure: frozenset[str] = frozenset()
    docker_config: Path | None = None


def keep_package(folder: Path, store: Path, *, tags: Sequence[str]) -> Kept:
    """Put the package in *folder*, which was packed on this machine, into the store under ``NAME:tag`` for each tag."""
    layout, package = Layout(store), Package.read(folder)
    manifest, index = add_package(package, layout)
    for tag in tags:
        layout.tag(f"{package.name}:{tag}", index)
    trust.mark_packed_here(store, manifest.digest)
    return Kept(f"{package.name}:{tags[0]}", manifest, index)


def find_package(store: Path, reference: Reference) -> Kept | None:
    """Return the package that *reference* names in the store, or None.

    A bare name means what was packed or pulled last (``latest``), else its highest version. A version that was only
    rebuilt here from its recipe is found as ``VERSION-rebuilt``.
    """
    layout = Layout(store)
    tags = layout.tags()
    for name in _candidates(reference, list(tags)):
        if name in tags:
            index = tags[name]
            manifest = package_manifest(layout, index)
            if reference.digest in {None, manifest.digest, index.digest}:
                return Kept(name, manifest, index)
    return None


def open_package(store: Path, kept: Kept, cache: Path) -> Package:
    """Return the package as a folder, unpacked and verified under *cache* on first use."""
    folder = cache / "packages" / kept.manifest.digest.hex
    if not folder.is_dir():
        try:
            return unpack(Layout(store), kept.index, folder)
        except FormatError:
            if not folder.is_dir():  # another process was quicker
                raise
    return Package.read(folder)


def push_package(
    store: Path, index: Descriptor, prefix: str, name: str, tag: str, *, access: Access | None = None
) -> Reference:
    """Push a release to ``PREFIX/name:tag`` and return that reference with its digest."""
    host, _, path = prefix.partition("/")
    repository = f"{path}/{name}" if path else name
    digest = push(Layout(store), index, _registry(host, access), repository, tags=[tag])
    return Reference(host, repository, tag, digest)


def pull_package(store: Path, reference: Reference, *, name: str | None = None, access: Access | None = None) -> Kept:
    """Pull *reference* from its registry into the store, as *name* or under the reference itself.

    Raises:
        NotFoundError: The registry has no such repository, tag or digest.
        IntegrityError: What came is not what its digest says.
    """
    if reference.host is None:
        raise NotFoundError(f"{reference} names no registry", hint="write HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]")
    layout = Layout(store)
    registry = _registry(reference.host, access)
    wanted = str(reference.digest or reference.tag or "latest")
    local = name or str(reference)
    index = pull(registry, reference.repository, wanted, layout, name=local)
    return Kept(local, package_manifest(layout, index), index)


def _registry(host: str, access: Access | None) -> Registry:
    chosen = access or Access()
    credentials = docker_credentials(chosen.docker_config) if chosen.docker_config else None
    return Registry(host, insecure_hosts=chosen.insecure, credentials=credentials)


def _candidates(reference: Reference, tags: Sequence[str]) -> list[str]:
    if reference.host is not None:
        return [str(reference), *(t for t in tags if t.startswith(f"{reference.host}/{reference.repository}:"))]
    if reference.tag is not None:
        return [f"{reference.repository}:{reference.tag}", f"{reference.repository}:{reference.tag}-rebuilt"]
    own = [t.partition(":")[2] for t in tags if t.partition(":")[0] == reference.repository and "/" not in t]
    versions = sorted((Version.parse(t) for t in own if _is_version(t)), reverse=True)
    return [f"{reference.repository}:{tag}" for tag in ["latest", *map(str, versions)]]


def _is_version(tag: str) -> bool:
    try:
        Version.parse(tag)
    except FormatError:
        return False
    return True
