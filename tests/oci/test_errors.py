"""What users are told when something is wrong with a registry, a store or the way between them, on one page.

``golden/errors.txt`` holds the messages of all cases as they are shown: read it. Each says what could not be done,
where, why, and the way out.
"""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_artifact
from tests.support.small_registry import (
    FOREVER,
    QUICK,
    Fault,
    Rules,
    Seen,
    SmallRegistry,
    reads_manifest,
    sends_blob,
    sends_manifest,
    small_registry,
)

from modelport.errors import ModelportError
from modelport.oci import Descriptor, Layout, Manifest, Registry, build_manifest, pull, push
from modelport.oci.media import EMPTY, EMPTY_CONTENT, MANIFEST, MANIFEST_LIMIT
from modelport.oci.net.credentials import Credentials
from modelport.oci.net.patience import Patience
from modelport.oci.referrers import referrers
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden" / "errors.txt"
LAYER = b"the layer's bytes"
JANE = Credentials("jane", "secret")
BLOB = Digest.of(LAYER)
ONCE = replace(QUICK, attempts=1)


class Scene:
    """A registry that holds ``demo:1``, a store that holds the same, and an empty one."""

    def __init__(self, small: SmallRegistry, folder: Path) -> None:
        self.small = small
        self.source, self.target = Layout(folder / "store"), Layout(folder / "target")
        self.root = put_artifact(self.source, LAYER)
        self.source.tag("demo:1", self.root)
        for node in self.source.manifest(self.root).children:
            small.content.put_blob("demo", self.source.read(node), str(node.digest))
        self.serve(self.source.read(self.root))
        self.patience = QUICK
        self.credentials: Credentials | None = None

    @property
    def client(self) -> Registry:
        return self.small.client(patience=self.patience, credentials=self.credentials)

    def serve(self, raw: bytes, *, media_type: str = MANIFEST, tag: str = "1") -> Digest:
        """Let the registry hold a manifest as it is."""
        digest = Digest.of(raw)
        self.small.content.put_manifest("demo", str(digest), media_type, raw, [tag])
        return digest

    def pull(self, reference: str | Digest = "1", repository: str = "demo") -> None:
        pull(self.client, repository, reference, self.target, name="demo:1")

    def push(self, repository: str = "elsewhere") -> None:
        push(self.source, self.root, self.client, repository, tags=["1"])

    def fault(self, *faults: Fault) -> None:
        self.small.add(*faults)


def sends_layer(seen: Seen) -> bool:
    """Match what carries the layer: blobs travel side by side, and only one shall fail."""
    return sends_blob(seen) and seen.headers["content-length"] == str(len(LAYER))


CASES: list[tuple[str, Rules, Callable[[Scene], object]]] = []
"""What happens, the kind of registry it happens at, and how it is brought about."""


def case(what: str, **rules: object) -> Callable[[Callable[[Scene], object]], Callable[[Scene], object]]:
    """Take a function for a case."""

    def take(bring_about: Callable[[Scene], object]) -> Callable[[Scene], object]:
        CASES.append((what, Rules(**rules), bring_about))  # type: ignore[arg-type]
        return bring_about

    return take


# The way there


