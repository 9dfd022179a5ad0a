"""What a typed call costs over the bare function of the iris forest."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from tests.bench.rows import Row, interleaved

from modelport import Model, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 201  # a call takes microseconds, and a busy machine blurs them


class Input(NamedTuple):
    sepal_length: list[float]
    sepal_width: list[float]
    petal_length: list[float]
    petal_width: list[float]


class Output(NamedTuple):
    species: list[int]


class Table(NamedTuple):
    """The same flowers as an array: what a model that computes with arrays would take."""

    flowers: Annotated[np.ndarray, Tensor("float64", "n", 4)]


class Labels(NamedTuple):
    species: Annotated[np.ndarray, Tensor("int64", "n")]


def rows() -> list[Row]:
    """Measure a call by JSON form and by protobuf bytes, with lists and with tensors, for one flower and a thousand."""
    iris = load_iris()
    # Ten trees: the function's own time must not hide what the typing costs.
    forest = RandomForestClassifier(n_estimators=10, random_state=0).fit(iris.data, iris.target)

    def classify(flowers: Input) -> Output:
        return Output(forest.predict(np.column_stack(flowers)))

    def classify_table(table: Table) -> Labels:
        return Labels(forest.predict(table.flowers))

    found = []
    for count, target in ((1, 30e-6), (1000, 0.0)):
        flowers, said = np.resize(iris.data, (count, 4)), "1 row" if count == 1 else f"{count} rows"
        forms: tuple[tuple[str, Callable[[Any], Any], Any], ...] = (
            ("lists", classify, Input(*flowers.T.tolist())),
            ("a tensor", classify_table, Table(flowers)),
        )
        for kind, function, native in forms:
            for form, call in _calls(Model(classify=function), native).items():
                value, peer = interleaved(_timed(call), _timed(partial(function, native)), runs=RUNS)
                found.append(
                    Row(
                        figure=f"typed call over the bare function, {said}, {kind}, {form}",
                        value=(value - peer) * 1e6, unit="us", target=(target or 0.05 * peer) * 1e6,
                        peer="the bare function", peer_value=peer * 1e6, runs=RUNS, how="make bench ROOM=model",
                    )
                )  # fmt: skip
    return found


def _calls(model: Model, native: object) -> dict[str, Callable[[], object]]:
    method, codec = model.methods["classify"], model.codec
    document, data = codec.to_json(native, method.spec.input), codec.to_bytes(native, method.spec.input)
    return {"JSON": lambda: method.call_json(document), "protobuf": lambda: method.call_bytes(data)}


def _timed(call: Callable[[], object]) -> Callable[[], float]:
    def measure() -> float:
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    return measure
