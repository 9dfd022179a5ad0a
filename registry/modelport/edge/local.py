"""A device's shelf: the packages of its variants, fetched, verified, unpacked, loaded into this process.

::

    <folder>/store/      an OCI layout: what `modelport pull` writes
    <folder>/cache/      the packages as folders, verified by their digest on every opening

Each can be made of the other. Loading runs a package's code where it has some: only with ``allow_code``.
"""

from __future__ import annotations

import logging
import shutil
import time
from threading import Lock
from typing import TYPE_CHECKING, Final

from modelport.edge.mending import listed_again, mend_store
from modelport.errors import FormatError, IntegrityError, NotFoundError, TrustError
from modelport.oci import Layout
from modelport.oci.store.gc import collect_garbage
from modelport.oci.store.refusals import writing_file
from modelport.package import Package
from modelport.package.files.litert import noting
from modelport.package.load import load_package
from modelport.package.modelpack import manifest_digest, package_manifest
from modelport.package.selection import Selection
from modelport.package.store import Kept, keep_package, open_package, pull_package
from modelport.types import Digest, Reference

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from modelport.edge.documents import Item
    from modelport.model import Example, Model
    from modelport.package.store import Access

__all__ = ["Loaded", "Shelf"]

log = logging.getLogger(__name__)

_LOADING: Final = Lock()  # loading puts packages' modules where Python finds them, one package at a time


class Loaded:
    """A variant in memory, which has answered its first example.

    Attributes:
        model: It.
        seconds: How long loading it took, that answer included.
        first: That example, and the seconds that its answer took; None when it has none.
    """

    __slots__ = ("first", "model", "seconds")

    def __init__(self, folder: Path) -> None:
        start = time.perf_counter()
        with _LOADING:
            model = load_package(folder).model
        self.first = _warm_up(model)
        self.model: Model = model
        self.seconds = time.perf_counter() - start

    def call(self, method: str, body: bytes) -> tuple[bytes, float]:
        """Return the answer to protobuf arguments, and the seconds it took."""
        start = time.perf_counter()
        answer = self.model.methods[method].call_bytes(body)
        return bytes(answer), time.perf_counter() - start


def _warm_up(model: Model) -> tuple[Example, float] | None:
    example = next((one for one in model.examples if not model.spec.method(one.method).streams), None)
    if example is None:
        return None
    start = time.perf_counter()
    model.call(example.method, example.input)
    return example, time.perf_counter() - start


