"""Verification: a stream of bytes that fails unless it is what its descriptor promised.

Everything that enters the store or leaves it passes through ``VerifiedChunks``, once; but for large blobs on their way
to a registry, which are not read by this process at all: the registry hashes them (``upload``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from typing import TYPE_CHECKING

from modelport.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelport.oci.descriptor import Descriptor

__all__ = ["CHUNK", "LYING", "VerifiedChunks"]

CHUNK = 1024 * 1024
"""Bytes per read: large enough that hashing, not calls, takes the time."""

LYING = "the registry or something on the way to it changes content; tell its operator"
"""The way out where a registry's bytes are not those of their digest."""


class VerifiedChunks:
    """Yields *chunks*, hashing them on the way, and raises IntegrityError when they are not what *descriptor* says.

    No more than ``descriptor.size`` bytes are ever yielded, and the last chunk only after the digest was right. So a
    consumer that ends without an error has had the right bytes and nothing else.

    Args:
        chunks: The bytes, in pieces.
        descriptor: What they must be.
        source: Where they come from, for the error message.
        hint: The way out, for the error message.
    """

    def __init__(self, chunks: Iterable[bytes], descriptor: Descriptor, *, source: str, hint: str = "") -> None:
        self.descriptor = descriptor
        self._chunks = chunks
        self._source = source
        self._hint = hint

    def __iter__(self) -> Iterator[bytes]:
        source = iter(self._chunks)
        try:
            yield from self._verify(source)
        finally:
            if isinstance(source, Generator):
                source.close()  # now, not some day: it may hold a file or a connection

    def _verify(self, source: Iterator[bytes]) -> Iterator[bytes]:
        hasher = hashlib.new(self.descriptor.digest.algorithm)
        seen, held = 0, b""
        for chunk in source:
            seen += len(chunk)
            if seen > self.descriptor.size:
                self._fail(f"it has more than the {self.descriptor.size} bytes promised")
            hasher.update(chunk)
            if held:
                yield held
            held = chunk
        actual = f"{self.descriptor.digest.algorithm}:{hasher.hexdigest()}"
        if seen != self.descriptor.size or actual != str(self.descriptor.digest):
            self._fail(f"it has {seen} bytes with digest {actual}; {self.descriptor.size} bytes were promised")
        if held:
            yield held

    def read(self) -> bytes:
        """Return all the bytes."""
        return b"".join(self)

    def _fail(self, why: str) -> None:
        raise IntegrityError(f"{self._source}: the content is not {self.descriptor.digest}: {why}", hint=self._hint)
