"""What a typed call costs over the bare function of the iris forest."""

from __future__ import annotations

import time
from functools import partial, wraps
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from tests.bench.rows import Row

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
    """Measure a call by JSON form and by protobuf bytes, with lists and with tensors, for one flower and a thousand.

    The forest is the one of the Acumos paper's listing. What a call costs besides its function is the call's time less
    the function's own time in that very call: two calls apart differ by more than that on any machine. Of that, what it
    costs to call the bare function itself, taken in turns and in the same way, is not the typed call's.
    """
    iris = load_iris()
    forest = RandomForestClassifier(random_state=0).fit(iris.data, iris.target)

    def classify(flowers: Input) -> Output:
        return Output(forest.predict(np.column_stack(flowers)))

    def classify_table(table: Table) -> Labels:
        return Labels(forest.predict(table.flowers))

    found = []
    for count, said in ((1, "1 row"), (1000, "1000 rows")):
        flowers = np.resize(iris.data, (count, 4))
        forms: tuple[tuple[str, Callable[[Any], Any], Any], ...] = (
            ("lists", classify, Input(*flowers.T.tolist())),
            ("a tensor", classify_table, Table(flowers)),
        )
        for kind, function, native in forms:
            watch = Watch(function)
            for form, call in _calls(Model(classify=watch.function), native).items():
                value, peer = watch.medians(call, partial(watch.function, native))
                found.append(
                    Row(
                        figure=f"typed call over the bare function, {said}, {kind}, {form}",
                        value=value * 1e6, unit="us", target=(30e-6 if count == 1 else 0.05 * peer) * 1e6,
                        peer="the bare function", peer_value=peer * 1e6, runs=RUNS, how="make bench ROOM=model",
                    )
                )  # fmt: skip
    return found


class Watch:
    """Takes the time of a function inside the calls that lead to it."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.inside = 0.0

        @wraps(function)
        def watched(message: Any) -> Any:  # noqa: ANN401 - whatever the function takes
            began = time.perf_counter()
            answer = function(message)
            self.inside = time.perf_counter() - began
            return answer

        self.function = watched

    def medians(self, typed: Callable[[], object], bare: Callable[[], object]) -> tuple[float, float]:
        """Return the medians, in seconds, of what *typed* takes more than *bare*, and of the function itself."""
        besides: dict[Callable[[], object], list[float]] = {typed: [], bare: []}
        inside = []
        for _ in range(RUNS):
            for call, times in besides.items():
                began = time.perf_counter()
                call()
                times.append(time.perf_counter() - began - self.inside)
            inside.append(self.inside)
        return median(besides[typed]) - median(besides[bare]), median(inside)


def _calls(model: Model, native: object) -> dict[str, Callable[[], object]]:
    method, codec = model.methods["classify"], model.codec
    document, data = codec.to_json(native, method.spec.input), codec.to_bytes(native, method.spec.input)
    return {"JSON": lambda: method.call_json(document), "protobuf": lambda: method.call_bytes(data)}
