"""The store: an OCI image layout on disk (image-spec 1.1, ``image-layout.md``) that every OCI tool can read.

::

    STORE/
    ├── oci-layout            {"imageLayoutVersion": "1.0.0"}
    ├── index.json            one descriptor per tag; its name is in the ref.name annotation: "repository:tag"
    ├── blobs/sha256/<hex>    content, named by its digest, read-only
    ├── ingest/               what is being written; nothing in here counts
    ├── leases/               what living processes need (`lease`)
    ├── quarantine/           damaged content, set aside by ``check``
    ├── .lock                 held while index.json changes
    └── .sweep                held shared while a blob gets its name, alone while ``gc`` deletes

A blob gets its name only once it is whole, verified and on the disk, and a tag only once its manifest is there; so a
crash at any moment leaves a layout that is right, at worst with left-overs in ``ingest/``. Reading trusts nothing:
every byte is hashed on its way out. No digests are remembered by time and size of a file: rot changes neither.

Blobs are read-only (0444), for they never change: replacing one is a rename, which needs a right to the folder only.
"""

from __future__ import annotations

import stat
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from modelport.errors import IntegrityError, NotFoundError, SetupError
from modelport.oci.descriptor import Descriptor
from modelport.oci.manifest import parse_document, read_document
from modelport.oci.media import OCTETS
from modelport.oci.progress import counted
from modelport.oci.store.content import clone, exhaust, file_chunks, link, new_target, pieces, write_hashing
from modelport.oci.store.files import new_file, publish_blob, sync_folder
from modelport.oci.store.lease import Lease, open_lease
from modelport.oci.store.refusals import reading, writing, writing_file
from modelport.oci.store.tags import changing_entries, check_tag_name, each_once, named, read_roots, tag_name, tagged
from modelport.oci.store.version import create, is_layout
from modelport.oci.verify import VerifiedChunks
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from modelport.oci.manifest import Index, Manifest
    from modelport.oci.progress import Progress
    from modelport.oci.store.tags import Root

__all__ = ["Layout"]

_REFETCH = "`modelport store check --repair` fetches it again"


