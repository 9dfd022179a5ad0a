"""Referrers: found by their subject in registries with and without the API, and in layouts; nobody's list is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_artifact, put_release
from tests.support.small_registry import Fault, Rules, small_registry

from modelport.errors import FormatError, IntegrityError, NotFoundError, RegistryError
from modelport.oci import Descriptor, Index, Layout, Manifest, Registry, build_manifest, push
from modelport.oci.manifest import canonical_json
from modelport.oci.media import EMPTY, EMPTY_CONTENT, INDEX
from modelport.oci.net.patience import Patience
from modelport.oci.pull_referrers import pull_referrers
from modelport.oci.referrers import (
    delete_referrer,
    fallback_tag,
    layout_referrers,
    push_referrer,
    referrer_descriptor,
    referrers,
)
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import DockerRegistry
    from tests.support.small_registry import Seen

SIGNATURE, REPORT = "application/vnd.test.signature.v1+json", "application/vnd.test.report.v1"


@dataclass(frozen=True, slots=True)
class Place:
    """A repository somewhere, and a layout with what is pushed there."""

    layout: Layout
    registry: Registry
    repository: str

    def put(self, *contents: bytes) -> Descriptor:
        root = put_release(self.layout, *contents)
        push(self.layout, root, self.registry, self.repository, tags=["1"])
        return root

    def refer(self, subject: Descriptor, kind: str, text: str = "") -> Manifest:
        """Push something that refers to *subject*, and return it."""
        document = referrer(self.layout, subject, kind, text)
        for child in document.children:
            self.registry.put_blob(self.repository, child, partial(self.layout.chunks, child))
        push_referrer(self.registry, self.repository, document)
        return document

    def listed(self, subject: Descriptor, kind: str | None = None) -> set[Descriptor]:
        return set(referrers(self.registry, self.repository, subject.digest, artifact_type=kind))


def referrer(layout: Layout, subject: Descriptor, kind: str, text: str = "") -> Manifest:
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    raw = build_manifest(config, [config], artifact_type=kind, subject=subject, annotations={"says": text})
    layout.put_manifest(raw)
    return Manifest.parse(raw)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other client is about, so nobody waits for one."""
    # By the module's name in full: the package has a function of the same name.
    monkeypatch.setattr(sys.modules["modelport.oci.referrers"], "_SETTLING", 0.001)


