# ruff: noqa: ANN401, PLC0415 - objects of any type are kept; heavy imports are late
"""LightGBM's text: its reader believes every number, so each that leads elsewhere is refused before it reads."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.package.test_state import loaded, rewrite, saved
from tests.package.trained import TRAINED, X, Y

from modelport.errors import FormatError, PackError
from modelport.package.state.lightgbm import _problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROUNDS = 400

READ = """
import sys, json, numpy as np, lightgbm
for text in json.load(sys.stdin):
    try:
        lightgbm.Booster(model_str=text).predict(np.zeros((3, 4)))
    except lightgbm.basic.LightGBMError:
        pass
print("alive")
"""


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(TRAINED["booster"](), tmp_path_factory.mktemp("booster")).read_text("utf-8")


def test_the_text_says_nothing_of_threads_and_files(text: str, tmp_path: Path) -> None:
    assert "parameters" not in text
    assert "feature_importances" not in text
    import lightgbm

    files = []
    for threads in (1, 2):
        model = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=threads).fit(X, Y).set_params(n_jobs=1)
        files.append(saved(model, tmp_path, f"threads-{threads}").read_bytes())
    assert files[0] == files[1]


def test_a_ranker_comes_back(tmp_path: Path) -> None:
    import lightgbm

    ranker = lightgbm.LGBMRanker(n_estimators=2, verbose=-1).fit(X, Y, group=[20, 20])
    again = loaded(saved(ranker, tmp_path))
    np.testing.assert_array_equal(again.predict(X), ranker.predict(X))


def test_an_objective_of_ones_own_is_refused_when_packed(tmp_path: Path) -> None:
    import lightgbm

    def objective(true: Any, said: Any) -> tuple[Any, Any]:
        return said - true, np.ones_like(true, dtype=float)

    model = lightgbm.LGBMRegressor(n_estimators=2, verbose=-1, min_child_samples=3, objective=objective).fit(
        X, Y.astype(float)
    )
    with pytest.raises(PackError, match="LGBMRegressor"):
        saved(model, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tree\n", "", "no first line 'tree'"),
        ("num_class=3", "num_class=4", "trees that are of no class"),
        ("objective=multiclass num_class:3", "objective=multiclass num_class:99", "an objective of other classes"),
        ("objective=multiclass num_class:3", "objective=multiclass", "an objective of other classes"),
        ("max_feature_idx=3", "max_feature_idx=99", "feature_names that are not one for each feature"),
        ("max_feature_idx=3", "max_feature_idx=-3", "a max_feature_idx that is none"),
        ("label_index=0", "label_index=0\nparser_config=x", "a line of its header that nobody knows"),
        ("label_index=0", "label_index=0\nlabel_index=0", "a line of its header twice"),
        ("end of trees", "Tree=6", "something else than an end behind its trees"),
        ("pandas_categorical:null", "pandas_categorical:{}", "something else than an end behind its trees"),
        ("is_linear=0", "is_linear=1", "something that is no number or no list: 'num_features'"),
        ("Tree=1\n", "Tree=7\n", "no tree 1 where it should be"),
    ],
)
def test_hostile_boosters_are_refused(old: str, new: str, said: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "state" / "x.lightgbm"
    file.parent.mkdir()
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(FormatError, match=rf"x\.lightgbm is not a LightGBM model: it has .*({said})"):
        loaded(file)


@pytest.mark.parametrize("line", ["split_feature", "left_child", "right_child", "decision_type", "threshold"])
@pytest.mark.parametrize("number", ["-9", "17", "99999", "1e999", "x", "1 1", ""])
def test_splits_that_lead_elsewhere_are_refused(line: str, number: str, text: str) -> None:
    head, *trees = text.split("Tree=")
    which = next(n for n, one in enumerate(trees) if re.search(r"decision_type=.*\b1\b", one))  # one asks for a kind
    lines = trees[which].split("\n")
    values = {key: rest.split(" ") for key, _, rest in (one.partition("=") for one in lines)}
    values[line][values["decision_type"].index("1")] = number
    place = next(n for n, one in enumerate(lines) if one.startswith(f"{line}="))
    lines[place] = f"{line}={' '.join(values[line])}"
    trees[which] = "\n".join(lines)
    sizes = [len(f"Tree={one}") for one in trees]
    sizes[-1] -= len("end of trees\n\npandas_categorical:null\n")
    told = re.sub("tree_sizes=.*", f"tree_sizes={' '.join(map(str, sizes))}", head)
    assert "a split of tree" in _problem("Tree=".join([told, *trees])) or not number.isdigit()
    assert _problem("Tree=".join([told, *trees]))


def test_whatever_passes_is_read_without_harm(text: str) -> None:
    chance = random.Random(0)  # noqa: S311 - not for secrets
    passing = []
    for _ in range(ROUNDS):
        letters = list(text)
        digits = [n for n, one in enumerate(letters) if one.isdigit()]
        for _ in range(chance.randint(1, 3)):
            letters[chance.choice(digits)] = chance.choice("0123456789-e. ")
        if not _problem("".join(letters)):
            passing.append("".join(letters))
    assert passing
    done = subprocess.run(
        [sys.executable, "-c", READ], input=json.dumps(passing), capture_output=True, text=True, check=False
    )
    assert done.stdout.endswith("alive\n"), done.stderr[-500:]


@pytest.mark.parametrize("share", [0, 0.3, 0.7, 0.999])
def test_truncated_boosters_are_refused(share: float, text: str, tmp_path: Path) -> None:
    file = tmp_path / "state" / "x.lightgbm"
    file.parent.mkdir()
    file.write_text(text[: int(len(text) * share)], "utf-8")
    with pytest.raises(FormatError):
        loaded(file)


# In an estimator's file


def nodes(node: Any) -> list[dict[str, Any]]:
    inner = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
    return [*([node] if isinstance(node, dict) else []), *(found for one in inner for found in nodes(one))]


def booster(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Callable[[dict[str, bytes]], None]:
    def rewritten(members: dict[str, bytes]) -> None:
        tree = json.loads(members["schema.json"])
        change(next(n for n in nodes(tree) if n.get("__class__") == "Booster"), tree)
        members["schema.json"] = json.dumps(tree).encode()

    return rewritten


def kept(node: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = node["content"]["content"]
    return content


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda node, _: kept(node)["_handle"].update(content=json.dumps("tree\n")), "a booster with"),
        (lambda node, _: kept(node)["_handle"].update(content="7"), "a booster with no text"),
        (lambda node, _: kept(node).pop("_handle"), "a booster without a text of its own"),
        (lambda node, _: kept(node).update(handle=kept(node)["_handle"]), "a booster without a text of its own"),
        (lambda node, tree: tree.update(__id__=kept(node)["_handle"]["__id__"]), "whose text is another object's"),
        (lambda node, tree: tree.update(__id__=node["content"]["__id__"]), "whose text is another object's"),
    ],
)
def test_boosters_in_estimators_are_looked_through(
    change: Callable[[dict[str, Any], dict[str, Any]], object], said: str, tmp_path: Path
) -> None:
    file = saved(TRAINED["leaves"](), tmp_path)
    rewrite(file, booster(change))
    with pytest.raises(FormatError, match=said):
        loaded(file)
