"""Second forms: kept only where they answer alike, the same bytes anywhere, and never half there."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from tests.package.trained import TRAINED, X

from modelport.errors import CallError, FormatError
from modelport.package import Package, load_package, model_from_file, pack
from modelport.package.closeness import alike
from modelport.package.state.conversion import litert_of, onnx_of
from modelport.package.state.standins import LiteRtStandIn, OnnxStandIn

if TYPE_CHECKING:
    from collections.abc import Callable

# TensorFlow's variables do not know NumPy 2's arguments yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROOT = Path(__file__).parents[2]

CONVERTED = ["clusters", "forest", "neighbours", "pipeline", "regression", "tree", "vectors"]

FORMS_OF = """\
import hashlib, sys
sys.path.insert(0, {folder!r})
from tests.package.trained import TRAINED
from modelport.package.state.conversion import litert_of, onnx_of
for name in {names}:
    print(name, hashlib.sha256(b"".join(onnx_of(TRAINED[name]()))).hexdigest())
print("network", hashlib.sha256(litert_of(TRAINED["network"]())).hexdigest())
"""

SOURCE = """\
import numpy as np
from sklearn.tree import DecisionTreeClassifier

from modelport import Model

tree = DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"])


def classify(x: list[float]) -> list[str]:
    {body}


model = Model(classify=classify)
"""
PREDICT = "return tree.predict(np.array([x]).T).tolist()"
EXAMPLE = 'model.add_example("classify", {"x": [0.0, 2.0]})\n'

NETWORK = """\
import keras
import numpy as np

from modelport import Model

keras.utils.set_random_seed(0)
layers = [keras.layers.Input((2,), name="x"), keras.layers.Dense(3, name="a"), keras.layers.Dense(1, name="b")]
network = keras.Sequential(layers, name="network")


def score(x: list[float], y: list[float]) -> list[float]:
    batch = np.array([x, y], "float32").T
    {body}


