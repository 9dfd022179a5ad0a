"""How the site shows fields of every kind."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from typing import Any

import pytest
from tests.site.model_samples import every
from tests.site.samples import coat, index_of
from tests.support.every_kind import LEAST, signature

from modelport.model import Codec
from modelport.serve.raw import raw_answer_types, raw_types
from modelport_site.diff import diff, facts_of
from modelport_site.pictures import pictures, png
from modelport_site.signature import field_words, method_tables, skeleton
from modelport_site.snippets import usage_tabs

SPEC = signature()
RELEASE = every()["versions"][0]
PHOTO = {"type": {"scalar": "bytes"}, "media_types": ["image/png", "image/jpeg"]}


def rows(method: str) -> dict[str, tuple[str, str, str]]:
    table = next(t for t in method_tables(RELEASE["signature"], RELEASE["examples"]) if t.name == method)
    return {row.name: (row.type, row.shape, row.about) for row in table.inputs if row.depth == 0}


def test_each_kind_is_told_in_words() -> None:
    assert rows("describe") == {
        "colour": ("one of red, green, blue", "", ""),
        "length": ("optional double (cm)", "one or none", "0 to 10"),
        "width": ("double (cm)", "", "0 to 10, default 5"),
        "veins": ("map of text to int32", "any keys", "at least 0"),
        "tags": ("list of string", "any length", "default []"),
        "level": ("uint8", "", "at most 200"),
        "half": ("float16", "", ""),
        "dried": ("bool", "", "default false"),
        "serial": ("int64", "", "at least -3, default 7"),
        "season": ("one of spring, summer, autumn, winter", "", "default spring"),
        "seen": ("optional, one of red, green, blue", "one or none", ""),
        "shades": ("list, each one of red, green, blue", "any length", ""),
        "marks": ("map, each one of red, green, blue", "any keys", ""),
        "outline": ("tensor of float32 (mm)", "n \N{MULTIPLICATION SIGN} 2", ""),
        "mask": ("optional tensor of uint8", "2 \N{MULTIPLICATION SIGN} 2 or none", ""),
        "layers": ("map of text to tensor of float64", "any keys, each any length", ""),
        "stem": ("Part", "", ""),
        "parts": ("list of Part", "any length", ""),
        "other": ("optional Part", "one or none", ""),
        "named": ("map of text to Part", "any keys", ""),
        "photo": ("optional bytes", "one or none", "image/png or image/jpeg"),
    }
    assert rows("sort")["petal"] == ("column of double (cm)", "one value a row", "0 to 10")


def test_what_lies_in_maps_and_optional_fields_is_shown_below_them() -> None:
    table = method_tables(RELEASE["signature"], RELEASE["examples"])[0]
    names = [(row.depth, row.name, row.example) for row in table.inputs]
    at = names.index((0, "named", ""))
    assert names[at + 1 : at + 3] == [(1, "name", '"tip"'), (1, "share", "12.5")]
    assert table.inputs[1].doc == "How long it is."


@pytest.mark.parametrize("method", [m.name for m in SPEC.methods])
def test_made_up_arguments_fit(method: str) -> None:
    Codec.bare(SPEC).from_json(skeleton(SPEC.to_json(), method), SPEC.method(method).input)


def test_made_up_arguments_lie_in_their_range_and_are_never_huge() -> None:
    def made(**field: object) -> object:
        messages = [{"name": "M", "fields": [{"name": "f", **field}]}]
        document = {"methods": [{"name": "m", "input": "M", "output": "M"}], "messages": messages}
        return skeleton(document, "m")["f"]

    assert made(type={"scalar": "int32"}, minimum=2.5) == 3
    assert made(type={"scalar": "double"}, maximum=-0.5) == -0.5
    assert made(type={"tensor": {"dtype": "int8", "shape": [2, 2]}}) == [[0, 0], [0, 0]]
    assert made(type={"tensor": {"dtype": "int8", "shape": [2**31 - 1, 2**31 - 1]}}) == []
    assert made(type={"tensor": {"dtype": "int8", "shape": []}}) == 0


def test_another_range_unit_default_or_choice_is_another_interface() -> None:
    def changed(place: int, **said: object) -> list[str]:
        document = SPEC.to_json()
        document["messages"][0]["fields"][place] |= said
        found = diff(facts_of(RELEASE), facts_of(RELEASE | {"signature": document}))
        return [f"{row.label}: {row.before} > {row.after}" for row in found["signature"]]

    assert changed(1, maximum=12) == ["Leaf.length: optional double (cm), 0 to 10 > optional double (cm), 0 to 12"]
    assert changed(2, default=6.0) == ["Leaf.width: double (cm), 0 to 10, default 5 > double (cm), 0 to 10, default 6"]
    assert changed(5, doc="New.") == ["Leaf.level, what it is:  > New."]
    document = SPEC.to_json()
    document["enums"][0]["members"][2]["number"] = 6
    found = diff(facts_of(RELEASE), facts_of(RELEASE | {"signature": document}))["signature"]
    assert [(row.label, row.after) for row in found] == [("Colour", "red = 1, green = 2, blue = 6")]
    assert field_words(document["messages"][0]["fields"][0]) == "Colour"


def test_the_index_has_the_kinds() -> None:
    (row,) = index_of(every())["models"]
    assert row["takes"] == ["choice", "image", "number", "table", "tensor", "text"]


def test_a_file_is_offered_where_the_service_takes_one() -> None:
    curl = next(tab for tab in usage_tabs("leaf-census", RELEASE, recipe=False) if tab.label == "curl")
    offered = {block.code.split()[2].rpartition("/")[2]: block.code for block in curl.blocks if "@FILE" in block.code}
    taking = {m.name: raw_types(SPEC.message(m.input)) for m in SPEC.methods}
    assert set(offered) == {name for name, types in taking.items() if types}
    for method, code in offered.items():
        assert f"Content-Type: {taking[method][0]}" in code
        gives = raw_answer_types(SPEC.message(SPEC.method(method).output))
        assert ("-o ANSWER" in code) == (gives == taking[method][:1])


class TestPngFiles:
    FILE = png([bytes(row) for row in coat()], 28)

    def test_a_file_of_an_example_is_a_picture(self) -> None:
        text = b64encode(self.FILE).decode()
        assert pictures(PHOTO, text) == [(self.FILE, 28, 28)]
        assert pictures(PHOTO | {"type": {"list": {"scalar": "bytes"}}}, [text, "AAAA"]) == [(self.FILE, 28, 28)]
        assert pictures({"type": {"optional": {"scalar": "bytes"}}, "media_types": ["image/png"]}, None) == []

    def test_nothing_but_pixels_becomes_a_file_of_the_site(self) -> None:
        extra = b"tEXt" + b"<script>alert(1)</script>"
        chunk = struct.pack(">I", len(extra) - 4) + extra + struct.pack(">I", zlib.crc32(extra))
        dressed = self.FILE[:33] + chunk + self.FILE[33:] + b"<script>"
        assert pictures(PHOTO, b64encode(dressed).decode()) == [(self.FILE, 28, 28)]

    @pytest.mark.parametrize(
        "file",
        [b"", FILE[:-1], FILE[:40], b"GIF89a", FILE[:20] + b"\xff" + FILE[21:], png([b"\0" * 2000] * 4, 2000)],
        ids=range(6),
    )
    def test_other_bytes_are_none(self, file: bytes) -> None:
        assert pictures(PHOTO, b64encode(file).decode()) == []

    @pytest.mark.parametrize("value", ["!", 3, None, {}, ["x"], "é"])
    def test_what_is_no_base64_is_none(self, value: Any) -> None:  # noqa: ANN401 - any JSON
        assert pictures(PHOTO, value) == []


def test_least_arguments_are_least() -> None:
    assert skeleton(SPEC.to_json(), "describe").keys() >= LEAST.keys()
