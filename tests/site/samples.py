"""Documents of a small catalog: two like the real ones, and one for each other state an entry can be in."""

from __future__ import annotations

import hashlib
from typing import Any

from modelport.catalog import index_of_documents
from modelport.model.spec import Field, ListOf, Message, MethodSpec, ModelSpec, Scalar, TensorOf

__all__ = ["catalog", "index_of", "model"]

_IRIS = ModelSpec(
    messages=(
        Message(
            "Input",
            tuple(
                Field(name, ListOf(Scalar("double")))
                for name in ("sepal_length", "sepal_width", "petal_length", "petal_width")
            ),
            "Flowers, a column for each measure in centimetres.",
        ),
        Message(
            "Output",
            (Field("IrisType", ListOf(Scalar("int64"))),),
            "The species of each flower: 0 is setosa, 1 versicolor, 2 virginica.",
        ),
    ),
    methods=(MethodSpec("classify", "Input", "Output", "Tell the species of each flower."),),
).with_proto_package()

_FASHION = ModelSpec(
    messages=(
        Message(
            "Clothes",
            (Field("images", TensorOf("uint8", ("n", 28, 28))),),
            "Photographs: 28 x 28 grey values, 0 is the background, 255 the brightest cloth.",
        ),
        Message(
            "Kinds",
            (Field("labels", ListOf(Scalar("string"))), Field("probabilities", TensorOf("float32", ("n", 10)))),
            "The likeliest label of each image, and the probability of each of the ten labels in their order.",
        ),
    ),
    methods=(MethodSpec("classify", "Clothes", "Kinds", "Tell the kind of clothing in each image."),),
).with_proto_package()

