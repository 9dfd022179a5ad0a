"""What is damaged on a device is set aside, renamed and told in a warning: it holds up nothing that is whole.

A disk that loses its power writes what it likes. What is set aside can be looked at; nobody takes it for what it was.
"""

from __future__ import annotations

import logging
from itertools import count
from typing import TYPE_CHECKING

from modelport.errors import FormatError, IntegrityError, ModelportError, NotFoundError
from modelport.oci import Layout
from modelport.oci.manifest import parse_document
from modelport.oci.store.check import check
from modelport.oci.store.files import locked, write_atomically
from modelport.oci.store.tags import read_roots, write_entries
from modelport.oci.store.version import VERSION, create, is_layout
from modelport.package.modelpack import package_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.oci import Descriptor

__all__ = ["Complaint", "listed_again", "mend_store", "one_line", "set_aside"]

log = logging.getLogger(__name__)


def one_line(error: Exception) -> str:
    """Return what an error says, with its way out, as a line of a log; of an unexpected one also what it is."""
    if isinstance(error, ModelportError | OSError):
        said = error.message if isinstance(error, ModelportError) else str(error) or type(error).__name__
    else:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        log.debug("%s", said, exc_info=error)
    hint = getattr(error, "hint", "")
    return " ".join(f"{said} ({hint})".split()) if hint else " ".join(said.split())


class Complaint:
    """What goes wrong again and again, as a line in the log that is told once, until it is another one or is over."""

    def __init__(self) -> None:
        self._said = ""

    def say(self, line: str) -> None:
        """Warn, unless that was said last."""
        if line != self._said:
            log.warning("%s", line)
        self._said = line

    def is_over(self, line: str = "") -> None:
        """Note that it went well, and say so where the opposite was said."""
        if line and self._said:
            log.warning("%s", line)
        self._said = ""


def set_aside(path: Path, why: str, *, folder: Path | None = None) -> str:
    """Rename what is damaged, and warn of it; return that in words.

    Args:
        path: The file.
        why: What is wrong with it.
        folder: Where to; its own folder when None.
    """
    place, why = folder or path.parent, why.removeprefix(str(path)).lstrip(": ")
    names = (f"{path.name}.damaged{f'-{number}' if number > 1 else ''}" for number in count(1))
    target = next(one for name in names if not (one := place / name).exists())
    try:
        path.rename(target)
        said = f"{path} is damaged: {why}; it was set aside as {target}"
    except OSError as error:
        said = f"{path} is damaged: {why}; it cannot be set aside: {error.strerror}"
    log.warning("%s", said)
    return said


def mend_store(store: Path, folder: Path) -> list[str]:
    """Hash all that is in a store, and set aside what is damaged; warn of each, and return that in words.

    Args:
        store: The layout.
        folder: Where its own lists go when they are damaged; blobs go into its ``quarantine``.
    """
    said = []
    try:
        if not is_layout(store):
            if not (store / "blobs").is_dir():
                return []
            said.append(f"{store / 'oci-layout'} was gone, and was written anew")
            log.warning("%s", said[-1])
            write_atomically(store / "oci-layout", VERSION, scratch=store)
    except FormatError as error:
        said.append(set_aside(store / "oci-layout", error.message, folder=folder))
        create(store)
    try:
        read_roots(store)
    except FormatError as error:
        if (store / "index.json").exists():
            said.append(set_aside(store / "index.json", error.message, folder=folder))
        with locked(store / ".lock"):
            write_entries(store, [])
    layout = Layout(store)
    for finding in check(layout).findings:
        said.append(f"{store}: {finding.what}: {finding.why}")
        log.warning("%s", said[-1])
    for tag, root in layout.tags().items():
        try:
            package_manifest(layout, root)
        except (IntegrityError, NotFoundError):  # as long as it is listed, nothing is known to be of no use
            layout.untag(tag)
    return said


def listed_again(store: Path, manifest: Path, tag: str) -> Descriptor | None:
    """List a package anew whose manifest is there, and whose name was lost; None where it is not there, or damaged."""
    try:
        descriptor = parse_document(manifest.read_bytes()).descriptor
        if descriptor.digest.hex != manifest.name:
            return None
        layout = Layout(store)
        layout.tag(tag, descriptor)
        return package_manifest(layout, descriptor)
    except (FormatError, NotFoundError, OSError):
        return None
