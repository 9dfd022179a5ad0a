"""The OpenAPI document, judged by others: JSON Schema, the specification, and the codec itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import openapi_spec_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.serve.models import kinds as make_kinds
from tests.support.every_kind import ARGUMENTS, LEAST, every_kind

from modelport.errors import CallError
from modelport.model import Model, ModelSpec
from modelport.model.about import About
from modelport.model.spec import (
    EnumRef,
    Field,
    ListOf,
    MapOf,
    Message,
    MessageRef,
    MethodSpec,
    OptionalOf,
    Scalar,
    TensorOf,
)
from modelport.serve import ServiceInfo
from modelport.serve.media import MEDIA_TYPES
from modelport.serve.openapi import openapi_document
from modelport.serve.samples import sample
from modelport.serve.schemas import signature_schemas

if TYPE_CHECKING:
    from tests.serve.running import Running

    from modelport.model.spec import FieldType

MODEL = make_kinds()
DOCUMENT = openapi_document(MODEL, ServiceInfo(name="kinds"))
EVERY = every_kind()
EVERY_DOCUMENT = openapi_document(EVERY, ServiceInfo(name="every"))


def validator_of(schema: dict[str, Any], document: dict[str, Any] = DOCUMENT) -> Draft202012Validator:
    """Return a validator in which ``#/components/...`` is found as in the whole document."""
    return Draft202012Validator(schema | {"components": document["components"]})


def message_validator(name: str, document: dict[str, Any] = DOCUMENT) -> Draft202012Validator:
    return validator_of({"$ref": f"#/components/schemas/{name}"}, document)


