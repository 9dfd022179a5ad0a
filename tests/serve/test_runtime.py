"""What runs a trained object in service: its second form where that works, without the framework, or the framework."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import pytest
from tests.serve.running import ROOT, running, start

from modelport.package import model_from_file, pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.serve.running import Running

TREE = """\
import numpy as np
from sklearn.tree import DecisionTreeClassifier

from modelport import Model

tree = DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], {labels})


def classify(x: list[float]) -> list[str]:
    return tree.predict(np.array([x]).T).tolist()


model = Model(classify=classify)
model.add_example("classify", {{"x": [0.0, 2.0]}})
"""
LOW_HIGH, HIGH_LOW = ["low", "low", "high", "high"], ["high", "high", "low", "low"]

NETWORK = """\
import keras
import numpy as np

from modelport import Model

keras.utils.set_random_seed(0)
layers = [keras.layers.Input((2,), name="x"), keras.layers.Dense(1, name="b")]
network = keras.Sequential(layers, name="network")


def score(x: list[float], y: list[float]) -> list[float]:
    return network.predict(np.array([x, y], "float32").T, verbose=0)[:, 0].tolist()


model = Model(score=score)
model.add_example("score", {"x": [1.0, 2.0], "y": [0.5, -0.5]})
"""

PACK = """\
import sys
from pathlib import Path
from modelport.package import model_from_file, pack
file, out, lock = map(Path, sys.argv[1:])
pack(model_from_file(file), "some", out, known_lock=lock.read_text("utf-8"), verify_in=None)
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that packs a source in a process of its own."""

    def make(source: str) -> Path:
        folder = tmp_path_factory.mktemp("packed")
        (folder / "model.py").write_text(source, "utf-8")
        lock = ROOT / "requirements/dev.lock"
        command = [sys.executable, "-c", PACK, str(folder / "model.py"), str(folder / "out"), str(lock)]
        subprocess.run(command, check=True, capture_output=True)
        return folder / "out"

    return make


@pytest.fixture
def tree(packed: Callable[..., Path]) -> Path:
    return packed(TREE.format(labels=LOW_HIGH))


def libraries(service: Running) -> set[str]:
    """Return which frameworks and runtimes the service's process has mapped into its memory."""
    mapped = Path(f"/proc/{service.process.pid}/maps").read_text("utf-8")
    return {one for one in ("sklearn", "onnxruntime", "tensorflow", "ai_edge_litert") if f"/{one}/" in mapped}


def said(service: Running) -> dict[str, Any]:
    """Return everything that says what runs the model; all must say the same."""
    loaded = next(line for line in service.log() if line["message"] == "loaded")
    metadata = service.client.get("/model/artifacts/metadata").json()
    assert f'runtime="{loaded["runtime"]}"' in service.client.get("/metrics").text
    assert metadata["runs_on"] == loaded["runtime"]
    return loaded


def test_a_second_form_serves_without_the_framework(tree: Path) -> None:
    with running("modelport.serve", str(tree), "--port", "0") as service:
        assert service.call("classify", {"x": [0.0, 5.0]}).json() == {"value": ["low", "high"]}
        assert said(service)["runtime"] == "onnxruntime"
        assert libraries(service) == {"onnxruntime"}


def test_a_network_serves_without_its_framework(packed: Callable[..., Path]) -> None:
    with running("modelport.serve", str(packed(NETWORK)), "--port", "0") as service:
        assert service.call("score", {"x": [0.0], "y": [0.0]}).json() == {"value": [0.0]}
        assert said(service)["runtime"] == "ai-edge-litert"
        assert libraries(service) == {"ai_edge_litert"}


def test_the_framework_serves_where_it_is_asked_for(tree: Path) -> None:
    with running("modelport.serve", str(tree), "--port", "0", "--runtime", "framework") as service:
        assert service.call("classify", {"x": [0.0, 5.0]}).json() == {"value": ["low", "high"]}
        assert said(service)["runtime"] == "framework"
        assert libraries(service) == {"sklearn"}


@pytest.mark.parametrize("trouble", ["damaged", "gone", "another answer"])
def test_the_framework_takes_over_from_a_second_form_that_does_not_work(
    tree: Path, packed: Callable[..., Path], trouble: str
) -> None:
    file = tree / "state" / "tree.onnx"
    if trouble == "gone":
        file.unlink()
    elif trouble == "damaged":
        file.write_bytes(b"damaged")
    else:
        other = packed(TREE.format(labels=HIGH_LOW))
        file.write_bytes((other / "state" / "tree.onnx").read_bytes())
    with running("modelport.serve", str(tree), "--port", "0") as service:
        assert service.call("classify", {"x": [0.0, 5.0]}).json() == {"value": ["low", "high"]}
        assert said(service)["runtime"] == "framework"
        (warning,) = [line for line in service.log() if line["level"] == "warning"]
        assert "framework takes over" in warning["message"]
        assert ("golden example" if trouble == "another answer" else "tree.onnx") in warning["why"]
    with TemporaryFile() as stderr, start(["modelport.serve", str(tree), "--runtime", "converted"], stderr) as process:
        assert process.wait(60) == 1
        stderr.seek(0)
        error = stderr.read().decode()
        assert "second form does not work here" in error
        assert "--runtime auto" in error
        assert "Traceback" not in error


def test_what_has_no_second_form_says_so(tmp_path: Path) -> None:
    adder = pack(model_from_file(ROOT / "tests/projects/adder.py"), "adder", tmp_path / "adder", verify_in=None)
    with TemporaryFile() as stderr, start(["modelport.serve", str(adder), "--runtime", "converted"], stderr) as process:
        assert process.wait(60) == 1
        stderr.seek(0)
        assert "adder has no second forms" in stderr.read().decode()
