"""One contract for whatever holds artifacts: our store, a real registry, and every kind of registry there is.

What is put in comes out with the digest it had, down to the last byte; what is missing is said to be missing; what is
deleted is gone. The kinds of registry are the small registry's: with and without the referrers API, asking for
passwords or tokens, refusing chunks, leading elsewhere for blobs, listing in small pages.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest
from tests.support.artifacts import put_artifact, put_release
from tests.support.counts import record
from tests.support.documents import DOCUMENTS
from tests.support.small_registry import QUICK, Rules, SmallRegistry, small_registry

from modelport.errors import IntegrityError, NotFoundError
from modelport.oci import Descriptor, Layout, Manifest, Registry, build_manifest, pull, push, reachable
from modelport.oci.media import EMPTY, EMPTY_CONTENT
from modelport.oci.net.credentials import Credentials
from modelport.oci.referrers import delete_referrer, push_referrer, referrers
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import DockerRegistry

JANE = Credentials("jane", "secret")
KINDS = {
    "plain": Rules(),
    "old": Rules(referrers=False, deletes=False, mounts="none", digest_header=False),
    "password": Rules(auth="basic"),
    "tokens": Rules(auth="token", absolute_locations=True),
    "short-lived tokens": Rules(auth="token", token_seconds=1.0, anonymous_pull=True),
    "no chunks: 405": Rules(chunks="405"),
    "no chunks: 416": Rules(chunks="416"),
    "no chunks: 201": Rules(chunks="201", single_post=True),
    "large chunks": Rules(chunk_min=1_000_000, keeps_cut_chunks=True),
    "elsewhere": Rules(auth="token", redirects=True),
    "whole blobs": Rules(ranges=False, page=2, mounts="anywhere"),
}


DOCKER_LACKS = {"sha512 manifest"}
"""What docker-registry 2.8 does not hold: it takes manifests under their sha256 only."""


CARRIED: list[str] = []


class Place(Protocol):
    """Something that holds artifacts."""

    def put(self, source: Layout, root: Descriptor, tag: str) -> None: ...
    def take(self, tag: str, target: Layout) -> Descriptor: ...
    def tags(self) -> tuple[str, ...]: ...
    def resolve(self, tag: str) -> Descriptor: ...


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Our own store."""

    layout: Layout

    def put(self, source: Layout, root: Descriptor, tag: str) -> None:
        for node in reachable(root, source.read):
            self.layout.put_blob(source.chunks(node))
        self.layout.tag(tag, root)

    def take(self, tag: str, target: Layout) -> Descriptor:
        root = self.layout.resolve(tag)
        StorePlace(target).put(self.layout, root, tag)
        return root

    def tags(self) -> tuple[str, ...]:
        return tuple(self.layout.tags())

    def resolve(self, tag: str) -> Descriptor:
        return self.layout.resolve(tag)


@dataclass(frozen=True, slots=True)
class RegistryPlace:
    """A repository of a registry."""

    registry: Registry
    repository: str

    def put(self, source: Layout, root: Descriptor, tag: str) -> None:
        push(source, root, self.registry, self.repository, tags=[tag])

    def take(self, tag: str, target: Layout) -> Descriptor:
        return pull(self.registry, self.repository, tag, target, name=tag)

    def tags(self) -> tuple[str, ...]:
        return self.registry.tags(self.repository)

    def resolve(self, tag: str) -> Descriptor:
        return self.registry.resolve(self.repository, tag)


@contextmanager
def kind_of_registry(kind: str) -> Iterator[SmallRegistry]:
    """Run a small registry; in the end no tag has ever stood for something that was not whole."""
    with small_registry(KINDS[kind]) as small:
        yield small
    assert small.torn == []


@pytest.fixture(params=["docker-registry", *KINDS])
def remote(request: pytest.FixtureRequest, unique_repository: str) -> Iterator[RegistryPlace]:
    if request.param == "docker-registry":
        docker: DockerRegistry = request.getfixturevalue("docker_registry")
        yield RegistryPlace(Registry(docker.host, patience=QUICK), unique_repository)
        return
    with kind_of_registry(request.param) as small:
        yield RegistryPlace(small.client(credentials=JANE), unique_repository)


