"""Uploading a large blob in chunks, each of which the registry acknowledges, so that what was cut off goes on there.

How far the registry has come, it is asked after every doubt, by this process or the next: a chunk that was cut off may
have arrived all the same. Where it has lost the upload, the blob begins anew; and so it does, once more, when the
digest of what was put together is wrong in the end. What gets no farther the second time goes whole.

docker-registry (2.8) loses an upload with any chunk that is cut off, however small: a place that it names carries its
own signature over the bytes it has, so no client can name another; only what ends at a chunk's edge can go on there.
So one that is told to end finishes its chunk first (``transfers.finishing``).
"""

from __future__ import annotations

import http
import time
from typing import TYPE_CHECKING

from modelport.errors import IntegrityError, ModelportError, RegistryError, SetupError
from modelport.oci.media import OCTETS
from modelport.oci.net.body import Body
from modelport.oci.net.patience import TransientError
from modelport.oci.transfers import finishing
from modelport.oci.upload_requests import (
    ChunkRefusedError,
    WrongDigestError,
    ask_status,
    cancel,
    finish,
    is_there,
    send_chunk,
)
from modelport.oci.verify import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from modelport.oci.progress import Notice, Progress
    from modelport.oci.store.uploads import Record, Session
    from modelport.oci.upload_requests import Target

__all__ = ["FIRST_CHUNK", "CannotChunkError", "ChunkSize", "ChunkedUpload", "file_body"]

FIRST_CHUNK = 64 * CHUNK
LEAST_CHUNK = 8 * CHUNK
MOST_CHUNK = 512 * CHUNK
"""Bytes of a blob's first chunk, and of the smallest and the largest that come of it. Each chunk costs the registry
some time of its own, so those that go fast become larger; what an interruption costs stays a matter of seconds."""

_FAST, _SLOW = 1.0, 4.0
"""Seconds: what took less is followed by a chunk of twice the size, what took more by one of half of it."""

_CANNOT = frozenset({201, 405, 415, 416, 501})
"""Answers to a first chunk that mean that none is taken; 201 means that the registry thinks it has got all of it."""

_CONFUSED = frozenset({http.HTTPStatus.BAD_REQUEST, http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE})
"""Answers to the end of an upload that mean that the registry does not have what it acknowledged."""

_STATUS_LIMIT = 3  # failures to ask for one upload's status before it is given up


class CannotChunkError(Exception):
    """The registry takes blobs only whole; the text is its answer."""


