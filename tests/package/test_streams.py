"""Packages that are files do not stream: a signature that says so is refused before a file is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelport.errors import FormatError
from modelport.model.spec import Message, MethodSpec, ModelSpec
from modelport.package.files.restoring import restore


@pytest.mark.parametrize(("taken", "given"), [(True, False), (False, True), (True, True)])
def test_a_file_answers_one_message_at_a_time(taken: bool, given: bool) -> None:  # noqa: FBT001 - a table
    spec = ModelSpec((Message("M"),), (MethodSpec("run", "M", "M", "", taken, given),)).with_proto_package()
    with pytest.raises(FormatError, match="run streams, and a file answers one message at a time"):
        restore(Path("there-is-none"), {"methods": {"run": {"file": "state/model.onnx"}}}, spec.to_json())
