"""Plans: what a pull would move is known before it moves, and a pull moves just that."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_artifact, put_release
from tests.support.web import Reply, Request, Web, forwarded, web_server

from modelport.errors import NotFoundError
from modelport.oci import Descriptor, Layout, Registry, build_index, pull, push
from modelport.oci.media import EMPTY_CONTENT, MANIFEST, TITLE
from modelport.oci.plan import lacking, plan_pull
from modelport.oci.store.tags import PARTIAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import DockerRegistry

CONTENTS = (os.urandom(3000), os.urandom(2000), os.urandom(1000))
BLOBS = tuple(map(Descriptor.of, CONTENTS))


@pytest.fixture
def web(docker_registry: DockerRegistry) -> Iterator[Web]:
    """A way to the registry on which every request is seen."""

    def through(request: Request) -> Reply:
        return forwarded(request, docker_registry.host)

    with web_server(through) as server:
        yield server


@pytest.fixture
def source(docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path) -> Layout:
    """A store whose artifact of ``CONTENTS`` is in the registry as ``1``."""
    layout = Layout(tmp_path / "source")
    push(layout, put_artifact(layout, *CONTENTS), Registry(docker_registry.host), unique_repository, tags=["1"])
    return layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


def blob_requests(web: Web) -> list[str]:
    return [request.path for request in web.seen if "/blobs/" in request.path]


def all_but(blob: Descriptor, node: Descriptor) -> bool:
    return node.digest != blob.digest


@pytest.mark.usefixtures("source")
def test_a_plan_moves_nothing_and_a_pull_moves_the_plan(web: Web, layout: Layout, unique_repository: str) -> None:
    registry = Registry(web.host)
    plan = plan_pull(registry, unique_repository, "1", layout)
    assert plan.bytes_to_move == 6000 + len(EMPTY_CONTENT)
    assert {blob.descriptor.digest for blob in plan.missing} >= {blob.digest for blob in BLOBS}
    assert [blob.descriptor.annotations.get(TITLE) for blob in plan.blobs if blob.descriptor.size >= 1000] == [
        "0.bin",
        "1.bin",
        "2.bin",
    ]
    assert not layout.path.exists()
    assert blob_requests(web) == []

    pull(registry, unique_repository, "1", layout, name="a:1")
    asked = [path.rpartition("/")[2] for path in blob_requests(web)]
    assert sorted(asked) == sorted(str(blob.descriptor.digest) for blob in plan.missing)
    again = plan_pull(registry, unique_repository, "1", layout)
    assert (again.bytes_to_move, again.missing, again.left_out) == (0, (), ())
    assert all(blob.here for blob in again.blobs)


@pytest.mark.usefixtures("source")
def test_a_second_pull_moves_no_blob_and_makes_at_most_two_requests(
    web: Web, layout: Layout, unique_repository: str
) -> None:
    pull(Registry(web.host), unique_repository, "1", layout, name="a:1")
    web.seen.clear()
    before = layout.path / "blobs"
    inodes = {file: file.stat().st_ino for file in before.rglob("*")}
    assert pull(Registry(web.host), unique_repository, "1", layout, name="a:1") == layout.resolve("a:1")
    assert blob_requests(web) == []
    assert len(web.seen) <= 2
    assert {file: file.stat().st_ino for file in before.rglob("*")} == inodes  # nothing was written anew


def test_a_second_pull_of_a_release_makes_at_most_two_requests(
    web: Web, layout: Layout, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    source = Layout(tmp_path / "source")
    release = put_release(source, *CONTENTS)
    push(source, release, Registry(docker_registry.host), unique_repository, tags=["1"])
    pull(Registry(web.host), unique_repository, "1", layout, name="a:1")
    web.seen.clear()
    pull(Registry(web.host), unique_repository, "1", layout, name="a:1")
    assert blob_requests(web) == []
    assert len(web.seen) <= 2


@pytest.mark.usefixtures("source")
def test_a_plan_knows_what_is_here_what_has_arrived_and_what_is_damaged(
    web: Web, layout: Layout, unique_repository: str
) -> None:
    registry = Registry(web.host)
    layout.put_blob(CONTENTS[0])
    damaged = layout.locate(layout.put_blob(CONTENTS[1]))
    damaged.unlink()
    damaged.write_bytes(bytes(2000))
    (layout.ingest() / f"sha256-{BLOBS[2].digest.hex}.part").write_bytes(CONTENTS[2][:400])
    plan = plan_pull(registry, unique_repository, "1", layout)
    found = {blob.descriptor.size: (blob.here, blob.arrived, blob.bytes_to_move) for blob in plan.blobs}
    assert found == {3000: (True, 0, 0), 2000: (False, 0, 2000), 1000: (False, 400, 600), 2: (False, 0, 2)}
    assert plan.bytes_to_move == 2602
    pull(registry, unique_repository, "1", layout)
    assert [layout.read(blob) for blob in BLOBS] == list(CONTENTS)


@pytest.mark.usefixtures("source")
def test_what_is_left_out_is_told_and_written_down(web: Web, layout: Layout, unique_repository: str) -> None:
    registry, unwanted = Registry(web.host), BLOBS[1]
    plan = plan_pull(registry, unique_repository, "1", layout, select=lambda node: all_but(unwanted, node))
    assert [node.digest for node in plan.left_out] == [unwanted.digest]
    assert plan.bytes_to_move == 4000 + len(EMPTY_CONTENT)

    root = pull(registry, unique_repository, "1", layout, name="a:1", select=lambda node: all_but(unwanted, node))
    assert root.annotations[PARTIAL] == str(unwanted.digest)
    assert layout.resolve("a:1") == root
    assert [node.digest for node in lacking(layout, root)] == [unwanted.digest]
    assert not any(str(unwanted.digest) in path for path in blob_requests(web))

    whole = pull(registry, unique_repository, "1", layout, name="a:1")
    assert whole == replace(root, annotations={}) == layout.resolve("a:1")
    assert lacking(layout, whole) == ()
    # What is here already is not missing because somebody does not want it now.
    assert pull(registry, unique_repository, "1", layout, select=lambda _: False) == whole


def test_a_manifest_that_is_left_out_takes_its_blobs_along(
    web: Web, layout: Layout, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    source = Layout(tmp_path / "source")
    one, two = put_artifact(source, CONTENTS[0]), put_artifact(source, CONTENTS[1])
    index = source.put_manifest(build_index([one, two]))
    push(source, index, Registry(docker_registry.host), unique_repository, tags=["1"])
    root = pull(Registry(web.host), unique_repository, "1", layout, name="a:1", select=lambda node: all_but(two, node))
    assert [node.digest for node in lacking(layout, root)] == [two.digest]
    assert (layout.has(BLOBS[0]), layout.has(BLOBS[1])) == (True, False)
    assert lacking(layout, root, select=lambda node: node.media_type != MANIFEST or node.digest == one.digest) == ()
    assert not any(str(two.digest) in request.path for request in web.seen)


@pytest.mark.usefixtures("source")
def test_a_pull_that_is_not_approved_moves_nothing(web: Web, layout: Layout, unique_repository: str) -> None:
    def refuse(_: object) -> None:
        raise NotFoundError("none of that")

    with pytest.raises(NotFoundError, match="none of that"):
        pull(Registry(web.host), unique_repository, "1", layout, name="a:1", approve=refuse)
    assert blob_requests(web) == []
    assert layout.tags() == {}


def test_the_manifests_of_an_index_are_fetched_side_by_side(
    docker_registry: DockerRegistry, unique_repository: str, layout: Layout, tmp_path: Path
) -> None:
    """The registry answers for none of three until it was asked for all."""
    source, together = Layout(tmp_path / "source"), threading.Barrier(3)
    release = put_release(source, *CONTENTS)
    push(source, release, Registry(docker_registry.host), unique_repository, tags=["1"])

    def through(request: Request) -> Reply:
        if "/manifests/sha256:" in request.path:
            together.wait(30)
        return forwarded(request, docker_registry.host)

    with web_server(through) as server:
        plan = plan_pull(Registry(server.host), unique_repository, "1", layout)
    assert list(plan.documents) == [*(one.digest for one in source.manifest(release).children), release.digest]
