"""Files of tensors: what is written comes back, and what says two things is refused."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.errors import FormatError
from modelport.package.state.safetensors import SIZES, TensorBytes, read_tensors, write_tensors


@st.composite
def tensors(draw: st.DrawFn) -> TensorBytes:
    dtype = draw(st.sampled_from(sorted(SIZES)))
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    size = SIZES[dtype] * math.prod(shape)
    return TensorBytes(dtype, shape, draw(st.binary(min_size=size, max_size=size)))


NAMES = st.text(max_size=5).filter(lambda name: name != "__metadata__")


@given(st.dictionaries(NAMES, tensors(), max_size=4), st.dictionaries(st.text(max_size=4), st.text(max_size=4)))
def test_tensors_come_back_and_their_order_does_not_count(
    written: dict[str, TensorBytes], about: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder) / "one", Path(folder) / "other"
        write_tensors(one, written, about)
        write_tensors(other, dict(reversed(written.items())), dict(reversed(about.items())))
        assert one.read_bytes() == other.read_bytes()
        found, said = read_tensors(one)
    assert {n: (t.dtype, t.shape, bytes(t.data)) for n, t in found.items()} == {
        n: (t.dtype, t.shape, t.data) for n, t in written.items()
    }
    assert said == about


def file_of(header: str | dict[str, Any], data: bytes = b"") -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(start: int = 0, stop: int = 4, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - hostile values of any kind
    return {"dtype": "F32", "shape": [1], "data_offsets": [start, stop], **changes}


TWICE = '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "a": {"dtype": "F32", "shape": [1], '


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04N.",
        (2**60).to_bytes(8, "little") + b"{}",
        file_of("[" * 100_000),
        file_of("[]"),
        file_of("{", b"{}"),
        file_of(TWICE + '"data_offsets": [0, 4]}}', b"\0" * 4),
        file_of('{"__metadata__": {"a": "x", "a": "y"}}'),
        file_of({"__metadata__": {"a": 1}}),
        file_of({"a": entry()}),
        file_of({"a": entry()}, b"\0" * 5),
        file_of({"a": entry(1, 5)}, b"\0" * 5),
        file_of({"a": entry(), "b": entry()}, b"\0" * 4),
        file_of({"a": entry(), "b": entry(8, 12)}, b"\0" * 12),
        file_of({"a": entry(shape=[2])}, b"\0" * 4),
        file_of({"a": entry(shape=[-1, -1])}, b"\0" * 4),
        file_of({"a": entry(shape=[True])}, b"\0" * 4),
        file_of({"a": entry(shape=[2**40, 2**40])}, b"\0" * 4),
        file_of({"a": entry(0, 0, shape=[0, 2**70])}),
        file_of({"a": entry(0, 0, shape=[2**62] * 4 + [0])}),
        file_of({"a": entry(shape=[1] * 65)}, b"\0" * 4),
        file_of({"a": entry(0, 0, shape=[0, 2**61])}),
        file_of('  {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', b"\0" * 4),
        file_of("\n{}"),
        file_of('{"\\ud800": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', b"\0" * 4),
        file_of('{"__metadata__": {"a": "\\udc00"}}'),
        file_of('{"__metadata__": {"\\udc00": "a"}}'),
        file_of({"a": entry(dtype="F8")}, b"\0" * 4),
        file_of({"a": entry(more=1)}, b"\0" * 4),
        file_of({"a": entry(-4, 0)}, b"\0" * 4),
        file_of({"a": 1}),
        file_of({"a": {"dtype": "F32"}}),
    ],
)
def test_hostile_files_are_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    with pytest.raises(FormatError, match=r"x\.safetensors is not a safetensors file"):
        read_tensors(file)


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    write_tensors(file, {"a": TensorBytes("F64", (2,), b"\1" * 16)}, {"of": "tests"})
    whole = file.read_bytes()
    for size in range(len(whole)):
        file.write_bytes(whole[:size])
        with pytest.raises(FormatError):
            read_tensors(file)
