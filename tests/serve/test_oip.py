"""The Open Inference Protocol over REST: what it says of models, and of what it cannot do."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.doors import DTYPES, LENGTH
from tests.serve.models import PRIVATE_PATH
from tests.serve.models import kinds as kinds_model
from tests.serve.running import serving
from tests.support.waiting import eventually

from modelport.serve import Limits, ServiceInfo
from modelport.serve.oip.datatypes import fits, from_raw, to_raw
from modelport.serve.oip.request import read_request
from modelport.serve.oip.tensors import flattened
from modelport.serve.problem import ProblemError
from modelport.serve.service import Service

if TYPE_CHECKING:
    import httpx
    from tests.serve.running import Running

MODEL = kinds_model()
PETALS = {"name": "petal", "datatype": "FP64", "shape": [2], "data": [1.0, 2.5]}
SPECIES = {"name": "species", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]}
COLOURS = {"name": "colour", "datatype": "BYTES", "shape": [2], "data": ["red", "blue"]}
FLOATS = {"name": "floats", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}
BY = {"name": "by", "datatype": "FP64", "shape": [1], "data": [2]}


def infer(service: Running, model: str, *inputs: dict[str, Any], **more: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    return service.client.post(f"/v2/models/{model}/infer", json={"inputs": inputs, **more})


def error_of(response: httpx.Response, status: int) -> str:
    """Return the text of an error, which says no more than it must."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["error"]
    for leak in ("Traceback", ".py", PRIVATE_PATH):
        assert leak not in response.text
    return str(response.json()["error"])


class TestMetadata:
    def test_tensors_are_those_of_the_signature(self, every: Running) -> None:
        found = every.client.get("/v2/models/every.describe").json()
        told = {one["name"]: (one["datatype"], one["shape"]) for one in found["inputs"]}
        expected: dict[str, tuple[str, list[int]]] = {
            "colour": ("BYTES", [1]), "length": ("FP64", [1]), "veins": ("BYTES", [1]), "tags": ("BYTES", [-1]),
            "level": ("UINT8", [1]), "half": ("FP16", [1]), "dried": ("BOOL", [1]), "serial": ("INT64", [1]),
            "outline": ("FP32", [-1, 2]), "mask": ("UINT8", [2, 2]), "stem": ("BYTES", [1]), "photo": ("BYTES", [1]),
        }  # fmt: skip
        assert expected.items() <= told.items()
        said = {one["name"]: one.get("parameters", {}) for one in found["inputs"]}
        assert said["colour"]["choices"] == "red, green, blue"
        assert said["length"] == {
            "optional": True, "description": "How long it is.", "unit": "cm", "minimum": 0, "maximum": 10,
        }  # fmt: skip
        assert said["stem"]["content_type"] == "application/json"
        assert said["width"]["default"] == "5.0"

    def test_a_version_is_the_one_there_is(self, kinds: Running) -> None:
        assert kinds.client.get("/v2/models/kinds").json()["versions"] == ["1.2.0"]
        for path in ("", "/ready"):
            assert kinds.client.get(f"/v2/models/kinds/versions/1.2.0{path}").status_code == 200
            assert "1.2.0" in error_of(kinds.client.get(f"/v2/models/kinds/versions/2{path}"), 404)

    def test_what_is_not_there_is_told(self, kinds: Running) -> None:
        assert "kinds.echo" in error_of(kinds.client.get("/v2/models/nobody"), 404)
        error_of(kinds.client.get("/v2/models/kinds/config"), 404)
        error_of(kinds.client.get("/v2/shm"), 404)
        refused = kinds.client.get("/v2/models/kinds/infer")
        assert refused.headers["allow"] == "POST"
        error_of(refused, 405)

    def test_requests_are_counted(self, kinds: Running) -> None:
        path = "/v2/models/kinds.nothing/stats"
        before = kinds.client.get(path).json()["model_stats"][0]
        assert infer(kinds, "kinds.nothing").json() == {
            "model_name": "kinds.nothing", "model_version": "1.2.0", "outputs": [],
        }  # fmt: skip
        infer(kinds, "kinds.nothing", BY)
        after = kinds.client.get(path).json()["model_stats"][0]
        counts = [one["inference_stats"] for one in (before, after)]
        assert counts[1]["success"]["count"] - counts[0]["success"]["count"] == 1
        assert 'modelport_requests_total{door="oip",method="nothing",status="200"}' in kinds.client.get("/metrics").text


