"""Checking a layout: every byte is hashed, every listing followed, and all that is wrong is told at once.

Damaged content is moved to ``quarantine/``, never deleted, so that nobody is served it and nobody takes it for what it
was. What is missing then can be fetched again by whoever knows where it came from: the function for that is handed in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelport.errors import FormatError, ModelportError
from modelport.oci.descriptor import Descriptor
from modelport.oci.media import INDEXES, MANIFESTS, OCTETS
from modelport.oci.store.examine import Look, look_at
from modelport.oci.store.files import is_held
from modelport.oci.store.inventory import take_inventory
from modelport.oci.store.tags import Root, parse_entry, read_entries
from modelport.oci.store.version import is_layout
from modelport.oci.transfers import transfer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelport.oci.progress import Progress
    from modelport.oci.store.layout import Layout
    from modelport.types import Digest

__all__ = ["Fetch", "Finding", "Report", "check"]

Fetch = Callable[[str, Descriptor], Iterable[bytes]]
"""Returns content that a tag needs, given the tag's name and what is wanted, from where the tag came from; or raises a
ModelportError. What it returns is verified before it is stored."""

_TRIES = 10


@dataclass(slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: ``missing``; ``damaged``, which includes what cannot be read; ``listing``, where content is sound but what
            lists it says something else of it; ``index``, where ``index.json`` does.
        what: The content, or the place.
        why: What is wrong with it.
        wanted: The content as it is listed; None where nothing lists it.
        needed_by: What lists it: tags, manifests.
        tags: The tags that need it.
    """

    kind: str
    what: str
    why: str
    wanted: Descriptor | None = None
    needed_by: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.what}: {self.why}; {_sentence(self.needed_by, self.tags)}"


@dataclass(slots=True)
class Report:
    """What a check found.

    Attributes:
        blobs: How many blobs were hashed.
        bytes: How many bytes.
        findings: What is wrong.
        repaired: What was fetched again.
        leftovers: What dead processes left behind; ``gc`` removes it when it is old.
        quarantined: Damaged content that was set aside, now or earlier.
        foreign: Files that mean nothing here.
    """

    blobs: int = 0
    bytes: int = 0
    findings: list[Finding] = field(default_factory=list)
    repaired: list[Digest] = field(default_factory=list)
    leftovers: list[Path] = field(default_factory=list)
    quarantined: list[Path] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)


def check(layout: Layout, *, fetch: Fetch | None = None) -> Report:
    """Hash all content, follow all that is listed, and set damaged content aside; safe beside any other use.

    Args:
        layout: The store.
        fetch: With it, what is missing or damaged is fetched again, and what it brings to light is checked in turn.

    Raises:
        FormatError: The layout is of a version that is not known.
        SetupError: The system refuses to list its files.
    """
    if not is_layout(layout.path):
        return Report()
    examination = _Examination(layout)
    findings = examination.findings()
    while fetch and examination.repair(findings, fetch):
        findings = examination.findings()
    return examination.report(findings)


