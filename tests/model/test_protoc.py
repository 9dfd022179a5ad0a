"""protoc as an independent judge of the ``.proto`` text, the descriptors, the bytes and the JSON form."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools.protoc import main
from hypothesis import given, settings
from tests.model.protobuf_json import as_protobuf, without_tensors
from tests.model.samples import EVERYTHING, Point, add
from tests.model.strategies import natives, same, signatures

from modelport.model import Codec, Model, ModelSpec
from modelport.model.proto import file_descriptor, message_classes, proto_text
from modelport.model.spec import Field, ListOf, Message, MessageRef, MethodSpec, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"


def protoc(text: str, folder: Path, *outputs: str) -> None:
    (folder / "model.proto").write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", *outputs, "model.proto"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr}\n{text}"


def compiled(text: str) -> FileDescriptorProto:
    """Return protoc's descriptor, made in this process: one start of Python for each example would be slow."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.proto").write_text(text, "utf-8")
        out = Path(folder) / "set"
        assert main(["protoc", f"-I{folder}", f"--descriptor_set_out={out}", "model.proto"]) == 0, text
        return FileDescriptorSet.FromString(out.read_bytes()).file[0]


def test_the_descriptor_is_protocs() -> None:
    assert compiled(proto_text(EVERYTHING.spec)) == file_descriptor(EVERYTHING.spec)


@settings(max_examples=max(settings().max_examples // 2, 10))
@given(signatures())
def test_the_descriptor_of_any_signature_is_protocs(spec: ModelSpec) -> None:
    assert compiled(proto_text(spec)) == file_descriptor(spec)


@pytest.mark.parametrize(
    "name",
    [
        "modelport",
        "returns",
        "package",
        "syntax",
        "import",
        "public",
        "weak",
        "service",
        "edition",
        "to",
        "max",
        "inf",
        "nan",
        "true",
        "default",
        "packed",
        "google",
        "s",
        "Message",
        "Double",
        "shape",
        "data",
        "map",
        "rpc",
        "export",
        "local",
    ],
)
def test_a_name_that_is_not_reserved_does_for_protoc(name: str) -> None:
    def ref(kind: MessageRef) -> Message:
        return Message("Outer", (Field(name, kind), Field("other", ListOf(kind))))

    spec = ModelSpec(
        (Message(name, (Field(name, Scalar("double")),)), ref(MessageRef(name))), (MethodSpec(name, name, "Outer"),)
    ).with_proto_package()
    assert ModelSpec.from_json(spec.to_json()) == spec
    assert compiled(proto_text(spec)) == file_descriptor(spec)


def test_any_docstring_is_a_comment() -> None:
    for doc in (
        "*/ } // \\",
        "a\0b",
        "tab\there",
        "a\rb\x0bc\x0cd\x1ce\x85f\u2028g",
        "\ud800",
        "// x\n\n  y ",
        "\x7f\b",
    ):
        spec = ModelSpec((Message("A", (), doc),), (MethodSpec("m", "A", "A", doc),)).with_proto_package()
        assert compiled(proto_text(spec).encode().decode()) == file_descriptor(spec)


def test_the_text_is_the_golden_one(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "everything.proto", proto_text(EVERYTHING.spec))


@pytest.fixture(scope="module")
def cases() -> list[tuple[str, Any]]:
    """Values of every message, the same in every run."""
    return [(message, value) for message in EVERYTHING.codec.types for value in examples(message)]


def examples(message: str) -> list[Any]:
    found: list[Any] = []

    @settings(max_examples=20, derandomize=True, database=None)
    @given(natives(EVERYTHING.codec, message))
    def collect(value: object) -> None:
        found.append(value)

    collect()
    return found


@pytest.fixture(scope="module")
def judged(
    cases: list[tuple[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[bytes, dict[str, Any]]]:
    """What the judge says of our bytes: its own bytes, and its JSON."""
    folder = tmp_path_factory.mktemp("judge")
    protoc(proto_text(EVERYTHING.spec), folder, f"--python_out={folder}")
    ours = [[name, base64.b64encode(EVERYTHING.codec.to_bytes(value, name)).decode()] for name, value in cases]
    (folder / "cases.json").write_text(json.dumps(ours), "utf-8")
    judge = Path(__file__).with_name("judge.py")
    done = subprocess.run([sys.executable, "-P", judge, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [(base64.b64decode(theirs), shown) for theirs, shown in json.loads(done.stdout)]


def test_generated_classes_read_ours_and_we_read_theirs(
    cases: list[tuple[str, Any]], judged: list[tuple[bytes, dict[str, Any]]]
) -> None:
    assert len(cases) > 100
    for (name, value), (theirs, _) in zip(cases, judged, strict=True):
        assert same(EVERYTHING.codec.from_bytes(theirs, name), value)
        assert EVERYTHING.codec.to_bytes(value, name) == theirs


def test_our_json_is_protobufs_where_both_say_how(
    cases: list[tuple[str, Any]], judged: list[tuple[bytes, dict[str, Any]]]
) -> None:
    for (name, value), (_, shown) in zip(cases, judged, strict=True):
        ours = as_protobuf(EVERYTHING.codec.to_json(value, name), MessageRef(name), EVERYTHING.spec)
        assert ours == without_tensors(shown, name, EVERYTHING.spec)


def test_protobufs_json_of_64_bit_integers_is_accepted() -> None:
    assert EVERYTHING.call("add", {"x": "9007199254740993", "y": "0"}) == {"value": 9007199254740993}


def test_absent_scalars_are_zero_and_absent_messages_are_not() -> None:
    assert EVERYTHING.codec.from_bytes(b"", "AddIn") == EVERYTHING.codec.types["AddIn"](0, 0)
    assert EVERYTHING.codec.from_bytes(b"", "Point") == Point(0.0, 0.0)


def test_unknown_fields_are_passed_over() -> None:
    bigger = message_classes(EVERYTHING.spec)["Scalars"]
    assert EVERYTHING.codec.from_bytes(bigger(text="x").SerializeToString(), "AddIn") == (0, 0)


def test_a_client_with_the_signature_alone_speaks_the_same() -> None:
    model, bare = Model(add=add), Codec.bare(ModelSpec.from_json(Model(add=add).spec.to_json()))
    request = bare.to_bytes(bare.types["AddIn"](1, 2), "AddIn")
    assert bare.from_bytes(model.methods["add"].call_bytes(request), "AddOut") == (3,)
