"""What is large enough for a thread: told by the answer, and told as quickly for a large one as for a small one."""

from __future__ import annotations

import enum
import threading
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from tests.support.loops import in_loop

from modelport.serve.reading import INLINE, answer_size, off_loop


class Value(NamedTuple):
    value: Any


@dataclass(slots=True)
class Slotted:
    name: str
    parts: list[Any]


class Colour(enum.Enum):
    RED = "red"


MANY = 10**6


@pytest.mark.parametrize(
    "answer",
    [
        Value([0] * MANY), Value(["x" * MANY]), Value([[1.0] * 1000] * 1000), Value(b"x" * MANY), Value("x" * MANY),
        Value(np.zeros(MANY)), Value(np.array(["x" * MANY], dtype=object)), Value(pd.DataFrame({"a": ["x" * MANY]})),
        Slotted("a", [Slotted("x" * MANY, [])]), Value({"a": {"b": "x" * MANY}}), Value([Slotted("a", [])] * 3000),
        object(),
    ],
    ids=lambda answer: str(type(answer)),
)  # fmt: skip
def test_what_is_large(answer: object) -> None:
    assert answer_size(answer) > INLINE


@pytest.mark.parametrize(
    "answer",
    [Value([1]), Value("red"), Slotted("a", [Slotted("b", [1.5])]), Value(Colour.RED), Value(np.zeros(10)), Value(None),
     Value(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})), Value({"a": 1}), Value(np.float32(1))],
    ids=str,
)  # fmt: skip
def test_what_is_small(answer: object) -> None:
    assert answer_size(answer) <= INLINE


def test_an_answer_that_holds_itself_has_an_end() -> None:
    held: list[Any] = []
    held.append(held)
    assert answer_size(Value(held)) > INLINE


def test_only_what_is_large_goes_to_a_thread() -> None:
    async def run() -> list[bool]:
        here = threading.get_ident()
        return [await off_loop(size, threading.get_ident) == here for size in (0, INLINE, INLINE + 1)]

    assert in_loop(run()) == [True, True, False]
