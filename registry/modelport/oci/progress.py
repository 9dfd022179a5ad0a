"""Progress: how much of what has moved, and what went another way than it should, told to whoever wants to show it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from modelport.oci.descriptor import Descriptor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Notice", "Progress", "counted", "log_notice"]

Progress = Callable[[Descriptor, int], object]
"""Called with a blob and the number of its bytes that are done; after a failure the number may start again."""

Notice = Callable[[str], object]
"""Called with a sentence about what went another way than it should, though well: nothing falls back silently."""

log_notice: Notice = logging.getLogger("modelport.oci").warning
"""Who hears notices when the caller named nobody."""


def counted(chunks: Iterable[bytes], descriptor: Descriptor, progress: Progress | None) -> Iterator[bytes]:
    """Yield *chunks*, telling *progress* of each."""
    done = 0
    for chunk in chunks:
        done += len(chunk)
        if progress:
            progress(descriptor, done)
        yield chunk