class Layout:
    """An OCI image layout with many tags, safe for many processes at once; created by the first write.

    Args:
        path: The layout's folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Layout({str(self.path)!r})"

    def lease(self, *, reading: bool = False) -> AbstractContextManager[Lease]:
        """Return a lease: ``gc`` spares what it protects, from then until its context ends or its process dies.

        Protect a digest before you look whether its content is there. See `modelport.oci.store.lease`.

        Args:
            reading: Only to read content: where there is no layout, none is made, and the lease is empty.
        """
        if not reading:
            create(self.path)
        elif not is_layout(self.path):
            return nullcontext(Lease(self.path, None))
        return open_lease(self.path)

    # Writing blobs

    def put_blob(
        self,
        source: bytes | Path | Iterable[bytes],
        *,
        media_type: str = OCTETS,
        annotations: Mapping[str, str] | None = None,
        expected: Descriptor | None = None,
        algorithm: str = "sha256",
    ) -> Descriptor:
        """Store content, hashing it while it is copied, and return what points at it.

        A file is cloned where the file system can (reflink). It is never hard linked: whoever wrote to it later would
        change the store.

        Args:
            source: The bytes, the file that holds them, or an iterable of pieces.
            media_type: What the descriptor shall say.
            annotations: What the descriptor shall carry.
            expected: What the content must be; given, it is also what is returned.
            algorithm: The digest's, ``sha256`` or ``sha512``, where nothing is *expected*.

        Raises:
            IntegrityError: The content is not *expected*; nothing was stored.
            SetupError: The system refuses to write, or to read *source*; nothing was stored.
        """
        create(self.path)
        with writing(self.path), new_file(self.path / "ingest") as file:
            write: Callable[[bytes], object] = file.write
            if isinstance(source, Path) and clone(source, file):
                source, write = Path(file.name), len  # it is all there; what is hashed is what is kept
            chunks = pieces(source)
            if expected is not None and not isinstance(chunks, VerifiedChunks):
                chunks = VerifiedChunks(chunks, expected, source=str(self.path))
            if isinstance(chunks, VerifiedChunks):
                stored = chunks.descriptor
                for chunk in chunks:
                    write(chunk)
            else:
                digest, size = write_hashing(write, chunks, algorithm)
                stored = Descriptor(
                    media_type=media_type, digest=digest, size=size, annotations=dict(annotations or {})
                )
            # An older file of that name is replaced: if it was damaged, it is whole again, and ``gc`` sees it as new.
            publish_blob(file, self._place(stored.digest, create=True), self.path)
        return stored

    def ingest(self) -> Path:
        """Return the folder for what is not whole yet; the layout is made where there is none."""
        create(self.path)
        return self.path / "ingest"

    def adopt(self, file: IO[bytes], descriptor: Descriptor) -> None:
        """Make the open *file*, which lies in ``ingest`` and is right, the blob of *descriptor*; not verified again.

        Raises:
            SetupError: The system refuses to.
        """
        with writing(self.path):
            publish_blob(file, self._place(descriptor.digest, create=True), self.path)

    def put_manifest(
        self, raw: bytes, *, annotations: Mapping[str, str] | None = None, algorithm: str = "sha256"
    ) -> Descriptor:
        """Store the bytes of a manifest or an index; the descriptor returned carries *annotations*.

        Raises:
            FormatError: The bytes are neither.
        """
        found = parse_document(raw).descriptor
        digest = Digest.of(raw, algorithm)
        return self.put_blob(raw, expected=replace(found, digest=digest, annotations=dict(annotations or {})))

    # Reading blobs

    def has(self, descriptor: Descriptor) -> bool:
        """Tell whether content of that digest and size is there (not whether it is undamaged)."""
        return self._size(descriptor.digest) == descriptor.size

    def is_sound(self, descriptor: Descriptor, *, progress: Progress | None = None) -> bool:
        """Tell whether the content is there, whole: a file of the right size may still be damaged.

        Args:
            descriptor: The content.
            progress: Told how many bytes have been hashed; it may raise to give up.
        """
        if not self.has(descriptor):
            return False
        try:
            exhaust(counted(self.chunks(descriptor), descriptor, progress))
        except IntegrityError:
            return False
        return True

    def chunks(self, descriptor: Descriptor) -> VerifiedChunks:
        """Return the content in pieces, verified when the last one comes.

        Raises:
            NotFoundError: There is no such content; at once.
            IntegrityError: The content is damaged; while it is read.
        """
        if self._size(descriptor.digest) is None:
            raise self._not_found(descriptor)
        place = str(self._place(descriptor.digest))
        return VerifiedChunks(self._content(descriptor), descriptor, source=place, hint=_REFETCH)

    def read(self, descriptor: Descriptor) -> bytes:
        """Return the content, verified. For small content; the errors are those of ``chunks``."""
        return self.chunks(descriptor).read()

    def locate(self, descriptor: Descriptor) -> Path:
        """Return the file that holds the content, after verifying all of it. The file must not be changed."""
        exhaust(self.chunks(descriptor))
        return self._place(descriptor.digest)

    def file(self, descriptor: Descriptor) -> Path:
        """Return the file under that digest, not verified: for those who let somebody else hash it.

        Raises:
            NotFoundError: There is no such content.
            IntegrityError: The file has another size.
        """
        size, place = self._size(descriptor.digest), self._place(descriptor.digest)
        if size is None:
            raise self._not_found(descriptor)
        if size != descriptor.size:
            raise IntegrityError(f"{place}: {size} bytes, and {descriptor.size} were promised", hint=_REFETCH)
        return place

    def checkout(self, descriptor: Descriptor, target: Path, *, read_only: bool = False) -> None:
        """Write the content as the new file *target*; what is there in the end was verified.

        It is cloned where the file system can (reflink), and else copied: whatever happens to it cannot harm the store.

        Args:
            descriptor: The content.
            target: The file, which must not exist; its folder must.
            read_only: Nobody will ever write to *target*: it may be a hard link to the blob, with the mode 0444.

        Raises:
            NotFoundError: There is no such content.
            IntegrityError: The content is damaged; nothing was left at *target*.
            SetupError: *target* exists, or the system refuses to write it.
        """
        chunks, place = self.chunks(descriptor), self._place(descriptor.digest)
        with writing_file(target):
            if read_only and link(self.locate(descriptor), target):
                return
            with new_target(target) as file:
                if clone(place, file):
                    exhaust(VerifiedChunks(file_chunks(target), descriptor, source=str(place), hint=_REFETCH))
                else:
                    file.writelines(chunks)

    def manifest(self, descriptor: Descriptor) -> Manifest | Index:
        """Return the manifest or index that *descriptor* points at, verified and parsed."""
        return read_document(descriptor, self.read)

    # Tags

    def tag(self, name: str, descriptor: Descriptor) -> None:
        """Let *name* stand for *descriptor*, in one step, whatever it stood for before.

        Where content of it was left out on purpose, the descriptor has to say so (``tags.PARTIAL``), or ``check`` takes
        it for lost.

        Raises:
            FormatError: The name cannot be one, or the content is no manifest.
            NotFoundError: The content is not in this layout.
            IntegrityError: The content is damaged.
        """
        self.tag_all({name: descriptor})

    def tag_all(self, tags: Mapping[str, Descriptor], *, kept: Iterable[Descriptor] = ()) -> None:
        """Set many tags, and ``keep`` what is *kept*, in one step or not at all. The errors are those of ``tag``."""
        kept = tuple(kept)
        for name in tags:
            check_tag_name(name)
        needed = {descriptor.digest: descriptor for descriptor in (*tags.values(), *kept)}
        for descriptor in needed.values():
            self.manifest(descriptor)
        with changing_entries(self.path) as entries:
            for descriptor in needed.values():  # once more: ``gc`` may have run since
                if not self.has(descriptor):
                    raise self._not_found(descriptor)
            entries[:] = [e for e in entries if tag_name(e) not in tags]
            listed = {entry.get("digest") for entry in entries}
            new = {one.digest: one for one in kept if str(one.digest) not in listed}
            entries += [descriptor.to_json() for descriptor in new.values()]
            entries += [tagged(name, descriptor) for name, descriptor in tags.items()]

    def untag(self, name: str) -> None:
        """Forget the tag; the content stays until ``gc``. Raise NotFoundError when there is no such tag."""
        self.resolve(name)
        with changing_entries(self.path) as entries:
            entries[:] = [e for e in entries if tag_name(e) != name]

    def resolve(self, name: str) -> Descriptor:
        """Return what the tag stands for; raise NotFoundError when there is no such tag."""
        tags = self.tags()
        if name not in tags:
            there = ", ".join(sorted(tags)[:10]) or "none"
            raise NotFoundError(f"{self.path}: there is no tag {name!r}", hint=f"tags there: {there}")
        return tags[name]

    def tags(self) -> dict[str, Descriptor]:
        """Return all tags by name, sorted, each as its last entry says; empty when the layout does not exist yet."""
        return named(self._roots())

    def roots(self) -> tuple[Descriptor, ...]:
        """Return all that ``index.json`` lists, tagged or kept, in its order and each digest once, without names."""
        return each_once(self._roots())

    def keep(self, descriptor: Descriptor) -> None:
        """List a manifest in ``index.json`` without a name, unless it is listed: how referrers are found in a layout.

        A referrer that is kept so lives as long as its subject does, not longer. The errors are those of ``tag``.
        """
        self.tag_all({}, kept=[descriptor])

    def forget(self, digest: Digest) -> None:
        """Take a manifest that is kept without a name out of ``index.json``; its tags and its content stay."""
        with changing_entries(self.path) as entries:
            entries[:] = [e for e in entries if e.get("digest") != str(digest) or tag_name(e) is not None]

    # The files

    def _roots(self) -> list[Root]:
        return read_roots(self.path) if is_layout(self.path) else []

    def _size(self, digest: Digest) -> int | None:
        """Return the size of a blob's file, or None; where the whole layout cannot be read, that is said instead."""
        place = self._place(digest)
        with reading(place):
            try:
                status = place.stat()
            except (FileNotFoundError, NotADirectoryError):
                status = None
        if status and stat.S_ISREG(status.st_mode):
            return status.st_size
        is_layout(self.path)
        return None

    def _content(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield the bytes under that digest, not verified; ``gc`` may have been quicker than who asked for them."""
        try:
            yield from file_chunks(self._place(descriptor.digest))
        except SetupError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise self._not_found(descriptor) from error
            raise

    def _place(self, digest: Digest, *, create: bool = False) -> Path:
        folder = self.path / "blobs" / digest.algorithm
        if create and not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.parent)
        return folder / digest.hex

    def _not_found(self, descriptor: Descriptor) -> NotFoundError:
        return NotFoundError(f"{self.path}: there is no content with digest {descriptor.digest}", hint="pull it")
