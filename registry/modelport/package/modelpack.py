"""The package folder as a strict ModelPack artifact in a one-element release index, and back.

Source: the CNCF ModelPack specification (model-spec v0.0.7, ``docs/spec.md`` and ``docs/config.md``). Its config
allows no field of ours, so what is Modelport's stands in annotations and in files of the package.

Small files of one kind share one uncompressed tar; a file of 1 MiB or more is a raw layer of its own, and so is each
data set, which may be left out of a pull. The same folder gives the same bytes: sorted names, constant metadata, no
clock.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, NotFoundError
from modelport.oci import Descriptor, Index, Layout, Manifest, build_index, build_manifest, make_tar, unpack_tar
from modelport.oci.names import check_names
from modelport.oci.store.files import is_held, locked
from modelport.oci.store.tags import PARTIAL
from modelport.package.datasets import said_files
from modelport.package.folder import Package
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = [
    "ANNOTATION_NAME",
    "ANNOTATION_TIER",
    "ANNOTATION_VARIANT",
    "ANNOTATION_VARIANT_OF",
    "FileRecord",
    "add_data_sets",
    "add_package",
    "file_kind",
    "file_records",
    "manifest_digest",
    "package_layers",
    "package_manifest",
    "unpack",
    "unpack_files",
]

MANIFEST_TYPE = "application/vnd.cncf.model.manifest.v1+json"
CONFIG_TYPE = "application/vnd.cncf.model.config.v1+json"
ANNOTATION_NAME = "org.modelport.name"
ANNOTATION_TIER = "org.modelport.tier"
ANNOTATION_VARIANT = "org.modelport.variant"
"""Names the variant, on its manifest and on the manifest's descriptor in a release."""
ANNOTATION_VARIANT_OF = "org.modelport.variant.of"
"""The digest of the manifest of the variant's parent, on its manifest."""
_TITLE = "org.opencontainers.image.title"
_FILEPATH = "org.cncf.model.filepath"
_METADATA = "org.cncf.model.file.metadata+json"
_UNTESTED = "org.cncf.model.file.mediatype.untested"
_LAYER = re.compile(r"application/vnd\.cncf\.model\.(?:weight|weight\.config|doc|code|dataset)\.v1\.(tar|raw)")
_PREFIX = 50  # characters of a folder's name in its temporary one's: 255 bytes are the limit
_RAW_FROM = 1024 * 1024
_MEMBERS_LIMIT = 100_000
_KINDS = ("weight.config", "weight", "code", "doc")
_DATASET = "application/vnd.cncf.model.dataset.v1.raw"

FileRecord = dict[str, Any]
"""One file of a package: ``path``, ``kind``, ``size``, ``digest``."""


def file_kind(path: str) -> str:
    """Return the ModelPack kind of a package's file."""
    if path == "package.json":
        return "weight.config"
    if path.startswith("data/"):
        return "dataset"
    if path.startswith("state/"):
        return "weight"
    return "code" if path.startswith("code/") or path == "requirements.lock" else "doc"


def add_package(package: Package, layout: Layout) -> tuple[Descriptor, Descriptor]:
    """Put *package* into *layout*; return its manifest and its release index. Neither is tagged yet.

    Raises:
        NotFoundError: A data set of the package is neither in its folder nor in the layout.
    """

    def absent(layer: Descriptor) -> None:
        if not layout.has(layer):
            raise NotFoundError(
                f"{package.folder} is here without {layer.annotations[_FILEPATH]} ({layer.size} bytes)",
                hint=f"data sets come when they are asked for: modelport pull --kind dataset {package.name}",
            )

    put = partial(_put, layout)
    manifest = layout.put_manifest(_manifest(package, put, absent))
    index = layout.put_manifest(build_index([manifest], annotations={ANNOTATION_NAME: package.name}))
    return manifest, index


def manifest_digest(package: Package) -> Digest:
    """Return the digest that *package* has as an artifact, without storing anything: the model's identity."""
    return Digest.of(_manifest(package, _describe, lambda _layer: None))


def _manifest(
    package: Package, put: Callable[[bytes | Path, str], Descriptor], absent: Callable[[Descriptor], None]
) -> bytes:
    """Return the manifest of *package*, whose blobs are handed to *put*; *absent* is told of data that is not here."""
    layers = [layer for kind in _KINDS for layer in _layers(package, kind, put)]
    layers += _data_layers(package, put, absent)
    config = {
        "descriptor": {"name": package.name},
        "config": {"format": _format(package)},
        "modelfs": {"type": "layers", "diffIds": [str(layer.digest) for layer in layers]},
    }
    annotations = {ANNOTATION_NAME: package.name, ANNOTATION_TIER: str(package.info["tier"]["level"])}
    if variant := package.info.get("variant"):
        annotations |= {ANNOTATION_VARIANT: variant["name"], ANNOTATION_VARIANT_OF: variant["of"]}
    return build_manifest(
        put(_compact(config), CONFIG_TYPE), layers, artifact_type=MANIFEST_TYPE, annotations=annotations
    )