class TestOpenApi:
    def test_each_schema_is_a_json_schema(self, kinds: Running) -> None:
        document = kinds.client.get("/openapi.json").json()
        assert document["openapi"] == "3.1.0"
        assert document["info"]["version"] == "1.2.0"
        for schema in document["components"]["schemas"].values():
            Draft202012Validator.check_schema(schema)

    def test_every_reference_leads_somewhere(self) -> None:
        def references(part: object) -> set[str]:
            if isinstance(part, dict):
                own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
                return own.union(*map(references, part.values()))
            return set().union(*map(references, part)) if isinstance(part, list) else set()

        for reference in references(DOCUMENT):
            target: Any = DOCUMENT
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]

    @pytest.mark.parametrize("document", [DOCUMENT, EVERY_DOCUMENT], ids=["kinds", "every kind"])
    def test_it_is_openapi(self, document: dict[str, Any]) -> None:
        openapi_spec_validator.validate(json.loads(json.dumps(document)))
        operations = [one for path in document["paths"].values() for one in path.values()]
        ids = [one["operationId"] for one in operations]
        assert len(set(ids)) == len(ids)
        calls = [one for one in operations if one["tags"] == ["methods"]]
        assert all({"413", "422", "429", "503", "504"} <= one["responses"].keys() for one in calls)

    def test_the_inference_protocols_example_is_answered(self, kinds: Running) -> None:
        infer = DOCUMENT["paths"]["/v2/models/{model}/infer"]["post"]
        request = infer["requestBody"]["content"]["application/json"]["examples"]["example-1"]["value"]
        assert infer["parameters"][0]["schema"]["enum"][:2] == ["kinds", "kinds.echo"]
        answer = kinds.client.post("/v2/models/kinds/infer", json=request)
        assert answer.status_code == 200, answer.text
        schema = infer["responses"]["200"]["content"]["application/json"]["schema"]
        validator_of(schema).validate(answer.json())

    def test_it_has_every_method_in_every_form(self) -> None:
        for method in MODEL.spec.methods:
            operation = DOCUMENT["paths"][f"/model/methods/{method.name}"]["post"]
            assert operation["operationId"] == method.name
            for content in (operation["requestBody"]["content"], operation["responses"]["200"]["content"]):
                assert set(content) >= {"application/json", "application/x-protobuf", "application/vnd.google.protobuf"}
            full_name = operation["requestBody"]["content"]["application/x-protobuf"]["x-modelport-message"]
            assert full_name == f"{MODEL.spec.proto_package}.{method.input}"

    def test_the_examples_hold_to_the_schemas(self) -> None:
        shown = 0
        for path in (f"/model/methods/{one.name}" for one in MODEL.spec.methods):
            operation = DOCUMENT["paths"][path]["post"]
            parts = [operation["requestBody"], operation["responses"]["200"]] if operation else []
            for content in (part["content"]["application/json"] for part in parts):
                for example in content["examples"].values():
                    validator_of(content["schema"]).validate(example["value"])
                    shown += 1
        assert shown == 2 * len(MODEL.examples)

    def test_golden_examples_that_are_too_long_are_left_out(self) -> None:
        def length(text: str) -> int:
            return len(text)

        model = Model(length=length)
        model.add_example("length", {"text": "x" * 40_000})
        content = openapi_document(model, ServiceInfo(name="m"))["paths"]["/model/methods/length"]["post"][
            "requestBody"
        ]
        assert "examples" not in content["content"]["application/json"]

    def test_answers_and_problems_hold_to_the_schemas(self, kinds: Running) -> None:
        document = kinds.client.get("/openapi.json").json()
        responses = {
            "move": kinds.call("move", {}),
            "echo": kinds.call("echo", MODEL.examples[0].input),
            "nothing": kinds.call("nothing", {}, headers={"Accept": "text/html"}),
        }
        for method, answer in responses.items():
            described = document["paths"][f"/model/methods/{method}"]["post"]["responses"][str(answer.status_code)]
            if "$ref" in described:
                described = document["components"]["responses"][described["$ref"].rpartition("/")[2]]
            media_type = answer.headers["content-type"]
            validator_of(described["content"][media_type]["schema"], document).validate(answer.json())

    @pytest.mark.parametrize(
        ("field", "value", "fits"),
        [
            ("l", 2**63 - 1, True), ("l", 2**63, False), ("l", "-5", True), ("l", "5.0", False),
            ("v", "18446744073709551615", True), ("v", -1, False), ("u", "7", False), ("i", True, False),
            ("i", 2**31, False), ("f", 1e39, False), ("f", "NaN", True), ("d", "nan", False), ("s", 1, False),
            ("b", 0, False), ("raw", [], False),
        ],
    )  # fmt: skip
    def test_the_schema_and_the_service_agree(self, kinds: Running, field: str, value: object, fits: bool) -> None:  # noqa: FBT001 - a column of the table
        arguments = MODEL.examples[0].input | {field: value}
        assert message_validator("Many").is_valid(arguments) is fits
        assert (kinds.call("echo", arguments).status_code == 200) is fits

    def test_tensors_of_a_wrong_shape_do_not_fit(self) -> None:
        schema = message_validator("TensorsIn")
        right: dict[str, Any] = {"floats": [[1, 2, "NaN"]], "images": [[[0, 1], [2, 255]]], "halves": [65504]}
        assert schema.is_valid(right)
        for wrong in (
            {"floats": [[1, 2]]},
            {"floats": [1, 2, 3]},
            {"images": [[[0, 1], [2, 256]]]},
            {"halves": [70000]},
        ):
            assert not schema.is_valid(right | wrong)

    @pytest.mark.parametrize("model", [MODEL, EVERY], ids=["kinds", "every kind"])
    @given(data=st.data())
    def test_what_the_codec_takes_the_schema_allows(self, model: Model, data: st.DataObject) -> None:
        method = data.draw(st.sampled_from(model.spec.methods))
        arguments = data.draw(loosely(MessageRef(method.input), model.spec))
        try:
            native = model.codec.from_json(arguments, method.input)
        except CallError:
            return
        validator = message_validator(method.input, DOCUMENT if model is MODEL else EVERY_DOCUMENT)
        validator.validate(arguments)
        validator.validate(model.codec.to_json(native, method.input))


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "string": st.text(max_size=3),
    "bytes": st.sampled_from(["", "AA==", "AA", "AAA=", "!"]),
}
NUMBERS = (
    st.integers(-3, 3)
    | st.floats(width=16, allow_nan=False, allow_infinity=False)
    | st.sampled_from(["NaN", "7", "-0", 2.0, 2**40, 1e20, 3.4028235e38, ""])
)


def loosely(kind: FieldType, spec: ModelSpec) -> st.SearchStrategy[Any]:
    """Give values of *kind*, not all of which fit."""
    match kind:
        case MessageRef(name):
            needed = {f.name: loosely(f.type, spec) for f in spec.message(name).fields if f.is_required}
            others = {f.name: loosely(f.type, spec) for f in spec.message(name).fields if not f.is_required}
            return st.fixed_dictionaries(needed, optional=others)
        case EnumRef(name):
            return st.sampled_from([*(member for member, _ in spec.enum(name).members), "other"])
        case ListOf(item):
            return st.lists(loosely(item, spec), max_size=3)
        case MapOf(item):
            return st.dictionaries(st.text(max_size=2), loosely(item, spec), max_size=2)
        case OptionalOf(item):
            return st.none() | loosely(item, spec)
        case Scalar() | TensorOf():
            return loose_numbers(kind)