_IRIS_CARD = """\
A random forest of 100 trees reads four measures of each flower, in centimetres, and gives the number of its species:

| number | species |
|---|---|
| 0 | *Iris setosa* |
| 1 | *Iris versicolor* |
| 2 | *Iris virginica* |

Measures come as columns: the first item of each list belongs to the first flower.

## How it was made

scikit-learn's `RandomForestClassifier(random_state=0)` with its defaults, fitted on two thirds of Fisher's iris data,
exactly as in the [Acumos paper](https://example.org/acumos)'s listing.
"""


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def coat() -> list[list[int]]:
    """A coat, as Fashion-MNIST would draw it: 28 x 28 grey values."""
    rows = []
    for y in range(28):
        half = 5 + y // 6 if y > 3 else 3
        row = [0] * 28
        for x in range(28):
            off = abs(x - 13.5)
            if off <= half or (2 < y < 22 and off <= half + 5 - y // 9):
                row[x] = int(230 - 9 * abs(off - half / 2) - (40 if off < 1 else 0) - 2 * y)
        rows.append([max(0, value) if value else 0 for value in row])
    return rows


def files(state: str, size: int) -> list[dict[str, Any]]:
    return [
        {"path": state, "kind": "weight", "size": size, "digest": digest(state)},
        {"path": "code/model.py", "kind": "code", "size": 1831, "digest": digest("code")},
        {"path": "signature.json", "kind": "weight.config", "size": 912, "digest": digest("signature")},
        {"path": "examples/classify-1.json", "kind": "doc", "size": 402, "digest": digest("example")},
    ]


def model(name: str, **changes: object) -> dict[str, Any]:
    """Return the document of an unreleased model with its own name, changed as told."""
    return {
        "schema": "modelport/api-model/2",
        "name": name,
        "title": name.replace("-", " ").capitalize(),
        "summary": f"Does what {name} does.",
        "task": "other",
        "publisher": {"name": "Modelport"},
        "authors": [{"name": "The Modelport authors"}],
        "maintainers": [{"name": "The Modelport authors"}],
        "license": {"weights": "Apache-2.0"},
        "audience": "public",
        "lifecycle": "published",
        "intended_use": "Trying things.",
        "limits": "None is known.",
        "training_data": [],
        "card": "",
        "recipe": False,
        "versions": [],
        "latest": None,
    } | changes


def iris() -> dict[str, Any]:
    version = {
        "version": "1.1.0",
        "released": "2026-11-21",
        "changes": [
            {"kind": "changed", "text": "Trained with scikit-learn 1.9."},
            {"kind": "fixed", "text": "The species is an integer, not a text."},
        ],
        "digest": digest("iris 1.1.0"),
        "size": 152_340,
        "tier": "code-bearing",
        "python": "3.11",
        "requirements": ["numpy==2.4.6", "scikit-learn==1.9.1"],
        "files": files("state/forest.skops", 146_012),
        "signature": _IRIS.to_json(),
        "examples": [
            {
                "method": "classify",
                "input": {
                    "sepal_length": [5.1, 7.0, 6.3],
                    "sepal_width": [3.5, 3.2, 3.3],
                    "petal_length": [1.4, 4.7, 6.0],
                    "petal_width": [0.2, 1.4, 2.5],
                },
                "output": {"IrisType": [0, 1, 2]},
                "tolerance": 0.0,
            }
        ],
        "evaluations": [
            {
                "data": "Iris",
                "split": "a third held out (test_size=0.33, random_state=42)",
                "n": 50,
                "metric": "accuracy",
                "value": 0.98,
                "interval": [0.895, 0.9965],
                "measured_by": "publisher",
                "tolerance": 0.02,
            }
        ],
    }
    first = version | {
        "version": "1.0.0",
        "released": "2026-10-02",
        "changes": [{"kind": "added", "text": "First version."}],
        "digest": digest("iris 1.0.0"),
        "size": 151_870,
    }
    return model(
        "iris-forest",
        title="Iris forest",
        summary="Tells the species of an iris flower from the lengths and widths of its sepals and petals.",
        task="tabular-classification",
        tags=["iris", "flowers", "random-forest", "acumos"],
        authors=[{"name": "Jane Doe", "orcid": "0000-0002-1825-0097"}, {"name": "The Modelport authors"}],
        license={"weights": "Apache-2.0", "code": "Apache-2.0", "data": "CC-BY-4.0"},
        intended_use="A first model to try: it shows the whole way from a typed function to a service.",
        limits="It knows three species only and names one of them for whatever it is given.",
        training_data=[
            {"name": "Iris", "source": "https://example.org/datasets/iris", "license": "CC-BY-4.0", "samples": 100}
        ],
        citation={"text": 'S. Zhao et al., "Packaging and Sharing Machine Learning Models", ICMLA 2018.'},
        card=_IRIS_CARD,
        recipe=True,
        versions=[version, first],
        latest="1.1.0",
    )  # fmt: skip


def fashion() -> dict[str, Any]:
    probabilities = [0.00012, 0.00003, 0.05121, 0.00291, 0.92817, 0.0, 0.01740, 0.0, 0.00016, 0.0]
    version = {
        "version": "1.0.0",
        "released": "2026-11-21",
        "changes": [{"kind": "added", "text": "First version."}],
        "digest": digest("fashion 1.0.0"),
        "size": 1_042_118,
        "tier": "code-bearing",
        "python": "3.11",
        "requirements": ["keras==3.12.0", "numpy==2.4.6", "tensorflow-cpu==2.21.0"],
        "files": files("state/network.keras", 1_029_003),
        "signature": _FASHION.to_json(),
        "examples": [
            {
                "method": "classify",
                "input": {"images": [coat()]},
                "output": {"labels": ["Coat"], "probabilities": [probabilities]},
                "tolerance": 0.001,
            }
        ],
        "evaluations": [
            {
                "data": "Fashion-MNIST", "split": "test", "n": 10_000, "metric": "accuracy", "value": 0.9021,
                "interval": [0.8961, 0.9078], "measured_by": "publisher", "tolerance": 0.01,
            }
        ],
    }  # fmt: skip
    return model(
        "fashion-classifier",
        title="Fashion classifier",
        summary="Tells ten kinds of clothing, from trousers to ankle boots, in small grey photographs.",
        task="image-classification",
        tags=["clothes", "fashion-mnist", "convolutional-network", "images"],
        license={"weights": "Apache-2.0", "code": "Apache-2.0", "data": "MIT"},
        limits="Photographs of another kind are answered with one of the ten labels, often wrongly.",
        training_data=[{"name": "Fashion-MNIST", "source": "Zalando Research", "license": "MIT", "samples": 60_000}],
        card="A small network names the piece of clothing.\n\n## Labels\n\n- T-shirt/top\n- Trouser\n- Coat",
        recipe=True,
        versions=[version],
        latest="1.0.0",
    )


def index_of(*models: dict[str, Any]) -> dict[str, Any]:
    """Return the index of some documents, as the catalog's own makes it."""
    return index_of_documents(models)


def catalog() -> list[dict[str, Any]]:
    """Return the documents of the sample catalog."""
    old = iris()["versions"][1]
    return [
        iris(),
        fashion(),
        model("bird-songs", summary="Will name birds by their song.", lifecycle="draft", recipe=True),
        model(
            "old-iris", summary="The iris classifier of last year.", lifecycle="deprecated", successor="iris-forest",
            versions=[old], latest="1.0.0",
        ),
        model(
            "bad-scores", summary="Scored loans, until it was withdrawn.", lifecycle="yanked",
            reason="It had been trained on its own test data.", versions=[old], latest="1.0.0",
        ),
    ]  # fmt: skip