def _put(layout: Layout, source: bytes | Path, media_type: str) -> Descriptor:
    return layout.put_blob(source, media_type=media_type)


def _describe(source: bytes | Path, media_type: str) -> Descriptor:
    if isinstance(source, bytes):
        return Descriptor.of(source, media_type=media_type)
    with source.open("rb") as stream:
        digest = Digest("sha256", hashlib.file_digest(stream, "sha256").hexdigest())
    return Descriptor(media_type=media_type, digest=digest, size=source.stat().st_size)


def package_manifest(layout: Layout, root: Descriptor) -> Descriptor:
    """Return the ModelPack manifest under *root*, a release index or the manifest itself.

    Of a release that was pulled in part (one variant of it) that is the first manifest that is here.

    Raises:
        FormatError: There is none.
    """
    found = layout.manifest(root)
    if isinstance(found, Index):
        for child in found.children:
            if PARTIAL in root.annotations and not layout.has(child):
                continue
            inner = layout.manifest(child)
            if isinstance(inner, Manifest) and inner.artifact_type == MANIFEST_TYPE:
                return child
    elif found.artifact_type == MANIFEST_TYPE:
        return root
    raise FormatError(f"{root.digest} is not a model: no ModelPack manifest is in it")


def package_layers(layout: Layout, root: Descriptor) -> tuple[Descriptor, ...]:
    """Return the layers of the package under *root*; raise FormatError when it is none."""
    manifest = layout.manifest(package_manifest(layout, root))
    if not isinstance(manifest, Manifest):
        raise FormatError(f"{root.digest} is an index in an index, which a package is not")
    return manifest.layers


def unpack(layout: Layout, root: Descriptor, folder: Path) -> Package:
    """Write the package under *root* as *folder*, which must not exist; every byte is verified on the way.

    Raises:
        FormatError: It is not a package of Modelport's, or a path in it leads outside.
        NotFoundError: Something of it is not in the layout; data sets may be missing.
        IntegrityError: A blob is not what its digest says.
    """
    layers = package_layers(layout, root)
    with _new_folder(folder) as made:
        paths: list[str] = []
        for layer in layers:
            if ".dataset." not in layer.media_type or layout.has(layer):
                _unpack_layer(layer, layout, made, paths)
        package = Package.read(made)
    return replace(package, folder=folder)


def add_data_sets(layout: Layout, root: Descriptor, folder: Path) -> None:
    """Write the data sets of the package under *root* that are in the layout by now into the package's *folder*."""
    for layer in package_layers(layout, root):
        path = layer.annotations.get(_FILEPATH, "")
        if layer.media_type != _DATASET or (folder / path).exists() or not layout.has(layer):
            continue
        check_names([path])
        (folder / path).parent.mkdir(exist_ok=True)
        layout.checkout(layer, folder / path)


def unpack_files(
    layout: Layout,
    layers: Iterable[Descriptor],
    folder: Path,
    wanted: Callable[[str], bool],
    *,
    others: Iterable[str] = (),
) -> tuple[str, ...]:
    """Write the files of *layers* whose path is *wanted* into *folder*, which must not exist; return their paths.

    Args:
        layout: Where from.
        layers: Those that may hold a file that is wanted.
        folder: Where to.
        wanted: Tells whether a file's path is wanted.
        others: What else could have been chosen, for the message when nothing was.

    Raises:
        NotFoundError: None of the files is wanted.
        FormatError, IntegrityError: As ``unpack``.
    """
    with _new_folder(folder) as made:
        paths: list[str] = []
        for layer in layers:
            _unpack_layer(layer, layout, made, paths)
        for path in paths:
            if not wanted(path):
                (made / path).unlink()
        kept = tuple(sorted(path for path in paths if wanted(path)))
        if not kept:
            there = ", ".join(sorted({*paths, *others}))
            raise NotFoundError("no file has a path that was chosen", hint=f"there are: {there}")
        for inner in sorted((one for one in made.rglob("*") if one.is_dir()), reverse=True):
            if not any(inner.iterdir()):
                inner.rmdir()
    return kept


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder beside *folder* to fill, which gets that name if nothing fails.

    It is hidden, and of this folder alone: the next one removes what a killed process left.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name[:_PREFIX]}.new-"
    _remove_dead(folder.parent, prefix)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=prefix) as scratch, locked(Path(scratch) / ".lock"):
        made = Path(scratch) / "package"
        made.mkdir()
        yield made
        try:
            made.rename(folder)
        except OSError as error:
            raise FormatError(f"{folder} is there already: {error.strerror}", hint="name a new folder") from error


