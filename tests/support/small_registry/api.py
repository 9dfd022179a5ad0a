"""The distribution API (distribution-spec 1.1) over a registry's content, as its rules have it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from tests.support.small_registry.content import index_of, is_right, parse_manifest
from tests.support.small_registry.request import Answer, LostSessionError, RefusedError

from modelport.oci.media import INDEX, MANIFEST_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.small_registry.content import Content, Session
    from tests.support.small_registry.request import Incoming, Seen
    from tests.support.small_registry.rules import Rules

_NAME = r"(?P<name>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
_REFERENCE = r"(?P<reference>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|[a-z0-9]+:[0-9a-f]+)"
_ROUTES = {
    "manifest": re.compile(f"/v2/{_NAME}/manifests/{_REFERENCE}"),
    "uploads": re.compile(f"/v2/{_NAME}/blobs/uploads/"),
    "upload": re.compile(f"/v2/{_NAME}/blobs/uploads/(?P<session>[0-9a-f]+)"),
    "blob": re.compile(f"/v2/{_NAME}/blobs/(?P<digest>[a-z0-9]+:[0-9a-f]+)"),
    "tags": re.compile(f"/v2/{_NAME}/tags/list"),
    "referrers": re.compile(f"/v2/{_NAME}/referrers/(?P<digest>[a-z0-9]+:[0-9a-f]+)"),
}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def route(path: str) -> tuple[str, dict[str, str]]:
    """Return what a path is about, and the names in it."""
    for kind, pattern in _ROUTES.items():
        if found := pattern.fullmatch(path):
            return kind, found.groupdict()
    return "", {}


def part_of(data: bytes, digest: str, seen: Seen, *, ranges: bool) -> Answer:
    """Return the bytes or the part of them that was asked for (RFC 9110 section 14)."""
    etag = f'"{digest}"'
    headers = {"Content-Type": "application/octet-stream", "ETag": etag}
    asked = _RANGE.fullmatch(seen.headers.get("range", ""))
    if not ranges:
        return Answer(200, data, headers)
    headers["Accept-Ranges"] = "bytes"
    if not asked or asked[0] == "bytes=-" or seen.headers.get("if-range", etag) != etag:
        return Answer(200, data, headers)
    first = int(asked[1]) if asked[1] else max(0, len(data) - int(asked[2]))
    last = min(int(asked[2]) if asked[1] and asked[2] else len(data) - 1, len(data) - 1)
    if first > last:
        raise RefusedError(416, "SIZE_INVALID", "there is no such part", Content_Range=f"bytes */{len(data)}")
    return Answer(206, data[first : last + 1], {**headers, "Content-Range": f"bytes {first}-{last}/{len(data)}"})


class Api:
    """Answers requests that were let in.

    Args:
        content: What there is.
        rules: What kind of registry it is.
        origin: Its own, ``http://host:port``.
        bucket: Where blobs are redirected to.
    """

    def __init__(self, content: Content, rules: Rules, origin: str, bucket: str) -> None:
        self._content = content
        self._rules = rules
        self._origin = origin
        self._bucket = bucket

    def answer(self, request: Incoming) -> Answer:
        seen = request.seen
        kind, names = route(seen.path)
        if seen.path == "/v2/":
            return Answer(200, b"{}", {"Content-Type": "application/json"})
        verb = "get" if seen.method == "HEAD" and kind in {"manifest", "blob"} else seen.method.lower()
        action = getattr(self, f"_{verb}_{kind}", None)
        if action is None:
            raise RefusedError(405 if kind else 404, "UNSUPPORTED", f"no {seen.method} of {seen.path} here")
        if self._rules.hides_absent and verb == "get" and names["name"] not in self._content.repositories:
            raise RefusedError(403, "DENIED", "there may be nothing here, or nothing for you")
        if kind in {"uploads", "upload"} or verb == "put":
            answer: Answer = action(request, **names)
            return answer
        with self._content.lock:
            found: Answer = action(request, **names)
        return found

    # Manifests

    def _get_manifest(self, _: Incoming, name: str, reference: str) -> Answer:
        digest, media_type, raw = self._content.resolve(name, reference)
        return Answer(200, raw, {"Content-Type": media_type, **self._digest(digest)})

    def _put_manifest(self, request: Incoming, name: str, reference: str) -> Answer:
        raw = request.read(MANIFEST_LIMIT)
        media_type = request.seen.headers.get("content-type", "").partition(";")[0]
        document = parse_manifest(raw, media_type)
        by_digest = ":" in reference
        if by_digest and not is_right(raw, reference):
            raise RefusedError(400, "DIGEST_INVALID", f"the manifest is not {reference}")
        digest = reference if by_digest else f"sha256:{hashlib.sha256(raw).hexdigest()}"
        with self._content.lock:
            if self._rules.immutable_tags and reference in self._content.repository(name, create=True).tags:
                raise RefusedError(400, "TAG_INVALID", f"the tag {reference} is set, and cannot be set again")
            missing = self._content.missing(name, raw)
            if missing and self._rules.checks_references:
                raise RefusedError(404, "MANIFEST_BLOB_UNKNOWN", f"not here: {', '.join(missing)}")
            self._content.put_manifest(name, digest, media_type, raw, [] if by_digest else [reference])
        headers = {"Location": self._place(f"/v2/{name}/manifests/{digest}"), **self._digest(digest)}
        if self._rules.referrers and document.get("subject"):
            headers["OCI-Subject"] = document["subject"]["digest"]
        return Answer(201, b"", headers)

    def _delete_manifest(self, _: Incoming, name: str, reference: str) -> Answer:
        self._check_deletes()
        self._content.delete_manifest(name, reference)
        return Answer(202)

    def _get_tags(self, request: Incoming, name: str) -> Answer:
        tags, last = sorted(self._content.repository(name).tags), request.seen.asked("last")
        asked = request.seen.asked("n")
        count = min(int(asked) if asked else self._rules.page, self._rules.page)
        later = [tag for tag in tags if tag > last] if last else tags
        page = later[:count]
        headers = {"Content-Type": "application/json"}
        if page and len(later) > len(page):
            query = urlencode({"n": count, "last": page[-1]})
            headers["Link"] = f'<{self._place(f"/v2/{name}/tags/list")}?{query}>; rel="next"'
        return Answer(200, json.dumps({"name": name, "tags": page}).encode(), headers)

    def _get_referrers(self, request: Incoming, name: str, digest: str) -> Answer:
        if not self._rules.referrers:
            raise RefusedError(404, "NAME_UNKNOWN", "there is no referrers API")
        found, wanted = self._content.referrers(name, digest), request.seen.asked("artifactType")
        headers = {"Content-Type": INDEX}
        if wanted:
            found = [entry for entry in found if entry.get("artifactType") == wanted]
            headers["OCI-Filters-Applied"] = "artifactType"
        first = int(request.seen.asked("first") or 0)
        if len(found) > first + self._rules.page:
            query = urlencode({"artifactType": wanted, "first": first + self._rules.page})
            headers["Link"] = f'<{self._place(f"/v2/{name}/referrers/{digest}")}?{query}>; rel="next"'
        return Answer(200, index_of(found[first : first + self._rules.page]), headers)

    # Blobs

    def _get_blob(self, request: Incoming, name: str, digest: str) -> Answer:
        data = self._content.blob(name, digest)
        if request.seen.method == "GET" and (self._rules.redirects or request.elsewhere):
            words = b"<a href=there>Temporary Redirect</a>.\n" if self._rules.redirect_words else b""
            return Answer(307, words, {"Location": f"{self._bucket}/blobs/{digest}?signature=x%2Fy"})
        answer = part_of(data, digest, request.seen, ranges=self._rules.ranges)
        return Answer(answer.status, answer.body, {**answer.headers, **self._digest(digest)})

    def _delete_blob(self, _: Incoming, name: str, digest: str) -> Answer:
        self._check_deletes()
        self._content.blob(name, digest)
        self._content.repository(name).blobs.discard(digest)
        return Answer(202)

    # Uploads

    def _post_uploads(self, request: Incoming, name: str) -> Answer:
        seen, content = request.seen, self._content
        mounted = seen.asked("mount")
        if mounted and self._can_mount(mounted, seen.asked("from")):
            with content.lock:
                content.repository(name, create=True).blobs.add(mounted)
            return self._stored(name, mounted)
        digest = seen.asked("digest")
        if digest and self._rules.single_post:
            data = b"".join(request.body)
            with content.lock:
                content.put_blob(name, data, digest)
            return self._stored(name, digest)
        with content.lock:
            session = content.start(name)
        headers = {"OCI-Chunk-Min-Length": str(self._rules.chunk_min)} if self._rules.chunk_min else {}
        return self._progress(202, name, session, headers)

    def _patch_upload(self, request: Incoming, name: str, session: str) -> Answer:
        if self._rules.chunks in {"405", "416"}:
            raise RefusedError(int(self._rules.chunks), "UNSUPPORTED", "chunks are not taken here")
        found = self._check_place(request, name, session)
        if found.short:
            raise RefusedError(416, "SIZE_INVALID", f"a chunk had less than {self._rules.chunk_min} bytes")
        size = self._take(request, session, found)
        found.short = size < self._rules.chunk_min
        if self._rules.chunks == "201":
            del self._content.sessions[session]
            return Answer(201)
        return self._progress(202, name, session)

    def _put_upload(self, request: Incoming, name: str, session: str) -> Answer:
        found = self._check_place(request, name, session)
        digest = request.seen.asked("digest")
        if not digest:
            raise RefusedError(400, "DIGEST_INVALID", "a digest is needed")
        self._take(request, session, found)
        with self._content.lock:
            del self._content.sessions[session]
            self._content.put_blob(name, bytes(found.data), digest)
        return self._stored(name, digest)

    def _get_upload(self, _: Incoming, name: str, session: str) -> Answer:
        self._content.session(name, session)
        return self._progress(204, name, session)

    def _delete_upload(self, _: Incoming, name: str, session: str) -> Answer:
        self._content.session(name, session)
        del self._content.sessions[session]
        return Answer(204)

    def _check_place(self, request: Incoming, name: str, session: str) -> Session:
        """Return the session, when the request comes to its newest place and carries on where it ends."""
        found = self._content.session(name, session)
        begins = request.seen.headers.get("content-range", "").partition("-")[0]
        right_state = request.seen.asked("state") == str(found.state)
        if not right_state or (begins and begins != str(len(found.data))):
            at = {k: v for k, v in self._progress(416, name, session).headers.items() if k in {"Location", "Range"}}
            raise RefusedError(416, "BLOB_UPLOAD_INVALID", f"the upload stands at {len(found.data)}", **at)
        return found

    def _take(self, request: Incoming, session: str, found: Session) -> int:
        """Add the request's body to the upload and return its size."""
        before = len(found.data)
        try:
            for piece in request.body:
                found.data += piece
        except BaseException as error:
            if not self._rules.keeps_cut_chunks or isinstance(error, LostSessionError):
                self._content.sessions.pop(session, None)
            raise
        finally:
            found.state += 1
        size = len(found.data) - before
        promised = request.seen.headers.get("content-range")
        if promised and promised != f"{before}-{before + size - 1}":
            raise RefusedError(400, "SIZE_INVALID", f"{promised} was promised, and {size} bytes came")
        return size

    # Headers

    def _progress(self, status: int, name: str, session: str, headers: Mapping[str, str] | None = None) -> Answer:
        found = self._content.session(name, session)
        where = self._place(f"/v2/{name}/blobs/uploads/{session}?state={found.state}")
        standing = {"Location": where, "Range": f"0-{max(0, len(found.data) - 1)}", "Docker-Upload-UUID": session}
        return Answer(status, b"", {**standing, **(headers or {})})

    def _stored(self, name: str, digest: str) -> Answer:
        return Answer(201, b"", {"Location": self._place(f"/v2/{name}/blobs/{digest}"), **self._digest(digest)})

    def _place(self, path: str) -> str:
        path = quote(path, safe="/?=:%&")
        return f"{self._origin}{path}" if self._rules.absolute_locations else path

    def _digest(self, digest: str) -> dict[str, str]:
        return {"Docker-Content-Digest": digest} if self._rules.digest_header else {}

    def _can_mount(self, digest: str, source: str) -> bool:
        if self._rules.mounts == "none" or not (source or self._rules.mounts == "anywhere"):
            return False
        with self._content.lock, contextlib.suppress(RefusedError):
            if source:
                self._content.blob(source, digest)
                return True
            return any(digest in repository.blobs for repository in self._content.repositories.values())
        return False

    def _check_deletes(self) -> None:
        if not self._rules.deletes:
            raise RefusedError(405, "UNSUPPORTED", "nothing can be deleted here")
