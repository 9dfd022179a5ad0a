"""The store: an OCI image layout on disk (image-spec 1.1, ``image-layout.md``) that every OCI tool can read.

::

    STORE/
    ├── oci-layout            {"imageLayoutVersion": "1.0.0"}
    ├── index.json            one descriptor per tag, its name in the ref.name annotation, "repository:tag";
    │                         and one without a name per referrer, whose subject is elsewhere in the layout
    ├── blobs/sha256/<hex>    content, named by its digest
    ├── ingest/               what is being written; nothing in here counts
    └── .lock                 held while index.json changes

A blob gets its name only once it is whole, verified and on the disk, and a tag only once its manifest is there; so a
crash at any moment leaves a layout that is right, at worst with left-overs in ``ingest/``. Reading trusts nothing:
every byte is hashed on its way out.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from modelport.errors import FormatError, InputError, IntegrityError, NotFoundError
from modelport.oci.descriptor import Descriptor
from modelport.oci.manifest import canonical_json, parse_document, parse_json
from modelport.oci.media import INDEX, MANIFEST_LIMIT, OCTETS, REF_NAME
from modelport.oci.store.files import locked, new_file, publish_blob, sync_folder, write_atomically
from modelport.oci.store.lease import Lease, open_lease
from modelport.oci.store.refusals import reading, writing
from modelport.oci.verify import CHUNK, VerifiedChunks
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from modelport.oci.manifest import Index, Manifest

__all__ = ["Layout"]

_VERSION = "1.0.0"
_TAG_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,511}")
_INDEX_LIMIT = 64 * 1024 * 1024
_REFETCH = "remove the file and pull or pack it again"


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
            self._create()
        elif not self._check():
            return nullcontext(Lease(self.path, None))
        return open_lease(self.path)

    # Blobs

    def put_blob(
        self,
        source: bytes | Path | Iterable[bytes],
        *,
        media_type: str = OCTETS,
        annotations: Mapping[str, str] | None = None,
        expected: Descriptor | None = None,
    ) -> Descriptor:
        """Store content, hashing it while it is copied, and return what points at it.

        Args:
            source: The bytes, the file that holds them, or an iterable of pieces.
            media_type: What the descriptor shall say.
            annotations: What the descriptor shall carry.
            expected: What the content must be; given, it is also what is returned.

        Raises:
            IntegrityError: The content is not *expected*; nothing was stored.
            SetupError: The system refuses to write, or to read *source*; nothing was stored.
        """
        self._create()
        chunks = _pieces(source)
        if expected is not None and not isinstance(chunks, VerifiedChunks):
            chunks = VerifiedChunks(chunks, expected, source=str(self.path))
        with writing(self.path), new_file(self.path / "ingest") as file:
            if isinstance(chunks, VerifiedChunks):
                stored = chunks.descriptor
                file.writelines(chunks)
            else:
                stored = _write_hashing(file.write, chunks, media_type, annotations)
            # An older file of that name is replaced: if it was damaged, it is whole again.
            publish_blob(file, self._place(stored.digest, create=True), self.path)
        return stored

    def ingest(self) -> Path:
        """Return the folder for what is not whole yet; the layout is made where there is none."""
        self._create()
        return self.path / "ingest"

    def adopt(self, file: IO[bytes], descriptor: Descriptor) -> None:
        """Make the open *file*, which lies in ``ingest`` and is right, the blob of *descriptor*; not verified again.

        Raises:
            SetupError: The system refuses to.
        """
        with writing(self.path):
            publish_blob(file, self._place(descriptor.digest, create=True), self.path)

    def put_manifest(self, raw: bytes, *, annotations: Mapping[str, str] | None = None) -> Descriptor:
        """Store the bytes of a manifest or an index; the descriptor returned carries *annotations*.

        Raises:
            FormatError: The bytes are neither.
        """
        found = parse_document(raw).descriptor
        described = replace(found, annotations=dict(annotations or {}))
        return self.put_blob(raw, expected=described)

    def has(self, descriptor: Descriptor) -> bool:
        """Tell whether content of that digest and size is there (not whether it is undamaged)."""
        place = self._place(descriptor.digest)
        with reading(place):
            return self._has_file(place) and place.stat().st_size == descriptor.size

    def is_sound(self, descriptor: Descriptor) -> bool:
        """Tell whether the content is there, whole: a file of the right size may still be damaged."""
        if not self.has(descriptor):
            return False
        try:
            self.locate(descriptor)
        except IntegrityError:
            return False
        return True

    def chunks(self, descriptor: Descriptor) -> VerifiedChunks:
        """Return the content in pieces, verified when the last one comes.

        Raises:
            NotFoundError: There is no such content; at once.
            IntegrityError: The content is damaged; while it is read.
        """
        place = self._place(descriptor.digest)
        with reading(place):
            there = self._has_file(place)
        if not there:
            raise NotFoundError(f"{self.path}: there is no content with digest {descriptor.digest}", hint="pull it")
        return VerifiedChunks(_file_chunks(place), descriptor, source=str(place), hint=_REFETCH)

    def read(self, descriptor: Descriptor) -> bytes:
        """Return the content, verified. For small content; the errors are those of ``chunks``."""
        return self.chunks(descriptor).read()

    def locate(self, descriptor: Descriptor) -> Path:
        """Return the file that holds the content, after verifying all of it. The file must not be changed."""
        for _ in self.chunks(descriptor):
            pass
        return self._place(descriptor.digest)

    def file(self, descriptor: Descriptor) -> Path:
        """Return the file under that digest, not verified: for those who let somebody else hash it.

        Raises:
            NotFoundError: There is no such content.
            IntegrityError: The file has another size.
        """
        place = self._place(descriptor.digest)
        with reading(place):
            size = place.stat().st_size if self._has_file(place) else None
        if size is None:
            raise NotFoundError(f"{self.path}: there is no content with digest {descriptor.digest}", hint="pull it")
        if size != descriptor.size:
            raise IntegrityError(f"{place}: {size} bytes, and {descriptor.size} were promised", hint=_REFETCH)
        return place

    def manifest(self, descriptor: Descriptor) -> Manifest | Index:
        """Return the manifest or index that *descriptor* points at, verified and parsed."""
        if descriptor.size > MANIFEST_LIMIT:
            raise FormatError(f"{descriptor} is too large for a manifest: {MANIFEST_LIMIT} bytes are allowed")
        return parse_document(self.read(descriptor))

    # Tags

    def tag(self, name: str, descriptor: Descriptor) -> None:
        """Let *name* stand for *descriptor*, in one step, whatever it stood for before.

        Raises:
            FormatError: The name cannot be one, or the content is no manifest.
            NotFoundError: The content is not in this layout.
            IntegrityError: The content is damaged.
        """
        if not _TAG_NAME.fullmatch(name):
            raise FormatError(f"{name!r} cannot be a tag's name in a layout", hint="write repository:tag")
        self.manifest(descriptor)
        entry = descriptor.to_json()
        entry["annotations"] = {**descriptor.annotations, REF_NAME: name}
        with writing(self.path), locked(self.path / ".lock"):
            kept = [e for e in self._entries() if _entry_name(e) != name]
            self._write_index([*kept, entry])

    def untag(self, name: str) -> None:
        """Forget the tag; the content stays. Raise NotFoundError when there is no such tag."""
        self.resolve(name)
        with writing(self.path), locked(self.path / ".lock"):
            self._write_index([e for e in self._entries() if _entry_name(e) != name])

    def resolve(self, name: str) -> Descriptor:
        """Return what the tag stands for; raise NotFoundError when there is no such tag."""
        tags = self.tags()
        if name not in tags:
            there = ", ".join(sorted(tags)[:10]) or "none"
            raise NotFoundError(f"{self.path}: there is no tag {name!r}", hint=f"tags there: {there}")
        return tags[name]

    def tags(self) -> dict[str, Descriptor]:
        """Return all tags by name, sorted; empty when the layout does not exist yet."""
        found: dict[str, Descriptor] = {}
        for number, entry in enumerate(self._entries()):
            name = _entry_name(entry)
            if name is not None:
                descriptor = Descriptor.parse(entry, f"{self.path / 'index.json'}: manifests[{number}]")
                found[name] = _without_name(descriptor)
        return dict(sorted(found.items()))

    def roots(self) -> tuple[Descriptor, ...]:
        """Return all that ``index.json`` lists, tagged or kept, in its order and each digest once, without names."""
        found: dict[Digest, Descriptor] = {}
        for number, entry in enumerate(self._entries()):
            descriptor = _without_name(Descriptor.parse(entry, f"{self.path / 'index.json'}: manifests[{number}]"))
            found.setdefault(descriptor.digest, descriptor)
        return tuple(found.values())

    def keep(self, descriptor: Descriptor) -> None:
        """List a manifest in ``index.json`` without a name, unless it is listed: how referrers are found in a layout.

        A referrer that is kept so lives as long as its subject does, not longer. The errors are those of ``tag``.
        """
        self.manifest(descriptor)
        with writing(self.path), locked(self.path / ".lock"):
            entries = self._entries()
            if not any(entry.get("digest") == str(descriptor.digest) for entry in entries):
                self._write_index([*entries, _without_name(descriptor).to_json()])

    def forget(self, digest: Digest) -> None:
        """Take a manifest that is kept without a name out of ``index.json``; its tags and its content stay."""
        with writing(self.path), locked(self.path / ".lock"):
            entries = self._entries()
            left = [e for e in entries if e.get("digest") != str(digest) or _entry_name(e) is not None]
            if left != entries:
                self._write_index(left)

    # The files

    def _has_file(self, place: Path) -> bool:
        """Tell whether the file is there; where the whole layout cannot be read, that is said instead."""
        if place.is_file():
            return True
        self._check()
        return False

    def _place(self, digest: Digest, *, create: bool = False) -> Path:
        folder = self.path / "blobs" / digest.algorithm
        if create and not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.parent)
        return folder / digest.hex

    def _entries(self) -> list[dict[str, Any]]:
        if not self._check():
            return []
        file = self.path / "index.json"
        with reading(file):
            try:
                raw = file.read_bytes()
            except FileNotFoundError as error:
                raise FormatError(
                    f"{self.path} is not an OCI image layout: index.json is missing",
                    hint="put it back from a copy, or name another store with MODELPORT_STORE",
                ) from error
        entries = parse_json(raw, str(file), _INDEX_LIMIT).get("manifests")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise FormatError(f"{file} does not list manifests")
        return entries

    def _write_index(self, entries: list[dict[str, Any]]) -> None:
        # Entries of other tools are kept as they are, with whatever fields they have.
        raw = canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
        write_atomically(self.path / "index.json", raw, scratch=self.path / "ingest")

    def _check(self) -> bool:
        """Tell whether there is a layout; raise FormatError, InputError or SetupError when it cannot be read."""
        file = self.path / "oci-layout"
        with reading(file):
            try:
                version = parse_json(file.read_bytes(), str(file)).get("imageLayoutVersion")
            except FileNotFoundError:
                return False
            except NotADirectoryError as error:
                raise InputError(
                    f"{self.path} is not a folder", hint="name the store's folder with MODELPORT_STORE"
                ) from error
        if version != _VERSION:
            raise FormatError(
                f"{self.path} is an OCI image layout of version {version!r}, and only {_VERSION} is known",
                hint="use a newer modelport, or copy it with the tool that wrote it",
            )
        return True

    def _create(self) -> None:
        there = self._check()
        with writing(self.path):
            if not there:
                self._start()
            (self.path / "ingest").mkdir(exist_ok=True)  # another tool's layout has none

    def _start(self) -> None:
        # Checked again: while this looked, another process may have finished the layout.
        if self._is_foreign() and not self._check():
            raise InputError(
                f"{self.path} is not an OCI image layout and not empty", hint="name a new folder, or an empty one"
            )
        (self.path / "ingest").mkdir(parents=True, exist_ok=True)
        (self.path / "blobs").mkdir(exist_ok=True)
        with locked(self.path / ".lock"):
            if self._check():
                return
            if not (self.path / "index.json").exists():
                self._write_index([])
            content = canonical_json({"imageLayoutVersion": _VERSION})
            write_atomically(self.path / "oci-layout", content, scratch=self.path / "ingest")

    def _is_foreign(self) -> bool:
        """Tell whether something is there that is not the beginning of a layout of ours."""
        ours = {"ingest", "blobs", "index.json", ".lock", ".sweep", "leases"}
        return self.path.exists() and (not self.path.is_dir() or any(f.name not in ours for f in self.path.iterdir()))


def _entry_name(entry: dict[str, Any]) -> str | None:
    annotations = entry.get("annotations")
    name = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    return name if isinstance(name, str) else None


def _without_name(descriptor: Descriptor) -> Descriptor:
    annotations = {key: value for key, value in descriptor.annotations.items() if key != REF_NAME}
    return replace(descriptor, annotations=annotations)


def _pieces(source: bytes | Path | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(source, bytes):
        return (source,)
    return _file_chunks(source) if isinstance(source, Path) else source


def _file_chunks(file: Path) -> Iterator[bytes]:
    with reading(file), file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk


def _write_hashing(
    write: Callable[[bytes], object],
    chunks: Iterable[bytes],
    media_type: str,
    annotations: Mapping[str, str] | None,
) -> Descriptor:
    hasher, size = hashlib.sha256(), 0
    for chunk in chunks:
        hasher.update(chunk)
        write(chunk)
        size += len(chunk)
    digest = Digest("sha256", hasher.hexdigest())
    return Descriptor(media_type=media_type, digest=digest, size=size, annotations=dict(annotations or {}))
