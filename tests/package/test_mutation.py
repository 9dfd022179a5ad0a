"""What a source's functions change of what is around them."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.package.mutation import Mutated, mutated_in


@pytest.mark.parametrize(
    "body",
    [
        "table[x] = 1",
        "table['a'].words[x] += 1",
        "del table[x]",
        "table.word = 1",
        "table.append(x)",
        "table.setdefault(x, []).append(1)",
        "return [table.update(one) for one in x]",
        "return (lambda: table.add(x))()",
        "for table[x] in (1, 2): pass",
        "def inner():\n        table.pop()\n    return inner",
    ],
)
def test_changes_of_content(body: str) -> None:
    for text in (f"def f(x):\n    {body}", f"class C:\n  def f(self, x):\n    {body}"):
        assert mutated_in(text) == Mutated(content={"table"})


@pytest.mark.parametrize(
    "body",
    [
        "table = {}\n    table[x] = 1",
        "import table\n    table.x = 1",
        "for table in x: table.append(1)",
        "with x as table: table.append(1)",
        "return [table.append(1) for table in x]",
        "def table(): pass\n    table.x = 1",
        "return x.table.append(1)",
        "return table.get(x), table[x], sorted(table), table().append(1)",
    ],
)
def test_what_is_the_functions_own_or_stays_as_it_is(body: str) -> None:
    assert mutated_in(f"def f(x):\n    {body}") == Mutated()


def test_given_another_value() -> None:
    assert mutated_in("def f(x):\n    global count, other\n    count += 1\n    return other") == Mutated(
        bound={"count"}
    )
    assert mutated_in("def f(x, *table, **count):\n    count['a'] = 1\n    table.append(1)") == Mutated()
    assert mutated_in("class C:\n    table.append(1)") == Mutated()  # once, while it is defined


@given(st.text(alphabet="abc.\n =(),:defglo[]'", max_size=200))
def test_any_source_has_some_or_is_none(text: str) -> None:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return
    mutated_in(text)
