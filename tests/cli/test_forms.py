"""Second forms on the command line: told, and left out on request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.commands import Workplace

SOURCE = """\
from sklearn.tree import DecisionTreeClassifier

from modelport import Model

tree = DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0]], ["low", "high"])


def classify(x: list[float]) -> list[str]:
    return tree.predict([[one] for one in x]).tolist()


model = Model(classify=classify)
model.add_example("classify", {"x": [0.0, 1.0]})
"""


def test_pack_tells_of_second_forms_and_leaves_them_out_on_request(workplace: Workplace) -> None:
    (workplace.folder / "tree.py").write_text(SOURCE, "utf-8")
    told = workplace.modelport("pack", "tree.py", "--no-verify", check=True).stderr
    assert "second form   state/tree.onnx, which answers as state/tree.skops does; examples tried: 1" in told
    one_form = ("pack", "tree.py", "--no-verify", "--no-alternatives", "--json")
    assert json.loads(workplace.modelport(*one_form, check=True).stdout)["alternatives"] == []


def test_a_recipe_decides_itself(workplace: Workplace) -> None:
    (workplace.folder / "entry").mkdir()
    done = workplace.modelport("pack", "entry", "--no-alternatives")
    assert done.returncode != 0
    assert "--no-alternatives goes with a file" in done.stderr


def test_pack_says_of_an_estimator_by_itself_what_is_beside_it_or_why_nothing_is(workplace: Workplace) -> None:
    text = (
        "from sklearn.ensemble import RandomForestRegressor\n"
        "from sklearn.ensemble import HistGradientBoostingRegressor\n"
        "rows = [[0.1], [0.2], [0.3]]\n"
        "forest = RandomForestRegressor(3, random_state=0).fit(rows, [0.0, 1.0, 2.0])\n"
        "boosted = HistGradientBoostingRegressor(max_iter=2).fit(rows, [0.0, 1.0, 2.0])\n"
    )
    (workplace.folder / "bare.py").write_text(text, "utf-8")
    for name, options, said in (
        ("forest", (), "state/forest.onnx, which answers as state/forest.skops does; examples tried: 0, rows made up"),
        ("forest", ("--no-alternatives",), "none: it was not asked for"),
        ("boosted", (), "none: the converter has no form of it that runs"),
    ):
        done = workplace.modelport("pack", f"bare.py:{name}", "--name", name, "--no-verify", *options, check=True)
        assert f"  second form   {said}" in done.stderr


def test_pack_says_that_functions_need_an_example_for_a_second_form(workplace: Workplace) -> None:
    (workplace.folder / "tree.py").write_text(SOURCE.replace("model.add_example", "#"), "utf-8")
    told = workplace.modelport("pack", "tree.py", "--no-verify", check=True).stderr
    assert "  second form   none: there is no golden example to try one on" in told