class ChunkSize:
    """How many bytes the next chunk has.

    Args:
        fixed: Always so many; when None, they follow from how long the last ones took.
    """

    def __init__(self, fixed: int | None = None) -> None:
        self.bytes = fixed or FIRST_CHUNK
        self._least, self._most = (fixed, fixed) if fixed else (LEAST_CHUNK, MOST_CHUNK)

    def took(self, sent: int, seconds: float) -> None:
        """Learn from a chunk of *sent* bytes."""
        if sent >= self.bytes and seconds < _FAST:
            self.bytes = min(self._most, 2 * self.bytes)
        elif seconds > _SLOW:
            self.bytes = max(self._least, self.bytes // 2)

    def too_large(self, sent: int) -> bool:
        """Learn that *sent* bytes are more than is taken at once; tell whether smaller chunks may be."""
        smaller = max(self._least, min(sent, self.bytes) // 2)
        self.bytes = self._most = smaller
        return smaller < sent


class ChunkedUpload:
    """One blob on its way in chunks; ``attempt`` is called until it is there.

    Args:
        target: What goes where.
        record: How far earlier attempts, of this process or another, have come.
        begin: Opens an upload; returns None when the blob is there already.
        locate: Returns the file with the content, of the right size.
        chunk: The bytes of each chunk; they follow from the time that chunks take when None. The registry may ask for
            more.
        progress: Told how many bytes are sent.
        notice: Told what went another way than it should.
    """

    def __init__(
        self,
        target: Target,
        record: Record,
        *,
        begin: Callable[[], Session | None],
        locate: Callable[[], Path],
        chunk: int | None,
        progress: Progress | None,
        notice: Notice,
    ) -> None:
        self.sent = False
        self._target = target
        self._record = record
        self._begin = begin
        self._locate = locate
        self._chunk = ChunkSize(chunk)
        self._progress = progress
        self._notice = notice
        self._refused_at, self._refusals = 0, 0
        self._unasked = 0
        self._in_doubt = False  # whether the registry may have other bytes than we think

    def acknowledged(self) -> int:
        """Return how many bytes the registry has."""
        return self._record.session.acknowledged if self._record.session else 0

    def attempt(self) -> None:
        """Go on where the registry stands; ``sent`` tells whether any bytes had to be sent.

        Raises:
            TransientError: It stopped for a reason that may pass; the next attempt goes on.
            CannotChunkError: The registry takes it only whole.
            WrongDigestError: The registry got all of it and says that it is something else.
        """
        known = self._record.session
        session = self._taken_up(known) if known else None
        self._in_doubt = session is not None
        if session is None:
            self._record.forget()
            session = self._begin()
        if session is not None:
            self._send_rest(session)
            self._record.forget()

    def _taken_up(self, known: Session) -> Session | None:
        """Return the upload that was begun earlier, as the registry knows it; None when it is of no use."""
        if is_there(self._target):
            cancel(self._target, known)
            return None
        try:
            session = ask_status(self._target, known)
        except TransientError:
            self._unasked += 1
            if self._unasked < _STATUS_LIMIT:
                raise
            session = None
        self._unasked = 0
        if session is not None and session.acknowledged >= known.acknowledged:
            return session
        cancel(self._target, session or known)
        if known.acknowledged:
            self._notice(
                f"{self._target.name}: the registry has lost the upload, of which it had acknowledged"
                f" {known.acknowledged} of {self._target.descriptor.size} bytes; it begins anew"
            )
        return None

    def _send_rest(self, session: Session) -> None:
        try:
            file = self._locate()
        except ModelportError:
            cancel(self._target, session)
            self._record.forget()
            raise
        size = self._target.descriptor.size
        self._note(session)
        self._tell(session.acknowledged)
        while session.acknowledged < size:
            step = min(max(self._chunk.bytes, session.least), size - session.acknowledged)
            session = self._send_chunk(session, file_body(file, session.acknowledged, step, self._tell))
            self._tell(session.acknowledged)  # whoever is to end ends here
        self._finish(session)

    def _send_chunk(self, session: Session, body: Body) -> Session:
        self.sent, began = True, time.monotonic()
        try:
            with finishing():
                session, said = send_chunk(self._target, session, body)
                self._in_doubt |= not said
                self._note(session)
        except ChunkRefusedError as error:
            raise self._refused(session, error, error.status) from error
        except RegistryError as error:
            too_large = error.status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            if too_large and self._chunk.too_large(body.size):
                raise TransientError(error.message, status=error.status, hint=error.hint) from error
            raise
        self._chunk.took(body.size, time.monotonic() - began)
        return session

    def _refused(self, session: Session, error: ModelportError, status: int | None) -> Exception:
        """Return what a no to the rest of the upload, or to its end, comes to: another try, or no chunks at all.

        400, 404 and 416 may mean that the upload was lost just now, or that we are wrong about how far it has come.
        The second time, when it got no farther meanwhile, they mean that this registry and we do not get along.
        """
        if session.acknowledged > self._refused_at:
            self._refused_at, self._refusals = session.acknowledged, 0
        self._refusals += 1
        if self._refusals > 1 or (session.acknowledged == 0 and status in _CANNOT):
            cancel(self._target, session)
            self._record.forget()
            return CannotChunkError(error.message)
        # What it has is asked for before anything is believed: the record stays.
        return TransientError(error.message, status=status, hint=error.hint or "try again")

    def _finish(self, session: Session) -> None:
        try:
            finish(self._target, session)
        except WrongDigestError as error:
            if not self._in_doubt:
                self._record.forget()
                raise
            # A chunk that was cut off may have been counted twice.
            raise self._put_together_wrongly(session, error, "what was put together is not the blob") from error
        except TransientError as error:
            if error.status != http.HTTPStatus.NOT_FOUND:
                raise  # perhaps it has ended well: the next attempt sees
            raise self._refused(session, error, error.status) from error
        except RegistryError as error:
            if error.status not in _CONFUSED:
                raise
            raise self._put_together_wrongly(session, error, "the registry could not end the upload") from error

    def _put_together_wrongly(self, session: Session, error: ModelportError, what: str) -> Exception:
        outcome = self._refused(session, error, http.HTTPStatus.BAD_REQUEST)
        if isinstance(outcome, TransientError):
            cancel(self._target, session)
            self._record.forget()
            self._notice(f"{self._target.name}: {what}; it begins anew")
        return outcome

    def _note(self, session: Session) -> None:
        try:
            self._record.note(session)
        except SetupError as error:
            self._notice(f"{self._target.name}: no other process will be able to go on with this: {error.message}")
            self._record.let_go()

    def _tell(self, done: int) -> None:
        if self._progress:
            self._progress(self._target.descriptor, done)


def file_body(file: Path, start: int, size: int, tell: Callable[[int], object]) -> Body:
    """Return a request's body of *size* bytes of a file, from *start* on; *tell* hears where in the file it stands.

    The bytes are not hashed here; the registry hashes them. They go through a piece of memory that is used again and
    again, and so stays in the processor's cache: docker-registry, which is what is waited for, then takes less time for
    1 GiB than with ``sendfile``, by 3 to 16 %.
    """

    def chunks() -> Iterator[bytes]:
        done = 0
        with file.open("rb") as opened:
            opened.seek(start)
            while done < size:
                data = opened.read(min(CHUNK, size - done))
                if not data:
                    raise IntegrityError(f"{file} became shorter while it was sent")
                done += len(data)
                yield data
                tell(start + done)

    return Body(size, chunks, OCTETS)
