"""An error of a user's code says where it came up, here and in the clean environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelport.errors import PackError
from modelport.package import model_from_file, pack
from modelport.package.blame import blame

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
from pathlib import Path
from modelport import Model


def read(name: str) -> str:
    return Path({file!r}).joinpath(name).read_text()


model = Model(read=read)
model.add_example("read", {{"name": "notes.txt"}})
"""


def test_a_file_that_stayed_behind_is_told_with_the_line_and_the_way_out(tmp_path: Path, cache: Path) -> None:
    notes, file = tmp_path / "notes.txt", tmp_path / "reader.py"
    notes.write_text("notes")
    file.write_text(SOURCE.format(file=str(tmp_path)))
    model = model_from_file(file)
    notes.unlink()
    with pytest.raises(PackError) as caught:
        pack(model, "reader", tmp_path / "out", verify_in=cache)
    assert "read failed: FileNotFoundError" in caught.value.message
    assert "(code/model.py, line 8)" in caught.value.message
    assert "a file goes along where it lies in the folder of a package" in caught.value.hint


def test_the_innermost_place_of_the_users_is_meant(tmp_path: Path) -> None:
    outer, installed = tmp_path / "outer.py", tmp_path / "site-packages" / "library.py"
    installed.parent.mkdir()
    names: dict[str, object] = {}
    exec(compile("def f(g):\n    g()\n", str(outer), "exec"), names)  # noqa: S102 - frames of files of our own
    exec(compile("def g():\n    raise KeyError('x')\n", str(installed), "exec"), names)  # noqa: S102 - as above
    f, g = names["f"], names["g"]
    assert callable(f)
    with pytest.raises(KeyError) as caught:
        f(g)
    error = RuntimeError("wrapped")
    error.__cause__ = caught.value
    assert blame(error, tmp_path) == ("outer.py", 2)
    assert blame(error, tmp_path / "elsewhere") is None
    caught.value.__cause__ = error  # a circle ends
    assert blame(error, tmp_path) == ("outer.py", 2)