class TestMistakes:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"datatype": "FP128"}, "floats: has the datatype 'FP128', which is none of BOOL"),
            ({"datatype": "FP64"}, "floats: is FP64, not FP32"),
            ({"datatype": "FP16"}, "floats: is FP16, which only travels as bytes"),
            ({"shape": [3]}, "floats: has the shape [3], not [-1, 3]"),
            ({"shape": [1, -3]}, "floats: has a negative size in its shape [1, -3]"),
            ({"shape": [2**40, 2**40]}, "floats: has a shape for more than 2147483648 elements"),
            ({"shape": [0, 2**62]}, "floats: has a shape for more than"),
            ({"shape": [2, 3]}, "floats: has 3 elements, its shape [2, 3] says 6"),
            ({"shape": [1, 3.0]}, "inputs[0].shape: holds what is not a whole number"),
            ({"data": [[1], [2], [3]]}, "floats: has data nested as [3, 1], its shape is [1, 3]"),
            ({"data": [[1, 2], [3]]}, "floats: has lists that differ in length or depth"),
            ({"data": [1, "two", 3]}, "floats[1]: is a string, not a number"),
            ({"data": [1, 1e40, 3]}, "floats[1]: is beyond the range of float32"),
            ({"data": "abc"}, "inputs[0].data: is a string, not a list"),
            ({"data": None}, "inputs[0].data: is missing"),
            ({"name": "flots"}, "flots: ScaleIn has no such input; it has floats, by"),
            ({"parameters": {"binary_data_size": 12}}, "inputs[0]: has both data and binary_data_size"),
        ],
    )
    def test_each_has_its_own_message(self, kinds: Running, change: dict[str, Any], said: str) -> None:
        assert said in error_of(infer(kinds, "kinds.scale", FLOATS | change, BY), 422)

    @pytest.mark.parametrize(
        ("datatype", "value", "said"),
        [
            ("INT8", 0.2, "is 0.2, not a whole number from -128 to 127 (INT8)"),
            ("INT8", 300, "is 300, not a whole number from -128 to 127 (INT8)"),
            ("UINT8", 0.2, "is 0.2, not a whole number from 0 to 255 (UINT8)"),
            ("UINT8", 300, "is 300, not a whole number from 0 to 255 (UINT8)"),
            ("UINT16", -1, "is -1, not a whole number from 0 to 65535 (UINT16)"),
            ("INT16", 1e300, "is 1e+300, not a whole number from -32768 to 32767 (INT16)"),
            ("INT8", True, "is true, not a whole number"),
            ("INT8", "NaN", "is a string, not a whole number"),
            ("INT8", None, "is null, not a whole number"),
        ],
    )
    def test_data_are_of_the_datatype_that_they_say(
        self, kinds: Running, datatype: str, value: object, said: str
    ) -> None:
        floats = FLOATS | {"datatype": datatype, "data": [1, value, 3.0]}
        answered = error_of(infer(kinds, "kinds.scale", floats, BY), 422)
        assert f"floats[1]: {said}" in answered
        assert "floats[0]" not in answered
        assert "floats[2]" not in answered
        assert f"by[0]: {said}" in error_of(
            infer(kinds, "kinds.scale", FLOATS, BY | {"datatype": datatype, "data": [value]}), 422
        )

    def test_integers_go_where_they_fit(self, kinds: Running) -> None:
        expected = infer(kinds, "kinds.scale", FLOATS, BY).json()["outputs"]
        for datatype in ("INT8", "UINT8", "INT16", "UINT16"):
            for data in ([1, 2, 3], [1.0, 2, 3.0], [[1, 2, 3]]):
                found = infer(kinds, "kinds.scale", FLOATS | {"datatype": datatype, "data": data}, BY)
                assert found.json()["outputs"] == expected

    def test_all_are_told_at_once(self, every: Running) -> None:
        said = error_of(
            infer(
                every, "every.sort", PETALS | {"data": [1, 11]}, COLOURS | {"data": ["red", "rot"]}, PETALS, FLOATS,
                outputs=[{"name": "petals"}],
            ), 422,
        )  # fmt: skip
        assert "outputs.petals: Flowers has no such output; it has petal, species, colour" in said
        said = error_of(
            infer(every, "every.sort", PETALS | {"data": [1, 11]}, COLOURS | {"data": ["red", "rot"]}, FLOATS), 422
        )
        for one in ("petal[1]: is 11.0, above the maximum 10", "colour[1]: is 'rot'", "species: is missing", "floats:"):
            assert one in said

    def test_columns_of_unequal_length_are_named(self, every: Running) -> None:
        short = PETALS | {"shape": [1], "data": [1.0]}
        said = error_of(infer(every, "every.sort", short, SPECIES, COLOURS), 422)
        assert "columns differ in length: petal has 1, species has 2" in said

    @pytest.mark.parametrize(
        ("document", "status", "said"),
        [
            ("[]", 422, "(the request): is a list, not an object"),
            ('{"inputs": 3}', 422, "inputs: is a number, not a list"),
            ('{"inputs": [3], "id": 1}', 422, "inputs[0]: is a number"),
            ('{"inputs": [{}]}', 422, "inputs[0].datatype: is missing"),
            ('{"inputs": [], "id": "\\ud800"}', 422, "id: is not Unicode text"),
            ('{"parameters": []', 400, "line 1"),
            ('{"inputs": [{"data": [NaN]}]}', 400, "NaN is not JSON"),
            ('{"inputs": [], "inputs": []}', 400, "the key 'inputs' stands twice"),
            ('{"inputs": ' + "[" * 40 + "]" * 40 + "}", 400, "nested more than 32 deep"),
        ],
    )
    def test_what_is_no_request_is_refused(self, kinds: Running, document: str, status: int, said: str) -> None:
        assert said in error_of(kinds.client.post("/v2/models/kinds.scale/infer", content=document), status)

    def test_other_types_are_refused(self, kinds: Running) -> None:
        path = "/v2/models/kinds.scale/infer"
        error_of(kinds.client.post(path, content="a", headers={"Content-Type": "text/plain"}), 415)
        error_of(kinds.client.post(path, content="a", headers={"Content-Encoding": "gzip"}), 415)

    def test_limits_hold(self, strict: Running) -> None:
        error_of(strict.client.post("/v2/models/trouble.length/infer", content=b"a" * 2001), 413)

    def test_the_models_failure_is_no_word_too_much(self, trouble: Running) -> None:
        text = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a"]}
        error_of(infer(trouble, "trouble.fail", text), 500)
        error_of(infer(trouble, "trouble.lie"), 500)


