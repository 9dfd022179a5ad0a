"""The signature's JSON form: read back as it was, and refused when a hand has changed it."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.samples import EVERYTHING
from tests.model.strategies import json_documents, signatures

from modelport.errors import FormatError
from modelport.model import Codec, ModelSpec
from modelport.model.spec import Message, MethodSpec, canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = {
    "schema": "modelport/signature/1",
    "methods": [{"name": "f", "doc": "", "input": "A", "output": "B"}],
    "messages": [
        {"name": "A", "doc": "", "fields": [{"name": "x", "type": {"list": {"message": "B"}}}]},
        {
            "name": "B",
            "doc": "",
            "fields": [{"name": "t", "type": {"tensor": {"dtype": "int8", "shape": ["n", None, 3]}}}],
        },
    ],
}


def named(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the proto_package that fits its content, so that only the other slip is found."""
    try:
        ModelSpec.from_json(document | {"proto_package": "modelport.s" + "0" * 16})
    except FormatError as error:
        _, found, package = error.message.rpartition("its content gives '")
        if found:
            return document | {"proto_package": package.rstrip("'")}
    return document | {"proto_package": "modelport.s" + "0" * 16}


def test_the_sample_is_good() -> None:
    spec = ModelSpec.from_json(named(GOOD))
    assert spec.to_json() == named(GOOD)
    assert [str(f.type) for m in spec.messages for f in m.fields] == ["list of B", "int8[n, ?, 3]"]
    assert ModelSpec.from_json(json.loads(canonical_json(spec.to_json()))) == spec
    assert hash(ModelSpec.from_json(spec.to_json())) == hash(spec)


