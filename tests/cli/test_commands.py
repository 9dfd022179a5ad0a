"""The command line as a user meets it: what it prints where, its exit statuses, and what it says of mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.support.commands import ROOT, Workplace

from modelport.catalog import load_entry
from modelport.cli import COMMANDS
from modelport.publish.version import read_change

if TYPE_CHECKING:
    from pathlib import Path

HELLO = """\
from modelport import Model

def greet(name: str, times: int) -> list[str]:
    \"\"\"Greet somebody.\"\"\"
    return [f"Hello, {name}!"] * times

model = Model(greet=greet)
model.add_example("greet", {"name": "Ada", "times": 2})
"""


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Give a place whose store holds the package ``hello``."""
    place = Workplace(tmp_path_factory.mktemp("hello"))
    (place.folder / "hello.py").write_text(HELLO, encoding="utf-8")
    place.modelport("pack", "hello.py", check=True)
    return place


@pytest.fixture
def here(tmp_path: Path) -> Workplace:
    """Give this checkout, with an empty store."""
    return Workplace(ROOT, store=tmp_path / "store")


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_every_command_has_help(command: list[str], workplace: Workplace) -> None:
    done = workplace.modelport(*command, "--help", check=True)
    assert done.stdout.startswith("usage: modelport")
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [[], ["nonsense"], ["call", "hello"], ["site"], ["check", "--format", "xml"], ["serve", "x", "--port", "y"]],
)
def test_wrong_usage_is_status_2(arguments: list[str], workplace: Workplace) -> None:
    done = workplace.modelport(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: modelport" in done.stderr


def test_pack_prints_the_name_and_the_digest(hello: Workplace) -> None:
    done = hello.modelport("pack", "hello.py", check=True)
    name, digest = done.stdout.split()
    assert name == "hello"
    assert digest.startswith("sha256:")
    again = json.loads(hello.modelport("pack", "hello.py", "--json", check=True).stdout)
    assert again["digest"] == digest
    assert (again["methods"], again["requirements"], again["examples"], again["verified"]) == (["greet"], [], 1, True)


def test_call_reads_its_arguments_from_the_line_a_file_and_stdin(hello: Workplace) -> None:
    (hello.folder / "input.json").write_text('{"name": "Ada", "times": 1}', encoding="utf-8")
    for given in ('{"name": "Ada", "times": 1}', "@input.json"):
        assert hello.modelport("call", "hello", "greet", given, check=True).stdout == '{"value": ["Hello, Ada!"]}\n'
    piped = subprocess.run(
        [sys.executable, "-m", "modelport", "call", "hello", "greet", "-"],
        input='{"name": "Ada", "times": 1}', cwd=hello.folder, env=hello.variables, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert piped.stdout == '{"value": ["Hello, Ada!"]}\n', piped.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["call", "hello", "greet", '{"name": 3}'], ["name: is a number, not a string", "times: is missing"]),
        (["call", "hello", "greet", "{"], ["the arguments are not JSON"]),
        (["call", "hello", "greet", "@nowhere.json"], ["nowhere.json"]),
        (["call", "hello", "shout", "{}"], ["no method 'shout'", "its methods are: greet"]),
        (["call", "helo", "greet", "{}"], ["helo is not in the store"]),
        (["call", "Hello World", "greet", "{}"], ["is not a model name", "use 'hello-world'"]),
        (["pack", "nowhere.py"], ["nowhere.py is not there"]),
        (["pack", "hello.py:other"], ["'other' is not there", "what can be packed: hello.py:model"]),
        (["pack", "nowhere.onnx"], ["nowhere.onnx is not there", "a model file (.onnx"]),
        (["pack", "hello.py", "--method", "greet"], ["a Model names its methods itself"]),
        (["push", "hello", "hello"], ["is not a place to push to"]),
        (["list"], ["there is no catalog here"]),
        (["check", "nowhere"], ["nowhere is not there"]),
        (["submit", "hello", "1.0"], ["is not a version"]),
    ],
)
def test_a_mistake_is_told_with_the_way_out_and_never_as_a_traceback(
    hello: Workplace, arguments: list[str], said: list[str]
) -> None:
    done = hello.modelport(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    for one in said:
        assert one in done.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\n", "has 0 models"),
        ("1 / 0\n", "line 1: ZeroDivisionError"),
        ("def f(:\n", "SyntaxError"),
        ("from modelport import Model\ndef f(x): return x\nm = Model(f=f)\n", "no annotation for x, return"),
        (
            "from modelport import Model\ndef f(x: int) -> int: return x\na = Model(f=f)\nb = Model(g=f)\n",
            "has 2 models: a, b",
        ),
        (
            (
                "import threading\nfrom modelport import Model\nlock = threading.Lock()\n"
                "def f(x: int) -> int:\n    with lock:\n        return x\nm = Model(f=f)\n"
            ),
            "'lock'",
        ),
    ],
)
def test_what_cannot_be_packed_is_told(workplace: Workplace, source: str, said: str) -> None:
    (workplace.folder / "mine.py").write_text(source, encoding="utf-8")
    done = workplace.modelport("pack", "mine.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_what_stays_behind_is_told_and_what_the_file_prints_is_no_result(workplace: Workplace) -> None:
    source = HELLO.replace("\n\ndef", "\nimport os\nos.environ['A'] = 'b'\nos.system('echo hello')\n\ndef", 1)
    (workplace.folder / "mine.py").write_text(source.replace("return", "print(name)\n    return"), encoding="utf-8")
    done = workplace.modelport("pack", "mine.py", "--no-verify", "--json", check=True)
    assert json.loads(done.stdout)["name"] == "mine"
    line = source.splitlines().index("os.environ['A'] = 'b'") + 1
    assert f"line {line}: os.environ['A'] = 'b'" in done.stderr
    assert "hello" in done.stderr


def test_a_model_file_that_is_none_is_told(workplace: Workplace) -> None:
    (workplace.folder / "mine.onnx").write_bytes(b"nothing")
    done = workplace.modelport("pack", "mine.onnx")
    assert (done.returncode, done.stdout) == (1, "")
    assert "mine.onnx: it is not an ONNX file" in done.stderr


def test_the_catalog_is_listed_shown_searched_and_checked(here: Workplace) -> None:
    assert here.modelport("list", check=True).stdout.split()[0] == "fashion-classifier"
    entries = sorted(folder.name for folder in (ROOT / "catalog/models").iterdir())
    assert [m["name"] for m in json.loads(here.modelport("list", "--json", check=True).stdout)] == entries
    shown = here.modelport("show", "iris-forest", check=True).stdout
    assert "sepal_length" in shown
    assert "measured by the publisher" in shown
    assert here.modelport("search", "flower", check=True).stdout.startswith("iris-forest")
    nothing = here.modelport("search", "submarine")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    checked = here.modelport("check", check=True)
    assert (checked.stdout, checked.stderr) == ("", "no problems\n")


def test_a_name_of_the_catalog_that_is_not_here_says_how_to_build_it(here: Workplace) -> None:
    done = here.modelport("call", "iris-forest", "classify", "{}")
    assert done.returncode == 1
    assert "modelport pack catalog/models/iris-forest" in done.stderr


def test_a_reader_that_stops_early_is_no_failure(here: Workplace) -> None:
    command = f"{sys.executable} -m modelport list --json | head -c 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        env=here.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_submit_writes_a_version_that_passes_and_refuses_to_change_it(tmp_path: Path) -> None:
    root = tmp_path / "catalog-of-mine"
    entry = root / "catalog/models/hello"
    entry.mkdir(parents=True)
    (root / "modelport.toml").write_text("", encoding="utf-8")
    source = (ROOT / "catalog/models/iris-forest/model.yaml").read_text("utf-8")
    (entry / "model.yaml").write_text(
        source.replace("name: iris-forest", "name: hello").replace("Iris forest", "Hello"), encoding="utf-8"
    )
    (entry / "card.md").write_text("Greets.\n", encoding="utf-8")
    recipe = HELLO.replace("model = Model", "def model() -> Model:\n    made = Model").replace(
        "model.add_example", "    made.add_example"
    )
    (entry / "recipe.py").write_text(f"{recipe}    return made\n", encoding="utf-8")
    place = Workplace(root)
    unlocked = place.modelport("pack", "catalog/models/hello")
    assert unlocked.returncode == 1
    assert "--lock" in unlocked.stderr
    place.modelport("pack", "catalog/models/hello", "--lock", check=True)
    written = place.modelport("submit", "hello", "1.0.0", "--date", "2026-11-21", check=True).stdout.strip()
    assert written.endswith("catalog/models/hello/versions/1.0.0.yaml")
    (version,) = load_entry(entry).versions
    # What running it takes was measured, in whole megabytes: a Python process, and nothing installed.
    assert version.document["resources"]["memory"] in range(5_000_000, 200_000_001, 1_000_000)
    assert version.document["resources"]["environment"] == 0
    assert place.modelport("check", check=True).stderr == "no problems\n"
    again = place.modelport("submit", "hello", "1.0.0")
    assert again.returncode == 1
    assert "a version never changes" in again.stderr
    older = place.modelport("submit", "hello", "0.9.0")
    assert "is older than 1.0.0" in older.stderr


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("fixed: empty lists", "fixed", "empty lists"),
        ("security:a dependency", "security", "a dependency"),
        ("Names the species, too.", "changed", "Names the species, too."),
        ("note: nothing else", "changed", "note: nothing else"),
    ],
)
def test_a_change_says_its_kind(text: str, kind: str, said: str) -> None:
    assert read_change(text) == {"kind": kind, "text": said}


