"""Models of every family, packed from a file as a user does and reloaded where only their lock is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from tests.support.commands import CACHE, ROOT, Workplace

from modelport.package import Package
from modelport.package.environment import make_environment
from modelport.package.locks import canonical_name, parse_lock

if TYPE_CHECKING:
    from pathlib import Path

MODELS = ROOT / "tests/projects/models"

WATCHED = """
import builtins, importlib.metadata, json, sys
from pathlib import Path

folder = Path(sys.argv[1])
code, asked, real = str((folder / "code").resolve()), set(), builtins.__import__

def watched(name, globals=None, locals=None, fromlist=(), level=0):
    if not level and str((globals or {}).get("__file__", "")).startswith(code):
        asked.add(name.partition(".")[0])
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = watched
from modelport.package.load import load_package

answers = []
for alternatives in (False, True):
    model = load_package(folder, alternatives=alternatives).model
    answers.append([model.call(one.method, one.input) for one in model.examples])
builtins.__import__ = real
sites = tuple(p for p in sys.path if p.endswith("site-packages"))
files = [(n.partition(".")[0], str(getattr(m, "__file__", ""))) for n, m in list(sys.modules.items())]
loaded = {n for n, file in files if file.startswith(sites)}
needed = {d.metadata["Name"]: d.requires or [] for d in importlib.metadata.distributions()}
providers = {top: list(names) for top, names in importlib.metadata.packages_distributions().items()}
print(json.dumps([answers, sorted(asked), sorted(loaded), needed, providers]))
"""


class Expected(NamedTuple):
    """What a model's package needs, has, and answers to its examples."""

    requirements: set[str]
    state: list[str]
    answers: list[dict[str, Any]]
    tier: str = "code-bearing"


SKLEARN = {"numpy", "scikit-learn", "skops"}
EXPECTED = {
    "plain": Expected(set(), [], [{"value": 1.0}]),
    # A second form was kept of these two: their answers agree.
    "forest": Expected({*SKLEARN, "onnxruntime"}, ["forest.skops"], [{"species": ["setosa", "virginica"]}]),
    "columns": Expected(SKLEARN | {"pandas"}, ["pipeline.skops"], [{"value": [1400.0, 900.0]}]),
    "sentiment": Expected(SKLEARN, ["judge_of_films.skops"], [{"value": ["yes", "no"]}]),
    "network": Expected(
        {"ai-edge-litert", "keras", "numpy", "tensorflow-cpu"}, ["network.keras"], [{"value": [1.5, 0.0]}]
    ),
    "sentiment:judge_of_films": Expected(SKLEARN, ["judge_of_films.skops"], [], "data-only"),
    "boosted": Expected({"lightgbm", "numpy"}, ["booster.lightgbm"], [{"value": [False, True]}]),
    "fuzzy": Expected({"rapidfuzz"}, [], [{"value": "Bahnhofstrasse"}]),
    "lazy": Expected({"numpy", "pyyaml"}, [], [{"value": 5.0}]),
    "greeter/greeter": Expected(set(), [], [{"value": "Grüß Gott, Frau Ada! (2)"}]),
}


class Reloaded(NamedTuple):
    """What was seen of a package where only its lock is installed.

    Attributes:
        answers: To its examples, with its trained objects in their first form and in their second, where they have one.
        asked: The top-level modules that its own code imported.
        loaded: All that were loaded from installed distributions.
        needed: What each installed distribution says that it needs.
        providers: The distributions of each top-level module.
    """

    package: Package
    answers: list[list[dict[str, Any]]]
    asked: set[str]
    loaded: set[str]
    needed: dict[str, list[str]]
    providers: dict[str, list[str]]

    @property
    def direct(self) -> set[str]:
        return {one.partition("==")[0] for one in self.package.info["requirements"]}

    def owners(self, modules: set[str]) -> set[str]:
        """Return the distributions that *modules* come from."""
        return {canonical_name(name) for module in modules for name in self.providers.get(module, ())}


@pytest.fixture(scope="module", params=EXPECTED)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def reloaded(name: str, tmp_path_factory: pytest.TempPathFactory) -> Reloaded:
    folder = tmp_path_factory.mktemp("models")
    out = folder / "package"
    file, colon, attribute = name.partition(":")
    Workplace(folder).modelport("pack", f"{MODELS / file}.py{colon}{attribute}", "--out", out, check=True)
    package = Package.read(out)
    environment = make_environment(package.lock, CACHE, python=package.info["python"])
    done = subprocess.run(
        [str(environment.python), "-c", WATCHED, str(out)],
        capture_output=True,
        text=True,
        check=False,
        env=environment.variables(os.environ),
    )
    assert done.returncode == 0, done.stderr
    answers, asked, loaded, needed, providers = json.loads(done.stdout.splitlines()[-1])
    needed = {canonical_name(key): value for key, value in needed.items()}
    return Reloaded(package, answers, set(asked), set(loaded), needed, providers)