class TestBytes:
    def test_numbers_that_json_has_no_form_for(self, kinds: Running) -> None:
        raw = to_raw([float("nan"), float("inf"), -0.5], "FP32")
        answer = self.sent(kinds, "kinds.scale", [FLOATS, BY], {"floats": raw}, outputs=[{"name": "value"}])
        assert answer.json()["outputs"][0]["data"] == ["NaN", "Infinity", -1.0]

    @pytest.mark.parametrize(
        ("raw", "size", "said"),
        [
            (b"\0" * 11, 11, "floats: has 11 bytes of data, FP32 of shape [1, 3] has 12"),
            (b"\0" * 12, 13, "binary_data_size: is 13, 12 bytes are left behind the JSON"),
            (b"\0" * 12, -1, "binary_data_size: is -1, not a number of bytes"),
            (b"\0" * 13, 12, "has 1 bytes more than its tensors say"),
        ],
    )
    def test_sizes_must_agree(self, kinds: Running, raw: bytes, size: int, said: str) -> None:
        answer = self.sent(kinds, "kinds.scale", [FLOATS, BY], {"floats": raw}, size=size)
        assert said in error_of(answer, 422)

    @pytest.mark.parametrize(
        ("raw", "said"),
        [
            (b"\x01\0\0", "end inside the length of element 0"),
            (b"\x09\0\0\0ab", "element 0 would end at byte 13"),
            (b"\x01\0\0\0\xff", "text[0]: is not UTF-8 at byte 0"),
            (b"\x01\0\0\0a\0\0\0\0", "has 2 elements, its shape [1] says 1"),
        ],
    )
    def test_texts_must_be_whole(self, every: Running, raw: bytes, said: str) -> None:
        text = {"name": "text", "datatype": "BYTES", "shape": [1]}
        assert said in error_of(self.sent(every, "every.fold", [text], {"text": raw}), 422)

    @pytest.mark.parametrize("length", ["-1", "1e3", "99999", "9" * 30])
    def test_the_header_must_be_the_jsons_length(self, kinds: Running, length: str) -> None:
        answer = kinds.client.post("/v2/models/kinds.scale/infer", content=b"{}", headers={LENGTH: length})
        assert LENGTH in error_of(answer, 400)

    def test_half_floats_are_asked_for_as_bytes(self, every: Running) -> None:
        assert "outputs.half: is FP16" in error_of(infer(every, "every.describe"), 422)

    def test_a_body_without_json_is_for_models_that_need_one_tensor(self, kinds: Running) -> None:
        answer = kinds.client.post("/v2/models/kinds.scale/infer", content=b"", headers={LENGTH: "0"})
        assert "send the request's JSON" in error_of(answer, 400)

    @staticmethod
    def sent(
        service: Running,
        model: str,
        inputs: list[dict[str, Any]],
        raw: dict[str, bytes],
        size: int | None = None,
        **more: Any,  # noqa: ANN401 - JSON
    ) -> httpx.Response:
        told = []
        for one in inputs:
            behind = raw.get(one["name"])
            sizes = {} if behind is None else {"binary_data_size": len(behind) if size is None else size}
            kept = {k: v for k, v in one.items() if k != "data" or behind is None}
            told.append(kept | ({"parameters": sizes} if sizes else {}))
        head = json.dumps({"inputs": told, **more}).encode()
        headers = {LENGTH: str(len(head)), "Content-Type": "application/octet-stream"}
        return service.client.post(f"/v2/models/{model}/infer", content=head + b"".join(raw.values()), headers=headers)