@case("the registry cannot be reached")
def _unreachable(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
    pull(Registry(host, patience=scene.patience), "demo", "1", scene.target)


@case("the registry says nothing")
def _silent(scene: Scene) -> None:
    scene.patience = Patience(attempts=1, read_timeout=0.1)
    scene.fault(Fault("stall", None, times=FOREVER))
    scene.pull()


@case("the connection breaks in a blob, again and again")
def _cut(scene: Scene) -> None:
    scene.fault(Fault("cut", 0, on=lambda seen: seen.path.endswith(BLOB.hex), times=FOREVER))
    scene.pull()


@case("the registry is overloaded")
def _overloaded(scene: Scene) -> None:
    scene.fault(Fault("status", status=503, times=FOREVER))
    scene.pull()


@case("the registry asks to come back in an hour")
def _limited(scene: Scene) -> None:
    scene.fault(Fault("status", status=429, headers={"Retry-After": "3600"}, times=FOREVER))
    scene.pull()


# Rights


@case("nobody is logged in", auth="basic")
def _nobody(scene: Scene) -> None:
    scene.pull()


@case("the password is wrong", auth="token")
def _wrong_password(scene: Scene) -> None:
    scene.credentials = Credentials("jane", "guessed")
    scene.pull()


@case("the token gives no right to push", auth="token", anonymous_pull=True)
def _no_right_to_push(scene: Scene) -> None:
    scene.push()


@case("the registry refuses")
def _forbidden(scene: Scene) -> None:
    scene.fault(Fault("status", status=403, on=sends_manifest))
    scene.push()


# What is not there


@case("there is no such repository")
def _no_repository(scene: Scene) -> None:
    scene.pull(repository="dmeo")


@case("there is no such tag")
def _no_tag(scene: Scene) -> None:
    scene.pull("2.0.0")


@case("there is no such digest")
def _no_digest(scene: Scene) -> None:
    scene.pull(Digest.of(b"absent"))


@case("a blob is missing in the registry")
def _no_blob(scene: Scene) -> None:
    scene.small.content.repository("demo").blobs.discard(str(BLOB))
    scene.pull()


@case("there is no such tag in the store")
def _no_tag_here(scene: Scene) -> None:
    scene.source.resolve("demo:2.0.0")


@case("a blob is missing in the store")
def _no_blob_here(scene: Scene) -> None:
    (scene.source.path / "blobs" / "sha256" / BLOB.hex).unlink()
    scene.push()


# What is wrong


@case("the registry sends another blob than asked for")
def _other_blob(scene: Scene) -> None:
    scene.small.content.bytes[str(BLOB)] = b"the Layer's bytes"
    scene.pull()


@case("the registry sends another manifest than asked for")
def _other_manifest(scene: Scene) -> None:
    scene.small.content.bytes[str(scene.root.digest)] = build_manifest(Descriptor.of(b""), [])
    scene.pull(scene.root.digest)


@case("a blob in the registry is shorter than it was")
def _truncated(scene: Scene) -> None:
    scene.small.content.bytes[str(BLOB)] = LAYER[:7]
    scene.pull()


@case("the registry sends more than there should be")
def _longer(scene: Scene) -> None:
    scene.small.content.bytes[str(BLOB)] = LAYER * 2
    scene.pull()


@case("the registry's digest header names something else")
def _lying_header(scene: Scene) -> None:
    scene.fault(Fault("digest", on=reads_manifest, times=FOREVER))
    scene.pull()


@case("bytes change on their way to the registry")
def _changed_on_the_way(scene: Scene) -> None:
    scene.fault(Fault("flip", 5, on=sends_layer, of="request", times=FOREVER))
    scene.push()


@case("the registry stores another manifest than it was sent")
def _stored_another(scene: Scene) -> None:
    scene.fault(Fault("digest", on=sends_manifest, times=FOREVER))
    scene.push()


@case("a blob in the store is damaged")
def _damaged_here(scene: Scene) -> None:
    (scene.source.path / "blobs" / "sha256" / BLOB.hex).write_bytes(b"the Layer's bytes")
    scene.push()


@case("the registry lacks what a manifest lists")
def _refused_manifest(scene: Scene) -> None:
    scene.client.put_manifest("demo", Manifest.parse(build_manifest(Descriptor.of(b"absent"), [])), tag="2")


# What cannot be read


@case("a manifest is too large")
def _too_large(scene: Scene) -> None:
    config = Descriptor.of(EMPTY_CONTENT, media_type=EMPTY)
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config.to_json(), "layers": []}
    scene.serve(json.dumps({**document, "annotations": {"x": "y" * MANIFEST_LIMIT}}).encode())
    scene.pull()


