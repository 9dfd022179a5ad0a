"""Streams of bytes, cut into messages: the same ones however they come, and never more held than a message may have."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from google.protobuf.proto import serialize_length_prefixed
from google.protobuf.wrappers_pb2 import BytesValue
from hypothesis import given
from hypothesis import strategies as st

from modelport.serve.framing import Lengths, Lines, delimited
from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 40
messages = st.lists(st.binary(max_size=LONGEST), max_size=8)
lines = st.lists(st.binary(min_size=1, max_size=LONGEST).filter(lambda one: b"\n" not in one and one.strip()))


def chunks(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    stream = io.BytesIO(data)
    for size in sizes:
        yield stream.read(size)
    yield stream.read()


def read(frames: Lines | Lengths, data: bytes, sizes: list[int]) -> list[bytes]:
    found = [message for chunk in chunks(data, sizes) for message in frames.add(chunk)]
    return [*found, *frames.rest()]


@given(lines, st.lists(st.integers(0, 9)), st.booleans())
def test_lines_are_the_same_however_they_come(given_lines: list[bytes], sizes: list[int], ended: bool) -> None:  # noqa: FBT001 - given by hypothesis
    data = b"\n\n".join(given_lines) + (b"\n" if ended else b"")
    assert read(Lines(LONGEST), data, sizes) == given_lines


@given(messages, st.lists(st.integers(0, 9)))
def test_lengths_are_the_same_however_they_come(given_messages: list[bytes], sizes: list[int]) -> None:
    data = b"".join(map(delimited, given_messages))
    assert read(Lengths(LONGEST), data, sizes) == given_messages


@given(st.binary(max_size=300))
def test_lengths_are_those_of_protobufs_own_libraries(value: bytes) -> None:
    message, written = BytesValue(value=value), io.BytesIO()
    serialize_length_prefixed(message, written)
    assert delimited(message.SerializeToString()) == written.getvalue()


@given(st.binary(max_size=300), st.lists(st.integers(0, 30)), st.sampled_from([Lines, Lengths]))
def test_any_bytes_are_messages_or_a_problem(data: bytes, sizes: list[int], kind: type[Lines | Lengths]) -> None:
    found: list[bytes] = []
    with suppress(ProblemError):
        found = read(kind(LONGEST), data, sizes)
    assert all(len(one) <= LONGEST for one in found)


@pytest.mark.parametrize(
    ("frames", "data"),
    [
        (Lines(LONGEST), b"x" * (LONGEST + 1)),
        (Lines(LONGEST), b"{}\n" + b"x" * (LONGEST + 1) + b"\n"),
        (Lengths(LONGEST), delimited(b"x" * (LONGEST + 1))[:1]),
    ],
)
def test_what_is_too_long_is_refused_before_it_is_here(frames: Lines | Lengths, data: bytes) -> None:
    with pytest.raises(ProblemError) as told:
        list(frames.add(data))
    assert told.value.detail == f"a message of a stream has at most {LONGEST} bytes"


@pytest.mark.parametrize("kind", [Lines, Lengths])
def test_a_message_in_many_pieces_is_copied_once(kind: type[Lines | Lengths]) -> None:
    """A message of 16 MiB in pieces of 100 bytes: copied with each of them, it would take hours."""
    body, frames = b"x" * 2**24, kind(2**24)
    data = body + b"\n" if kind is Lines else delimited(body)
    pieces = (data[start : start + 100] for start in range(0, len(data), 100))
    assert [one for piece in pieces for one in frames.add(piece)] == [body]


def test_a_message_before_what_is_wrong_is_there() -> None:
    found = Lengths(LONGEST).add(delimited(b"x") + b"\xff" * 9)
    assert next(found) == b"x"
    with pytest.raises(ProblemError, match="not one of messages with their lengths"):
        next(found)