class TestFirstVersion:
    def test_instances_are_rows_where_the_inputs_are_columns(self, every: Running) -> None:
        rows = [
            {"petal": 1.5, "species": "iris", "colour": "blue"},
            {"petal": 2.0, "species": "rosa", "colour": "red"},
        ]
        path = "/v1/models/every.sort:predict"
        assert every.client.post(path, json={"instances": rows}).json() == {"predictions": rows}
        as_lists = [list(row.values()) for row in rows]
        assert every.client.post(path, json={"instances": as_lists}).json() == {"predictions": rows}
        assert every.client.post(path, json={"instances": []}).json() == {"predictions": []}
        assert "petal" in error_of(every.client.post(path, json={"instances": [rows[0], {"petal": 11}]}), 422)

    def test_instances_are_calls_elsewhere(self, every: Running) -> None:
        path = "/v1/models/every.fold:predict"
        assert every.client.post(path, json={"instances": ["a", {"text": "b"}]}).json() == {"predictions": ["a", "b"]}
        error_of(every.client.post(path, json={"rows": []}), 400)
        error_of(every.client.post("/v1/models/nobody:predict", json={}), 404)
        assert every.client.get("/v1/models/every").json() == {"name": "every", "ready": True}
        assert "every.sort" in every.client.get("/v1/models").json()["models"]

    def test_a_caller_that_goes_away_frees_the_place_in_the_line(self) -> None:
        with serving("trouble") as service, ThreadPoolExecutor(1) as pool:
            holding = pool.submit(service.call, "sleep", {"seconds": 4.0})
            eventually(lambda: "modelport_requests_in_flight 1.0" in service.client.get("/metrics").text)
            body = b'{"instances": [{"text": "a"}]}'
            with socket.create_connection(service.address, timeout=20) as connection:
                head = f"POST /v1/models/trouble.length:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}"
                connection.sendall(head.encode() + b"\r\n\r\n" + body)
                eventually(lambda: "modelport_queue_calls 1.0" in service.client.get("/metrics").text)
            eventually(lambda: "modelport_queue_calls 0.0" in service.client.get("/metrics").text)
            assert not holding.done(), "the model is still held"
            holding.result()


