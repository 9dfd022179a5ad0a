"""Archives: parts of a store as one file, an oci-archive, for sites that no network reaches.

An oci-archive is a tar of an OCI image layout (image-spec 1.1, ``image-layout.md``); skopeo calls it so and reads it:
``skopeo copy --all oci-archive:FILE:REPOSITORY:TAG ...``. What is exported is the same bytes for the same content.
"""

from __future__ import annotations

import os
import stat
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from modelport.errors import FormatError, InputError, NotFoundError
from modelport.oci.archive_file import Archive
from modelport.oci.copy import Gathered, gather
from modelport.oci.manifest import canonical_json
from modelport.oci.media import INDEX, REF_NAME
from modelport.oci.progress import counted
from modelport.oci.referrers import by_subject, referrer_descriptor
from modelport.oci.store.files import new_file, publish, remove_dead
from modelport.oci.store.refusals import writing_file
from modelport.oci.store.tags import check_tag_name
from modelport.oci.transfers import transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from modelport.oci.descriptor import Descriptor
    from modelport.oci.progress import Progress
    from modelport.oci.store.layout import Layout
    from modelport.types import Digest

__all__ = ["archive_place", "contents", "export_archive", "import_archive"]

_TOLD = 10
_PREFIX = 50  # characters of a file's name in its temporary one's: 255 bytes are the limit
_LAYOUT = {"imageLayoutVersion": "1.0.0"}


def export_archive(
    layout: Layout, tags: Mapping[str, Descriptor], target: Path, *, progress: Progress | None = None
) -> Gathered:
    """Write what *tags* stand for, all that it needs, and what refers to it, to the file *target*; return what that is.

    The file appears whole or not at all, in place of an older archive; nothing else is replaced. Equal content gives
    equal bytes.

    Args:
        layout: Where from.
        tags: The names in the archive, ``repository:tag``, and what they stand for.
        target: The file.
        progress: Told how many bytes of which blob have been written.

    Raises:
        NotFoundError: The layout lacks something that is needed; the message says what.
        IntegrityError: Something in the layout is damaged.
        InputError: The file's folder is not there, or something else than an oci-archive is in its place.
        SetupError: The system refuses to write the file.
    """
    place = archive_place(target)
    with layout.lease(reading=True) as lease:
        lease.protect(*(root.digest for root in (*tags.values(), *layout.roots())))
        found = contents(layout, tags)
        if progress:
            for node in (*found.nodes(), *found.blobs()):
                progress(node, 0)
        # Hidden, and of this file alone: the next export to it removes what a killed one left.
        prefix = f".{place.name[:_PREFIX]}.new-"
        with writing_file(target):
            remove_dead(place.parent, prefix)
            with new_file(place.parent, prefix=prefix) as file:
                _write(file, _members(layout, found, tags, progress))
                publish(file, place)
    return found


def archive_place(target: Path) -> Path:
    """Return the file that an archive *target* would be written to, behind any links.

    Raises:
        InputError: Something is there that is no oci-archive: it is not to be replaced. Or there is no such folder.
        SetupError: The system refuses to look.
    """
    place = Path(os.path.realpath(target))
    if not place.parent.is_dir():
        raise InputError(f"{target} cannot be written: there is no folder {place.parent}", hint="make it first")
    with writing_file(target):
        try:
            mode = place.stat().st_mode
        except FileNotFoundError:
            return place
    if stat.S_ISDIR(mode):
        raise InputError(f"{target} is a folder", hint=f"name a file in it: {target / 'catalog.tar'}")
    if not stat.S_ISREG(mode):
        raise InputError(f"{target} is no regular file, and is left alone", hint="name a file that may be made")
    try:
        Archive(place)
    except (FormatError, OSError) as error:
        raise InputError(
            f"{target} is there and is not an oci-archive that could be replaced",
            hint="give another name, or remove it first if nobody needs it",
        ) from error
    return place


def import_archive(
    archive: Archive, layout: Layout, *, names: Iterable[str] | None = None, progress: Progress | None = None
) -> dict[str, Descriptor]:
    """Bring what is in *archive* into *layout*, skipping what is there, and return the tags that were set, last of all.

    Args:
        archive: The archive, of any tool.
        layout: Where to.
        names: Which tags to take, with what refers to them; without any, all that is in the archive.
        progress: Told how many bytes of which blob have been stored.

    Raises:
        NotFoundError: The archive lacks one of *names*, or content that it needs; nothing was written.
        IntegrityError: Something in it is damaged; nothing was tagged.
    """
    tags = _chosen(archive, names)
    for name in tags:
        check_tag_name(name)
    found = contents(archive, tags, everything=names is None)
    kept = _nameless(archive, tags) if names is None else []
    _check_roots(archive, tags, kept, found)
    blobs = found.blobs()
    with layout.lease() as lease:
        lease.protect(*found.documents, *(blob.digest for blob in blobs))

        def move(node: Descriptor, tell: Progress) -> None:
            # What is hashed has not been stored: of that only the end is told.
            if layout.is_sound(node, progress=lambda blob, _: tell(blob, 0)):
                tell(node, node.size)
            else:
                layout.put_blob(counted(archive.chunks(node), node, tell), expected=node)

        transfer(blobs, move, progress)
        for node in found.nodes():
            if not layout.is_sound(node):
                layout.put_blob(found.documents[node.digest].raw, expected=node)
        referring = [referrer_descriptor(one) for one in found.documents.values() if one.subject is not None]
        layout.tag_all(tags, kept=[*kept, *referring])
    return tags


