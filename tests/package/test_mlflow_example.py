"""MLflow's input examples in every form that MLflow writes: the arguments that they make, and what is told else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.package.onnx_files import GOOD
from tests.package.test_import_mlflow import TENSOR, write_folder

from modelport.package.importers.mlflow import model_from_mlflow

if TYPE_CHECKING:
    from pathlib import Path

FLAVOR = {"onnx": {"data": "model.onnx"}}


@pytest.mark.parametrize(
    "example",
    [
        [[1.0, 2.0, 3.0]],
        {"inputs": [[1.0, 2.0, 3.0]]},
        {"inputs": {"x": [[1.0, 2.0, 3.0]]}},
        {"x": [[1.0, 2.0, 3.0]]},
        {"instances": [[1.0, 2.0, 3.0]]},
        {"instances": [{"x": [1.0, 2.0, 3.0]}]},
        {"columns": ["a", "b", "c"], "data": [[1.0, 2.0, 3.0]]},
        {"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1.0, 2.0, 3.0]]}},
    ],
)
def test_every_form_is_taken(tmp_path: Path, example: object, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_folder(tmp_path / "m", FLAVOR, TENSOR, example=example)
    (folder / "model.onnx").write_bytes(GOOD)
    assert [one.input for one in model_from_mlflow(folder).examples] == [{"x": [[1.0, 2.0, 3.0]]}]
    assert not caplog.records


def test_what_is_left_out_is_told_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_folder(tmp_path / "m", FLAVOR, TENSOR, example={"inputs": [["a"]]})
    (folder / "model.onnx").write_bytes(GOOD)
    assert not model_from_mlflow(folder).examples
    (said,) = caplog.messages
    assert said.startswith("the input example of m is left out: x[0][0]: ")