class Shelf:
    """The packages on a device.

    Attributes:
        folder: Where they lie.
        store: The layout that they are in.
        wrong: What was found damaged and set aside, in words.

    Args:
        folder: Where they lie; made when it is not there.
        source: Another store that has packages, beside the registries that a plan names.
        access: How registries are reached.
        allow_code: Whether the code of packages may run.

    Raises:
        SetupError: The folder cannot be made.
    """

    def __init__(
        self, folder: Path, *, source: Path | None = None, access: Access | None = None, allow_code: bool = False
    ) -> None:
        with writing_file(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.store, self._cache = folder / "store", folder / "cache"
        self._source, self._access, self._allow_code = source, access, allow_code
        self.wrong: list[str] = []
        self._is_littered = False
        self._held: frozenset[str] | None = None

    def has(self, item: Item) -> bool:
        """Tell whether the variant's package is there, all of it; what is damaged is set aside, and not there."""
        if not (self.store / "oci-layout").exists():
            self.wrong += mend_store(self.store, self.folder)
        try:
            kept = _find(self.store, item.variant.digest)
        except (FormatError, IntegrityError):
            self.wrong += mend_store(self.store, self.folder)
            kept = _find(self.store, item.variant.digest)
        return kept is not None and _is_whole(self.store, kept)

    def fetch(self, item: Item) -> None:
        """Bring the variant's package here, verified by its digest, unless it is here already.

        Where something was damaged before, it is told that the package is here again.

        Raises:
            NotFoundError: Neither the other store nor a registry has it, or nobody said which registry.
            IntegrityError: What came is something else.
            RegistryError: The registry cannot be reached.
        """
        if self.has(item):
            return
        if not self._restored(item):
            self._bring(item)
        if self.wrong and (self._held is None or item.variant.digest in self._held):
            log.warning("%s is whole on this device again: nothing has to be done", item.variant.label)

    def _bring(self, item: Item) -> None:
        """Fetch it from elsewhere; the errors are those of `fetch`."""
        digest, damaged = item.variant.digest, list[str]()
        other = _find(self._source, digest, damaged) if self._source else None
        if other is not None and self._source is not None:
            package = open_package(self._source, other, self._cache)
            keep_package(package.folder, self.store, tags=[_tag(digest)])
        elif item.source:
            reference = Reference.parse(f"{item.source.partition('@')[0]}@{digest}")
            # Its name is the whole reference, so that `modelport store check --repair` knows where it came from, too.
            pull_package(self.store, reference, digest=Digest.parse(digest), access=self._access, selection=Selection())
        else:
            raise NotFoundError(
                f"{item.variant.label} ({digest}) is not on this device, and the plan does not say where it is"
                + "".join(f"; in {self._source}: {one}" for one in damaged),
                hint="push it and its variants (modelport push, modelport variants push), and name the registry to the"
                " edge server: modelport edge serve --registry HOST/PREFIX; or to the plan: modelport plan --out FILE"
                " --registry HOST/PREFIX; or open the runtime with source=, a store that has it",
            )
        if not self.has(item):
            raise IntegrityError(
                f"what came for {item.variant.label} is not the package {digest}", hint="tell the plan's maker"
            )

    def _restored(self, item: Item) -> bool:
        """Tell whether a package that the store lost is there again, by what else is here of it."""
        digest = Digest.parse(item.variant.digest)
        manifest = self.store / "blobs" / digest.algorithm / digest.hex
        if manifest.exists() and listed_again(self.store, manifest, f"kept:{_tag(str(digest))}") and self.has(item):
            return True
        folder = self._cache / "packages" / digest.hex
        if not folder.is_dir():
            return False
        try:
            if manifest_digest(Package.read(folder)) != digest:
                return False
            keep_package(folder, self.store, tags=[_tag(str(digest))])
        except (FormatError, OSError):
            return False
        return self.has(item)

    def package(self, item: Item) -> Package:
        """Return the variant's package as a folder, verified; what is damaged of it is set aside.

        Raises:
            NotFoundError: It is not here.
            IntegrityError: It is damaged.
        """
        try:
            kept = _find(self.store, item.variant.digest)
            if kept is not None:
                return open_package(self.store, kept, self._cache)
        except (FormatError, IntegrityError):
            self.wrong += mend_store(self.store, self.folder)
            raise
        raise NotFoundError(f"{item.variant.label} is not on this device", hint="update the runtime")

    def refusal(self, item: Item) -> TrustError | None:
        """Return why a package that is here may not be loaded, if so; the errors are those of `package`."""
        if self._allow_code or self.package(item).is_data:
            return None
        return _distrusted(item)

    def load(self, item: Item) -> Loaded:
        """Return the variant in memory.

        Raises:
            TrustError: It has code, and that may not run.
            ModelError: It failed while it was loaded or called first.
        """
        package = self.package(item)
        if not package.is_data and not self._allow_code:
            raise _distrusted(item)
        with noting(self._cache / "tried"):
            return Loaded(package.folder)

    def drop(self, keep: Collection[str]) -> None:
        """Remove the packages whose digests are not among those to *keep*."""
        self._held = frozenset(keep)
        try:
            self._drop(keep)
        except (FormatError, IntegrityError):
            self.wrong += mend_store(self.store, self.folder)
            self._drop(keep)

    def _drop(self, keep: Collection[str]) -> None:
        layout = Layout(self.store)
        gone = [(tag, digest) for tag, digest in _digests(self.store).items() if digest not in keep]
        for tag, digest in gone:
            layout.untag(tag)
            shutil.rmtree(self._cache / "packages" / Digest.parse(digest).hex, ignore_errors=True)
        if gone or self._is_littered:
            self._is_littered = True
            collect_garbage(layout, grace=0.0)
            self._is_littered = False


def _distrusted(item: Item) -> TrustError:
    return TrustError(
        f"loading {item.variant.label} would run its code, and this runtime may not",
        hint="read its code/, then open the runtime with allow_code=True if you trust it",
    )


def _tag(digest: str) -> str:
    return digest.replace(":", "-")


def _digests(store: Path, damaged: list[str] | None = None) -> dict[str, str]:
    """Return the digests of the packages in *store* by their tags; *damaged* takes what is wrong with others.

    Raises:
        FormatError: Its list cannot be read.
        IntegrityError: A manifest is damaged, and nobody takes that.
    """
    layout, found = Layout(store), {}
    for tag, root in layout.tags().items():
        try:
            found[tag] = str(package_manifest(layout, root).digest)
        except (FormatError, NotFoundError):
            continue  # an image, or a part
        except IntegrityError as error:
            if damaged is None:
                raise
            damaged.append(error.message)
    return found


def _find(store: Path, digest: str, damaged: list[str] | None = None) -> Kept | None:
    layout = Layout(store)
    tag = next((tag for tag, one in _digests(store, damaged).items() if one == digest), None)
    if tag is None:
        return None
    root = layout.tags()[tag]
    return Kept(tag, package_manifest(layout, root), root)


def _is_whole(store: Path, kept: Kept) -> bool:
    from modelport.package.partial import missing_layers

    return not missing_layers(Layout(store), kept)