def _nameless(archive: Archive, tags: Mapping[str, Descriptor]) -> list[Descriptor]:
    """Return what other tools list without a name: it is kept so, whether or not it has a subject."""
    named = {descriptor.digest for descriptor in tags.values()}
    return [replace(root, annotations={}) for root in archive.roots() if root.digest not in named]


def _check_roots(archive: Archive, tags: Mapping[str, Descriptor], kept: list[Descriptor], found: Gathered) -> None:
    """Raise FormatError where something would be listed that is no manifest: a layout of ours lists nothing else."""
    for name, root in (*tags.items(), *(("an entry of index.json without a name", root) for root in kept)):
        if root.digest not in found.documents:
            raise FormatError(
                f"{archive.path}: {name} stands for {root}, and that is neither a manifest nor an index",
                hint="name the tags that are to be taken, without this one",
            )


def contents(
    source: Layout | Archive,
    tags: Mapping[str, Descriptor],
    *,
    everything: bool = False,
    attached: Mapping[Digest, Iterable[Descriptor]] | None = None,
) -> Gathered:
    """Return what *tags* stand for and what refers to it, or *everything* that *source* lists; all of it is there.

    Args:
        source: Where it is.
        tags: Names, and what they stand for.
        everything: Whether all that *source* lists is meant.
        attached: What refers to what (``by_subject``), for those who ask more than once.

    Raises:
        NotFoundError: It is not; the message says what is missing.
    """
    listed = by_subject(source) if attached is None else attached
    roots = source.roots() if everything else tags.values()
    found = gather(source.read, roots, lambda subject: listed.get(subject, ()))
    missing = sorted(str(blob) for blob in found.blobs() if not source.has(blob))
    if missing:
        more = f", and {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
        raise NotFoundError(
            f"{source.path} lacks {len(missing)} of the blobs that are needed: {', '.join(missing[:_TOLD])}{more}",
            hint="pull all of it, or leave out what is only there in part",
        )
    return found


def _chosen(archive: Archive, names: Iterable[str] | None) -> dict[str, Descriptor]:
    tags = archive.tags()
    chosen = tags if names is None else {name: tags[name] for name in names if name in tags}
    absent = set(names or ()) - set(tags)
    if absent:
        there = ", ".join(list(tags)[:_TOLD]) or "none"
        raise NotFoundError(f"{archive.path} has no {', '.join(sorted(absent))}", hint=f"tags there: {there}")
    # What another tool wrote beside a name is not ours to keep.
    return {name: replace(descriptor, annotations={}) for name, descriptor in chosen.items()}


def _members(
    layout: Layout, found: Gathered, tags: Mapping[str, Descriptor], progress: Progress | None
) -> dict[str, tuple[int, Callable[[], Iterable[bytes]]]]:
    """Return the members of the archive: how many bytes each has, and what gives them."""
    index = canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": _entries(found, tags)})
    version = canonical_json(_LAYOUT)
    members: dict[str, tuple[int, Callable[[], Iterable[bytes]]]] = {
        "index.json": (len(index), lambda: (index,)),
        "oci-layout": (len(version), lambda: (version,)),
    }
    for node in (*found.nodes(), *found.blobs()):
        members[f"blobs/{node.digest.algorithm}/{node.digest.hex}"] = (node.size, _content(layout, node, progress))
    return members


def _content(layout: Layout, node: Descriptor, progress: Progress | None) -> Callable[[], Iterable[bytes]]:
    return lambda: counted(layout.chunks(node), node, progress)


def _entries(found: Gathered, tags: Mapping[str, Descriptor]) -> list[object]:
    """Return what ``index.json`` lists: each tag, and each referrer without a name."""
    named = []
    for name, descriptor in sorted(tags.items()):
        entry = replace(found.documents[descriptor.digest].descriptor, digest=descriptor.digest).to_json()
        named.append({**entry, "annotations": {REF_NAME: name}})
    tagged: set[Digest] = {descriptor.digest for descriptor in tags.values()}
    kept = {
        str(digest): referrer_descriptor(document).to_json()
        for digest, document in found.documents.items()
        if document.subject is not None and digest not in tagged
    }
    return [*named, *(kept[digest] for digest in sorted(kept))]


def _write(file: IO[bytes], members: Mapping[str, tuple[int, Callable[[], Iterable[bytes]]]]) -> None:
    """Write a tar of *members*, sorted by name, each with mode 0644, time 0 and owner 0."""
    for name in sorted(members):
        size, content = members[name]
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o644
        file.write(member.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict"))
        file.writelines(content())
        file.write(bytes(-size % tarfile.BLOCKSIZE))
    file.write(bytes(2 * tarfile.BLOCKSIZE))
    file.write(bytes(-file.tell() % tarfile.RECORDSIZE))
