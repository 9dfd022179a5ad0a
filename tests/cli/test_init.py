"""``modelport init``: what it writes passes, what it asks, and what it refuses before it writes anything."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.commands import Workplace

from modelport.catalog import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

HELLO = """\
from modelport import Evaluation, Model

def greet(name: str) -> str:
    \"\"\"Greet somebody by name.\"\"\"
    return f"Hello, {name}!"

model = Model(greet=greet)
model.add_example("greet", {"name": "Ada"})
model.add_evaluation(Evaluation(data="Names", split="all", n=3, metric="politeness", value=1.0))
"""


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """Give a repository whose catalog is empty."""
    (tmp_path / "repository/catalog").mkdir(parents=True)
    (tmp_path / "repository/modelport.toml").write_text("", encoding="utf-8")
    return Workplace(tmp_path / "repository", store=tmp_path / "store")


def model_of(place: Workplace, name: str) -> dict[str, Any]:
    file = place.folder / "catalog/models" / name / "model.yaml"
    document = read_yaml(file.read_bytes(), "model.yaml")
    assert not document.problems
    model: dict[str, Any] = document.value
    return model


def test_a_new_entry_is_a_draft_that_passes_and_says_what_is_to_be_written(place: Workplace) -> None:
    done = place.modelport("init", "my-line", check=True)
    assert done.stdout == "catalog/models/my-line\n"
    assert "modelport pack catalog/models/my-line --lock" in done.stderr
    checked = place.modelport("check", "my-line", check=True)
    assert checked.stderr.startswith("no problems\n")
    assert "to add first:\n  14  write what is still TODO: summary, intended_use, limits" in checked.stderr
    assert model_of(place, "my-line")["lifecycle"] == "draft"
    file = place.folder / "catalog/models/my-line/model.yaml"
    file.write_text(file.read_text("utf-8").replace("lifecycle: draft", "lifecycle: published"), encoding="utf-8")
    published = json.loads(place.modelport("check", "--json").stdout)["problems"]
    assert {problem["rule"] for problem in published} == {"placeholder", "lifecycle-versions"}


def test_the_entry_holds_what_was_given_whatever_it_is(place: Workplace) -> None:
    given = {"title": "Spam: yes/no?", "summary": "Says 'no' - # or \"yes\".", "author": "O'Brien, M", "license": "MIT"}
    options = [f"--{key}={value}" for key, value in given.items()]
    place.modelport("init", "spam-filter", *options, "--task", "text-classification", "--github", "obrien", check=True)
    model = model_of(place, "spam-filter")
    assert (model["title"], model["summary"], model["license"]) == (given["title"], given["summary"], "MIT")
    assert model["task"] == "text-classification"
    assert model["maintainers"] == [{"name": "O'Brien, M", "github": "obrien"}]


@pytest.mark.parametrize(
    ("configured", "authors"), [("Ren\u00e9", [{"name": "Ren\u00e9"}]), ("Ren\u00e9".encode("latin-1"), None)]
)
def test_the_author_is_who_git_says_unless_that_is_no_text(
    place: Workplace, configured: str | bytes, authors: list[dict[str, str]] | None
) -> None:
    name = configured if isinstance(configured, bytes) else configured.encode()
    subprocess.run(["git", "init", "--quiet"], cwd=place.folder, check=True)
    with (place.folder / ".git/config").open("ab") as config:
        config.write(b"[user]\nname = " + name + b"\n")
    done = place.modelport("init", "my-line")
    assert (done.returncode, done.stdout) == (0, "catalog/models/my-line\n"), done.stderr
    place.modelport("check", "my-line", check=True)
    written = model_of(place, "my-line")["authors"]
    assert written == authors if authors else "Ren" not in str(written)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["iris-forest"], ["iris-forest is in the catalog already"]),
        (["iris-forset"], ["iris-forset can be taken for iris-forest", "choose a name that differs"]),
        (["iris_forest"], ["iris_forest can be taken for iris-forest"]),
        (["Wine Cellar"], ["is not a model name", "use 'wine-cellar'"]),
        (["nul"], ["is the name of a device on Windows"]),
        (["wine", "--task", "tabular-regresion"], ["did you mean 'tabular-regression'?"]),
        (["wine", "--license", "Apache 2"], ["did you mean Apache-2.0?"]),
        (["wine", "--title", "x" * 81], ["--title: has 81 characters; at most 80 are allowed"]),
        (["wine", "--github", "@wine"], ["is not a GitHub account"]),
        (["wine", "--package", "nowhere"], ["nowhere is neither in the catalog nor in the store"]),
    ],
)
def test_what_will_not_do_is_refused_before_anything_is_written(
    place: Workplace, arguments: list[str], said: list[str]
) -> None:
    place.modelport("init", "iris-forest", check=True)
    before = sorted(place.folder.rglob("*"))
    done = place.modelport("init", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    for one in said:
        assert one in done.stderr
    assert sorted(place.folder.rglob("*")) == before


def test_on_a_terminal_it_asks_and_asks_again(place: Workplace) -> None:
    mine, theirs = pty.openpty()
    answers = ["", "Tells wines apart.", "tabular-classifikation", "tabular-classification", "MIT", "Ada"]
    with subprocess.Popen(
        [sys.executable, "-m", "modelport", "init", "wine-cellar"],
        cwd=place.folder, env=place.variables, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        os.write(mine, "".join(f"{answer}\n" for answer in answers).encode())
        out, _ = process.communicate(timeout=60)
    said = os.read(mine, 100_000).decode()
    os.close(mine)
    assert (process.returncode, out) == (0, "catalog/models/wine-cellar\n"), said
    assert "title: its name as people write it [Wine cellar]: " in said
    assert "did you mean 'tabular-classification'?" in said
    model = model_of(place, "wine-cellar")
    assert (model["title"], model["summary"]) == ("Wine cellar", "Tells wines apart.")
    assert (model["task"], model["license"], model["authors"]) == ("tabular-classification", "MIT", [{"name": "Ada"}])


def test_what_a_package_knows_is_filled_in(place: Workplace) -> None:
    (place.folder / "hello.py").write_text(HELLO, encoding="utf-8")
    place.modelport("pack", "hello.py", "--no-verify", check=True)
    place.modelport("init", "hello", "--package", "hello", check=True)
    model = model_of(place, "hello")
    assert (model["summary"], model["task"]) == ("Greet somebody by name.", "text-classification")
    assert [one["name"] for one in model["training_data"]] == ["Names"]
    folder = place.folder / "catalog/models/hello"
    assert sorted(one.name for one in folder.iterdir()) == ["card.md", "model.yaml"]
    assert "`greet`: Greet somebody by name." in (folder / "card.md").read_text("utf-8")
    assert place.modelport("check", check=True).stderr == "no problems\n"


def test_a_package_without_a_recipe_becomes_a_version(place: Workplace) -> None:
    (place.folder / "hello.py").write_text(HELLO, encoding="utf-8")
    packed = place.modelport("pack", "hello.py", check=True).stdout.split()[-1]
    place.modelport("pack", "hello.py", "--out", "packed", check=True)
    told = place.modelport("init", "hello", "--package", "hello", check=True).stderr
    assert "modelport submit hello 1.0.0 --package hello" in told
    other = place.modelport("init", "other", "--package", "hello", check=True)
    assert "the package calls itself hello" in other.stderr
    refused = place.modelport("submit", "other", "1.0.0", "--package", "hello")
    assert (refused.returncode, "pack it with --name other" in refused.stderr) == (1, True)
    file = place.modelport("submit", "hello", "1.0.0", "--package", "./packed", check=True).stdout.strip()
    version = read_yaml((place.folder / file).read_bytes(), file).value
    assert (version["digest"], version["resources"].keys()) == (packed, {"memory", "environment"})
    assert place.modelport("check", check=True).stderr == "no problems\n"
    place.modelport("init", "my-line", check=True)
    recipe = place.modelport("submit", "my-line", "1.0.0", "--package", "hello")
    assert (recipe.returncode, "has a recipe" in recipe.stderr) == (1, True)


def test_the_recipe_that_it_writes_builds(place: Workplace) -> None:
    place.modelport("init", "my-line", check=True)
    unlocked = place.modelport("pack", "catalog/models/my-line")
    assert unlocked.returncode == 1
    assert "lock what is installed here: modelport pack catalog/models/my-line --lock" in unlocked.stderr
    done = place.modelport("pack", "catalog/models/my-line", "--lock", check=True)
    assert done.stdout.startswith("my-line:latest sha256:")
    place.modelport("check", check=True)
    answer = json.loads(place.modelport("call", "my-line", "predict", '{"x": [3.0]}', check=True).stdout)
    assert answer["y"] == pytest.approx([7.0])
