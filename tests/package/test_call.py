"""What one call tells of a model that fails: one line, and what a class refuses by field."""

from __future__ import annotations

import pydantic
import pytest

from modelport import Model
from modelport.errors import ModelError
from modelport.package.call import told


class Out(pydantic.BaseModel):
    v: int = pydantic.Field(ge=0)


def minus(v: int) -> Out:
    return Out(v=-v)


def lines(v: int) -> int:
    raise ValueError(f"{v}\n  is bad\n\n")


def test_an_answer_that_its_class_refuses_is_told_by_field() -> None:
    with pytest.raises(ModelError) as caught:
        Model(minus=minus).call("minus", {"v": 3})
    said = told(caught.value)
    assert said == "minus failed: what it made does not fit Out: v: Input should be greater than or equal to 0"


def test_many_lines_become_one() -> None:
    with pytest.raises(ModelError) as caught:
        Model(lines=lines).call("lines", {"v": 3})
    assert told(caught.value) == "lines failed: ValueError: 3; is bad"
