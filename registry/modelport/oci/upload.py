"""Uploading one blob to a registry (distribution-spec 1.1, "Pushing blobs").

What is there already is not sent. What lies in another repository of the same registry is mounted from there. A small
blob goes in one request, a large one in chunks, unless the registry takes it only whole: that is said, and remembered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import IntegrityError, ModelportError, NotFoundError, RegistryError, SetupError
from modelport.oci.media import OCTETS
from modelport.oci.net.answers import LostContentError
from modelport.oci.net.body import Body
from modelport.oci.net.patience import TransientError, persist
from modelport.oci.progress import counted, log_notice
from modelport.oci.store.lessons import PLACES_SIZE, known_places, remember_whole, takes_chunks
from modelport.oci.store.uploads import open_record
from modelport.oci.transfers import lacking
from modelport.oci.upload_chunks import FIRST_CHUNK, CannotChunkError, ChunkedUpload, file_body
from modelport.oci.upload_requests import Target, WrongDigestError, cancel, finish, is_there, open_upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor
    from modelport.oci.progress import Notice, Progress
    from modelport.oci.store.layout import Layout
    from modelport.oci.store.uploads import Session
    from modelport.types import Digest

__all__ = ["find_lost", "has_blob", "send_whole", "until_kept", "upload_blob", "upload_file"]

_SMALL = 1024 * 1024
"""Bytes up to which a blob is hashed on its way out, and sent in the same request that finds out whether it is there:
of 2,000 blobs of 4 KiB, that saves a third of the requests."""


_ATTEMPTS = 3
"""How often content is brought when the registry says that it lacks some: its garbage collection may run meanwhile."""


def has_blob(registry: Registry, repository: str, descriptor: Descriptor, *, writing: bool = False) -> bool:
    """Tell whether the repository has that content; one try. Raise IntegrityError when its size is another."""
    return is_there(Target(registry, repository, descriptor), writing=writing)


def find_lost(blobs: Sequence[Descriptor], registry: Registry, repository: str, notice: Notice) -> set[Digest]:
    """Return which of some blobs, all of which the repository's own manifests list, it does not have; and tell so."""
    lost = lacking(blobs, lambda blob: registry.has_blob(repository, blob, writing=True))
    if lost:
        first = min(lost)
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        notice(f"{registry.host}/{repository} has lost {first}{more}, though its manifests list it: it is put back")
    return lost


def until_kept(bring: Callable[[], None], registry: Registry, notice: Notice) -> None:
    """Bring everything, and once more when the registry has collected some of it before it was listed."""
    for _ in range(_ATTEMPTS - 1):
        try:
            bring()
        except LostContentError as error:
            notice(f"{registry.host} lacks content that it had: it is looked for, and sent anew: {error.message}")
        else:
            return
    bring()


def upload_blob(
    registry: Registry, repository: str, descriptor: Descriptor, chunks: Callable[[], Iterable[bytes]]
) -> bool:
    """Upload content from anywhere, whole, unless it is there, and tell whether it had to be; one try."""
    target = Target(registry, repository, descriptor)
    session = None if is_there(target) else open_upload(target)
    if session is not None:
        send_whole(target, session, chunks)
    return session is not None


def send_whole(target: Target, session: Session, chunks: Callable[[], Iterable[bytes]]) -> None:
    """Send all content in one request, or leave nothing behind when it fails, be it for want of content; one try."""
    try:
        finish(target, session, Body(target.descriptor.size, chunks, OCTETS))
    except Exception:
        cancel(target, session)
        raise


def upload_file(
    layout: Layout,
    descriptor: Descriptor,
    registry: Registry,
    repository: str,
    *,
    mount_from: Sequence[str] = (),
    chunk: int | None = None,
    progress: Progress | None = None,
    notice: Notice = log_notice,
) -> bool:
    """Upload a blob of the layout unless it is there or can be mounted; tell whether it had to be.

    A large one that was interrupted, in whatever process, goes on after the last chunk that the registry acknowledged.

    Args:
        layout: Where from; it also remembers how far uploads have come.
        descriptor: Which blob.
        registry: Where to.
        repository: The repository there.
        mount_from: Other repositories there that may have it.
        chunk: The bytes of each chunk; from 8 to 512 MiB, as fast as they go, when None. A blob of no more goes whole.
        progress: Told how many bytes are sent.
        notice: Told what went another way than it should.

    Raises:
        NotFoundError: The blob is neither here nor there.
        IntegrityError: The content in the layout is damaged, or something on the way changes it.
        RegistryError: The registry cannot be reached or refuses.
    """
    upload = _Upload(layout, Target(registry, repository, descriptor), mount_from, progress, notice)
    try:
        if descriptor.size > max(chunk or FIRST_CHUNK, _SMALL) and takes_chunks(layout, registry.host):
            return upload.in_chunks(chunk)
        return upload.whole()
    except WrongDigestError as error:
        raise _blamed(layout, descriptor, error) from error


