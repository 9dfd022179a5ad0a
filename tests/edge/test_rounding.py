"""Rounded weights: on a grid, near what they were, in a file that differs in nothing else; and a download's bytes."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.edge.networks import pictures, save, separable

from modelport.edge.converting import converted
from modelport.edge.lite_file import constants, parsed
from modelport.edge.rounding import LEVELS, SAVED, _on_grid, compressed, fewest_lost, rounded
from modelport.package.state.standins import LiteRtStandIn

if TYPE_CHECKING:
    from pathlib import Path

# Keras's own way with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SHAPES = arrays.array_shapes(min_dims=2, max_dims=4, max_side=6)
WEIGHTS = arrays.arrays(np.float32, SHAPES, elements=st.floats(-(2.0**20), 2.0**20, width=32))


@given(WEIGHTS, st.sampled_from(LEVELS))
def test_each_channel_has_few_levels_and_no_weight_is_further_than_half_a_step(
    weights: np.ndarray[Any, np.dtype[np.float32]], levels: int
) -> None:
    found = _on_grid(weights, levels)
    assert found.shape == weights.shape
    assert found.dtype == np.float32
    first = np.moveaxis(weights, -1, 0) if weights.shape[0] == 1 else weights
    second = np.moveaxis(found, -1, 0) if weights.shape[0] == 1 else found
    for before, after in zip(first, second, strict=True):
        assert len(np.unique(after)) <= levels
        step = 2 * np.abs(before.astype(np.float64)).max() / (levels // 2 - 1)
        assert np.abs(after.astype(np.float64) - before).max() <= step / 2


@given(WEIGHTS, st.sampled_from(LEVELS))
def test_what_is_rounded_stays_as_it_is_when_it_is_rounded_again(
    weights: np.ndarray[Any, np.dtype[np.float32]], levels: int
) -> None:
    once = _on_grid(weights, levels)
    assert (_on_grid(once, levels) == once).all()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return converted(save(separable(), tmp_path_factory.mktemp("net") / "net.keras"))


def test_the_file_differs_in_its_weights_alone(plain: bytes) -> None:
    made, levels = fewest_lost(plain)
    assert levels in LEVELS
    assert len(made) == len(plain)
    assert len(compressed(made)) <= (1 - SAVED) * len(plain)
    before, after = (list(constants(parsed(one))) for one in (plain, made))
    blank = [bytearray(plain), bytearray(made)]
    for (tensor, old), (_, new) in zip(before, after, strict=True):
        if len(tensor.shape) < 2:
            assert bytes(old.data) == bytes(new.data)
        for content, buffer in zip(blank, (old, new), strict=True):
            place = bytes(content).index(bytes(buffer.data))
            content[place : place + len(buffer.data)] = bytes(len(buffer.data))
    assert blank[0] == blank[1]
    images = pictures(20, seed=2)
    one, other = (LiteRtStandIn(content)(images) for content in (plain, made))
    assert np.linalg.norm(one - other) <= 0.04 * np.linalg.norm(one)


def test_rounding_before_batch_normalisation_is_folded_in_loses_what_it_is_for(plain: bytes, tmp_path: Path) -> None:
    model = separable()
    for layer in model.layers:
        layer.set_weights([_early(one) for one in layer.get_weights()])
    early = converted(save(model, tmp_path / "early.keras"))
    late = rounded(plain, 256)
    assert len(compressed(early)) > 1.15 * len(compressed(late))


def _early(weights: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return Keras's weights, whose last dimension are the channels, on the grid; not biases."""
    first = np.moveaxis(weights, -1, 0)
    return weights if weights.ndim < 2 else np.moveaxis(_on_grid(first, 256), 0, -1)


def test_a_download_has_no_name_and_no_time_so_that_its_bytes_are_the_same() -> None:
    content = bytes(range(256)) * 40
    first = compressed(content)
    time.sleep(1.1)  # gzip's times are whole seconds
    assert compressed(content) == first
    assert gzip.decompress(first) == content
    flags, stamp = first[3], first[4:8]
    assert (flags, stamp) == (0, b"\0\0\0\0")