model = Model(score=score)
model.add_example("score", {{"x": [1.0, 2.0], "y": [0.5, -0.5]}})
"""


@pytest.fixture
def made(tmp_path: Path, lock: str) -> Callable[..., Package]:
    """Return a function that packs a source."""

    def make(source: str, *, alternatives: bool = True) -> Package:
        (tmp_path / "model.py").write_text(source, "utf-8")
        model = model_from_file(tmp_path / "model.py")
        return Package.read(
            pack(model, "some", tmp_path / "out", known_lock=lock, verify_in=None, alternatives=alternatives)
        )

    return make


def test_an_estimator_has_onnx_beside_it(made: Callable[..., Package]) -> None:
    package = made(SOURCE.format(body=PREDICT) + EXAMPLE)
    entry = {"path": "state/tree.onnx", "of": "state/tree.skops", "runtime": "onnxruntime", "agreed": 1}
    (said,) = package.info["alternatives"]
    assert {key: said[key] for key in entry} == entry
    assert said["rows"] >= 2
    assert "state/tree.onnx" in package.files()
    assert any(one.startswith("onnxruntime==") for one in package.info["requirements"])
    assert "onnxruntime==" in package.lock
    for alternatives in (False, True):
        loaded = load_package(package.folder, alternatives=alternatives)
        assert loaded.model.call("classify", {"x": [0.0, 5.0]}) == {"value": ["low", "high"]}


def test_a_second_form_is_run_where_it_is_asked_for_and_only_there(made: Callable[..., Package]) -> None:
    package = made(SOURCE.format(body=PREDICT) + EXAMPLE)
    (package.folder / "state" / "tree.onnx").write_bytes(b"damaged")
    load_package(package.folder)
    with pytest.raises(FormatError, match=r"tree\.onnx: it is not"):
        load_package(package.folder, alternatives=True)


@pytest.mark.parametrize("value", [1e306, float("inf")])  # what is missing, trees take
def test_what_a_second_form_cannot_take_is_the_callers_and_a_value_error_to_the_code(
    made: Callable[..., Package], value: float
) -> None:
    package = made(SOURCE.format(body=PREDICT) + EXAMPLE)
    loaded = load_package(package.folder, alternatives=True)
    with pytest.raises(CallError, match="which runs in its second form, takes no"):
        loaded.model.call("classify", {"x": [value]})
    caught = "try: return tree.predict(np.array([x]).T).tolist()\n    except ValueError: return ['no number']"
    package = made(SOURCE.format(body=caught) + EXAMPLE)
    loaded = load_package(package.folder, alternatives=True)
    assert loaded.model.call("classify", {"x": [value]}) == {"value": ["no number"]}


@pytest.mark.parametrize(
    ("body", "example", "reason"),
    [
        (PREDICT, "", None),
        ("return [str(one) for one in tree.feature_importances_]", EXAMPLE, "asks for more than it has"),
        ("return x and [tree.__class__.__name__]", EXAMPLE, "gives other answers to the examples"),
        ("return tree.predict([[one] for one in x]).tolist() if x[0] > 0 else []", EXAMPLE, "no example asks it"),
    ],
)
def test_a_second_form_that_does_not_answer_alike_is_left_out(
    body: str, example: str, reason: str | None, made: Callable[..., Package]
) -> None:
    package = made(SOURCE.format(body=body) + example)
    assert "alternatives" not in package.info
    assert "state/tree.onnx" not in package.files()
    assert not any(one.startswith("onnxruntime") for one in package.info["requirements"])
    if reason is None:
        assert "without_alternative" not in package.info
    else:
        (said,) = package.info["without_alternative"]
        assert said["of"] == "state/tree.skops"
        assert reason in said["reason"]


def test_second_forms_may_be_declined(made: Callable[..., Package]) -> None:
    package = made(SOURCE.format(body=PREDICT) + EXAMPLE, alternatives=False)
    assert not {"alternatives", "without_alternative"} & package.info.keys()


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("return network.predict(batch, verbose=0)[:, 0].tolist()", True),
        ("return np.asarray(network(batch))[:, 0].tolist()", True),
        ("return network(batch).numpy()[:, 0].tolist()", False),
        ("return [float(len(network.layers))] if len(batch) else []", False),
    ],
)
def test_a_network_has_litert_beside_it(body: str, made: Callable[..., Package], *, kept: bool) -> None:
    package = made(NETWORK.format(body=body))
    assert ("state/network.tflite" in package.files()) is kept
    assert any(one.startswith("ai-edge-litert==") for one in package.info["requirements"]) is kept
    if kept:
        loaded = load_package(package.folder, alternatives=True)
        example = loaded.model.examples[0]
        assert alike(example.output, loaded.model.call("score", example.input), 0)


def test_trying_leaves_nothing_behind(made: Callable[..., Package], tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("def same(x):\n    return x\n", "utf-8")
    body = "from beside_it import same\n\n    return tree.predict(np.array([same(x)]).T).tolist()"
    assert made(SOURCE.format(body=body) + EXAMPLE).info["alternatives"]
    assert not [place for place in sys.path if str(tmp_path / "out") in place or "/.out-" in place]
    assert not [one for one in sys.modules.values() if "/.out-" in str(getattr(one, "__file__", ""))]


def test_two_processes_write_the_same_second_forms() -> None:
    running = []
    for seed in ("1", "2"):
        script = FORMS_OF.format(folder=str(ROOT), names=CONVERTED)
        paths = os.pathsep.join([str(ROOT / "registry"), str(ROOT)])
        variables = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}
        running.append(
            subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=variables)
        )
    said = [process.communicate()[0] for process in running]
    assert said[0] == said[1]
    assert len(said[0].splitlines()) == len(CONVERTED) + 1


@pytest.mark.parametrize("name", CONVERTED)
def test_a_stand_in_answers_as_the_estimator(name: str) -> None:
    estimator = TRAINED[name]()
    content = next(onnx_of(estimator))
    assert hashlib.sha256(next(onnx_of(estimator))).digest() == hashlib.sha256(content).digest()
    stand_in = OnnxStandIn(content)
    np.testing.assert_allclose(stand_in.predict(X), estimator.predict(X), rtol=1e-5)
    assert stand_in.predict(X).shape == estimator.predict(X).shape
    assert stand_in.asked == 2
    if hasattr(estimator, "classes_"):
        np.testing.assert_array_equal(stand_in.classes_, estimator.classes_)
    with pytest.raises(AttributeError, match="has no 'fit'"):
        stand_in.fit(X)


def test_chances_are_never_above_one() -> None:
    wines, kinds = load_wine(return_X_y=True)
    wines = wines[:, [0, 1, 10]]
    forest = RandomForestClassifier(20, random_state=0).fit(wines, kinds)
    for form in onnx_of(forest):  # of those with 32-bit floats, some sum to more
        chances = OnnxStandIn(form).predict_proba(wines)
        assert (chances.min() >= 0, chances.max() <= 1) == (True, True)
        np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["leaves", "hashed"])
def test_what_has_no_converter_has_no_form(name: str) -> None:
    assert not list(onnx_of(TRAINED[name]()))


def test_a_network_of_two_outputs_gives_both_in_its_second_form() -> None:
    import keras  # noqa: PLC0415 - heavy imports are late

    x = keras.layers.Input((2,))
    network = keras.Model(x, [keras.layers.Dense(1)(x), keras.layers.Dense(3)(x)])
    stand_in, rows = LiteRtStandIn(litert_of(network)), np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
    for answer, expected in zip(stand_in(rows), network(rows), strict=True):
        assert np.allclose(answer, np.asarray(expected), atol=1e-6)


def test_hostile_second_forms_are_refused(tmp_path: Path) -> None:
    import onnx  # noqa: PLC0415 - heavy imports are late

    graph = onnx.load_from_string(next(onnx_of(TRAINED["tree"]())))
    for about in ("", "[]", '{"methods": 1}', json.dumps({"methods": {}})[:5]):
        del graph.metadata_props[:]
        graph.metadata_props.add(key="modelport", value=about)
        (tmp_path / "x.onnx").write_bytes(graph.SerializeToString())
        with pytest.raises(FormatError, match="which methods its outputs are of"):
            OnnxStandIn.load(tmp_path / "x.onnx")
    whole = litert_of(TRAINED["network"]())
    for content in (b"", b"nothing", b"TFL3" * 9):
        (tmp_path / "x.tflite").write_bytes(content)
        with pytest.raises(FormatError, match=r"x\.tflite: LiteRT cannot load it"):
            LiteRtStandIn.load(tmp_path / "x.tflite")
    assert LiteRtStandIn(whole).predict(X, verbose=0).shape == (40, 1)
    with pytest.raises(ValueError, match="cannot be trained"):
        LiteRtStandIn(whole)(X, training=True)


STRICT = """\
import numpy as np
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression

from modelport import Model

{first}
classifier = LogisticRegression().fit(*make_blobs(n_samples=300, centers=3, random_state=0))


def classify(x: float, y: float) -> int:
    return int(classifier.predict(np.array([[x, y]]))[0])


model = Model(classify=classify)
model.add_example("classify", {{"x": 1.0, "y": 4.0}})
"""


def test_what_a_file_asks_numpy_to_raise_keeps_no_rows_from_being_tried(made: Callable[..., Package]) -> None:
    plain = made(STRICT.format(first=""))
    with np.errstate():
        strict = made(STRICT.format(first="np.seterr(all='raise')"))
        assert strict.info["alternatives"] == plain.info["alternatives"]
    (form,) = plain.info["alternatives"]
    assert form["rows"] > 0
    assert "missing" in form["refuses"]
