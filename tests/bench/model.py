"""What a typed call costs over the bare function of the iris forest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from tests.bench.rows import Row, interleaved

from modelport import Model

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 31


class Input(NamedTuple):
    sepal_length: list[float]
    sepal_width: list[float]
    petal_length: list[float]
    petal_width: list[float]


class Output(NamedTuple):
    species: list[int]


def rows() -> list[Row]:
    """Measure a call by JSON form and by protobuf bytes, for one flower and for a thousand."""
    iris = load_iris()
    # Ten trees: the function's own time must not hide what the typing costs.
    forest = RandomForestClassifier(n_estimators=10, random_state=0).fit(iris.data, iris.target)

    def classify(flowers: Input) -> Output:
        return Output(forest.predict(np.column_stack(flowers)))

    model = Model(classify=classify)
    found = []
    for count, target in ((1, 30e-6), (1000, 0.0)):
        columns = np.resize(iris.data, (count, 4)).T.tolist()
        document = dict(zip(Input._fields, columns, strict=True))
        native = Input(*columns)
        for form, call in _calls(model, document).items():
            value, peer = interleaved(_timed(call), _timed(lambda n=native: classify(n)), runs=RUNS)  # type: ignore[misc]
            found.append(
                Row(
                    figure=f"typed call over the bare function, {count} row{'s' if count > 1 else ''}, {form}",
                    value=(value - peer) * 1e6, unit="us", target=(target or 0.05 * peer) * 1e6,
                    peer="the bare function", peer_value=peer * 1e6, runs=RUNS, how="make bench ROOM=model",
                )
            )  # fmt: skip
    return found


def _calls(model: Model, document: dict[str, list[float]]) -> dict[str, Callable[[], object]]:
    method = model.methods["classify"]
    data = model.codec.to_bytes(model.codec.from_json(document, "Input"), "Input")
    return {"JSON": lambda: method.call_json(document), "protobuf": lambda: method.call_bytes(data)}


def _timed(call: Callable[[], object]) -> Callable[[], float]:
    def measure() -> float:
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    return measure
