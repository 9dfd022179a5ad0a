"""Descriptors, manifests and indexes: what is written is read, and nothing else is."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.errors import FormatError
from modelport.oci import Descriptor, Index, Manifest, build_index, build_manifest
from modelport.oci.manifest import canonical_json, parse_document
from modelport.oci.media import EMPTY, INDEX, MANIFEST, MANIFEST_LIMIT
from modelport.oci.values import MediaType, Platform
from modelport.types import Digest

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
note_maps = st.dictionaries(texts, texts, max_size=4)
media_types = st.from_regex(r"\A[a-z]{1,9}/[a-z0-9][a-z0-9.+-]{0,30}\Z")
digests = st.binary(max_size=8).map(Digest.of)
words = st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,9}\Z")
platforms = st.builds(Platform, words, words, st.just("") | words, st.just("") | words, st.lists(words).map(tuple))


def descriptors(media_type: st.SearchStrategy[str] = media_types) -> st.SearchStrategy[Descriptor]:
    return st.builds(
        Descriptor,
        media_type=media_type,
        digest=digests,
        size=st.integers(0, 2**63 - 1),
        annotations=note_maps,
        artifact_type=st.none() | media_types,
        platform=st.none() | platforms,
    )


@given(descriptors())
def test_descriptor_survives_json(descriptor: Descriptor) -> None:
    assert Descriptor.parse(json.loads(canonical_json(descriptor.to_json()))) == descriptor


@given(
    descriptors(), st.lists(descriptors(), max_size=3), note_maps, st.none() | media_types, st.none() | descriptors()
)
def test_manifest_says_what_it_was_built_from(
    config: Descriptor,
    layers: list[Descriptor],
    notes: dict[str, str],
    artifact_type: str | None,
    subject: Descriptor | None,
) -> None:
    raw = build_manifest(config, layers, artifact_type=artifact_type, annotations=notes, subject=subject)
    manifest = Manifest.parse(raw)
    assert (manifest.config, list(manifest.layers)) == (config, layers)
    assert (manifest.artifact_type, manifest.annotations, manifest.subject) == (artifact_type, notes, subject)
    assert manifest.raw == raw
    assert manifest.descriptor.digest == Digest.of(raw)
    assert manifest.children == (config, *layers)


@given(st.lists(descriptors(), max_size=3), note_maps)
def test_index_says_what_it_was_built_from(manifests: list[Descriptor], notes: dict[str, str]) -> None:
    index = Index.parse(build_index(manifests, annotations=notes))
    listed = [dataclasses.replace(manifest, artifact_type=None) for manifest in manifests]
    assert (list(index.manifests), index.annotations, index.media_type) == (listed, notes, INDEX)


@given(st.permutations([("a", "1"), ("b", "2"), ("ü", "3")]))
def test_equal_input_gives_equal_bytes(pairs: list[tuple[str, str]]) -> None:
    config = Descriptor.of(b"{}", media_type=EMPTY)
    expected = build_manifest(config, [], annotations={"a": "1", "b": "2", "ü": "3"})
    assert build_manifest(config, [], annotations=dict(pairs)) == expected


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | texts, lambda s: st.lists(s) | st.dictionaries(texts, s)).map(
        lambda v: json.dumps(v).encode()
    )
)
def test_anything_else_is_a_format_error(raw: bytes) -> None:
    with pytest.raises(FormatError):
        parse_document(raw)


def manifest_json(**changes: object) -> bytes:
    config = Descriptor.of(b"{}", media_type=EMPTY).to_json()
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []} | changes
    return json.dumps({key: value for key, value in document.items() if value is not ...}).encode()


LAYER = Descriptor.of(b"x").to_json()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (manifest_json(schemaVersion=1), "schemaVersion"),
        (manifest_json(mediaType="text/plain"), "mediaType"),
        (manifest_json(mediaType=["text/plain"]), "mediaType"),
        (manifest_json(mediaType=INDEX), "mediaType"),
        (manifest_json(manifests=[]), "both layers and manifests"),
        (manifest_json(layers=...), "layers"),
        (manifest_json(config=...), "config"),
        (manifest_json(layers=[LAYER | {"size": -1}]), r"layers\[0\]\.size"),
        (manifest_json(layers=[LAYER | {"size": True}]), r"layers\[0\]\.size"),
        (manifest_json(layers=[LAYER | {"size": 1.0}]), r"layers\[0\]\.size"),
        (manifest_json(layers=[LAYER | {"size": 2**63}]), r"layers\[0\]\.size"),
        (manifest_json(layers=[LAYER | {"digest": "sha256:00"}]), "sha256:00"),
        (manifest_json(layers=[LAYER | {"digest": 5}]), "digest"),
        (manifest_json(layers=[LAYER | {"mediaType": "x"}]), "mediaType"),
        (manifest_json(layers=[LAYER | {"annotations": {"a": 1}}]), "annotations"),
        (manifest_json(layers=[LAYER | {"platform": "linux"}]), "platform"),
        (manifest_json(annotations=[]), "annotations"),
        (b'{"schemaVersion": 2, "schemaVersion": 2, "config": {}, "layers": []}', "twice"),
        (b'{"schemaVersion": NaN}', "NaN"),
        (b"[" * 100_000, "not JSON"),
        (b'{"schemaVersion": 2, "manifests": []}' + b" " * MANIFEST_LIMIT, "more than"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_manifest_is_named(raw: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        parse_document(raw)


def test_kinds_are_told_apart() -> None:
    with pytest.raises(FormatError, match="index"):
        Manifest.parse(build_index([]))
    with pytest.raises(FormatError, match="manifest"):
        Index.parse(manifest_json())


def test_what_would_not_parse_is_not_built() -> None:
    with pytest.raises(FormatError):
        build_manifest(Descriptor.of(b"{}", media_type="no type"), [])
    with pytest.raises(FormatError):
        build_index([], annotations={"a": "\ud800"})


class TestValues:
    @given(platforms)
    def test_a_platform_is_what_it_was_after_text_and_json(self, platform: Platform) -> None:
        assert Platform.from_json(platform.to_json()) == platform
        short = dataclasses.replace(platform, os_version="", os_features=())
        assert Platform.parse(str(platform)) == short

    @pytest.mark.parametrize("text", ["", "linux", "linux/", "/arm64", "linux/arm64/v8/x", "linux/arm 64", "linux//v8"])
    def test_what_is_no_platform(self, text: str) -> None:
        with pytest.raises(FormatError, match="is not a platform"):
            Platform.parse(text)

    @pytest.mark.parametrize(
        ("document", "said"),
        [
            ([], "is not an object"),
            ({"os": "linux"}, "lacks os or architecture"),
            ({"os": 1, "architecture": "arm64"}, "a field that is not a text"),
            ({"os": "linux", "architecture": "arm64", "os.features": "x"}, "a field that is not a text"),
        ],
    )
    def test_what_is_no_platform_in_an_index(self, document: object, said: str) -> None:
        with pytest.raises(FormatError, match=said):
            Platform.from_json(document)

    def test_a_media_type_is_a_text(self) -> None:
        assert MediaType.parse("text/plain") == "text/plain"
        with pytest.raises(FormatError, match="not a media type"):
            MediaType.parse("text/plain; charset=utf-8")
