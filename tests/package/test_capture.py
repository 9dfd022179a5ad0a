"""Every folder of ``tests/projects`` is a test: what becomes of a user's file, or why it is refused.

``positive/<situation>/main.py`` has the packed code beside it as ``packed.py``; its examples are run from the package
by another process. ``negative/<situation>/main.py`` has what the user is told as ``error.txt``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelport.errors import ModelportError
from modelport.package import Package, model_from_file
from modelport.package.load import load_package
from modelport.package.writing import write_package

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECTS = Path(__file__).parents[1] / "projects"
POSITIVE = sorted(p.name for p in (PROJECTS / "positive").iterdir())
NEGATIVE = sorted(p.name for p in (PROJECTS / "negative").iterdir())

VERIFY_ALL = """\
import json, sys
from pathlib import Path
from modelport.package.load import load_package
from modelport.package.verify import false_rows, run_examples

found = {}
for folder in map(Path, sys.argv[1:]):
    try:
        loaded = load_package(folder)
        found[folder.name] = (len(loaded.model.examples), run_examples(loaded) + false_rows(loaded))
    except Exception as error:
        found[folder.name] = (0, [f"{type(error).__name__}: {error}"])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, lock: str) -> dict[str, Path | str]:
    """All positive projects, packed; where that failed, why."""
    folder = tmp_path_factory.mktemp("packages")
    found: dict[str, Path | str] = {}
    for name in POSITIVE:
        try:
            model = model_from_file(PROJECTS / "positive" / name / "main.py")
            write_package(model, name, folder / name, known_lock=lock, verified=False)
            found[name] = folder / name
        except ModelportError as error:
            found[name] = str(error)
    return found


@pytest.fixture(scope="module")
def answers(packages: dict[str, Path | str]) -> dict[str, tuple[int, list[str]]]:
    """How many examples each package has and what was wrong with their answers, from one process for all."""
    folders = [str(f) for f in packages.values() if isinstance(f, Path)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "registry")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as most users have it
    done = subprocess.run(
        [sys.executable, "-c", VERIFY_ALL, *folders], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, tuple[int, list[str]]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", POSITIVE)
def test_the_code_is_what_the_golden_file_says(
    name: str, packages: dict[str, Path | str], golden: Callable[[Path, str], None]
) -> None:
    folder = packages[name]
    assert isinstance(folder, Path), folder
    golden(PROJECTS / "positive" / name / "packed.py", (folder / "code" / "model.py").read_text("utf-8"))
    assert Package.read(folder).name == name


@pytest.mark.parametrize("name", POSITIVE)
def test_another_process_gives_the_same_answers(name: str, answers: dict[str, tuple[int, list[str]]]) -> None:
    count, problems = answers[name]
    assert problems == []
    assert count


@pytest.mark.usefixtures("answers")
def test_a_package_that_ran_is_as_it_was(packages: dict[str, Path | str]) -> None:
    for folder in packages.values():
        assert isinstance(folder, Path), folder
        Package.read(folder)


def test_bytecode_that_lies_there_is_not_believed(packages: dict[str, Path | str], tmp_path: Path) -> None:
    whole = packages["local-modules"]
    assert isinstance(whole, Path)
    folder = Path(shutil.copytree(whole, tmp_path / "local-modules"))
    for file in (folder / "code").rglob("*.py"):
        other = tmp_path / file.name
        other.write_text("raise SystemExit('this ran')\n", "utf-8")
        cached = Path(importlib.util.cache_from_source(str(file)))
        py_compile.compile(str(other), str(cached), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    done = subprocess.run(
        [sys.executable, "-c", VERIFY_ALL, str(folder)], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "registry")},
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == {"local-modules": [1, []]}, done.stderr


@pytest.mark.parametrize("name", ["constants", "records", "standard-values"])
def test_values_are_spelt_alike_when_their_package_is_packed_again(
    name: str, packages: dict[str, Path | str], tmp_path: Path
) -> None:
    folder = packages[name]
    assert isinstance(folder, Path), folder
    write_package(load_package(folder).model, name, tmp_path / name, verified=False)
    texts = [(one / "code" / "model.py").read_text("utf-8") for one in (folder, tmp_path / name)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("name", NEGATIVE)
def test_what_cannot_be_packed_is_told_with_the_way_out(
    name: str, tmp_path: Path, lock: str, golden: Callable[[Path, str], None]
) -> None:
    file = PROJECTS / "negative" / name / "main.py"
    with pytest.raises(ModelportError) as caught:
        write_package(model_from_file(file), name, tmp_path / name, known_lock=lock, verified=False)
    assert caught.value.hint or name.endswith("fails") or name in {"exits", "not-python"}
    golden(file.with_name("error.txt"), str(caught.value).replace(str(file.parent), "FOLDER") + "\n")


def test_whole_modules_and_their_data_go_along(packages: dict[str, Path | str]) -> None:
    folder = packages["local-modules"]
    assert isinstance(folder, Path)
    assert Package.read(folder).info["code"] == [
        "code/late_of_local_modules.py",
        "code/model.py",
        "code/splitter_of_local_modules.py",
        "code/tables_of_local_modules/__init__.py",
        "code/tables_of_local_modules/data/animals.txt",
        "code/tables_of_local_modules/read.py",
        "code/words_of_local_modules.py",
    ]
    assert Package.read(folder).info["requirements"] == []


def test_files_of_state_have_names_for_every_system(packages: dict[str, Path | str]) -> None:
    folder = packages["names"]
    assert isinstance(folder, Path)
    paths = [one["path"] for one in Package.read(folder).info["state"]]
    assert sorted(paths) == ["state/Gr__e.npy", "state/aux-1.npy", "state/gr__e-2.npy"]


def test_one_object_is_kept_once(packages: dict[str, Path | str]) -> None:
    folder = packages["containers-of-trained"]
    assert isinstance(folder, Path)
    kept = sorted(p.name for p in (folder / "state").iterdir())
    assert [k for k in kept if k.endswith(".skops")] == ["again.skops", "both.skops"]


@pytest.mark.parametrize("name", ["typed", "pydantic-models", "annotations", "functional-namedtuple"])
def test_the_packed_code_says_the_same_words_ranges_and_defaults(
    name: str, packages: dict[str, Path | str], tmp_path: Path
) -> None:
    folder = packages[name]
    assert isinstance(folder, Path), folder
    signature = json.loads((folder / "signature.json").read_text("utf-8"))
    assert load_package(folder).model.spec.to_json() == signature

    copy = Path(shutil.copytree(folder, tmp_path / name))
    for message in signature["messages"]:
        message["doc"] = "said otherwise by another version"
        message["fields"] = [
            {key: one[key] for key in ("name", "type", "default") if key in one} for one in message["fields"]
        ]
    (copy / "signature.json").write_text(json.dumps(signature), encoding="utf-8")
    assert load_package(copy).model.spec.proto_package == signature["proto_package"]


def test_data_frames_need_pandas(packages: dict[str, Path | str]) -> None:
    folder = packages["typed"]
    assert isinstance(folder, Path), folder
    names = {one.partition("==")[0] for one in Package.read(folder).info["requirements"]}
    assert names == {"numpy", "pandas"}