@pytest.fixture(params=["store", "docker-registry", *KINDS])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "store":
        yield StorePlace(Layout(tmp_path / "place"))
        return
    repository: str = request.getfixturevalue("unique_repository")
    if request.param == "docker-registry":
        docker: DockerRegistry = request.getfixturevalue("docker_registry")
        yield RegistryPlace(Registry(docker.host, patience=QUICK), repository)
        return
    with kind_of_registry(request.param) as small:
        yield RegistryPlace(small.client(credentials=JANE), repository)


@pytest.fixture
def source(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "source")


@pytest.fixture
def target(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "target")


def contents(layout: Layout, root: Descriptor) -> dict[str, bytes]:
    return {str(node.digest): layout.read(node) for node in reachable(root, layout.read)}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_what_is_put_in_comes_out_unchanged(
    kind: str, place: Place, source: Layout, target: Layout, docker_registry: DockerRegistry
) -> None:
    if isinstance(place, RegistryPlace) and place.registry.host == docker_registry.host and kind in DOCKER_LACKS:
        return
    root = DOCUMENTS[kind](source)
    place.put(source, root, "1")
    assert place.resolve("1").digest == root.digest
    assert place.take("1", target).digest == root.digest
    assert contents(target, root) == contents(source, root)
    assert target.resolve("1").digest == root.digest
    CARRIED.append(kind)


def test_tags_are_listed_and_move(place: Place, source: Layout) -> None:
    old, new = put_artifact(source, b"old"), put_release(source, b"new")
    names = ["0_a", "A" * 128, "b.c-d", "latest", "v1"]
    for name in names:
        place.put(source, old, name)
    assert place.tags() == tuple(sorted(names))
    place.put(source, new, "latest")
    assert {place.resolve(name).digest for name in names if name != "latest"} == {old.digest}
    assert place.resolve("latest").digest == new.digest
    assert place.tags() == tuple(sorted(names))


def test_a_missing_tag_is_said_to_be_missing(place: Place, source: Layout, target: Layout) -> None:
    place.put(source, put_artifact(source, b"x"), "there")
    with pytest.raises(NotFoundError, match=r"no tag '?absent") as caught:
        place.resolve("absent")
    assert "there" in caught.value.hint
    with pytest.raises(NotFoundError, match=r"no tag '?absent"):
        place.take("absent", target)
    assert target.tags() == {}


def test_what_is_incomplete_gets_no_tag(place: Place, source: Layout) -> None:
    config = source.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    whole = put_artifact(source, b"x")
    place.put(source, whole, "1")
    torn = source.put_manifest(build_manifest(config, [Descriptor.of(b"absent")]))
    with pytest.raises(NotFoundError, match=str(Digest.of(b"absent"))):
        place.put(source, torn, "1")
    assert place.resolve("1").digest == whole.digest


def test_missing_things_of_a_registry_are_told_apart(remote: RegistryPlace, source: Layout) -> None:
    registry, repository = remote.registry, remote.repository
    absent = Descriptor.of(b"absent")
    with pytest.raises(NotFoundError, match=f"no repository {repository}"):
        registry.manifest(repository, "1")
    remote.put(source, put_artifact(source, b"x"), "1")
    with pytest.raises(NotFoundError, match="no manifest with this digest"):
        registry.manifest(repository, absent.digest)
    with pytest.raises(NotFoundError, match=str(absent.digest)):
        registry.blob(repository, absent).read()
    assert not registry.has_blob(repository, absent)
    assert not registry.has_manifest(repository, absent.digest)


