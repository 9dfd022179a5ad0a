"""Archives of many small files: one tar that is the same bytes for the same files, on every machine.

Only writing uses the standard library's ``tarfile``; reading is in ``untar`` and strict. Source of the format: POSIX
pax interchange (``ustar`` headers; an extended header only for names that do not fit one).
"""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.oci.names import check_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["make_tar"]


def make_tar(files: Mapping[str, bytes | Path]) -> bytes:
    """Return a tar of *files*, sorted by name, each with mode 0644, time 0 and owner 0. For small files.

    Args:
        files: The content, or the file that holds it, by name; names use ``/`` on every system.

    Raises:
        FormatError: A name could not be unpacked safely everywhere, or a path is not a regular file.
    """
    check_names(sorted(files))
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive:
        for name in sorted(files):
            content = _content(files[name])
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def _content(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source
    if not source.is_file():
        raise FormatError(f"{source} is not a regular file")
    return source.read_bytes()
