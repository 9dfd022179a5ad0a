"""The client of one registry: manifests, blobs and tags over the OCI distribution API (distribution-spec 1.1).

Nothing that a registry says about content is believed: manifests are hashed before they are parsed, blobs while they
stream, and a digest in a header counts only as one more thing that has to agree.
"""

from __future__ import annotations

import http
import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from modelport.errors import FormatError, IntegrityError, NotFoundError, RegistryError
from modelport.oci.download import blob_chunks
from modelport.oci.manifest import parse_document, parse_json
from modelport.oci.media import INDEXES, MANIFEST_LIMIT, MANIFESTS
from modelport.oci.net.answers import LacksRightError, refusal
from modelport.oci.net.auth import Authorizer, Scope
from modelport.oci.net.origin import registry_origin
from modelport.oci.net.patience import Patience, persist
from modelport.oci.net.proxy import DIRECT
from modelport.oci.net.transport import Body, Transport
from modelport.oci.net.urls import api_path, following, shown
from modelport.oci.progress import counted
from modelport.oci.upload import has_blob, upload_blob
from modelport.oci.verify import LYING, VerifiedChunks
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from email.message import Message
    from pathlib import Path

    from modelport.oci.descriptor import Descriptor
    from modelport.oci.manifest import Index, Manifest
    from modelport.oci.net.credentials import Credentials, CredentialSource
    from modelport.oci.net.proxy import Proxies
    from modelport.oci.net.transport import Response
    from modelport.oci.progress import Progress

__all__ = ["Registry"]

T = TypeVar("T")

_ACCEPT = {"Accept": ", ".join(sorted(MANIFESTS | INDEXES))}
_NEXT = re.compile(r"<([^>]*)>\s*;[^,]*\brel=\"?next\"?", re.IGNORECASE)
_ANYTHING = Scope("")
_RENEWALS = 3
"""How often one request is sent anew with what other requests got in the meantime, or with what it got itself, once."""
_PAGE_LIMIT = 1000
_LINK_LIMIT = 8192
"""No URL is longer; the search in a stranger's header takes time with the square of its length."""
_NO_MANIFEST = "check the registry's name; if it is right, use the tool that pushed this, or a newer modelport"
_OK, _CREATED, _ACCEPTED = http.HTTPStatus.OK, http.HTTPStatus.CREATED, http.HTTPStatus.ACCEPTED