def put(value: Any, *path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


def add(value: Any, *path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(document: Any) -> None:
        for step in path:
            document = document[step]
        document.append(value)

    return change


def field(name: str, kind: Any = None) -> dict[str, Any]:
    return {"name": name, "type": kind or {"scalar": "bool"}}


def two_slips(document: dict[str, Any]) -> None:
    put("é", "methods", 0, "name")(document)
    put(3, "messages", 1, "doc")(document)


TYPE = ("messages", 0, "fields", 0, "type")
CHANGES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "another schema": (put("modelport/signature/2", "schema"), "schema: "),
    "no methods": (put([], "methods"), "methods: "),
    "an unknown key": (put(1, "extra"), "extra"),
    "an unknown scalar": (put({"scalar": "fixed32"}, *TYPE), "messages.0.fields.0.type"),
    "an unknown dtype": (put({"tensor": {"dtype": "bfloat16", "shape": []}}, *TYPE), "messages.0.fields.0.type"),
    "a negative dimension": (put({"tensor": {"dtype": "int8", "shape": [-1]}}, *TYPE), "messages.0.fields.0.type"),
    "true as a dimension": (put({"tensor": {"dtype": "int8", "shape": [True]}}, *TYPE), "messages.0.fields.0.type"),
    "nine dimensions": (put({"tensor": {"dtype": "int8", "shape": [1] * 9}}, *TYPE), "messages.0.fields.0.type"),
    "a list of lists": (put({"list": {"list": {"scalar": "bool"}}}, *TYPE), "messages.0.fields.0.type"),
    "two types at once": (put({"scalar": "bool", "message": "B"}, *TYPE), "messages.0.fields.0.type"),
    "a missing message": (put({"message": "C"}, *TYPE), "message 'C' is missing"),
    "a missing input": (put("C", "methods", 0, "input"), "message 'C' is missing"),
    "a message twice": (add({"name": "A", "fields": []}, "messages"), "message or enumeration 'A' is there twice"),
    "a method twice": (add({"name": "f", "input": "A", "output": "A"}, "methods"), "method 'f' is there twice"),
    "a field twice": (add(field("x"), "messages", 0, "fields"), "fields 'x' and 'x' differ only"),
    "a field but for case": (add(field("X"), "messages", 0, "fields"), "fields 'x' and 'X' differ only"),
    "a reserved message": (add({"name": "TensorInt8", "fields": []}, "messages"), "'TensorInt8' is reserved"),
    "protobuf's word": (add({"name": "stream", "fields": []}, "messages"), "'stream' is reserved"),
    "recursion": (add(field("a", {"message": "A"}), "messages", 1, "fields"), "hold themselves.*: A, B$"),
    "a final line break": (put("f\n", "methods", 0, "name"), "methods.0.name"),
    "other letters": (put("größe", "methods", 0, "name"), "methods.0.name"),
    "half a surrogate pair": (put("\ud800", "methods", 0, "doc"), "not Unicode text"),
    "two slips": (two_slips, "methods.0.name.*; messages.1.doc"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_signature_is_refused(name: str) -> None:
    change, told = CHANGES[name]
    document = copy.deepcopy(GOOD)
    change(document)
    with pytest.raises(FormatError, match=rf"^not a signature: (?s:.*){told}"):
        ModelSpec.from_json(named(document))


def test_a_changed_name_of_the_package_is_refused() -> None:
    with pytest.raises(FormatError, match=r"proto_package is 'modelport\.s0{16}', its content gives"):
        ModelSpec.from_json(GOOD | {"proto_package": "modelport.s" + "0" * 16})


def test_a_changed_field_needs_another_package() -> None:
    changed = copy.deepcopy(named(GOOD))
    changed["messages"][0]["fields"][0]["name"] = "y"
    with pytest.raises(FormatError, match="its content gives"):
        ModelSpec.from_json(changed)


def test_a_size_written_as_a_fraction_is_the_same_size() -> None:
    document = copy.deepcopy(named(GOOD))
    document["messages"][1]["fields"][0]["type"]["tensor"]["shape"][2] = 3.0
    assert ModelSpec.from_json(document).to_json() == named(GOOD)


@pytest.mark.parametrize("document", [None, [], {}, "text", 3, {"schema": None}])
def test_what_is_no_signature_at_all(document: object) -> None:
    with pytest.raises(FormatError, match=r"^not a signature: "):
        ModelSpec.from_json(document)


def test_deep_nesting_ends() -> None:
    kind: dict[str, Any] = {"scalar": "bool"}
    for _ in range(100_000):
        kind = {"list": kind}
    document = copy.deepcopy(named(GOOD))
    document["messages"][0]["fields"][0]["type"] = kind
    with pytest.raises(FormatError, match=r"^not a signature: messages\.0\.fields\.0\.type\.list"):
        ModelSpec.from_json(document)


@given(signatures())
def test_what_was_written_is_read_without_the_schema(spec: ModelSpec) -> None:
    assert ModelSpec.from_own_json(spec.to_json()) == spec


@given(json_documents)
def test_random_documents_are_refused(document: object) -> None:
    for read in (ModelSpec.from_json, ModelSpec.from_own_json):
        with pytest.raises(FormatError):
            read(document)


@given(signatures(), st.data())
def test_a_signature_with_one_part_lost_or_replaced(spec: ModelSpec, data: st.DataObject) -> None:
    document = spec.to_json()
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    if data.draw(st.booleans()):
        place[key] = data.draw(json_documents)
    else:
        del place[key]
    try:
        read = ModelSpec.from_json(document)
    except FormatError:
        pass
    else:
        assert read.proto_package == spec.proto_package, "only wording may change without another package"


def test_messages_and_methods_by_name() -> None:
    assert EVERYTHING.spec.method("add") == MethodSpec("add", "AddIn", "AddOut", "Add two numbers.")
    assert EVERYTHING.spec.message("Nothing") == Message("Nothing")
    with pytest.raises(FormatError, match=r"no message 'x'"):
        EVERYTHING.spec.message("x")


def test_a_bare_codec_has_a_class_for_words_of_python() -> None:
    document = {
        "schema": "modelport/signature/1",
        "methods": [{"name": "f", "input": "None", "output": "None"}],
        "messages": [{"name": "None", "fields": [field("class", {"scalar": "string"})]}],
    }
    codec = Codec.bare(ModelSpec.from_json(named(document)))
    native = codec.from_json({"class": "setosa"}, "None")
    assert getattr(native, "class") == "setosa"
    assert codec.from_bytes(codec.to_bytes(native, "None"), "None") == native