def test_one_broken_tag_does_not_hide_the_others(hello: Workplace, tmp_path: Path) -> None:
    place = Workplace(hello.folder, store=tmp_path / "store")
    place.modelport("pack", "hello.py", check=True)
    place.modelport("pack", "hello.py", "--name", "other", check=True)
    rows = {r["name"]: r for r in json.loads(place.modelport("store", "list", "--json", check=True).stdout)}
    (tmp_path / "store/blobs/sha256" / rows["hello:latest"]["digest"].partition(":")[2]).unlink()
    listed = place.modelport("store", "list", check=True).stdout
    assert "not a package that can be read" in listed
    assert rows["other:latest"]["digest"] in listed


def test_pack_says_whose_rows_are_independent(workplace: Workplace) -> None:
    (workplace.folder / "sums.py").write_text(
        "from modelport import Model\n\n\n"
        "def double(x: list[float]) -> list[float]:\n    return [2 * one for one in x]\n\n\n"
        "def share(x: list[float]) -> list[float]:\n    return [one / sum(x) for one in x]\n\n\n"
        "model = Model(double=double, share=share)\nfor name in ('double', 'share'):\n"
        "    model.add_example(name, {'x': [1.0, 2.0, 5.0]})\n",
        "utf-8",
    )
    done = workplace.modelport("pack", "sums.py", "--no-verify", check=True)
    assert "rows          double: independent of each other, tried with 3\n" in done.stderr
    assert "share: each call alone: a row has another answer alone than among others\n" in done.stderr
    rows = json.loads(workplace.modelport("pack", "sums.py", "--no-verify", "--json", check=True).stdout)["rows"]
    assert rows["double"] == {"independent": True, "tested": 3}
    assert rows["share"]["independent"] is False


