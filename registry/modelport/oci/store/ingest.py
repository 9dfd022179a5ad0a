"""Downloads under way: what has arrived of a blob, kept so that any later process goes on from there.

::

    STORE/ingest/<algorithm>-<hex>.part    the blob's first bytes, as far as they have come
    STORE/ingest/<algorithm>-<hex>.json    {"size", "source", "validator"}: what they are the beginning of

Nothing in these files is believed: whoever goes on hashes the bytes again (about a second for a GiB), and a blob gets
its name only when size and digest are right. A part belongs to whoever holds its lock (``flock``), which the kernel
frees when a process dies; so a part that nobody holds can be taken over, or removed by age as ``gc`` does.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.oci.manifest import canonical_json, parse_json
from modelport.oci.store.files import held, open_own
from modelport.oci.store.refusals import writing
from modelport.oci.verify import CHUNK
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

    from modelport.oci.descriptor import Descriptor
    from modelport.oci.store.layout import Layout

__all__ = ["Part", "arrived", "open_part"]

_NOTE_LIMIT = 64 * 1024


class Part:
    """The beginning of one blob, in the hands of this thread alone; made by ``open_part``.

    Attributes:
        descriptor: What it shall become.
        size: How many bytes are there: written, hashed, and the blob's first ones as far as anybody knows.
        taken_over: Whether some of them came from an earlier answer of a registry, to this process or another: they
            may be the beginning of something else.
    """

    def __init__(
        self, descriptor: Descriptor, file: FileIO, path: Path, layout: Layout, tell: Callable[[int], object]
    ) -> None:
        self.descriptor = descriptor
        self.size = 0
        self.taken_over = False
        self._file = file
        self._note = path.with_suffix(".json")
        self._layout = layout
        self._hasher = hashlib.new(descriptor.digest.algorithm)
        self._take_over(tell)

    @property
    def digest(self) -> Digest:
        """The digest of what is there."""
        return Digest(self.descriptor.digest.algorithm, self._hasher.hexdigest())

    @property
    def is_right(self) -> bool:
        """Whether it is the whole blob: size and digest."""
        return self.size == self.descriptor.size and self.digest == self.descriptor.digest

    def write(self, data: memoryview) -> None:
        """Append *data*."""
        with writing(self._layout.path):
            left = data
            while left:
                left = left[self._file.write(left) or 0 :]
        self._hasher.update(data)
        self.size += len(data)

    def restart(self) -> None:
        """Forget all that is there."""
        with writing(self._layout.path):
            self._file.truncate(0)
            self._file.seek(0)
        self._hasher = hashlib.new(self.descriptor.digest.algorithm)
        self.size, self.taken_over = 0, False

    def note(self, source: str, validator: str | None) -> None:
        """Write down where the bytes come from, and the validator (a strong ETag) of the answer that brings them."""
        document = {"size": self.descriptor.size, "source": source, "validator": validator}
        with writing(self._layout.path), open_own(self._note) as file:
            file.truncate(0)
            file.write(canonical_json(document))

    def validator(self, source: str) -> str | None:
        """Return the validator of the bytes that are there, if they came from *source* and it gave one."""
        try:
            note = parse_json(self._note.read_bytes(), str(self._note), _NOTE_LIMIT)
        except (OSError, FormatError):
            return None  # torn, or never written: the digest will tell whether the rest fits
        known = note.get("validator")
        fits = note.get("source") == source and note.get("size") == self.descriptor.size
        return known if fits and isinstance(known, str) else None

    def publish(self) -> None:
        """Make it a blob of the layout; it must be right."""
        self._layout.adopt(self._file, self.descriptor)
        with writing(self._layout.path):
            self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove it; the next one begins with nothing."""
        with writing(self._layout.path):
            Path(self._file.name).unlink()
            self._note.unlink(missing_ok=True)

    def _take_over(self, tell: Callable[[int], object]) -> None:
        """Hash what an earlier process left, and stand behind it."""
        with writing(self._layout.path):
            left = os.fstat(self._file.fileno()).st_size
            if left > self.descriptor.size:
                self._file.truncate(0)
                return
            self._file.seek(0)
            buffer = memoryview(bytearray(CHUNK if left else 0))
            while got := self._file.readinto(buffer):
                self._hasher.update(buffer[:got])
                self.size += got
                tell(self.size)
        self.taken_over = self.size > 0


@contextmanager
def open_part(
    layout: Layout, descriptor: Descriptor, wait: Callable[[int], object], tell: Callable[[int], object] = id
) -> Iterator[Part]:
    """Give what has arrived of a blob, possibly nothing, to this thread alone; others wait for their turn.

    It stays in the layout's ``ingest`` folder unless it is published or discarded.

    Args:
        layout: Where the blob belongs.
        descriptor: What it is.
        wait: Called ten times a second while somebody else fills the part, with the number of bytes that are there; it
            may raise to give up.
        tell: Called while what is there is hashed, with the number of bytes so far; it may raise, too.

    Raises:
        SetupError: The system refuses to write there.
    """
    path = _place(layout.ingest(), descriptor)
    with held(path, wait) as file:
        yield Part(descriptor, file, path, layout, tell)


def arrived(layout: Layout, descriptor: Descriptor) -> int:
    """Return how many bytes of a blob that is not there yet have arrived, by the part's size alone."""
    try:
        return min(_place(layout.path / "ingest", descriptor).stat().st_size, descriptor.size)
    except OSError:
        return 0  # a plan's forecast; whoever goes on with the part says what is wrong with it


def _place(folder: Path, descriptor: Descriptor) -> Path:
    return folder / f"{descriptor.digest.algorithm}-{descriptor.digest.hex}.part"