class _Examination:
    """One run: what each blob was seen to be, and what follows from it."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._repaired: list[Digest] = []
        self._in_vain: dict[Digest, str] = {}
        self._looks = _look_at_all(layout.path)
        self._hashed = len(self._looks), sum(look.size for look in self._looks.values())

    def findings(self) -> list[Finding]:
        """Return all that is wrong now, from one state of ``index.json``: while this looks, tags may come and go."""
        found: list[Finding] = []
        for _ in range(_TRIES):
            before, walk = self._index_state(), _Walk(self._look)
            try:
                referrers = self._referrers()
                for root in _roots(self._layout.path, walk):
                    walk.follow(root, referrers)
            except ModelportError as error:  # the whole index: nothing can be followed
                walk.add("index", "index.json", error.message)
            for digest, look in self._looks.items():
                if look.fault and digest not in walk.visited:
                    walk.add("damaged", str(digest), look.fault)
            found = list(walk.findings.values())
            if self._index_state() == before:
                break
        return found

    def repair(self, findings: list[Finding], fetch: Fetch) -> bool:
        """Fetch what is missing or damaged; tell whether anything came, which may bring more to light."""
        came = False
        for finding in findings:
            wanted = finding.wanted
            if finding.kind in {"missing", "damaged"} and wanted and wanted.digest not in self._in_vain:
                why = self._fetch(wanted, finding.tags, fetch)
                if why:
                    self._in_vain[wanted.digest] = why
                else:
                    came = True
        return came

    def report(self, findings: list[Finding]) -> Report:
        """Return the report, with what else lies about."""
        for finding in findings:
            if finding.wanted and finding.wanted.digest in self._in_vain:
                finding.why += f"; it could not be fetched: {self._in_vain[finding.wanted.digest]}"
        inventory = take_inventory(self._layout.path)
        return Report(
            *self._hashed,
            findings,
            self._repaired,
            [path for path in inventory.leftovers if not is_held(path)],
            inventory.quarantined,
            inventory.foreign,
        )

    def _fetch(self, wanted: Descriptor, tags: list[str], fetch: Fetch) -> str:
        """Store *wanted* from where one of *tags* came from; return why it cannot be had."""
        why = "no tag says where it came from"
        for tag in tags:
            try:
                self._layout.put_blob(fetch(tag, wanted), expected=wanted)
            except ModelportError as error:
                why = error.message
                continue
            self._looks.pop(wanted.digest, None)
            self._repaired.append(wanted.digest)
            return ""
        return why

    def _look(self, digest: Digest) -> Look | None:
        """Return what a blob is, looking at what came since."""
        known = self._looks.get(digest)
        path = self._layout.path / "blobs" / digest.algorithm / digest.hex
        if known is None or (not known.fault and not path.exists()):
            known = look_at(self._layout.path, digest)
            self._looks.pop(digest, None)
            if known:
                self._looks[digest] = known
        return known

    def _referrers(self) -> dict[Digest, list[Descriptor]]:
        found = defaultdict(list)
        for digest, look in self._looks.items():
            if look.document.subject and look.document.media_type:
                referrer = Descriptor(media_type=look.document.media_type, digest=digest, size=look.size)
                found[look.document.subject].append(referrer)
        return found

    def _index_state(self) -> tuple[int, int] | None:
        file = self._layout.path / "index.json"
        try:
            status = file.stat()
        except OSError:
            return None  # reading it says what is wrong
        return status.st_ino, status.st_mtime_ns


def _look_at_all(store: Path) -> dict[Digest, Look]:
    """Hash all blobs, several at a time."""
    blobs = take_inventory(store).blobs
    looks: dict[Digest, Look] = {}

    def work(node: Descriptor, tell: Progress) -> None:
        look = look_at(store, node.digest, lambda done: tell(node, done))
        if look:
            looks[node.digest] = look

    nodes = [Descriptor(media_type=OCTETS, digest=blob.digest, size=blob.size) for blob in blobs.values()]
    transfer(nodes, work, None)
    return {digest: looks[digest] for digest in blobs if digest in looks}


class _Walk:
    """Follows what is listed, and keeps what is wrong with it: one finding for each content and kind of fault."""

    def __init__(self, look: Callable[[Digest], Look | None]) -> None:
        self.findings: dict[tuple[str, str, str], Finding] = {}
        self.visited: set[Digest] = set()
        self._look = look

    def follow(self, root: Root, referrers: dict[Digest, list[Descriptor]]) -> None:
        """Judge all that *root* leads to."""
        seen: set[tuple[Digest, bool]] = set()
        source = f"the tag {root.name}" if root.name else "index.json"
        waiting: list[tuple[Descriptor, str, bool]] = [(root.descriptor, source, True)]
        while waiting:
            node, by, is_document = waiting.pop()
            look = self._look(node.digest)
            self.visited.add(node.digest)
            for kind, why in _faults(node, look, is_document=is_document):
                if kind != "missing" or node.digest not in root.absent:
                    self.add(kind, str(node.digest), why, wanted=node, by=by, tag=root.name)
            if (node.digest, is_document) in seen or look is None:
                continue
            seen.add((node.digest, is_document))
            listed, here = look.document, f"{node.digest}"
            if is_document:
                waiting += [(child, here, listed.is_index) for child in listed.lists]
            waiting += [(referrer, f"its subject {here}", True) for referrer in referrers.get(node.digest, ())]

    def add(
        self, kind: str, what: str, why: str, *, wanted: Descriptor | None = None, by: str = "", tag: str | None = None
    ) -> None:
        """Add a fault, or who else needs what has it."""
        found = self.findings.setdefault((kind, what, why), Finding(kind, what, why, wanted))
        if by and by not in found.needed_by:
            found.needed_by.append(by)
        if tag and tag not in found.tags:
            found.tags.append(tag)


def _faults(node: Descriptor, look: Look | None, *, is_document: bool) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with content as *node* lists it."""
    if look is None:
        yield "missing", f"it is missing ({node.media_type}, {node.size} bytes)"
    elif look.fault:
        yield "damaged", look.fault
    else:
        if look.size != node.size:
            yield "listing", f"it has {look.size} bytes, but is listed with {node.size}"
        is_known = node.media_type in MANIFESTS | INDEXES
        if is_document and is_known and look.document.media_type != node.media_type:
            yield "listing", f"it is {look.document.media_type or 'no manifest'}, but is listed as {node.media_type}"


def _roots(store: Path, walk: _Walk) -> Iterator[Root]:
    """Yield the entries of ``index.json``; what is none is a finding."""
    for number, entry in enumerate(read_entries(store)):
        where = f"index.json: manifests[{number}]"
        try:
            yield parse_entry(entry, where)
        except FormatError as error:
            walk.add("index", where, error.message)


def _sentence(needed_by: list[str], tags: list[str]) -> str:
    if not needed_by:
        return "nothing here needs it"
    needs = f"needed by {', '.join(needed_by)}"
    behind = [tag for tag in tags if f"the tag {tag}" not in needed_by]
    return f"{needs}, behind {', '.join(behind)}" if behind else needs