def test_referrers_are_found_by_their_subject(remote: RegistryPlace, source: Layout) -> None:
    registry, repository = remote.registry, remote.repository
    subject = put_artifact(source, b"subject")
    remote.put(source, subject, "1")
    assert referrers(registry, repository, subject.digest) == ()
    config = source.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    made: list[Digest] = []
    for kind in ("application/x.sbom", "application/x.signature", "application/x.sbom"):
        notes = {"n": str(len(made))}
        raw = build_manifest(config, [config], artifact_type=kind, subject=subject, annotations=notes)
        made.append(push_referrer(registry, repository, Manifest.parse(raw)).digest)
    assert {one.digest for one in referrers(registry, repository, subject.digest)} == set(made)
    found = referrers(registry, repository, subject.digest, artifact_type="application/x.sbom")
    assert {(one.digest, one.annotations["n"]) for one in found} == {(made[0], "0"), (made[2], "2")}
    assert referrers(registry, repository, Digest.of(b"another")) == ()


@pytest.mark.parametrize("kind", ["docker-registry", *(kind for kind in KINDS if KINDS[kind].deletes)])
def test_what_is_deleted_is_gone(kind: str, request: pytest.FixtureRequest, source: Layout) -> None:
    if kind == "docker-registry":
        docker: DockerRegistry = request.getfixturevalue("docker_registry")
        _delete_everything(RegistryPlace(Registry(docker.host, patience=QUICK), "test/deleted"), source)
        return
    with kind_of_registry(kind) as small:
        _delete_everything(RegistryPlace(small.client(credentials=JANE), "test/deleted"), source)


def _delete_everything(remote: RegistryPlace, source: Layout) -> None:
    registry, repository = remote.registry, remote.repository
    root, kept = put_artifact(source, os.urandom(20)), put_artifact(source, b"kept")
    remote.put(source, root, "1")
    remote.put(source, kept, "2")
    config = source.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    referrer = Manifest.parse(build_manifest(config, [config], subject=root))
    pushed = push_referrer(registry, repository, referrer)
    delete_referrer(registry, repository, root.digest, pushed.digest)
    assert referrers(registry, repository, root.digest) == ()
    registry.delete_manifest(repository, root.digest)
    with pytest.raises(NotFoundError):
        registry.manifest(repository, root.digest)
    with pytest.raises(NotFoundError, match="no tag 1"):
        registry.resolve(repository, "1")
    layer = source.manifest(root).children[1]
    registry.delete_blob(repository, layer.digest)
    assert not registry.has_blob(repository, layer)
    with pytest.raises(NotFoundError):
        registry.delete_blob(repository, layer.digest)
    assert registry.resolve(repository, "2").digest == kept.digest


def test_only_what_is_selected_is_brought(remote: RegistryPlace, source: Layout, target: Layout) -> None:
    root = put_artifact(source, b"weights", b"data set")
    remote.put(source, root, "1")
    unwanted = source.manifest(root).children[2]
    where = remote.registry, remote.repository, "1", target
    pull(*where, name="a:1", select=lambda node: node.digest != unwanted.digest)
    brought = {path.name for path in target.path.glob("blobs/*/*")}
    assert brought == {node.digest.hex for node in reachable(root, source.read)} - {unwanted.digest.hex}
    pull(*where, name="a:1")
    assert contents(target, root) == contents(source, root)


def test_what_is_damaged_is_refused(source: Layout, target: Layout) -> None:
    for kind in KINDS:
        with kind_of_registry(kind) as small:
            remote = RegistryPlace(small.client(credentials=JANE), "demo")
            root = put_artifact(source, b"0123456789abcdef")
            remote.put(source, root, "1")
            layer = source.manifest(root).children[1]
            for damaged in (b"0123456789abcdeX", b"0123", b"", b"0123456789abcdef and more"):
                small.content.bytes[str(layer.digest)] = damaged
                with pytest.raises(IntegrityError, match=str(layer.digest)):
                    remote.take("1", target)
                assert not target.has(layer)
                assert target.tags() == {}


def test_carried_artifacts_are_counted() -> None:
    """Stands behind the tests that carry them, in one process with them."""
    record(
        "artifacts of every shape carried unchanged", len(CARRIED), "cases", 190, "pytest tests/oci/test_contract.py"
    )
