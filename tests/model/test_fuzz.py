"""Whatever comes in, only CallError comes out, and soon."""

from __future__ import annotations

import time
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.samples import EVERYTHING
from tests.model.strategies import json_documents, natives, signatures

from modelport.errors import CallError
from modelport.model import Codec, Model, ModelSpec, Tensor

MESSAGES = sorted(EVERYTHING.codec.types)


def read_json(codec: Codec, document: object, message: str) -> None:
    try:
        native = codec.from_json(document, message)
    except CallError:
        pass
    else:
        codec.to_bytes(native, message)


def read_bytes(codec: Codec, data: bytes, message: str) -> None:
    try:
        native = codec.from_bytes(data, message)
    except CallError:
        pass
    else:
        codec.to_json(native, message)


@pytest.mark.parametrize("message", MESSAGES)
@given(data=st.data())
def test_random_fields_of_the_right_names(message: str, data: st.DataObject) -> None:
    names = [f.name for f in EVERYTHING.spec.message(message).fields]
    read_json(EVERYTHING.codec, {name: data.draw(json_documents) for name in names}, message)


@given(json_documents, st.sampled_from(MESSAGES))
def test_random_documents(document: object, message: str) -> None:
    read_json(EVERYTHING.codec, document, message)


@given(st.binary(max_size=64), st.sampled_from(MESSAGES))
def test_random_bytes(data: bytes, message: str) -> None:
    read_bytes(EVERYTHING.codec, data, message)


@given(st.data(), st.sampled_from(MESSAGES))
def test_flipped_and_cut_bytes(data: st.DataObject, message: str) -> None:
    raw = bytearray(EVERYTHING.codec.to_bytes(data.draw(natives(EVERYTHING.codec, message)), message))
    for place in data.draw(st.lists(st.integers(0, max(len(raw) - 1, 0)), max_size=4)):
        if raw:
            raw[place] ^= data.draw(st.integers(1, 255))
    read_bytes(EVERYTHING.codec, bytes(raw[: data.draw(st.integers(0, len(raw)))]), message)


@given(signatures(), st.data())
def test_random_bytes_for_random_signatures(spec: ModelSpec, data: st.DataObject) -> None:
    codec = Codec.bare(spec)
    message = data.draw(st.sampled_from(codec.spec.messages)).name
    read_bytes(codec, data.draw(st.binary(max_size=32)), message)


Points = Annotated[np.ndarray, Tensor("float32", "n", 2)]


def take(image: Points, text: str, numbers: list[int]) -> None: ...


TAKE = Model(take=take).codec


def deep(levels: int) -> object:
    document: object = 1
    for _ in range(levels):
        document = [document]
    return document


@pytest.mark.parametrize("field", ["image", "text", "numbers"])
def test_a_deep_document_is_followed_only_as_deep_as_the_signature(field: str) -> None:
    # The text of such a document is refused by whoever parses it; a value made otherwise is harmless, too.
    good = {"image": [[1, 2]], "text": "", "numbers": [1]}
    with pytest.raises(CallError):
        TAKE.from_json(good | {field: deep(100_000)}, "TakeIn")


@pytest.mark.parametrize(
    "image",
    [
        [["x" * 10_000_000, 1.0]] + [[1.0, 2.0]] * 10_000,
        [["NaN", 10**5000]] * 1000,
        [[0.0] * 100_000, [0.0] * 99_999],
        [[]] * 1_000_000,
        [[1, 2]] * 100_000 + [[1, "2"]],
    ],
    ids=["one long string among numbers", "huge integers", "one element short", "empty rows", "one string at the end"],
)
def test_hostile_lists_take_little_time_and_memory(image: object) -> None:
    begin = time.process_time()
    with pytest.raises(CallError):
        TAKE.from_json({"image": image, "text": "", "numbers": []}, "TakeIn")
    assert time.process_time() - begin < 30