def _remove_dead(parent: Path, prefix: str) -> None:
    name = re.compile(re.escape(prefix) + r"[a-z0-9_]{8}")  # as tempfile makes names up
    for left in [path for path in parent.iterdir() if name.fullmatch(path.name)]:
        lock = left / ".lock"
        if lock.is_file() and not is_held(lock):  # without a lock it has begun just now, or is not ours
            shutil.rmtree(left)


def _layers(package: Package, kind: str, put: Callable[[bytes | Path, str], Descriptor]) -> list[Descriptor]:
    paths = [path for path in package.files() if file_kind(path) == kind]
    large = [path for path in paths if (package.folder / path).stat().st_size >= _RAW_FROM]
    small = {path: package.folder / path for path in paths if path not in large}
    layers = []
    if small:
        tar = put(make_tar(small), f"application/vnd.cncf.model.{kind}.v1.tar")
        layers.append(replace(tar, annotations=_about(f"{kind}.tar", tar.size)))
    for path in large:
        raw = put(package.folder / path, f"application/vnd.cncf.model.{kind}.v1.raw")
        layers.append(replace(raw, annotations=_about(path, raw.size)))
    return layers


def _data_layers(
    package: Package, put: Callable[[bytes | Path, str], Descriptor], absent: Callable[[Descriptor], None]
) -> Iterator[Descriptor]:
    """Yield a layer for each data set, whose description is enough where its file was not fetched."""
    for path, (size, digest) in sorted(said_files(package.info).items()):
        layer = Descriptor(media_type=_DATASET, digest=digest, size=size, annotations=_about(path, size))
        file = package.folder / path
        if not file.is_file():
            absent(layer)
        elif (found := put(file, _DATASET).digest) != digest:
            raise FormatError(f"{file} is {found}, package.json says {digest}", hint="pack the model again")
        yield layer


def _about(path: str, size: int) -> dict[str, str]:
    metadata = {
        "name": path, "mode": 0o644, "uid": 0, "gid": 0, "size": size, "mtime": "1970-01-01T00:00:00Z", "typeflag": 48,
    }  # fmt: skip
    return {_TITLE: path, _FILEPATH: path, _METADATA: json.dumps(metadata, separators=(",", ":")), _UNTESTED: "false"}


def _unpack_layer(layer: Descriptor, layout: Layout, folder: Path, paths: list[str]) -> None:
    """Write a layer's files into *folder*, from bytes that are hashed on the way, and add their *paths*."""
    form = _LAYER.fullmatch(layer.media_type)
    if form is None:
        raise FormatError(
            f"layer {layer.digest} has the media type {layer.media_type}, which this modelport cannot read"
        )
    if form[1] == "tar":
        with tempfile.NamedTemporaryFile(dir=folder.parent) as copy:
            copy.writelines(layout.chunks(layer))
            copy.flush()
            try:
                paths += unpack_tar(Path(copy.name), folder, max_total=layer.size, max_members=_MEMBERS_LIMIT)
            except FormatError as error:  # the copy's name says nothing
                raise FormatError(f"layer {layer.digest}: {error.message.removeprefix(f'{copy.name}: ')}") from error
        check_names(paths)
        return
    path = layer.annotations.get(_FILEPATH, "")
    paths.append(path)
    check_names(paths)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    # Never a hard link: code of the package, or a person, that writes to its files must not reach the store.
    layout.checkout(layer, folder / path)


def _format(package: Package) -> str:
    suffixes = {Path(one["path"]).suffix.removeprefix(".") for one in package.info["state"]}
    return ",".join(sorted(suffixes)) or "code"


def file_records(package: Package) -> list[FileRecord]:
    """Return what a version of an entry says about the package's files; data sets may not have been fetched."""
    records = []
    said = said_files(package.info)
    for path in sorted({*package.files(), *said}):
        if path in said and not (package.folder / path).is_file():
            size, told = said[path]
            records.append({"path": path, "kind": file_kind(path), "size": size, "digest": str(told)})
            continue
        with (package.folder / path).open("rb") as stream:
            digest = Digest("sha256", hashlib.file_digest(stream, "sha256").hexdigest())
            records.append({"path": path, "kind": file_kind(path), "size": stream.tell(), "digest": str(digest)})
    return records


def _compact(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
