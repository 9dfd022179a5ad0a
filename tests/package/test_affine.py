"""Real numbers as a tensor's integers: held against what the arithmetic of floats says they must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.package.files.affine import Affine

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

DTYPES = ["int8", "uint8", "int16"]


def affines() -> SearchStrategy[Affine]:
    def of(dtype: str) -> SearchStrategy[Affine]:
        ends = np.iinfo(dtype)
        scales = st.floats(2**-20, 2**20, width=32)
        return st.builds(Affine, scales, st.integers(int(ends.min), int(ends.max)), st.just(dtype))

    return st.sampled_from(DTYPES).flatmap(of)


NUMBERS = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20)


@given(affines(), NUMBERS)
def test_what_is_in_range_comes_back_within_half_a_step_and_the_rest_as_the_ranges_ends(
    affine: Affine, numbers: list[float]
) -> None:
    ends = np.iinfo(affine.dtype)
    low, high = ((end - affine.zero) * affine.scale for end in (float(ends.min), float(ends.max)))
    integers = affine.quantized(numbers)
    assert integers.dtype == affine.dtype
    back = affine.real(integers)
    assert back.dtype == np.float32
    nearest = np.clip(numbers, low, high)
    assert (np.abs(back - nearest) <= affine.scale / 2 * (1 + 1e-6) + np.abs(nearest) * 1e-6).all()


@given(affines(), st.data())
def test_each_integer_stands_for_a_number_that_becomes_it_again(affine: Affine, data: st.DataObject) -> None:
    ends = np.iinfo(affine.dtype)
    integers = np.array(data.draw(st.lists(st.integers(int(ends.min), int(ends.max)), min_size=1)), affine.dtype)
    assert (affine.quantized(affine.real(integers)) == integers).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_range_is_that_of_the_tensors_own_type(dtype: str) -> None:
    ends = np.iinfo(dtype)
    affine = Affine(1.0, 0, dtype)
    assert affine.quantized([-1e9, 1e9, -np.inf, np.inf]).tolist() == [ends.min, ends.max] * 2


@given(st.lists(st.integers(0, 255), min_size=1))
def test_bytes_mean_the_numbers_that_they_are_whatever_the_tensors_type(values: list[int]) -> None:
    image = np.array(values, np.uint8)
    for affine in (Affine(1.0, -128, "int8"), Affine(1.0, 0, "uint8"), Affine(255 / 32767, 0, "int16")):
        assert (affine.quantized(image) == affine.quantized(image.astype(np.float64))).all()
        assert np.abs(affine.real(affine.quantized(image)) - image).max() <= affine.scale / 2


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="have no NaN"):
        Affine(0.5, 0, "int8").quantized([1.0, float("nan")])


@pytest.mark.parametrize("details", [("float32", 0.0), ("int32", 0.0), ("float32", 0.5), ("bool", 0.0)])
def test_numbers_without_a_scale_are_meant_as_they_are(details: tuple[str, float]) -> None:
    dtype, scale = details
    assert Affine.of({"dtype": np.dtype(dtype).type, "quantization": (scale, 0)}) is None
