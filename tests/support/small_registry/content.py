"""What a registry holds: repositories with blobs, manifests, tags and upload sessions, all in memory."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.support.small_registry.request import RefusedError

from modelport.oci.media import INDEX, INDEXES, MANIFESTS


@dataclass(slots=True)
class Repository:
    """Digests are texts here: what a registry holds need not be right."""

    blobs: set[str] = field(default_factory=set)
    manifests: dict[str, str] = field(default_factory=dict)
    """Media types by digest."""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Session:
    """An upload that is under way."""

    name: str
    data: bytearray = field(default_factory=bytearray)
    state: int = 0
    """Counts the answers: each names a new location."""
    short: bool = False
    """Whether the last chunk was smaller than chunks must be, and so has to be the last."""


class Content:
    """Everything, and the lock that a request holds while it reads or changes it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.bytes: dict[str, bytes] = {}
        self.repositories: dict[str, Repository] = {}
        self.sessions: dict[str, Session] = {}

    def repository(self, name: str, *, create: bool = False) -> Repository:
        if create:
            return self.repositories.setdefault(name, Repository())
        if name not in self.repositories:
            raise RefusedError(404, "NAME_UNKNOWN", f"there is no repository {name}")
        return self.repositories[name]

    def blob(self, name: str, digest: str) -> bytes:
        if digest not in self.repository(name).blobs:
            raise RefusedError(404, "BLOB_UNKNOWN", f"{name} has no blob {digest}")
        return self.bytes[digest]

    def put_blob(self, name: str, data: bytes, digest: str) -> None:
        """Keep a blob, when it is what its digest says."""
        if not is_right(data, digest):
            raise RefusedError(400, "DIGEST_INVALID", f"{len(data)} bytes came, and they are not {digest}")
        self.bytes[digest] = data
        self.repository(name, create=True).blobs.add(digest)

    def collect(self) -> None:
        """Forget all blobs that no manifest lists yet, as a collection does that runs between a push's requests."""
        with self.lock:
            for repository in self.repositories.values():
                repository.blobs.clear()

    def start(self, name: str) -> str:
        """Begin an upload and return its session's name."""
        self.repository(name, create=True)
        session = uuid.uuid4().hex
        self.sessions[session] = Session(name)
        return session

    def session(self, name: str, session: str) -> Session:
        found = self.sessions.get(session)
        if found is None or found.name != name:
            raise RefusedError(404, "BLOB_UPLOAD_UNKNOWN", f"{name} has no upload {session}")
        return found

    def resolve(self, name: str, reference: str) -> tuple[str, str, bytes]:
        """Return digest, media type and bytes of a manifest."""
        repository = self.repository(name)
        digest = repository.tags.get(reference, reference)
        if digest not in repository.manifests:
            raise RefusedError(404, "MANIFEST_UNKNOWN", f"{name} has no manifest {reference}")
        return digest, repository.manifests[digest], self.bytes[digest]

    def put_manifest(self, name: str, digest: str, media_type: str, raw: bytes, tags: list[str]) -> None:
        repository = self.repository(name, create=True)
        self.bytes[digest] = raw
        repository.manifests[digest] = media_type
        repository.tags |= dict.fromkeys(tags, digest)

    def delete_manifest(self, name: str, reference: str) -> None:
        """Delete a tag, or a manifest with all its tags."""
        repository = self.repository(name)
        if reference in repository.tags:
            del repository.tags[reference]
            return
        digest, _, _ = self.resolve(name, reference)
        del repository.manifests[digest]
        repository.tags = {tag: at for tag, at in repository.tags.items() if at != digest}

    def missing(self, name: str, raw: bytes) -> list[str]:
        """Return what a manifest of these bytes lists and the repository lacks; not what its subject is."""
        repository = self.repositories.get(name, Repository())
        document = json.loads(raw)
        blobs = [*document.get("layers", ()), *([document["config"]] if "config" in document else ())]
        lacking = [blob["digest"] for blob in blobs if blob["digest"] not in repository.blobs]
        listed = [manifest["digest"] for manifest in document.get("manifests", ())]
        return lacking + [digest for digest in listed if digest not in repository.manifests]

    def torn_tags(self) -> list[str]:
        """Return the tags that stand for something of which a part is missing or wrong, as ``repository:tag``."""
        return [
            f"{name}:{tag}"
            for name, repository in self.repositories.items()
            for tag, digest in repository.tags.items()
            if not self._is_whole(name, digest)
        ]

    def referrers(self, name: str, subject: str) -> list[dict[str, Any]]:
        """Return the descriptors of the manifests whose subject that is (distribution-spec 1.1, end-12)."""
        found = []
        for digest, media_type in self.repositories.get(name, Repository()).manifests.items():
            raw = self.bytes[digest]
            document = json.loads(raw)
            if (document.get("subject") or {}).get("digest") == subject:
                artifact_type = document.get("artifactType") or document.get("config", {}).get("mediaType")
                entry = {"mediaType": media_type, "digest": digest, "size": len(raw), "artifactType": artifact_type}
                annotations = document.get("annotations")
                found.append({k: v for k, v in {**entry, "annotations": annotations}.items() if v})
        return found

    def _is_whole(self, name: str, digest: str) -> bool:
        repository = self.repositories[name]
        if digest not in repository.manifests or not is_right(self.bytes[digest], digest):
            return False
        raw = self.bytes[digest]
        children = [child["digest"] for child in json.loads(raw).get("manifests", ())]
        return not self.missing(name, raw) and all(self._is_whole(name, child) for child in children)


def is_right(data: bytes, digest: str) -> bool:
    """Tell whether the bytes have that digest; False also for one by an algorithm that is not known."""
    algorithm, _, value = digest.partition(":")
    return algorithm in {"sha256", "sha512"} and hashlib.new(algorithm, data).hexdigest() == value


def parse_manifest(raw: bytes, content_type: str) -> dict[str, Any]:
    """Return the document, or refuse what no registry takes."""
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise RefusedError(400, "MANIFEST_INVALID", f"not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schemaVersion") != 2:
        raise RefusedError(400, "MANIFEST_INVALID", "not a manifest of schema version 2")
    if content_type not in MANIFESTS | INDEXES or document.get("mediaType", content_type) != content_type:
        raise RefusedError(400, "MANIFEST_INVALID", f"a {document.get('mediaType')} sent as {content_type!r}")
    return document


def index_of(descriptors: list[dict[str, Any]]) -> bytes:
    """Return an index's bytes."""
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors}).encode()