def test_it_answers_where_only_its_lock_is_installed(name: str, reloaded: Reloaded) -> None:
    assert reloaded.package.info["verified"] is True
    pairs = [pair for run in reloaded.answers for pair in zip(run, EXPECTED[name].answers, strict=True)]
    for answer, expected in pairs:
        assert answer.keys() == expected.keys()
        for key, value in answer.items():
            exact = not isinstance(expected[key], list) or not isinstance(expected[key][0], float)
            assert value == (expected[key] if exact else pytest.approx(expected[key], abs=0.02))


def test_it_says_what_it_is(name: str, reloaded: Reloaded) -> None:
    info = reloaded.package.info
    assert info["tier"]["level"] == EXPECTED[name].tier
    assert [one["path"] for one in info["state"]] == [f"state/{one}" for one in EXPECTED[name].state]
    assert reloaded.direct == EXPECTED[name].requirements
    assert info["needed_by"].keys() == reloaded.direct
    assert all(places for places in info["needed_by"].values())


def test_no_requirement_is_missing(reloaded: Reloaded) -> None:
    third_party = {m for m in reloaded.asked if m in reloaded.providers}
    assert reloaded.owners(third_party) <= reloaded.direct
    assert reloaded.owners(reloaded.loaded) <= {name for name, _ in parse_lock(reloaded.package.lock)}


def test_no_requirement_is_superfluous(reloaded: Reloaded) -> None:
    assert reloaded.direct <= reloaded.owners(reloaded.loaded)
    locked = {name for name, _ in parse_lock(reloaded.package.lock)}
    named = {canonical_name(_named(text)) for needs in reloaded.needed.values() for text in needs}
    assert locked == reloaded.needed.keys()
    assert locked <= reloaded.direct | named


def test_nothing_of_the_standard_library_is_inside(reloaded: Reloaded) -> None:
    tops = {one.split("/")[1].removesuffix(".py") for one in reloaded.package.info["code"]}
    assert not tops & sys.stdlib_module_names


def test_own_modules_go_along_with_their_data_and_without_their_secrets(tmp_path: Path) -> None:
    folder = tmp_path / "greeter"
    shutil.copytree(MODELS / "greeter", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "phrases_of_greeter" / ".env").write_text("TOKEN=1")
    (folder / "phrases_of_greeter" / ".git").mkdir()
    (folder / "phrases_of_greeter" / ".git" / "config").write_text("")
    (folder / "phrases_of_greeter" / "server.key").write_text("")
    done = Workplace(tmp_path).modelport("pack", folder / "greeter.py", "--out", tmp_path / "out", check=True)
    assert "left out of the package's code" in done.stderr
    for name in (".env (hidden)", ".git (hidden)", "server.key (its name is that of a secret)"):
        assert f"phrases_of_greeter/{name}" in done.stderr
    assert Package.read(tmp_path / "out").info["code"] == [
        "code/counting_of_greeter.py",
        "code/model.py",
        "code/phrases_of_greeter/__init__.py",
        "code/phrases_of_greeter/data/phrases.json",
        "code/phrases_of_greeter/polite.py",
        "code/phrases_of_greeter/tests/test_phrases.py",
        "code/phrases_of_greeter/titles.csv",
    ]


def test_requirements_are_changed_from_the_command_line(tmp_path: Path) -> None:
    changes = ["--require", "rapidfuzz", "--without", "numpy", "--replace", "pyyaml=httpx"]
    place, file = Workplace(tmp_path), MODELS / "lazy.py"
    done = place.modelport("pack", file, "--out", tmp_path / "out", "--no-verify", *changes, check=True)
    info = Package.read(tmp_path / "out").info
    (added,) = info["changed"]["added"]
    assert info["changed"]["dropped"] == ["numpy"]
    assert list(info["changed"]["replaced"]) == ["pyyaml"]
    for line in (f"{added} (asked for)", "(imported in code/model.py)", "without numpy", "in place of pyyaml"):
        assert line in done.stderr


@pytest.mark.parametrize("said", ["pyyaml", "=pyyaml", "pyyaml==6", "pyyaml="])
def test_a_replacement_says_of_what_and_by_what(said: str, tmp_path: Path) -> None:
    done = Workplace(tmp_path).modelport("pack", MODELS / "lazy.py", "--out", tmp_path / "out", "--replace", said)
    assert done.returncode == 1
    assert "hint: write --replace OLD=NEW" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_data_only_package_needs_nothing_besides(tmp_path: Path) -> None:
    options = ["--out", str(tmp_path / "out"), "--no-verify", "--require", "rapidfuzz"]
    done = Workplace(tmp_path).modelport("pack", f"{MODELS / 'sentiment'}.py:judge_of_films", *options)
    assert done.returncode == 1
    assert "a data-only package needs what runs its file, and nothing else\n  hint: require nothing" in done.stderr


def _named(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