@pytest.fixture(params=["docker-registry", "api", "no api"])
def place(
    request: pytest.FixtureRequest, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> Iterator[Place]:
    layout = Layout(tmp_path / "store")
    with ExitStack() as running:
        if request.param == "docker-registry":
            yield Place(layout, Registry(docker_registry.host), unique_repository)
        else:
            small = running.enter_context(small_registry(Rules(referrers=request.param == "api", page=2)))
            yield Place(layout, small.client(), "demo")


def test_what_refers_to_a_manifest_is_listed_by_type(place: Place) -> None:
    root = place.put(b"one")
    (model,) = place.layout.manifest(root).children
    assert place.listed(model) == set()
    pushed = [place.refer(model, kind, text) for kind in (SIGNATURE, REPORT) for text in ("a", "b", "c")]
    place.refer(root, SIGNATURE, "of the index")
    again = place.refer(model, SIGNATURE, "a")
    assert again == pushed[0], "the same once more changes nothing"
    assert place.listed(model) == {referrer_descriptor(one) for one in pushed}
    assert place.listed(model, SIGNATURE) == {referrer_descriptor(one) for one in pushed[:3]}
    assert place.listed(model, "application/other") == set()
    assert {one.annotations["says"] for one in place.listed(root)} == {"of the index"}


def test_what_is_deleted_is_listed_no_more_and_its_subject_stays(place: Place) -> None:
    root = place.put(b"one")
    kept, gone = (place.refer(root, SIGNATURE, text) for text in ("kept", "gone"))
    delete_referrer(place.registry, place.repository, root.digest, gone.descriptor.digest)
    assert place.listed(root) == {referrer_descriptor(kept)}
    assert not place.registry.has_manifest(place.repository, gone.descriptor.digest)
    assert place.registry.has_manifest(place.repository, root.digest)
    with pytest.raises(NotFoundError):
        delete_referrer(place.registry, place.repository, root.digest, gone.descriptor.digest)
    place.registry.delete_manifest(place.repository, root.digest)
    assert not place.registry.has_manifest(place.repository, root.digest)


def test_clients_keep_the_list_only_where_the_registry_does_not(place: Place) -> None:
    root = place.put(b"one")
    place.refer(root, SIGNATURE)
    has_api = place.repository == "demo" and "OCI-Subject" in place.registry.store_manifest(
        place.repository, referrer(place.layout, root, SIGNATURE)
    )
    assert place.registry.has_manifest(place.repository, fallback_tag(root.digest)) is not has_api


def test_what_refers_is_pulled_with_what_refers_to_it_in_turn(place: Place, tmp_path: Path) -> None:
    root = place.put(b"one")
    report = place.refer(root, REPORT)
    signature = place.refer(report.descriptor, SIGNATURE)
    target = Layout(tmp_path / "other")
    for _ in range(2):
        pulled = pull_referrers(place.registry, place.repository, [root.digest], target)
        assert [one.digest for one in pulled] == [report.descriptor.digest, signature.descriptor.digest]
    assert layout_referrers(target, root.digest) == (referrer_descriptor(report),)
    assert layout_referrers(target, root.digest, artifact_type=SIGNATURE) == ()
    assert layout_referrers(target, report.descriptor.digest) == (referrer_descriptor(signature),)
    assert target.tags() == {}
    target.forget(report.descriptor.digest)
    assert layout_referrers(target, root.digest) == ()


def test_pushing_a_referrer_as_any_manifest_lists_it(place: Place) -> None:
    root = place.put(b"one")
    document = referrer(place.layout, root, REPORT)
    push(place.layout, document.descriptor, place.registry, place.repository)
    assert place.listed(root) == {referrer_descriptor(document)}


@pytest.fixture
def tagged(tmp_path: Path, docker_registry: DockerRegistry, unique_repository: str) -> Place:
    """Give a repository of a real registry that has no API: what refers to what is listed under tags."""
    return Place(Layout(tmp_path / "store"), Registry(docker_registry.host), unique_repository)


def test_a_list_that_another_client_writes_over_is_written_again(tagged: Place) -> None:
    # The worst moment: the other client read the list before this one wrote it, and writes its own afterwards.
    root = tagged.put(b"one")
    theirs = referrer(tagged.layout, root, REPORT, "theirs")
    push(tagged.layout, replace(theirs.descriptor, artifact_type=None), tagged.registry, tagged.repository)
    delete_list(tagged, root)
    stale = list_of(referrer_descriptor(theirs))

    class Overtaken(Registry):
        left = 3

        def put_manifest(
            self, repository: str, document: Manifest | Index, *, tag: str | None = None, digest: Digest | None = None
        ) -> Descriptor:
            made = super().put_manifest(repository, document, tag=tag, digest=digest)
            if tag == fallback_tag(root.digest) and self.left:
                self.left -= 1
                super().put_manifest(repository, stale, tag=tag)
            return made

    overtaken = Overtaken(tagged.registry.host)
    ours = replace(tagged, registry=overtaken).refer(root, SIGNATURE, "ours")
    assert overtaken.left == 0
    assert tagged.listed(root) == {referrer_descriptor(theirs), referrer_descriptor(ours)}


def test_a_list_that_is_always_written_over_is_told(tagged: Place) -> None:
    root = tagged.put(b"one")

    class Hostile(Registry):
        def put_manifest(
            self, repository: str, document: Manifest | Index, *, tag: str | None = None, digest: Digest | None = None
        ) -> Descriptor:
            made = super().put_manifest(repository, document, tag=tag, digest=digest)
            super().put_manifest(repository, list_of(), tag=fallback_tag(root.digest))
            return made

    with pytest.raises(RegistryError, match="other clients changed this list"):
        replace(tagged, registry=Hostile(tagged.registry.host)).refer(root, SIGNATURE)


def test_types_that_another_tool_dropped_from_a_list_are_read_off_the_manifests(tagged: Place, tmp_path: Path) -> None:
    root = tagged.put(b"one")
    signature, report = tagged.refer(root, SIGNATURE), tagged.refer(root, REPORT)
    remote = f"docker://{tagged.registry.host}/{tagged.repository}:{fallback_tag(root.digest)}"
    plain = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    for source, target in ((remote, f"oci:{tmp_path}/copied:list"), (f"oci:{tmp_path}/copied:list", remote)):
        subprocess.run(["skopeo", "copy", "--all", *plain, source, target], check=True, capture_output=True)
    raw = tagged.registry.manifest(tagged.repository, fallback_tag(root.digest)).raw
    assert [one.get("artifactType") for one in json.loads(raw)["manifests"]] == [None, None], "skopeo 1.9 drops it"
    assert tagged.listed(root, SIGNATURE) == {referrer_descriptor(signature)}
    assert tagged.listed(root, REPORT) == {referrer_descriptor(report)}


def test_a_list_cannot_make_us_delete_what_does_not_refer(tagged: Place) -> None:
    root = tagged.put(b"one")
    (model,) = tagged.layout.manifest(root).children
    tagged.registry.put_manifest(tagged.repository, list_of(model), tag=fallback_tag(root.digest))
    with pytest.raises(FormatError, match="is not about"):
        delete_referrer(tagged.registry, tagged.repository, root.digest, model.digest)
    assert tagged.listed(root) == set()
    assert tagged.registry.has_manifest(tagged.repository, model.digest)


def test_what_is_listed_wrongly_is_not_pulled_as_a_referrer(tagged: Place, tmp_path: Path) -> None:
    root, other = tagged.put(b"one"), tagged.put(b"two")
    signature = tagged.refer(other, SIGNATURE)
    tagged.registry.put_manifest(
        tagged.repository, list_of(referrer_descriptor(signature)), tag=fallback_tag(root.digest)
    )
    target = Layout(tmp_path / "other")
    with pytest.raises(FormatError, match="is listed as a referrer"):
        pull_referrers(tagged.registry, tagged.repository, [root.digest], target)
    assert target.roots() == ()


def test_a_tag_of_that_form_that_is_no_list_is_told_and_left(tagged: Place) -> None:
    root = tagged.put(b"one")
    manifest = tagged.layout.manifest(tagged.layout.manifest(root).children[0])
    tagged.registry.put_manifest(tagged.repository, manifest, tag=fallback_tag(root.digest))
    with pytest.raises(RegistryError, match="should be an index"):
        tagged.listed(root)
    with pytest.raises(RegistryError, match="should be an index"):
        tagged.refer(root, SIGNATURE)
    there = tagged.registry.resolve(tagged.repository, fallback_tag(root.digest))
    assert there.digest == manifest.descriptor.digest


def test_a_list_that_cannot_be_had_is_not_an_empty_one(tmp_path: Path) -> None:
    def asks(seen: Seen) -> bool:
        return "/referrers/" in seen.path

    with small_registry() as small:
        place = Place(Layout(tmp_path / "store"), small.client(), "demo")
        root = place.put(b"one")
        for status in (403, 503):
            small.add(Fault("status", status=status, on=asks, times=100))
            with pytest.raises(RegistryError, match=str(status)):
                place.listed(root)
            small.mend()
        assert place.listed(root) == set()


def test_a_registry_that_takes_it_for_something_else_is_not_believed(tagged: Place) -> None:
    class Wrong(Registry):
        def store_manifest(self, *arguments: object, **more: object) -> object:  # type: ignore[override]
            answer = super().store_manifest(*arguments, **more)  # type: ignore[arg-type]
            answer["OCI-Subject"] = str(Digest.of(b"other"))
            return answer

    root = tagged.put(b"one")
    with pytest.raises(IntegrityError, match="took it to be about"):
        replace(tagged, registry=Wrong(tagged.registry.host, patience=Patience(attempts=1))).refer(root, SIGNATURE)


def test_what_has_no_subject_is_no_referrer(tagged: Place) -> None:
    manifest = tagged.layout.manifest(put_artifact(tagged.layout, b"one"))
    with pytest.raises(FormatError, match="has no subject"):
        push_referrer(tagged.registry, tagged.repository, manifest)


def test_the_tag_of_a_list_is_cut_to_what_a_tag_may_have() -> None:
    # distribution-spec 1.1, "Referrers Tag Schema".
    assert fallback_tag(Digest("sha256", "a" * 64)) == f"sha256-{'a' * 64}"
    assert fallback_tag(Digest("sha512", "b" * 128)) == f"sha512-{'b' * 64}"


def list_of(*listed: Descriptor) -> Index:
    manifests = [one.to_json() for one in listed]
    return Index.parse(canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}))


def delete_list(place: Place, subject: Descriptor) -> None:
    tag = fallback_tag(subject.digest)
    place.registry.delete_manifest(place.repository, place.registry.resolve(place.repository, tag).digest)
