"""Copy: from one registry to another, or within one, byte for byte and without a copy on this machine's disk.

Each blob streams from where it is to where it shall be. It is hashed on its way and its last bytes are held back until
its digest was right, so what is wrong is never sent whole, and the registry that receives it checks the digest, too.
Blobs come first, then manifests, then indexes, then tags: no tag ever leads nowhere. Every blob is asked for, even
where the manifest that lists it stands: what a registry has lost is put back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelport.errors import FormatError, IntegrityError, NotFoundError, RegistryError
from modelport.oci.manifest import parse_document
from modelport.oci.media import DOCUMENTS_LIMIT
from modelport.oci.net.patience import TransientError, persist
from modelport.oci.progress import counted, log_notice
from modelport.oci.referrers import push_referrer, referrers
from modelport.oci.transfers import lacking, transfer
from modelport.oci.upload import find_lost, send_whole, until_kept, upload_blob
from modelport.oci.upload_requests import Target, open_upload
from modelport.oci.walk import reachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor
    from modelport.oci.manifest import Index, Manifest
    from modelport.oci.progress import Notice, Progress
    from modelport.types import Digest

__all__ = ["Gathered", "copy", "deliver", "gather", "set_tag"]


class Gathered:
    """All content under some roots: what can be read of it, and what lists what.

    Attributes:
        documents: The manifests and indexes, in the order in which they can be pushed.
        leaves: The configs and layers of each manifest.
    """

    def __init__(self, read: Callable[[Descriptor], bytes]) -> None:
        self.documents: dict[Digest, Manifest | Index] = {}
        self.leaves: dict[Digest, tuple[Descriptor, ...]] = {}
        self._read = read

    def add(self, root: Descriptor) -> None:
        """Add what can be reached from *root*; the errors are those of ``reachable``."""
        raws: dict[Digest, bytes] = {}

        def read(node: Descriptor) -> bytes:
            raws[node.digest] = self._read(node)
            return raws[node.digest]

        for node in reachable(root, read):
            if node.digest in raws and node.digest not in self.documents:
                document = parse_document(raws[node.digest])
                self.documents[node.digest] = document
                self.leaves[node.digest] = tuple(child for child in document.children if child.digest not in raws)

    def nodes(self) -> list[Descriptor]:
        """Return what points at each document, in their order."""
        return [replace(one.descriptor, digest=digest) for digest, one in self.documents.items()]

    def blobs(self) -> list[Descriptor]:
        """Return all configs and layers, each digest once."""
        return list({leaf.digest: leaf for listed in self.leaves.values() for leaf in listed}.values())

    def add_referrers(self, listed: Callable[[Digest], Iterable[Descriptor]]) -> None:
        """Add what refers to what is there, and what refers to that, and so on, as *listed* tells.

        Raises:
            FormatError: Something is listed that is about something else, or there is no end of it.
        """
        asked: set[Digest] = set()
        while left := [digest for digest in self.documents if digest not in asked]:
            for subject in left:
                asked.add(subject)
                for one in listed(subject):
                    self.add(one)
                    about = self.documents[one.digest].subject
                    if about is None or about.digest != subject:
                        raise FormatError(
                            f"{one.digest} is listed as a referrer of {subject}, and is about {about or 'nothing'}",
                            hint="take it from the list of referrers, or copy without them",
                        )
                if len(self.documents) > DOCUMENTS_LIMIT:
                    raise FormatError(f"more than {DOCUMENTS_LIMIT} manifests belong to this and to what refers to it")


def gather(
    read: Callable[[Descriptor], bytes],
    roots: Iterable[Descriptor],
    listed: Callable[[Digest], Iterable[Descriptor]] | None = None,
) -> Gathered:
    """Return all that is under *roots* and, with *listed*, what refers to any of it."""
    found = Gathered(read)
    for root in roots:
        found.add(root)
    if listed is not None:
        found.add_referrers(listed)
    return found


def copy(
    source: Registry,
    repository: str,
    reference: str | Digest,
    target: Registry,
    target_repository: str,
    *,
    tags: Sequence[str] = (),
    with_referrers: bool = False,
    progress: Progress | None = None,
    notice: Notice = log_notice,
) -> Descriptor:
    """Copy a manifest or index with all that it needs, skipping what is there; return what points at it.

    Args:
        source: Where from.
        repository: The repository there.
        reference: A tag, or a digest, which pins the content.
        target: Where to; it may be the same registry, which then takes its own blobs without any moving.
        target_repository: The repository there.
        tags: The tags that shall stand for it there, set last, in this order.
        with_referrers: Copy also what refers to any manifest that is copied, and what refers to that, and so on.
        progress: Told how many bytes of which blob have moved; a blob that was there is reported once, whole.
        notice: Told what went another way than it should, though well.

    Raises:
        NotFoundError: The source lacks the reference, or something that it needs; nothing was tagged.
        IntegrityError: The source sent other bytes than it promised, or the target stored others; nothing was tagged.
        RegistryError: One of them cannot be reached, refuses or answers nonsense.
    """
    root = source.manifest(repository, reference)

    def read(node: Descriptor) -> bytes:
        raw = root.raw if node.digest == root.descriptor.digest else source.manifest(repository, node.digest).raw
        if len(raw) != node.size:
            raise IntegrityError(f"{source.name(repository, node.digest)} has {len(raw)} bytes, not {node.size}")
        return raw

    listed = (lambda subject: referrers(source, repository, subject)) if with_referrers else None
    found = gather(read, [root.descriptor], listed)
    deliver(
        found,
        lambda node: source.blob(repository, node),
        target,
        target_repository,
        mount_from=repository if source.host == target.host else None,
        progress=progress,
        notice=notice,
    )
    for tag in tags:
        set_tag(target, target_repository, root, tag)
    return root.descriptor


def set_tag(registry: Registry, repository: str, document: Manifest | Index, tag: str) -> None:
    """Let a tag stand for a manifest or index that is there, unless it does: some let nobody set it again."""
    if not registry.stands_for(repository, tag, document.descriptor.digest, writing=True):
        registry.put_manifest(repository, document, tag=tag)


def deliver(
    found: Gathered,
    content: Callable[[Descriptor], Iterable[bytes]],
    target: Registry,
    repository: str,
    *,
    mount_from: str | None = None,
    progress: Progress | None = None,
    notice: Notice = log_notice,
) -> None:
    """Bring what was found into a repository, but for what is there; no tag is written.

    Args:
        found: The manifests, and what they list.
        content: Gives the verified content of a blob, anew each time it is called.
        target: Where to.
        repository: The repository there.
        mount_from: Another repository there that has all blobs.
        progress: Told how many bytes of which blob have moved.
        notice: Told what went another way than it should, though well.
    """
    missing = lacking(found.nodes(), lambda node: target.has_manifest(repository, node.digest, writing=True))

    def move(node: Descriptor, tell: Progress) -> None:
        place, chunks = Target(target, repository, node), lambda: counted(content(node), node, tell)
        if mount_from and mount_from != repository:
            sent = persist(lambda: _mount_or_send(place, mount_from, chunks, notice), target.patience)
        else:
            sent = target.put_blob(repository, node, chunks)
        if not sent:
            tell(node, node.size)

    wanted, others = _leaves(found.leaves, missing)
    lost = find_lost(others, target, repository, notice)
    wanted += [node for node in others if node.digest in lost]
    there = [node for node in others if node.digest not in lost]
    if progress:
        for node in there:
            progress(node, node.size)

    def bring() -> None:
        transfer(wanted, move, progress, notice)
        for digest, document in found.documents.items():
            if document.subject is not None:
                push_referrer(target, repository, document)  # if it is there: it may not be listed yet
            elif digest in missing:
                # Under the digest by which it is known, which need not be by sha256.
                target.put_manifest(repository, document, digest=digest)

    until_kept(bring, target, notice)


def _mount_or_send(place: Target, source: str, chunks: Callable[[], Iterable[bytes]], notice: Notice) -> bool:
    """Let the registry take a blob from its repository *source*; where it does not, send it, and tell so. One try."""
    try:
        session = open_upload(place, source)
    except TransientError:
        raise
    except (NotFoundError, RegistryError) as error:
        notice(f"{place.name} is sent, it cannot be mounted from {source}: {error.message}")
        return upload_blob(place.registry, place.repository, place.descriptor, chunks)
    if session is not None:
        send_whole(place, session, chunks)
    return session is not None


def _leaves(
    leaves: Mapping[Digest, tuple[Descriptor, ...]], missing: set[Digest]
) -> tuple[list[Descriptor], list[Descriptor]]:
    """Return the blobs that missing manifests list, and the others, which the registry must have had."""
    wanted = {leaf.digest: leaf for digest, listed in leaves.items() if digest in missing for leaf in listed}
    others = {leaf.digest: leaf for listed in leaves.values() for leaf in listed if leaf.digest not in wanted}
    return list(wanted.values()), list(others.values())
