"""How a small registry behaves, within what distribution-spec 1.1 leaves open and what registries are known to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which kind of registry it is.

    Attributes:
        referrers: Whether it has the referrers API, and so says ``OCI-Subject``.
        auth: What it asks for: nothing, a password, or a token of its token service.
        users: Passwords by name.
        anonymous_pull: Whether its token service gives everybody a token to pull.
        token_seconds: How long a token is good for, whatever its answer promises.
        tokens_by_post: Whether the token service also takes OAuth 2's POST; otherwise it answers 404.
        page: The most tags and referrers on a page.
        chunks: What happens to a chunk (PATCH): it is taken; refused with 405 or 416; or answered 201 as if all had
            come, after which the session is gone.
        chunk_min: The least bytes of a chunk that is not the last, said in ``OCI-Chunk-Min-Length``; 0 is any number.
        keeps_cut_chunks: Whether what arrived of a chunk that broke off counts; otherwise its session is lost, as
            docker-registry's is.
        single_post: Whether a POST with a digest and the bytes is taken at once (201), or just begins a session (202).
        mounts: Whether blobs can be mounted from other repositories; ``anywhere``: also when none is named.
        absolute_locations: Whether the places it names have a scheme and a host.
        ranges: Whether parts of blobs can be asked for.
        redirects: Whether a blob's bytes lie at another origin.
        redirect_words: Whether what leads there says so in words, too, as most web servers' redirects do.
        immutable_tags: Whether a tag that is set cannot be set again, not even to the same.
        hides_absent: Whether reading a repository that is not there is denied (403) rather than answered 404.
        deletes: Whether manifests, tags and blobs can be deleted.
        checks_references: Whether a manifest is refused while something that it lists is missing.
        digest_header: Whether answers say ``Docker-Content-Digest``.
        pace: Seconds to wait after each 64 KiB received or sent: for tests that interrupt a transfer.
    """

    referrers: bool = True
    auth: Literal["none", "basic", "token"] = "none"
    users: Mapping[str, str] = field(default_factory=lambda: {"jane": "secret"})
    anonymous_pull: bool = False
    token_seconds: float = 300.0
    tokens_by_post: bool = False
    page: int = 1000
    chunks: Literal["taken", "405", "416", "201"] = "taken"
    chunk_min: int = 0
    keeps_cut_chunks: bool = False
    single_post: bool = False
    mounts: Literal["none", "named", "anywhere"] = "named"
    absolute_locations: bool = False
    ranges: bool = True
    redirects: bool = False
    redirect_words: bool = False
    immutable_tags: bool = False
    hides_absent: bool = False
    deletes: bool = True
    checks_references: bool = True
    digest_header: bool = True
    pace: float = 0.0
