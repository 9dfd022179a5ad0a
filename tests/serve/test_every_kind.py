"""Every kind of field through a real service: JSON and protobuf agree, and a lone field may come as it is."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.running import problem_of
from tests.support.every_kind import ARGUMENTS, LEAST, PNG, every_kind

from modelport.model import Codec
from modelport.serve.raw import raw_answer, raw_arguments, raw_types

if TYPE_CHECKING:
    from tests.serve.running import Running

SPEC = every_kind().spec
CODEC = Codec.bare(SPEC)
PROTOBUF = {"Content-Type": "application/x-protobuf"}
WHOLE = {
    **LEAST, "length": None, "width": 5.0, "tags": [], "dried": False, "serial": 7, "season": "spring", "seen": None,
    "mask": None, "other": None, "photo": None,
}  # fmt: skip
"""What a leaf with nothing that may be left out stands for."""
CALLS = [("describe", LEAST, WHOLE), *((method, given, given) for method, given in ARGUMENTS.items())]


def present(document: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that say something: null and absent are one."""
    return {key: value for key, value in document.items() if value is not None}


class TestBothForms:
    @pytest.mark.parametrize(("method", "arguments", "answer"), CALLS)
    def test_json(self, every: Running, method: str, arguments: dict[str, Any], answer: dict[str, Any]) -> None:
        got = every.call(method, arguments)
        assert got.status_code == 200, got.text
        assert present(got.json()) == present(answer)

    @pytest.mark.parametrize(("method", "arguments", "answer"), CALLS)
    def test_protobuf(self, every: Running, method: str, arguments: dict[str, Any], answer: dict[str, Any]) -> None:
        spec = SPEC.method(method)
        body = CODEC.to_bytes(CODEC.from_json(arguments, spec.input), spec.input)
        got = every.call(method, content=body, headers=PROTOBUF)
        assert got.status_code == 200, got.text
        assert present(CODEC.to_json(CODEC.from_bytes(got.content, spec.output), spec.output)) == present(answer)
        as_json = every.call(method, content=body, headers=PROTOBUF | {"Accept": "application/json"})
        assert present(as_json.json()) == present(answer)

    @pytest.mark.parametrize(
        ("change", "path"),
        [
            ({"colour": "rot"}, "colour"), ({"length": 10.5}, "length"), ({"level": 201}, "level"),
            ({"marks": {"a": "rot"}}, "marks"), ({"veins": {"left": -1}}, "veins"), ({"other": {"name": "a"}}, "other"),
            ({"season": None}, "season"),
        ],
        ids=str,
    )  # fmt: skip
    def test_what_does_not_fit_is_named(self, every: Running, change: dict[str, Any], path: str) -> None:
        problem = problem_of(every.call("describe", LEAST | change), 422, "arguments-do-not-fit")
        assert problem["errors"][0]["path"].startswith(path)

    def test_columns_of_unequal_length_are_named(self, every: Running) -> None:
        problem = problem_of(every.call("sort", ARGUMENTS["sort"] | {"petal": [1.0]}), 422, "arguments-do-not-fit")
        assert "petal" in str(problem["errors"])

    def test_a_table_may_have_no_rows(self, every: Running) -> None:
        empty: dict[str, Any] = {"petal": [], "species": [], "colour": []}
        assert every.call("sort", empty).json() == empty
        assert every.call("sort", content=b"", headers=PROTOBUF).content == b""


@pytest.mark.parametrize("method", ["move", "tensors", "scale"])
def test_an_empty_protobuf_body_lacks_messages_and_tensors(kinds: Running, method: str) -> None:
    problem = problem_of(kinds.call(method, content=b"", headers=PROTOBUF), 422, "arguments-do-not-fit")
    assert "is missing" in problem["errors"][0]["message"]


def test_an_empty_protobuf_body_lacks_what_has_no_zero(every: Running) -> None:
    problem = problem_of(every.call("describe", content=b"", headers=PROTOBUF), 422, "arguments-do-not-fit")
    assert {"colour", "outline", "stem"} <= {one["path"] for one in problem["errors"]}


class TestRawBodies:
    def test_a_picture_goes_in_and_comes_out_as_it_is(self, every: Running) -> None:
        got = every.call("crop", content=PNG, headers={"Content-Type": "image/png", "Accept": "image/*"})
        assert (got.status_code, got.headers["content-type"], got.content) == (200, "image/png", PNG)

    def test_the_other_forms_are_still_there(self, every: Running) -> None:
        encoded = base64.b64encode(PNG).decode()
        png, jpeg = {"Content-Type": "image/png"}, {"Content-Type": "image/jpeg"}
        # Without a wish the answer is as the question was, where it can be: nothing is given as a JPEG file.
        assert every.call("crop", content=PNG, headers=png | {"Accept": ""}).content == PNG
        assert every.call("crop", content=PNG, headers=jpeg | {"Accept": ""}).json() == {"image": encoded}
        assert every.call("crop", content=PNG, headers=png | {"Accept": "application/json"}).json() == {
            "image": encoded
        }
        asked = every.call("crop", {"image": encoded, "threshold": 1}, headers={"Accept": "image/png"})
        assert asked.content == PNG
        assert every.call("crop", {"image": encoded}).json() == {"image": encoded}

    def test_text_is_utf_8(self, every: Running) -> None:
        headers = {"Content-Type": "text/plain; charset=UTF-8"}
        got = every.call("fold", content="grün ☃".encode(), headers=headers | {"Accept": "text/plain"})
        assert (got.text, got.headers["content-type"]) == ("grün ☃", "text/plain; charset=utf-8")
        problem = problem_of(every.call("fold", content=b"\xff", headers=headers), 422, "arguments-do-not-fit")
        assert problem["errors"] == [{"path": "text", "message": "is not UTF-8 at byte 0"}]
        latin = {"Content-Type": "text/plain; charset=latin-1"}
        problem_of(every.call("fold", content=b"a", headers=latin), 415, "unsupported-media-type")

    @pytest.mark.parametrize(
        ("method", "sent"), [("crop", "image/gif"), ("describe", "image/png"), ("fold", "text/html")]
    )
    def test_what_is_not_taken_is_told_with_what_is(self, every: Running, method: str, sent: str) -> None:
        answer = every.call(method, content=b"a", headers={"Content-Type": sent})
        problem = problem_of(answer, 415, "unsupported-media-type")
        offered = problem["headers"]["accept"].split(", ")
        assert set(raw_types(SPEC.message(SPEC.method(method).input))) <= set(offered)
        assert sent not in offered

    def test_what_is_not_given_is_told_with_what_is(self, every: Running) -> None:
        answer = every.call("crop", content=PNG, headers={"Content-Type": "image/png", "Accept": "image/jpeg"})
        assert "image/png" in problem_of(answer, 406, "not-acceptable")["detail"]

    def test_the_metadata_names_them(self, every: Running) -> None:
        document = every.client.get("/model/artifacts/metadata").json()
        assert document["json"] == "modelport/json/1"
        assert document["methods"]["crop"]["input"]["media_type"][-2:] == ["image/png", "image/jpeg"]
        assert document["methods"]["crop"]["output"]["media_type"][-1] == "image/png"

    @given(st.binary())
    def test_bytes_are_the_same_after_both_ways(self, body: bytes) -> None:
        photo, picture = SPEC.message("Photo"), SPEC.message("Picture")
        assert raw_answer(raw_arguments(body, photo), picture) == body