@case("a manifest that is made is too large")
def _too_large_to_make(_: Scene) -> None:
    config = Descriptor.of(EMPTY_CONTENT, media_type=EMPTY)
    build_manifest(config, [], annotations={"x": "y" * MANIFEST_LIMIT})


@case("a manifest is of a media type that is not known")
def _unknown_media_type(scene: Scene) -> None:
    kind = "application/vnd.example.manifest.v3+json"
    scene.serve(json.dumps({"schemaVersion": 2, "mediaType": kind}).encode(), media_type=kind)
    scene.pull()


@case("a manifest is of Docker's first schema")
def _old_schema(scene: Scene) -> None:
    scene.serve(b'{"schemaVersion": 1, "name": "demo", "tag": "1", "fsLayers": []}')
    scene.pull()


@case("a web page answers in place of a registry")
def _web_page(scene: Scene) -> None:
    scene.serve(b"<!DOCTYPE html><title>Welcome</title>")
    scene.pull()


@case("the server does not speak HTTP")
def _no_http(_: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = Registry(f"127.0.0.1:{server.getsockname()[1]}", patience=ONCE)
        server.settimeout(5)
        # The greeting waits in the connection before the request is sent, as a mail server's does.
        server.listen()
        _greet_then(server, lambda: client.resolve("demo", "1"))


def _greet_then(server: socket.socket, ask: Callable[[], object]) -> None:
    import threading  # noqa: PLC0415 - only here

    def greet() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"220 mail.example.com ESMTP\r\n")
            connection.recv(4096)

    greeting = threading.Thread(target=greet)
    greeting.start()
    try:
        ask()
    finally:
        greeting.join()


@case("the store was written by a newer version")
def _newer_layout(scene: Scene) -> None:
    (scene.source.path / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}', "utf-8")
    scene.push()


@case("the store is a folder with something else in it")
def _foreign_folder(scene: Scene) -> None:
    scene.target.path.mkdir()
    (scene.target.path / "thesis.tex").touch()
    scene.pull()


# What there is no room for, and what cannot be done


@case("the disk cannot hold what is to come")
def _no_room(scene: Scene) -> None:
    config = Descriptor.of(EMPTY_CONTENT, media_type=EMPTY)
    scene.serve(build_manifest(config, [replace(Descriptor.of(b"huge"), size=2**62)]))
    scene.pull()


@case("the registry's disk is full")
def _no_room_there(scene: Scene) -> None:
    scene.fault(Fault("status", status=507, on=sends_layer, of="request", times=FOREVER))
    scene.push()


@case("the registry deletes nothing", deletes=False)
def _no_deletes(scene: Scene) -> None:
    scene.client.delete_tag("demo", "1")


@case("referrers are asked for and the registry fails")
def _no_referrers(scene: Scene) -> None:
    scene.fault(Fault("status", status=500, times=FOREVER))
    referrers(scene.client, "demo", scene.root.digest)


def test_every_error_says_what_where_why_and_the_way_out(golden: Callable[[Path, str], None], tmp_path: Path) -> None:
    told, hopeless = [], list[str]()
    for number, (what, rules, bring_about) in enumerate(CASES):
        folder = tmp_path / f"{number}"
        with small_registry(rules) as small:
            scene = Scene(small, folder)
            with pytest.raises(ModelportError) as caught:
                bring_about(scene)
            text = f"[{what}]\n{type(caught.value).__name__}: {caught.value}\n"
            text = text.replace(small.token_host, "TOKENS").replace(str(folder), "FOLDER")
        hopeless += [] if caught.value.hint else [what]
        text = re.sub(r"127\.0\.0\.1:\d+", "HOST", text)
        told.append(re.sub(r"(?<=room for )[\d.]+|(?<=within )\d+", "N", text))
    golden(GOLDEN, "\n".join(told))
    assert hopeless == []
