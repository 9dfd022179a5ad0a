"""Downloading one blob (distribution-spec 1.1, "Pulling blobs"), verified while it streams.

``download`` brings a blob into a layout and goes on where an earlier try was cut off, in this process or another:
with ``Range`` and, where the answer had a strong ETag, ``If-Range`` (RFC 9110, sections 13.1.5 and 14). A registry that
ignores the range or sends another one costs time and nothing else: what counts is the digest of the whole.

``blob_chunks`` yields a blob's bytes to a caller who keeps none of them.
"""

from __future__ import annotations

import http
import re
from typing import TYPE_CHECKING, NoReturn

from modelport.errors import IntegrityError
from modelport.oci.net.answers import refusal
from modelport.oci.net.auth import Scope
from modelport.oci.net.patience import TransientError, persist
from modelport.oci.net.urls import api_path, shown
from modelport.oci.progress import log_notice
from modelport.oci.store.ingest import open_part
from modelport.oci.verify import CHUNK, LYING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor
    from modelport.oci.net.transport import Response
    from modelport.oci.progress import Notice, Progress
    from modelport.oci.store.ingest import Part
    from modelport.oci.store.layout import Layout

__all__ = ["blob_chunks", "download"]

_OK, _PARTIAL = http.HTTPStatus.OK, http.HTTPStatus.PARTIAL_CONTENT
_UNSATISFIABLE = http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")
_TELLING = 10
"""After so many looks at what somebody else is fetching, a second, it is told that somebody is."""

_STRONG = re.compile(r'"[\x21\x23-\x7e]*"')


def blob_chunks(registry: Registry, repository: str, descriptor: Descriptor) -> Iterator[bytes]:
    """Yield what the registry sends for *descriptor*, not yet verified; one try."""
    with registry.send("GET", _path(repository, descriptor), Scope(repository)) as response:
        if response.status != _OK:
            raise refusal(response, f"pull {registry.name(repository, descriptor.digest)}", host=registry.host)
        yield from response.chunks()


def download(
    registry: Registry,
    repository: str,
    descriptor: Descriptor,
    layout: Layout,
    *,
    progress: Progress | None = None,
    notice: Notice = log_notice,
) -> None:
    """Bring a blob into *layout*, where it appears whole and right or not at all.

    What has arrived stays in the layout's ``ingest`` folder when the process dies or gives up; the next call goes on
    from there. Of several calls for one blob, in any processes, one fetches it and the others wait for it.

    Args:
        registry: Where from.
        repository: The repository there.
        descriptor: The blob; one that is there, but damaged, is replaced.
        layout: Where to.
        progress: Told how many bytes have arrived.
        notice: Told, once, when somebody else is waited for.

    Raises:
        NotFoundError: The repository has no such blob.
        IntegrityError: The registry sent other bytes; nothing of them is kept.
        RegistryError: The registry cannot be reached or refuses; what has arrived is kept.
        SetupError: The disk is full or refuses; what has arrived is kept.
    """

    def tell(done: int) -> None:
        if progress:
            progress(descriptor, done)

    looks = 0

    def wait(done: int) -> None:
        nonlocal looks
        looks += 1
        if looks == _TELLING:
            notice(f"another process is fetching {descriptor.digest} into {layout.path}: it is waited for")
        tell(done)

    with open_part(layout, descriptor, wait, tell) as part:
        # Another process may have brought it since the caller looked.
        if layout.is_sound(descriptor, progress=lambda *_: tell(part.size)):
            part.discard()
        else:
            _Download(registry, repository, part, progress).run()
    tell(descriptor.size)


class _Download:
    """Fills one part."""

    def __init__(self, registry: Registry, repository: str, part: Part, progress: Progress | None) -> None:
        self._registry = registry
        self._repository = repository
        self._part = part
        self._descriptor = part.descriptor
        self._progress = progress
        self._knows_ranges = True
        self._furthest = 0  # what came twice is no advance
        self._name = registry.name(repository, self._descriptor.digest)
        self._source = f"{registry.host}/{repository}"
        self._buffer = memoryview(bytearray(CHUNK))  # measured: smaller ones cost more, larger ones no less

    def run(self) -> None:
        """Fill the part and publish it."""
        try:
            try:
                self._fill()
            except IntegrityError:
                if not self._part.taken_over:
                    raise
                self._part.restart()  # its beginning may have been that of something else
                self._fill()
        except IntegrityError:
            self._part.discard()
            raise
        self._part.publish()

    def _fill(self) -> None:
        """Fetch what is missing; raise IntegrityError when the whole is not right."""
        self._tell()
        self._furthest = self._part.size
        persist(self._fetch, self._registry.patience, moved=lambda: self._furthest)
        if not self._part.is_right:
            self._fail()

    def _fetch(self) -> None:
        while self._part.size < self._descriptor.size:
            self._fetch_once()

    def _fetch_once(self) -> None:
        """Send a request for what is missing, and take what comes; a second one when ranges are not understood."""
        if not self._knows_ranges:
            self._part.restart()
        with self._ask() as response:
            if self._goes_on(response):
                self._receive(response)
                return
        self._knows_ranges = False
        self._part.restart()
        with self._ask() as response:
            self._goes_on(response)
            self._receive(response)

    def _ask(self) -> Response:
        headers = {}
        if self._part.size:
            headers["Range"] = f"bytes={self._part.size}-"
            if validator := _strong(self._part.validator(self._source)):
                headers["If-Range"] = validator
        return self._registry.send(
            "GET", _path(self._repository, self._descriptor), Scope(self._repository), headers=headers
        )

    def _goes_on(self, response: Response) -> bool:
        """Tell whether the answer's body goes behind what is there, which a whole one makes nothing of."""
        if response.status == _OK:
            if self._part.size:
                self._part.restart()
            self._part.note(self._source, _strong(response.headers.get("ETag")))
            return True
        if not self._part.size or response.status not in {_PARTIAL, _UNSATISFIABLE}:
            raise refusal(response, f"pull {self._name}", host=self._registry.host)
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        size = self._descriptor.size
        fits = found is not None and int(found[1]) == self._part.size and found[3] in {"*", str(size)}
        self._part.taken_over = True
        return fits and response.status == _PARTIAL

    def _receive(self, response: Response) -> None:
        stood = self._part.size
        while got := response.readinto(self._buffer):
            if self._part.size + got > self._descriptor.size:
                self._fail(f"it has more than the {self._descriptor.size} bytes promised")
            self._part.write(self._buffer[:got])
            self._furthest = max(self._furthest, self._part.size)
            self._tell()
        if response.status == _OK and self._part.size < self._descriptor.size:
            self._fail()
        if self._part.size == stood:
            raise TransientError(
                f"{shown(response.url)}: the answer holds none of the bytes asked for", hint="try again"
            )

    def _tell(self) -> None:
        if self._progress:
            self._progress(self._descriptor, self._part.size)

    def _fail(self, why: str = "") -> NoReturn:
        what = f"it has {self._part.size} bytes with digest {self._part.digest}"
        why = why or f"{what}; {self._descriptor.size} bytes were promised"
        raise IntegrityError(f"{self._name}: the content is not {self._descriptor.digest}: {why}", hint=LYING)


def _strong(validator: str | None) -> str | None:
    """Return an ETag that may stand in ``If-Range``: not a weak one (RFC 9110 section 13.1.5)."""
    return validator if validator and _STRONG.fullmatch(validator) else None


def _path(repository: str, descriptor: Descriptor) -> str:
    return api_path(repository, f"blobs/{descriptor.digest}")