NAMES = st.sampled_from(["floats", "images", "halves", "numbers", "words", "flags", "blobs", "name", "points", "x"])
SIZES = st.one_of(st.integers(-2, 4), st.just(2**63), st.none(), st.floats(0, 3))
ELEMENTS = st.recursive(
    st.one_of(st.integers(-300, 300), st.booleans(), st.none(), st.text(max_size=3), st.floats(-1, 1)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
TENSORS = st.fixed_dictionaries(
    {"name": NAMES, "datatype": st.sampled_from([*DTYPES, "BYTES", "BF16", "X"]), "shape": st.lists(SIZES, max_size=3)},
    optional={"data": ELEMENTS, "parameters": st.fixed_dictionaries({"binary_data_size": SIZES})},
)
REQUESTS = st.fixed_dictionaries(
    {"inputs": st.one_of(st.lists(TENSORS, max_size=3), ELEMENTS)},
    optional={"id": ELEMENTS, "outputs": ELEMENTS, "parameters": ELEMENTS},
)


@given(REQUESTS, st.binary(max_size=40), st.sampled_from(["lists", "tensors", "move", "nothing"]))
def test_any_request_is_read_or_refused_with_a_problem(document: Any, behind: bytes, method: str) -> None:  # noqa: ANN401 - JSON
    service = Service(MODEL, ServiceInfo(name="kinds"), Limits())
    served = service.models.find(f"kinds.{method}")
    head = json.dumps(document).encode()
    with suppress(ProblemError):
        asked = read_request(head + behind, str(len(head)), served, service.limits)
        native = served.tensors.message(asked.tensors, service.limits, asked.exchange)
        assert (native is None) == bool(asked.exchange.count)


class TestDatatypes:
    @given(st.data(), st.sampled_from(sorted(DTYPES)))
    def test_elements_and_their_bytes(self, data: st.DataObject, datatype: str) -> None:
        raw = data.draw(st.binary(max_size=64))
        size = len(to_raw([0], datatype))
        whole = raw[: len(raw) // size * size]
        elements = from_raw(whole, datatype)
        if datatype != "BOOL" and not any(one != one for one in elements):  # noqa: PLR0124 - NaN alone is not itself
            assert to_raw(elements, datatype) == whole

    @given(st.lists(st.binary()))
    def test_texts_and_their_bytes(self, texts: list[bytes]) -> None:
        assert from_raw(to_raw(texts, "BYTES"), "BYTES") == texts

    @given(st.binary())
    def test_any_bytes_are_texts_or_refused(self, raw: bytes) -> None:
        with suppress(ValueError):
            assert to_raw(from_raw(raw, "BYTES"), "BYTES") == raw

    @given(st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=3)))
    def test_any_nesting_is_flattened_or_refused(self, data: Any) -> None:  # noqa: ANN401 - JSON
        if isinstance(data, list):
            with suppress(ValueError):
                assert list not in map(type, flattened(data, [len(data)]))

    def test_what_fits_into_what(self) -> None:
        assert fits("INT32", "FP64")
        assert fits("UINT8", "INT16")
        assert fits("BF16", "FP32")
        assert not fits("INT64", "FP64")
        assert not fits("INT32", "FP32")
        assert not fits("FP64", "FP32")
        assert not fits("BOOL", "INT8")
        assert not fits("UINT8", "INT8")
        assert from_raw(b"\x80\x3f\x00\xc0", "BF16") == [1.0, -2.0]
