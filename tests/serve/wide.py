"""A model of wide tables, served by ``python -m tests.serve.wide wide [LIMIT...]`` on a free port."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from tests.serve.models import INFO, MODELS, main

from modelport.model import About, Model
from modelport.serve import ServiceInfo

_SOUR = "acids that do not evaporate, as tartaric acid"


class Wines(NamedTuple):
    """Wines, one a row, by what a laboratory finds in them."""

    fixed_acidity: Annotated[list[float], About(_SOUR, unit="g/l")]
    volatile_acidity: list[float]
    citric_acid: list[float]
    residual_sugar: Annotated[list[float], About("what the yeast has left", unit="g/l", minimum=0)]
    chlorides: list[float]
    free_sulfur_dioxide: list[float]
    total_sulfur_dioxide: list[float]
    density: list[float]
    ph: list[float]
    sulphates: list[float]
    alcohol: Annotated[list[float], About(unit="%", minimum=0, maximum=100)]
    year: list[int]
    colour: list[str]


class Taste(NamedTuple):
    quality: list[float]
    style: list[str]


def taste(wines: Wines) -> Taste:
    """Tell how good wines taste, from 0 to 10."""
    return Taste([6.0 for _ in wines.ph], [f"a {one} wine" for one in wines.colour])


def back(wines: Wines) -> Wines:
    """Give the wines back."""
    return wines


def wide() -> Model:
    model = Model(taste=taste, back=back)
    measured = (7.4, 0.7, 0.0, 1.9, 0.076, 11.0, 34.0, 0.9978, 3.51, 0.56, 9.4, 2009, "red")
    for method in ("taste", "back"):
        model.add_example(method, {name: [one, one] for name, one in zip(Wines._fields, measured, strict=True)})
    return model


MODELS["wide"] = wide
INFO["wide"] = ServiceInfo(
    name="wine-taster", version="2.0.1", digest="sha256:" + "1" * 64, tier="code-bearing", python="3.11",
    requirements=("numpy==2.4.6", "onnxruntime==1.31.1", "scikit-learn==1.9.1"), spdx="Apache-2.0 OR MIT",
    runtime="onnxruntime", idle=("scikit-learn",), row_methods=frozenset({"taste"}),
)  # fmt: skip

if __name__ == "__main__":
    main()
