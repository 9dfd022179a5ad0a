from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from modelport.catalog import check_paths
from modelport.catalog.rules.lineage import cycles

CYCLE = Path(__file__).parents[1] / "examples/negative/lineage-cycle"
GRAPHS = st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefgh"), max_size=4))


def reaches_itself(graph: dict[str, list[str]], name: str) -> bool:
    found: set[str] = set()
    edge = set(graph.get(name, ()))
    while edge:
        found |= edge
        edge = {other for one in edge for other in graph.get(one, ())} - found
    return name in found


@given(GRAPHS)
def test_a_circle_is_found_where_there_is_one_and_only_there(graph: dict[str, list[str]]) -> None:
    found = list(cycles(sorted(graph), lambda name: graph.get(name, ())))
    for circle in found:
        assert all(after in graph[one] for one, after in zip(circle, [*circle[1:], circle[0]], strict=True))
    assert bool(found) == any(reaches_itself(graph, name) for name in graph)


def test_a_long_line_of_models_is_no_recursion() -> None:
    count = 20_000
    line = {str(number): [str(number + 1)] for number in range(count)}
    assert list(cycles(["0"], lambda name: line.get(name, ()))) == []
    line[str(count)] = ["0"]
    assert [len(circle) for circle in cycles(["0"], lambda name: line.get(name, ()))] == [count + 1]


def test_one_entry_is_told_of_a_circle_through_entries_that_are_not_checked() -> None:
    (problem,) = check_paths([CYCLE / "models/iris-woods"], CYCLE, root=CYCLE)
    assert problem.file == "models/iris-woods/model.yaml"
    assert "iris-woods -> iris-forest -> iris-trees -> iris-woods" in problem.message
    assert check_paths([CYCLE / "models/wine-cellar"], CYCLE) == []