def loose_numbers(kind: Scalar | TensorOf) -> st.SearchStrategy[Any]:
    if isinstance(kind, Scalar):
        return SCALARS.get(kind.name, NUMBERS)
    value: st.SearchStrategy[Any] = NUMBERS
    for size in reversed(kind.shape):
        low, high = (size, size) if isinstance(size, int) else (0, 1)
        value = st.lists(value, min_size=low, max_size=high)
    return value


@pytest.mark.parametrize(
    ("model", "document", "name"),
    [
        (model, document, message.name)
        for model, document in ((MODEL, DOCUMENT), (EVERY, EVERY_DOCUMENT))
        for message in model.spec.messages
    ],
)
def test_a_sample_fits_its_message(model: Model, document: dict[str, Any], name: str) -> None:
    arguments = sample(name, model.spec)
    model.codec.from_json(arguments, name)
    message_validator(name, document).validate(arguments)


class TestEveryKind:
    SCHEMAS: ClassVar = EVERY_DOCUMENT["components"]["schemas"]

    def test_each_schema_is_a_json_schema(self) -> None:
        for schema in self.SCHEMAS.values():
            Draft202012Validator.check_schema(schema)

    @pytest.mark.parametrize("arguments", [ARGUMENTS["describe"], LEAST, LEAST | {"length": None, "other": None}])
    def test_right_arguments_hold_to_it(self, arguments: dict[str, Any]) -> None:
        message_validator("Leaf", EVERY_DOCUMENT).validate(arguments)

    @pytest.mark.parametrize(
        "change",
        [
            {"colour": "rot"}, {"colour": None}, {"length": 10.5}, {"width": -1}, {"width": None}, {"veins": {"a": -1}},
            {"veins": []}, {"level": 201}, {"level": -1}, {"half": 65520}, {"serial": -4}, {"season": "monsoon"},
            {"shades": ["red", "rot"]}, {"marks": {"a": "rot"}}, {"mask": [[1]]}, {"layers": {"a": 1}},
            {"other": {}}, {"named": {"a": None}}, {"stem": {"name": "a", "share": -1}}, {"more": 1},
        ],
        ids=str,
    )  # fmt: skip
    def test_wrong_arguments_do_not(self, change: dict[str, Any]) -> None:
        assert not message_validator("Leaf", EVERY_DOCUMENT).is_valid(LEAST | change)

    def test_what_people_need_to_know_is_in_it(self) -> None:
        leaf = self.SCHEMAS["Leaf"]["properties"]
        assert leaf["length"]["description"] == "How long it is. In cm"
        assert leaf["length"]["x-unit"] == "cm"
        assert (leaf["width"]["default"], leaf["season"]["default"]) == (5.0, "spring")
        assert leaf["season"]["$ref"] == "#/components/schemas/Season"
        assert leaf["photo"]["anyOf"][0] == {
            "type": "string", "contentEncoding": "base64", "contentMediaType": "image/png",
            "x-media-types": ["image/png", "image/jpeg"], "pattern": leaf["photo"]["anyOf"][0]["pattern"],
        }  # fmt: skip
        assert self.SCHEMAS["Colour"]["enum"] == ["red", "green", "blue"]
        assert "red = 1, green = 2, blue = 5" in self.SCHEMAS["Colour"]["description"]
        assert self.SCHEMAS["Flowers"]["x-modelport-table"] is True
        assert EVERY_DOCUMENT["info"]["x-modelport-json"] == "modelport/json/1"

    def test_a_range_binds_those_who_call_and_not_the_answers(self) -> None:
        number, given = Scalar("double"), About(minimum=0, maximum=1)
        messages = (Message("In", (Field("x", number, given),)), Message("Out", (Field("x", number, given),)))
        schemas = signature_schemas(ModelSpec(messages, (MethodSpec("m", "In", "Out"),)).with_proto_package())
        assert schemas["In"]["properties"]["x"]["anyOf"][0]["maximum"] == 1
        assert "maximum" not in schemas["Out"]["properties"]["x"]["anyOf"][0]
        assert schemas["Out"]["properties"]["x"]["description"] == "Range: 0 to 1"

    def test_methods_take_and_give_raw_bodies_where_they_can(self) -> None:
        def types(method: str) -> tuple[set[str], set[str]]:
            operation = EVERY_DOCUMENT["paths"][f"/model/methods/{method}"]["post"]
            contents = operation["requestBody"]["content"], operation["responses"]["200"]["content"]
            taken, given = (set(content) - MEDIA_TYPES.keys() for content in contents)
            return taken, given

        assert types("crop") == ({"image/png", "image/jpeg"}, {"image/png"})
        assert types("fold") == ({"text/plain"}, {"text/plain"})
        assert types("describe") == types("sort") == (set(), set())