class _Upload:
    def __init__(
        self, layout: Layout, target: Target, sources: Sequence[str], progress: Progress | None, notice: Notice
    ) -> None:
        self._layout = layout
        self._target = target
        self._progress = progress
        self._notice = notice
        descriptor = target.descriptor
        known = known_places(layout, target.registry.host, descriptor.digest) if descriptor.size >= PLACES_SIZE else ()
        self._sources = [name for name in dict.fromkeys([*sources, *known]) if name != target.repository]

    def whole(self) -> bool:
        """Send all in one request, again and again while that fails in passing."""
        return persist(self._whole_once, self._target.registry.patience)

    def in_chunks(self, chunk: int | None) -> bool:
        """Send one chunk after the other; or all at once, where that turns out to be the only way."""
        registry, descriptor = self._target.registry, self._target.descriptor
        try:
            with open_record(self._layout, registry.host, self._target.repository, descriptor, self._wait) as record:
                upload = ChunkedUpload(
                    self._target,
                    record,
                    begin=self._begin,
                    locate=lambda: self._layout.file(descriptor),
                    chunk=chunk,
                    progress=self._progress,
                    notice=self._notice,
                )
                persist(upload.attempt, registry.patience, moved=upload.acknowledged)
                return upload.sent
        except CannotChunkError as error:
            self._notice(f"{registry.host} does not take blobs in chunks, they go whole from now on: {error}")
        sent = self.whole()
        self._remember_whole()
        return sent

    def _whole_once(self) -> bool:
        session = self._begin()
        if session is None:
            return False
        try:
            body = self._body()
        except ModelportError:
            cancel(self._target, session)
            raise
        finish(self._target, session, body)
        return True

    def _body(self) -> Body:
        descriptor = self._target.descriptor
        if descriptor.size > _SMALL:
            return file_body(self._layout.file(descriptor), 0, descriptor.size, self._tell)
        content = self._layout.read(descriptor)
        return Body(descriptor.size, lambda: counted((content,), descriptor, self._progress), OCTETS)

    def _begin(self) -> Session | None:
        """Open an upload; None when the blob is there, or could be mounted."""
        small = self._target.descriptor.size <= _SMALL
        if not small and is_there(self._target):
            return None
        # Mounting from where it shall be asks, in one request, whether it is there.
        source = self._source() or (self._target.repository if small else None)
        if source is not None:
            try:
                return open_upload(self._target, source)
            except TransientError:
                raise
            except (NotFoundError, RegistryError) as error:
                if source != self._target.repository:
                    self._notice(f"{self._target.name} is sent, it cannot be mounted from {source}: {error.message}")
        if small and is_there(self._target):
            return None
        return open_upload(self._target)

    def _source(self) -> str | None:
        """Return the repository to mount from; of several, one that is known to have the blob."""
        if len(self._sources) == 1:
            return self._sources[0]
        return next((name for name in self._sources if self._lies_in(name)), None)

    def _lies_in(self, repository: str) -> bool:
        try:
            return has_blob(self._target.registry, repository, self._target.descriptor)
        except TransientError:
            raise
        except ModelportError:
            return False  # no right to look there, or it is damaged there: nothing to mount

    def _remember_whole(self) -> None:
        try:
            remember_whole(self._layout, self._target.registry.host)
        except SetupError as error:
            self._notice(f"this cannot be remembered: {error.message}")

    def _wait(self) -> None:
        self._tell(0)

    def _tell(self, done: int) -> None:
        if self._progress:
            self._progress(self._target.descriptor, done)


def _blamed(layout: Layout, descriptor: Descriptor, error: WrongDigestError) -> IntegrityError:
    """Return the error that says on which side a blob went wrong that the registry refused."""
    try:
        file = layout.locate(descriptor)
    except IntegrityError as damage:
        return damage
    return IntegrityError(
        f"{error.message}; hashed again, the file here is right ({file}): something on the way changes bytes",
        hint="try again; if it stays so, tell the registry's operator, and whose proxy is in between",
    )
