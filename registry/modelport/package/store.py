"""Packages in the embedded store: kept, looked up, moved to and from a registry, and trusted or not.

A tag of the store is ``NAME:VERSION`` for what was packed or pulled by name, or the whole reference for what came from
a registry. Being in the store says nothing of trust (`modelport.package.trust`).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from modelport.errors import FormatError, IntegrityError, NotFoundError
from modelport.oci import Descriptor, Layout, Registry, pull, push
from modelport.oci.net.credentials import docker_credentials
from modelport.oci.net.origin import is_loopback, registry_origin
from modelport.oci.net.proxy import Proxies
from modelport.oci.plan import lacking, plan_pull
from modelport.oci.progress import log_notice
from modelport.oci.store.files import locked
from modelport.package.folder import Package
from modelport.package.modelpack import (
    ANNOTATION_VARIANT,
    add_data_sets,
    add_package,
    manifest_digest,
    package_manifest,
    unpack,
)
from modelport.package.partial import check_whole, part_only
from modelport.package.selection import ALL, EVERYTHING, Selection
from modelport.types import Reference, Version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from modelport.oci.net.credentials import Credentials
    from modelport.oci.plan import PullPlan
    from modelport.oci.progress import Notice, Progress
    from modelport.types import Digest

__all__ = [
    "Access",
    "Kept",
    "find_package",
    "keep_package",
    "open_package",
    "plan_package",
    "pull_package",
    "push_package",
    "registry_of",
    "take_variant",
]


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


class RegistrySettings(Protocol):
    """The settings that say how registries are reached: `modelport.settings.Settings`."""

    @property
    def insecure(self) -> frozenset[str]: ...
    @property
    def docker_config(self) -> Path: ...
    @property
    def proxies(self) -> Mapping[str, str]: ...
    @property
    def ca(self) -> Sequence[Path]: ...
    @property
    def repository_ca(self) -> Path | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How registries are reached.

    Attributes:
        insecure: Hosts that may be spoken to without TLS, besides loopback.
        docker_config: Docker's ``config.json``, where credentials are looked up.
        proxies: What the variables of proxies say, as ``Settings.proxies``.
        ca: Files or folders of certificates of authorities that the user trusts besides the system's.
        repository_ca: The same by a repository's word.
    """

    insecure: frozenset[str] = frozenset()
    docker_config: Path | None = None
    proxies: Mapping[str, str] = field(default_factory=dict)
    ca: Sequence[Path] = ()
    repository_ca: Path | None = None

    @classmethod
    def of(cls, settings: RegistrySettings) -> Access:
        """Return what *settings* say of it."""
        return cls(
            insecure=settings.insecure,
            docker_config=settings.docker_config,
            proxies=settings.proxies,
            ca=settings.ca,
            repository_ca=settings.repository_ca,
        )

    def distrust(self, host: str) -> str:
        """Return why *host* is to get no credentials; an empty text when it may.

        Whose repository one stands in must not decide who hears one's passwords.
        """
        origin = registry_origin(host, self.insecure)
        if is_loopback(origin.host):
            return ""
        if not origin.tls:
            return "registry.insecure has it spoken to without TLS"
        if self.repository_ca is not None:
            return "only registry.ca of this repository vouches for it"
        return ""


def keep_package(folder: Path, store: Path, *, tags: Sequence[str] = ()) -> Kept:
    """Put the package in *folder* into the store, under ``NAME:tag`` for each tag; that says nothing of trust."""
    layout, package = Layout(store), Package.read(folder)
    with layout.lease():
        manifest, index = add_package(package, layout)
        for tag in tags:
            layout.tag(f"{package.name}:{tag}", index)
    return Kept(f"{package.name}:{tags[0]}" if tags else package.name, manifest, index)


def find_package(store: Path, reference: Reference) -> Kept | None:
    """Return the package that *reference* names in the store, or None; a digest in it must be the package's.

    A bare name means what was packed, or pulled by that bare name, last (``latest``), else its highest version. A
    version that was only rebuilt here from its recipe is found as ``VERSION-rebuilt``.
    """
    layout = Layout(store)
    tags = layout.tags()
    for name in _candidates(reference, list(tags)):
        if name in tags:
            kept = Kept(name, package_manifest(layout, tags[name]), tags[name])
            if reference.digest in {None, kept.manifest.digest, kept.index.digest}:
                return kept
    return None


def open_package(store: Path, kept: Kept, cache: Path) -> Package:
    """Return the package as a folder under *cache*, unpacked on first use and verified on every use.

    Raises:
        NotFoundError: Only a part of it was pulled.
    """
    folder = cache / "packages" / kept.manifest.digest.hex
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(cache / "packages" / f"{kept.manifest.digest.hex}.lock"):
        if folder.exists():
            package = _verified(folder, kept.manifest.digest)
            if package is not None:
                add_data_sets(Layout(store), kept.index, folder)
                return package
            shutil.rmtree(folder)  # damaged, tampered with, or packed by another tool
        check_whole(Layout(store), kept)
        return unpack(Layout(store), kept.index, folder)


def _verified(folder: Path, digest: Digest) -> Package | None:
    try:
        package = Package.read(folder)
        return package if manifest_digest(package) == digest else None
    except (FormatError, OSError):
        return None