BOUNDED = """\
from dataclasses import dataclass

from modelport import Model


class Refusal(ValueError):
    def __str__(self) -> str:
        return "1 validation error for Out\\n  v\\n  For more, see https://errors.example/2.13/v/greater_than"


@dataclass
class Out:
    v: int

    def __post_init__(self) -> None:
        if self.v < 0:
            raise Refusal


def minus(v: int) -> Out:
    return Out(-v)


def broken(v: int) -> int:
    return [1][v]


model = Model(minus=minus, broken=broken)
"""


def test_a_model_that_fails_is_told_in_one_line(workplace: Workplace) -> None:
    (workplace.folder / "bounded.py").write_text(BOUNDED, "utf-8")
    workplace.modelport("pack", "bounded.py", "--no-verify", check=True)
    done = workplace.modelport("call", "bounded", "minus", '{"v": 3}')
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: minus failed: Refusal: 1 validation error for Out; v; For more")
    assert done.stderr.count("\n") == 2
    assert "hint: that is the model's own code; modelport show bounded tells what minus takes" in done.stderr
    done = workplace.modelport("call", "bounded", "broken", '{"v": 3}')
    assert done.stderr.startswith("error: broken failed: IndexError: list index out of range\n")


def test_a_file_that_is_not_python_is_not_run(workplace: Workplace) -> None:
    (workplace.folder / "x.txt").write_text("x", "utf-8")
    done = workplace.modelport("pack", "x.txt")
    assert done.returncode == 1
    assert "running" not in done.stderr
    assert "x.txt is not a Python file" in done.stderr


def test_a_script_that_reads_the_command_line_sees_its_own(workplace: Workplace) -> None:
    script = (
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('data')\n"
        "options = parser.parse_args()\n"
    )
    (workplace.folder / "train.py").write_text(script, "utf-8")
    done = workplace.modelport("pack", "train.py")
    assert done.returncode == 1
    assert "usage: train.py" in done.stderr
    assert "train.py failed: line 4: SystemExit: 2" in done.stderr
    assert "if __name__ == '__main__'" in done.stderr


def test_what_could_be_packed_is_offered(workplace: Workplace) -> None:
    script = (
        "from sklearn.linear_model import LinearRegression\n"
        "pipe = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])\n"
        "class Booster: pass\nbooster = Booster()\nnumber = 3\n"
    )
    (workplace.folder / "skl.py").write_text(script, "utf-8")
    done = workplace.modelport("pack", "skl.py:nope")
    assert "'nope' is not there" in done.stderr
    assert "hint: what can be packed: skl.py:pipe" in done.stderr
    done = workplace.modelport("pack", "skl.py:booster")
    assert "'booster' is a Booster, not a Model" in done.stderr
    assert "hint: call it from a function with annotations, Model(predict=that_function)" in done.stderr
    assert "skl.py:pipe" in done.stderr