class Registry:
    """Speaks to one registry; safe to share between threads.

    Plain HTTP is used for this machine (127.0.0.0/8, ::1, localhost) and for *insecure_hosts*, TLS for all others.

    Args:
        host: The registry's name, ``host[:port]``.
        insecure_hosts: Hosts, with or without port, that may be spoken to without TLS.
        credentials: Credentials for this registry, or where to look them up (``docker_credentials``).
        patience: How often to try again, and how long to wait.
        proxies: What is reached through which proxy; nothing is, when left out.
        authorities: Files or folders of certificates of authorities that are trusted besides the system's.
    """

    def __init__(
        self,
        host: str,
        *,
        insecure_hosts: AbstractSet[str] = frozenset(),
        credentials: Credentials | CredentialSource | None = None,
        patience: Patience | None = None,
        proxies: Proxies = DIRECT,
        authorities: Sequence[Path] = (),
    ) -> None:
        self.host = host
        self.patience = patience or Patience()
        source = credentials if callable(credentials) else lambda _: credentials
        self._home = registry_origin(host, insecure_hosts)
        self._transport = Transport(
            self._home,
            insecure_hosts=insecure_hosts,
            patience=self.patience,
            proxies=proxies,
            authorities=authorities,
        )
        self._authorizer = Authorizer(host, source, self._transport)

    def __repr__(self) -> str:
        return f"Registry({self.host!r})"

    def close(self) -> None:
        """Close the connections that are kept for reuse, as the end of the object does; requests open new ones."""
        self._transport.close()

    def abort(self) -> None:
        """End all requests that are under way at once, in whatever thread, each with an InterruptedRequestError.

        For whoever is interrupted and must not wait for a registry that says nothing. Those errors are not tried again,
        and what is asked for from then on goes out as usual, on new connections.
        """
        self._transport.abort()

    def ping(self) -> bool:
        """Ask whether this is a registry that lets us in (distribution-spec 1.1, end-1); tell if it asked who we are.

        Raises:
            NotFoundError: There is something, but no registry.
            RegistryError: It does not let us in, or cannot be reached.
        """
        with self.persist("GET", "/v2/", _ANYTHING) as response:
            if response.status == http.HTTPStatus.NOT_FOUND:
                raise NotFoundError(f"{self.host} is no registry: it has no /v2/", hint="check the host and the port")
            if response.status != _OK:
                raise refusal(response, f"log in at {self.host}", host=self.host)
        return self._authorizer.current(_ANYTHING) is not None

    # Manifests and tags

    def manifest(self, repository: str, reference: str | Digest) -> Manifest | Index:
        """Take a manifest or index by tag or digest, verified and parsed; ``.descriptor`` tells its digest.

        Raises:
            NotFoundError: There is no such repository, tag or digest.
            IntegrityError: The bytes are not those of the digest.
            RegistryError: Anything else.
        """
        raw = persist(lambda: self._manifest_once(repository, reference), self.patience)
        try:
            return parse_document(raw)
        except FormatError as error:
            raise RegistryError(
                f"{self.name(repository, reference)} is not a manifest: {error.message}", hint=_NO_MANIFEST
            ) from error

    def resolve(self, repository: str, tag: str) -> Descriptor:
        """Return what a tag stands for now, verified; the errors are those of ``manifest``."""
        return self.manifest(repository, tag).descriptor

    def has_manifest(self, repository: str, reference: str | Digest, *, writing: bool = False) -> bool:
        """Tell whether the repository has that manifest, or a manifest under that tag.

        *writing* is for pushes: then it is asked with the right to write, and False also where looking is denied, as
        some registries deny it for a repository that is not there yet.
        """
        return self._head(repository, reference, writing=writing) is not None

    def stands_for(self, repository: str, tag: str, digest: Digest, *, writing: bool = False) -> bool:
        """Tell whether a tag stands for *digest* already: some registries let nobody set it again, even to the same.

        What the registry says is believed, as nothing but a request depends on it. False when it does not say; of
        *writing*, see ``has_manifest``.
        """
        headers = self._head(repository, tag, writing=writing)
        return headers is not None and headers.get("Docker-Content-Digest") == str(digest)

    def put_manifest(
        self, repository: str, document: Manifest | Index, *, tag: str | None = None, digest: Digest | None = None
    ) -> Descriptor:
        """Store a manifest or index, under its digest or a *tag*; all that it lists must be there already.

        An index may list it by a *digest* of another algorithm than sha256; then that is the digest to store it under.
        One that has a subject is to be pushed with ``referrers.push_referrer``: not every registry lists it by itself.

        Raises:
            IntegrityError: The registry says that it stored something else.
            RegistryError: It refused.
        """
        self.store_manifest(repository, document, tag=tag, digest=digest)
        return document.descriptor

    def store_manifest(
        self, repository: str, document: Manifest | Index, *, tag: str | None = None, digest: Digest | None = None
    ) -> Message:
        """Do what ``put_manifest`` does, and return the headers of the registry's answer."""
        described = replace(document.descriptor, digest=digest or document.descriptor.digest)
        name = self.name(repository, tag or described.digest)
        body = Body(described.size, lambda: (document.raw,), described.media_type)
        path = _manifest_path(repository, tag or described.digest)
        with self.persist("PUT", path, Scope(repository, write=True), body=body) as response:
            if response.status != _CREATED:
                raise refusal(response, f"push the manifest {name}", host=self.host)
            stored = response.headers.get("Docker-Content-Digest", str(described.digest))
        if stored != str(described.digest) and stored.startswith(f"{described.digest.algorithm}:"):
            raise IntegrityError(f"{name}: sent {described.digest}, and the registry stored {stored}", hint=LYING)
        return response.headers

    def delete_manifest(self, repository: str, digest: Digest) -> None:
        """Remove a manifest or index with all tags that stand for it (distribution-spec 1.1, end-9); blobs stay.

        One that has a subject is to be removed with ``referrers.delete_referrer``.

        Raises:
            NotFoundError: There is no such manifest.
            RegistryError: The registry refused, or does not let anybody.
        """
        self._delete(repository, f"manifests/{digest}", f"remove the manifest {self.name(repository, digest)}")

    def delete_blob(self, repository: str, digest: Digest) -> None:
        """Remove a blob from a repository (distribution-spec 1.1, end-10); the errors are those of ``delete_manifest``.

        Whoever does that must know that no manifest of the repository needs it: many registries do not look.
        """
        self._delete(repository, f"blobs/{digest}", f"remove the blob {self.name(repository, digest)}")

    def delete_tag(self, repository: str, tag: str) -> None:
        """Remove a tag; what it stands for stays. Many registries do not let anybody (distribution-spec 1.1, end-10).

        Raises:
            NotFoundError: There is no such tag.
            RegistryError: The registry refused, or does not know how.
        """
        with self.persist("DELETE", _manifest_path(repository, tag), Scope(repository, delete=True)) as response:
            if response.status != _ACCEPTED:
                error = refusal(response, f"remove the tag {self.name(repository, tag)}", host=self.host)
                # Some take the tag for a digest and say that this is wrong: they cannot, either.
                raise RegistryError(error.message, hint=error.hint) if isinstance(error, IntegrityError) else error

    def tags(self, repository: str) -> tuple[str, ...]:
        """Return all tags of a repository, sorted.

        Raises:
            NotFoundError: There is no such repository.
        """
        name = f"{self.host}/{repository}"
        pages = self.pages(repository, api_path(repository, "tags/list?n=1000"), f"list the tags of {name}")
        return tuple(sorted({tag for raw, _ in pages for tag in _tag_list(raw, name)}))

    def pages(self, repository: str, path: str, what: str) -> Iterator[tuple[bytes, Message]]:
        """Yield the bodies and headers of a list's pages, as their ``Link`` headers lead (RFC 8288).

        Args:
            repository: Whose list it is.
            path: The first page.
            what: What is done, for messages: "list the tags of ...".

        Raises:
            NotFoundError: The registry has no such list.
            RegistryError: It refused, or its pages lead in a circle or do not end.
        """

        def page(response: Response) -> tuple[bytes, Message, str | None]:
            if response.status != _OK:
                raise refusal(response, what, host=self.host)
            link = _NEXT.search(response.headers.get("Link", "")[:_LINK_LIMIT])
            next_url = following(response.url, link[1]) if link else None
            return response.read(MANIFEST_LIMIT), response.headers, next_url

        url: str | None = following(str(self._home), path)
        seen: set[str] = set()
        while url is not None:
            if url in seen or len(seen) == _PAGE_LIMIT:
                circle = f"the pages lead in a circle at {shown(url)}"
                why = circle if url in seen else f"there are more than {_PAGE_LIMIT} pages"
                raise RegistryError(f"cannot {what}: {why}")
            seen.add(url)
            raw, headers, url = self.ask("GET", url, Scope(repository), page)
            yield raw, headers

    # Blobs

    def has_blob(self, repository: str, descriptor: Descriptor, *, writing: bool = False) -> bool:
        """Tell whether the repository has that content; of *writing*, see ``has_manifest``.

        Raises:
            IntegrityError: It has something of another size under that digest.
        """
        return persist(lambda: has_blob(self, repository, descriptor, writing=writing), self.patience)

    def blob(self, repository: str, descriptor: Descriptor, *, progress: Progress | None = None) -> VerifiedChunks:
        """Return the content in pieces, verified when the last one comes; nothing is asked before the first.

        A connection that breaks raises TransientError: start anew. The other errors are those of ``manifest``.
        """
        source = self.name(repository, descriptor.digest)
        chunks = counted(blob_chunks(self, repository, descriptor), descriptor, progress)
        return VerifiedChunks(chunks, descriptor, source=source, hint=LYING)

    def put_blob(self, repository: str, descriptor: Descriptor, chunks: Callable[[], Iterable[bytes]]) -> bool:
        """Upload content unless it is there; tell whether it had to be.

        Args:
            repository: Where to.
            descriptor: What the content is.
            chunks: Gives the content, anew each time it is called: a broken upload starts again.
        """
        return persist(lambda: upload_blob(self, repository, descriptor, chunks), self.patience)

    # One try each

    def _manifest_once(self, repository: str, reference: str | Digest) -> bytes:
        name = self.name(repository, reference)
        with self.send("GET", _manifest_path(repository, reference), Scope(repository), headers=_ACCEPT) as response:
            there = response.status != http.HTTPStatus.NOT_FOUND
            if there and response.status != _OK:
                raise refusal(response, f"pull {name}", host=self.host)
            claimed = response.headers.get("Docker-Content-Digest")
            raw = response.read(MANIFEST_LIMIT) if there else b""
        if not there:  # asked when the connection is free again
            raise self._missing(repository, reference)
        promised = reference if isinstance(reference, Digest) else _claimed_digest(claimed, name)
        if promised and promised != Digest.of(raw, promised.algorithm):
            actual = Digest.of(raw, promised.algorithm)
            raise IntegrityError(f"{name}: the registry promised {promised} and sent {actual}", hint=LYING)
        return raw

    def _delete(self, repository: str, path: str, what: str) -> None:
        with self.persist("DELETE", api_path(repository, path), Scope(repository, delete=True)) as response:
            if response.status == http.HTTPStatus.METHOD_NOT_ALLOWED:
                error = refusal(response, what, host=self.host)
                raise RegistryError(error.message, status=405, hint="its operator can allow it, or do it")
            if response.status != _ACCEPTED:
                raise refusal(response, what, host=self.host)

    def _head(self, repository: str, reference: str | Digest, *, writing: bool = False) -> Message | None:
        """Return what is said of a manifest without its bytes; None when there is none."""
        path = _manifest_path(repository, reference)
        try:
            response = self.persist("HEAD", path, Scope(repository, write=writing), headers=_ACCEPT)
        except LacksRightError:
            if writing:
                return None
            raise
        with response:
            if writing and response.status == http.HTTPStatus.FORBIDDEN:
                return None
            if response.status not in {_OK, http.HTTPStatus.NOT_FOUND}:
                raise refusal(response, f"look for {self.name(repository, reference)}", host=self.host)
            return response.headers if response.status == _OK else None

    # Requests

    def ask(
        self,
        method: str,
        path: str,
        scope: Scope,
        answer: Callable[[Response], T],
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> T:
        """Send a request that may be sent twice, and return what *answer* makes of the response.

        Sent again and again as long as either fails in passing: a body that breaks off is asked for anew.
        """

        def once() -> T:
            with self.send(method, path, scope, headers=headers, body=body) as response:
                return answer(response)

        return persist(once, self.patience)

    def persist(
        self,
        method: str,
        path: str,
        scope: Scope,
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Response:
        """Send a request that may be sent twice, again and again as long as it fails in passing.

        Reading the answer's body is not repeated: where that is needed, use ``ask``.
        """
        return persist(lambda: self.send(method, path, scope, headers=headers, body=body), self.patience)

    def send(
        self,
        method: str,
        path: str,
        scope: Scope,
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Response:
        """Send one request; a 401 is answered once, with new credentials or a new token."""
        url = following(str(self._home), path)
        authorization = self._authorizer.current(scope)
        response = self._transport.send(method, url, headers=headers, body=body, authorization=authorization)
        fresh = False
        for _ in range(_RENEWALS):
            if response.status != http.HTTPStatus.UNAUTHORIZED or fresh:
                break
            with response:
                authorization, fresh = self._authorizer.renew(response, scope, authorization)
            response = self._transport.send(method, url, headers=headers, body=body, authorization=authorization)
        if response.status == http.HTTPStatus.UNAUTHORIZED:
            with response:
                user = self._authorizer.user(scope)
                raise refusal(response, f"{scope.what} on {self.host}", host=self.host, user=user)
        return response

    def _missing(self, repository: str, reference: str | Digest) -> NotFoundError:
        """Return the error for a manifest that is not there, telling a missing tag from a missing repository."""
        name = self.name(repository, reference)
        try:
            tags = self.tags(repository)
        except NotFoundError:
            return NotFoundError(f"{name}: there is no repository {repository} on {self.host}", hint="check its name")
        except RegistryError as error:
            return NotFoundError(f"{name} is not there, and its tags cannot be listed: {error.message}")
        listed = ", ".join(tags[-10:]) or "none"
        what = "manifest with this digest" if isinstance(reference, Digest) else f"tag {reference}"
        return NotFoundError(f"{name}: the repository has no {what}", hint=f"tags there: {listed}")

    def name(self, repository: str, reference: str | Digest) -> str:
        """Return how messages call something in a repository."""
        return f"{self.host}/{repository}{'@' if isinstance(reference, Digest) else ':'}{reference}"


def _claimed_digest(header: str | None, name: str) -> Digest | None:
    try:
        return Digest.parse(header) if header else None
    except FormatError as error:
        raise RegistryError(f"{name}: the registry's digest header is wrong: {error.message}") from error


def _tag_list(raw: bytes, name: str) -> set[str]:
    try:
        tags = parse_json(raw, f"the tag list of {name}").get("tags")
    except FormatError as error:
        raise RegistryError(error.message) from error
    if not isinstance(tags, list | None):
        raise RegistryError(f"the tag list of {name} is not a list")
    return {str(tag) for tag in tags or ()}


def _manifest_path(repository: str, reference: str | Digest) -> str:
    return api_path(repository, f"manifests/{quote(str(reference), safe=':')}")