def push_package(
    store: Path,
    index: Descriptor,
    prefix: str,
    name: str,
    tag: str,
    *,
    access: Access | None = None,
    progress: Progress | None = None,
    notice: Notice = log_notice,
) -> Reference:
    """Push a release to ``PREFIX/name:tag`` and return that reference with its digest.

    Raises:
        NotFoundError: Only a part of it was pulled, and the registry has not got the rest; it was not tagged.
    """
    host, _, path = prefix.partition("/")
    repository = f"{path}/{name}" if path else name
    layout = Layout(store)
    try:
        digest = push(
            layout, index, registry_of(host, access), repository, tags=[tag], progress=progress, notice=notice
        )
    except NotFoundError as error:
        absent = lacking(layout, index)
        if not absent:
            raise
        known_as = next((tag for tag, root in layout.tags().items() if root.digest == index.digest), str(index.digest))
        hint = f"modelport pull --kind all --variant all {known_as} brings the rest"
        raise part_only(known_as, absent, hint) from error
    return Reference(host, repository, tag, digest)


def pull_package(
    store: Path,
    reference: Reference,
    *,
    name: str | None = None,
    digest: Digest | None = None,
    access: Access | None = None,
    selection: Selection = EVERYTHING,
    progress: Progress | None = None,
    notice: Notice = log_notice,
) -> Kept:
    """Pull *reference* from its registry into the store, as *name* or under the reference itself.

    It gets its name only when all that was chosen is there, verified, and it has the manifest *digest*, where one is
    given; of a single variant, when the release lists that manifest, too. A whole variant gets its own name instead
    (`take_variant`): the release's would mean the variant, as long as the model is not here.

    Args:
        store: Where to.
        reference: Where from; it has a host.
        name: The tag in the store.
        digest: The digest of the package's manifest.
        access: How registries are reached.
        selection: What of it is wanted.
        progress: Told how many bytes of which blob have arrived.
        notice: Told what went another way than it should, though well.

    Raises:
        NotFoundError: The registry has no such repository, tag or digest, or nothing of what was chosen.
        IntegrityError: What came is not what its digest says.
    """
    registry, wanted = _remote(reference, access)
    layout = Layout(store)

    def approve(plan: PullPlan) -> None:
        lease.protect(plan.root.digest)  # until it has its name
        selection.check(plan, str(reference))
        listed = {child.digest for document in plan.documents.values() for child in document.children}
        if digest is not None and digest not in {plan.root.digest, *listed}:
            found = ", ".join(str(one.descriptor.digest) for one in plan.documents.values())
            raise IntegrityError(f"{reference} is {found}, not {digest}", hint="tell the catalog's owner")

    with layout.lease() as lease:
        index = pull(
            registry,
            reference.repository,
            wanted,
            layout,
            select=selection,
            progress=progress,
            approve=approve,
            notice=notice,
        )
        kept = Kept(name or str(reference), package_manifest(layout, index), index)
        if selection.variant in {None, ALL} and digest not in {None, kept.manifest.digest}:
            raise IntegrityError(
                f"{reference} is {kept.manifest.digest}, not {digest}", hint="tell the catalog's owner"
            )
        if selection.is_one_variant:
            return take_variant(layout, kept, selection)
        layout.tag(kept.name, index)
    return kept


def take_variant(layout: Layout, kept: Kept, selection: Selection) -> Kept:
    """Return the variant that *selection* asks for of a release in the store, by its own name, which it gets here.

    That is, as of one that was built here, the release's with ``-VARIANT`` behind its tag; where the release was asked
    for by its digest, the variant's own digest. A part of a variant is kept by the release's name.
    """
    listed = layout.manifest(kept.index).children if kept.index != kept.manifest else ()
    found = [one for one in listed if one.annotations.get(ANNOTATION_VARIANT) == selection.variant]
    own = replace(kept, manifest=found[0]) if found else kept
    if not found or selection.is_narrow:
        layout.tag(kept.name, kept.index)
        return own
    release = Reference.parse(kept.name)
    if release.digest:
        name = replace(release, tag=None, digest=own.manifest.digest)
    else:
        name = replace(release, tag=f"{release.tag or 'latest'}-{selection.variant}")
    layout.tag(str(name), own.manifest)
    return replace(own, name=str(name))


def plan_package(
    store: Path, reference: Reference, *, access: Access | None = None, selection: Selection = EVERYTHING
) -> PullPlan:
    """Return what ``pull_package`` would move, without moving it; the errors are the same."""
    registry, wanted = _remote(reference, access)
    plan = plan_pull(registry, reference.repository, wanted, Layout(store), select=selection)
    selection.check(plan, str(reference))
    return plan


def _remote(reference: Reference, access: Access | None) -> tuple[Registry, str | Digest]:
    if reference.host is None:
        raise NotFoundError(f"{reference} names no registry", hint="write HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]")
    return registry_of(reference.host, access), reference.digest or reference.tag or "latest"


def registry_of(host: str, access: Access | None = None, *, credentials: Credentials | None = None) -> Registry:
    """Return the client of a registry, which is reached as *access* says, with *credentials* or those kept for it."""
    chosen = access or Access()
    kept = docker_credentials(chosen.docker_config) if chosen.docker_config and not chosen.distrust(host) else None
    return Registry(
        host,
        insecure_hosts=chosen.insecure,
        credentials=credentials or kept,
        proxies=Proxies.parse(chosen.proxies),
        authorities=[*chosen.ca, *([chosen.repository_ca] if chosen.repository_ca else [])],
    )


def _candidates(reference: Reference, tags: Sequence[str]) -> list[str]:
    if reference.host is not None:
        place, tag = f"{reference.host}/{reference.repository}", reference.tag or "latest"
        same = [t for t in tags if t.startswith((f"{place}:", f"{place}@"))]
        if reference.digest:
            return [str(reference), *same]
        return [str(reference), f"{place}:{tag}", *(t for t in same if t.startswith(f"{place}:{tag}@"))]
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
