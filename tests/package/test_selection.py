"""Which layers and manifests a selection takes, from descriptors alone."""

from __future__ import annotations

import pytest

from modelport.errors import NotFoundError
from modelport.oci import Descriptor, Manifest, build_index, build_manifest
from modelport.oci.manifest import parse_document
from modelport.oci.media import INDEX, MANIFEST, OCTETS, TITLE
from modelport.oci.plan import PlannedBlob, PullPlan
from modelport.oci.values import Platform
from modelport.package.modelpack import file_kind
from modelport.package.selection import ANNOTATION_VARIANT, EVERYTHING, KINDS, Selection, kind_of, title_of


def layer(kind: str, path: str, form: str = "raw", prefix: str = "cncf") -> Descriptor:
    media_type = f"application/vnd.{prefix}.model.{kind}.v1.{form}"
    return Descriptor.of(f"{kind} {path}".encode(), media_type=media_type, annotations={TITLE: path})


LAYERS = [
    layer("weight", "state/model.onnx"),
    layer("weight", "weight.tar", "tar"),
    layer("weight.config", "weight.config.tar", "tar"),
    layer("doc", "doc.tar", "tar"),
    layer("code", "code.tar", "tar"),
    layer("dataset", "data/holdout.csv"),
]
NAMES = {title_of(one) for one in LAYERS}


def taken(selection: Selection) -> set[str]:
    return {title_of(one) for one in LAYERS if selection(one)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_taken_by_its_media_type(kind: str) -> None:
    expected = {title_of(one) for one in LAYERS if kind_of(one) == kind}
    assert expected
    assert taken(Selection(kinds=frozenset({kind}))) == expected


def test_data_sets_come_only_when_they_are_asked_for() -> None:
    assert NAMES - taken(Selection()) == {"data/holdout.csv"}
    assert taken(Selection(only=("*",))) == NAMES - {"data/holdout.csv"}
    assert taken(Selection(kinds=frozenset({"dataset"}))) == {"data/holdout.csv"}
    assert taken(Selection(kinds=frozenset({"all"}))) == taken(EVERYTHING) == NAMES


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("state/model.onnx", {"state/model.onnx", "weight.tar"}),
        ("state/*", {"state/model.onnx", "weight.tar"}),
        ("state/small.npy", {"weight.tar"}),
        ("code/*.py", {"code.tar"}),
        ("requirements.lock", {"code.tar"}),
        ("package.json", {"weight.config.tar"}),
        ("README.md", {"doc.tar"}),
        ("*.json", {"weight.tar", "weight.config.tar", "doc.tar", "code.tar"}),
        ("*.onnx", {"state/model.onnx", "weight.tar", "weight.config.tar", "doc.tar", "code.tar"}),
    ],
)
def test_a_tar_is_taken_when_it_may_hold_what_is_wanted(pattern: str, expected: set[str]) -> None:
    assert taken(Selection(only=(pattern,))) == expected


@pytest.mark.parametrize(
    "path", ["package.json", "state/a.npy", "code/x/y.py", "requirements.lock", "model.proto", "examples.json"]
)
def test_every_file_of_a_package_is_found_by_its_own_name(path: str) -> None:
    # Whatever pattern fits the path, its tar is taken: nothing that was asked for stays away.
    for pattern in (path, "*", f"{path[:3]}*", f"*{path[-4:]}", path.replace("a", "?"), f"{path.partition('/')[0]}*"):
        assert Selection(only=(pattern,))(layer(file_kind(path), f"{file_kind(path)}.tar", "tar")), pattern


def test_tars_of_other_tools_and_older_names_are_known() -> None:
    assert kind_of(layer("weight", "x", prefix="cnai")) == "weight"
    assert kind_of(layer("weight.config", "x", "tar+zstd")) == "weight.config"
    assert kind_of(Descriptor.of(b"", media_type=OCTETS)) is None
    assert Selection(only=("state/*",))(layer("doc", "everything", "tar+gzip"))  # who knows what is in it
    assert Selection()(Descriptor.of(b"", media_type=OCTETS))
    assert not Selection(kinds=frozenset({"doc"}))(Descriptor.of(b"", media_type=OCTETS))


def child(variant: str | None = None, platform: Platform | None = None) -> Descriptor:
    annotations = {ANNOTATION_VARIANT: variant} if variant else {}
    raw = build_manifest(Descriptor.of(b"{}"), [layer("weight", str(variant))])
    made = Manifest.parse(raw).descriptor
    return Descriptor(
        media_type=MANIFEST, digest=made.digest, size=made.size, annotations=annotations, platform=platform
    )


@pytest.mark.parametrize(
    ("variant", "expected"),
    [(None, ["model"]), ("int8", ["int8"]), ("fp16", ["fp16"]), ("all", ["model", "int8", "fp16", "image"])],
)
def test_of_a_release_the_model_is_taken_or_the_variant(variant: str | None, expected: list[str]) -> None:
    release = {
        "model": child(),
        "int8": child("int8"),
        "fp16": child("fp16"),
        "image": child(platform=Platform("linux", "amd64")),
    }
    selection = Selection(variant=variant)
    assert [name for name, node in release.items() if selection(node)] == expected


def plan_of(selection: Selection, manifest: Manifest, *children: Descriptor) -> PullPlan:
    index = parse_document(build_index(children))
    wanted = [one for one in children if selection(one)]
    layers = [one for one in manifest.layers if selection(one)] if wanted else []
    documents = {index.descriptor.digest: index, **({manifest.descriptor.digest: manifest} if wanted else {})}
    left_out = tuple(one for one in children if not selection(one))
    blobs = tuple(PlannedBlob(descriptor=one, here=False) for one in layers)
    assert index.media_type == INDEX
    return PullPlan(root=index.descriptor, documents=documents, blobs=blobs, left_out=left_out)


def test_who_chooses_nothing_that_is_there_is_told_what_there_is() -> None:
    manifest = Manifest.parse(build_manifest(Descriptor.of(b"{}"), [layer("weight", "state/a.onnx")]))
    selection = Selection(kinds=frozenset({"doc"}))
    with pytest.raises(NotFoundError) as caught:
        selection.check(plan_of(selection, manifest, manifest.descriptor), "iris:1")
    assert "state/a.onnx (weight)" in caught.value.hint
    selection = Selection(variant="int4")
    with pytest.raises(NotFoundError, match="no variant 'int4'") as caught:
        selection.check(plan_of(selection, manifest, child(), child("int8")), "iris:1")
    assert "int8" in caught.value.hint
    fine = Selection(kinds=frozenset({"weight"}))
    fine.check(plan_of(fine, manifest, manifest.descriptor), "iris:1")
