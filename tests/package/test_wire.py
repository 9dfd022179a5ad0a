"""Protobuf's wire format as it is looked through: no reader finds in a file what was not seen in it."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.package import onnx_files
from tests.package.onnx_files import ELSEWHERE, EXTERNAL, FLOAT, GOOD, INT32, UINT8, field, value_info, varint

from modelport.errors import FormatError
from modelport.package.files.graph import check_graph
from modelport.package.files.onnx import session_alone
from modelport.package.files.wire import fields, passing

if TYPE_CHECKING:
    from pathlib import Path

LEAK = [field(1, 3), field(2, FLOAT), field(8, "w"), EXTERNAL, ELSEWHERE]


def widened(part: bytes, extra: int, padding: int) -> bytes:
    """Return the field *part*, whose key is one byte, with bits that do not fit and bytes that say nothing."""
    key = varint(part[0] | extra << 32)
    if padding:
        key = bytes([*key[:-1], key[-1] | 0x80, *[0x80] * (padding - 1), 0])
    return key + part[1:]


@given(st.integers(0, 4), st.integers(0, 2**32), st.integers(0, 6))
def test_no_key_is_written_wider_than_it_needs(place: int, extra: int, padding: int) -> None:
    assume(extra or padding)
    hidden = [*LEAK[:place], widened(LEAK[place], extra, padding), *LEAK[place + 1 :]]
    with pytest.raises(FormatError, match=r"an integer that is written too wide|an integer that does not end"):
        check_graph(onnx_files.scaled(weights=b"".join(hidden)))


def test_onnx_runtime_itself_drops_the_bits_that_do_not_fit() -> None:
    wide = GOOD.replace(field(1, 8), widened(field(1, 8), 1, 0), 1)
    assert wide != GOOD
    assert session_alone(wide)
    with pytest.raises(FormatError, match="written too wide"):
        check_graph(wide)


BROKEN = {
    "a key of six bytes": b"\x88\x80\x80\x80\x80\x00\x01",
    "a padded key": b"\x88\x00\x01",
    "a key of 33 bits": b"\x88\x80\x80\x80\x10\x01",
    "a size of 2 GiB": b"\x0a\x80\x80\x80\x80\x08",
    "a padded size": b"\x0a\x81\x00x",
    "a value of 65 bits": b"\x08" + b"\xff" * 9 + b"\x03",
    "a padded value": b"\x08\x81\x00",
    "number 0, an integer": b"\x00\x01",
    "number 0, bytes": b"\x02\x00",
    "number 0, eight bytes": b"\x01" + bytes(8),
    "number 0, four bytes": b"\x05" + bytes(4),
    "a group": b"\x0b\x0c",
    "no value": b"\x08",
    "no bytes": b"\x0a\x01",
    "too few bytes": b"\x0d\x00",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_readers_may_understand_differently_is_refused(name: str) -> None:
    with pytest.raises(FormatError):
        list(fields(memoryview(BROKEN[name])))


def test_the_widest_that_fit_are_read() -> None:
    content = field(2**29 - 1, b"") + field(1, 2**64 - 1) + b"\x15\x01\x00\x00\x00" + b"\x19" + bytes(7) + b"\x01"
    assert list(fields(memoryview(content))) == [(2**29 - 1, b""), (1, 2**64 - 1), (2, 1), (3, 1 << 56)]


SEEDS = [GOOD, b"".join(LEAK), *BROKEN.values(), field(1, 2**64 - 1) + field(2**29 - 1, b"x"), b"\x15\x01\x00\x00\x00"]


@given(st.data())
def test_protobuf_reads_the_same_fields_or_none(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=6))
    seen: list[tuple[int, object]] = []
    try:
        seen += [(n, v if isinstance(v, int) else bytes(v)) for n, v in fields(memoryview(bytes(content)))]
    except FormatError:
        return
    with contextlib.suppress(DecodeError):
        unknown = UnknownFieldSet(Empty.FromString(bytes(content)))
        assert [(unknown[i].field_number, unknown[i].data) for i in range(len(unknown))] == seen


PLAIN = [b"\x08", b"\x3d", b"\x39", b"\x4a\x04mode", b"\x40\x80\x01", b"\x40" + b"\xff" * 9 + b"\x01", b"\x3d1234" * 9]


@given(
    st.lists(st.sampled_from([*SEEDS, *PLAIN]) | st.binary(max_size=4), max_size=6), st.frozensets(st.integers(1, 17))
)
def test_what_is_passed_over_is_what_nobody_wants_and_everybody_can_read(
    parts: list[bytes], wanted: frozenset[int]
) -> None:
    content, passed = memoryview(b"".join(parts)), passing(wanted)
    try:
        every = list(fields(content))
    except FormatError as error:
        with pytest.raises(FormatError, match=re.escape(str(error))):
            list(fields(content, passed))
        return
    found = list(fields(content, passed))
    assert [one for one in found if one[0] in wanted] == [one for one in every if one[0] in wanted]
    assert [one for one in found if one[0] not in wanted] == [
        (number, value)
        for number, value in every
        if number not in wanted and (number > 15 or (isinstance(value, memoryview) and len(value) >= 16))
    ]


def test_a_forest_is_passed_over_in_a_moment() -> None:
    numbers = field(5, field(1, "nodes_nodeids") + b"\x40\x07\x3d1234\x4a\x04LEAF" * 4_000_000)
    check_graph(onnx_files.scaled(nodes=(onnx_files.node("Relu", ["x"], ["z"], attributes=numbers),)))


def test_a_path_that_was_overlooked_would_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"0123")
    elsewhere = field(13, field(1, "location") + field(2, "secret")) + field(13, field(1, "length") + field(2, "4"))
    secret = field(1, 4) + field(2, UINT8) + field(8, "w") + elsewhere + ELSEWHERE
    to_int32 = field(5, field(1, "to") + field(3, INT32) + field(20, 2))
    nodes = onnx_files.node("Cast", ["w"], ["c"], attributes=to_int32), onnx_files.node("Add", ["c", "x"], ["y"])
    x, y = value_info("x", INT32, 4), value_info("y", INT32, 4)
    content = onnx_files.model(onnx_files.graph(*nodes, inputs=[x], outputs=[y], initializers=(secret,)))
    with contextlib.chdir(tmp_path), pytest.raises(FormatError, match="External data path does not exist"):
        session_alone(content)


@pytest.mark.parametrize("key", [b"\x39", b"\x3d"])
def test_a_name_of_another_wire_type_names_nothing(key: bytes) -> None:
    other = key + (b"mine0000" if key == b"\x39" else b"mine")
    node = onnx_files.node("Run", ["x"], ["z"], domain="") + other
    with pytest.raises(FormatError, match="a number where a name belongs"):
        check_graph(onnx_files.scaled(nodes=(node,)))


def test_a_function_of_another_overload_defines_nothing() -> None:
    relu = field(7, onnx_files.node("Relu", ["x"], ["y"]))
    own = field(25, field(1, "Run") + relu + field(10, "com.example") + field(13, "other"))
    node = onnx_files.node("Run", ["x"], ["z"], domain="com.example")
    with pytest.raises(FormatError, match=r"com\.example\.Run"):
        check_graph(onnx_files.scaled(own, nodes=(node,)))
    check_graph(onnx_files.scaled(own, nodes=(node + field(8, "other"),)))
    with pytest.raises(FormatError, match="a node with two names"):
        check_graph(onnx_files.scaled(nodes=(node + field(7, "ai.onnx"),)))
