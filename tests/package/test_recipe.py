"""A recipe is run where only its lock is, with the data it names, and its failures are told in a sentence."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from modelport.errors import PackError
from modelport.package import Package
from modelport.package.packing import verify_clean
from modelport.package.recipe import build_from_recipe, lock_recipe
from modelport.package.requirements import lock as make_lock
from modelport.package.requirements import parse_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECIPE = '''
from modelport import Model


def model():
    """Make a model."""
    words = {"good": 1, "bad": -1}

    def judge(text: str) -> int:
        """Tell good from bad."""
        return sum(words.get(w, 0) for w in text.split())

    made = Model(judge=judge)
    made.add_example("judge", {"text": "good good bad"})
    print("a recipe may say things")
    return made
'''


@pytest.fixture
def entry(tmp_path: Path, lock: str) -> Callable[[str], Path]:
    """Write an entry's folder with a recipe; its lock holds what packing itself needs."""
    pins = {name: version for name, version in parse_lock(lock) if name in {"protobuf", "packaging"}}

    def write(recipe: str) -> Path:
        folder = tmp_path / "judge"
        folder.mkdir()
        (folder / "recipe.py").write_text(recipe, "utf-8")
        (folder / "recipe.lock").write_text(make_lock(pins, known=lock), "utf-8")
        return folder

    return write


def test_a_recipe_becomes_a_package(entry: Callable[[str], Path], tmp_path: Path, cache: Path) -> None:
    out = build_from_recipe(entry(RECIPE), "judge", [], tmp_path / "out", cache)
    package = Package.read(out)
    assert package.info["verified"] is True
    assert package.info["requirements"] == []
    assert package.examples[0]["output"] == {"value": 1}
    assert verify_clean(out, cache).examples == 1


def test_data_is_handed_in(entry: Callable[[str], Path], tmp_path: Path) -> None:
    cache, digest = tmp_path / "cache", "0" * 64
    folder = cache / "data" / digest / "share"
    folder.mkdir(parents=True)
    (folder / "words.txt").write_text("good", "utf-8")
    item = {"name": "words", "kind": "debian", "package": "x", "version": "1", "sha256": digest, "path": "share"}
    recipe = RECIPE.replace("model():", "model(data):").replace(
        '"good": 1', '(data["words"] / "words.txt").read_text(): 5'
    )
    out = build_from_recipe(entry(recipe), "judge", [item], tmp_path / "out", cache, verify=False)
    assert Package.read(out).examples[0]["output"] == {"value": 9}
    assert Package.read(out).info["verified"] is False


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (RECIPE.replace("return made", "return 5"), r"model\(\) returned a int, not a Model"),
        (RECIPE.replace("return made", "raise ValueError('no data')"), r"line 16: ValueError: no data"),
        (RECIPE.replace("return made", "raise SystemExit(3)"), r"model\(\) failed: line 16: SystemExit: 3"),
        (RECIPE.replace("return made", "import os; os._exit(0)"), "ended with status 0"),
        (RECIPE.replace("def model", "def other"), r"has no function model\(\)"),
        (RECIPE.replace('"good": 1', '"good": 1, "key": object()'), "a object cannot be packed without pickle"),
        ("import sklearn\n" + RECIPE, "No module named 'sklearn'"),
        ("def model(:", "SyntaxError"),
    ],
)
def test_failures_are_told(recipe: str, said: str, entry: Callable[[str], Path], tmp_path: Path, cache: Path) -> None:
    with pytest.raises(PackError, match=said) as caught:
        build_from_recipe(entry(recipe), "judge", [], tmp_path / "out", cache)
    assert "Traceback" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_recipe_without_a_lock_is_refused(entry: Callable[[str], Path], tmp_path: Path, cache: Path) -> None:
    folder = entry(RECIPE)
    (folder / "recipe.lock").unlink()
    with pytest.raises(PackError, match=r"has a recipe\.py without a recipe\.lock"):
        build_from_recipe(folder, "judge", [], tmp_path / "out", cache)


def test_a_lock_sees_what_helper_modules_import(tmp_path: Path, lock: str) -> None:
    pins = {name: version for name, version in parse_lock(lock) if name in {"protobuf", "packaging", "pyyaml"}}
    (tmp_path / "recipe.py").write_text("def model():\n    from helper_of_recipe import load\n", "utf-8")
    (tmp_path / "helper_of_recipe.py").write_text("import yaml\n\n\ndef load():\n    return yaml\n", "utf-8")
    (tmp_path / "recipe.lock").write_text(make_lock(pins, known=lock), "utf-8")  # so that no index is asked
    path = list(sys.path)
    assert {name for name, _ in parse_lock(lock_recipe(tmp_path).read_text("utf-8"))} == pins.keys()
    assert sys.path == path
