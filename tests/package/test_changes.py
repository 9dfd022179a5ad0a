"""What the user changes of the requirements: it takes effect, is written down, and makes sense or is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.package.installing import install, python, served, wheel

from modelport.errors import PackError
from modelport.package import Package, model_from_file, pack
from modelport.package.changes import Changes
from modelport.package.requirements import closure, find_requirements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIND = """
import json
from modelport.errors import ModelportError
from modelport.package.requirements import Changes, find_requirements
try:
    found = find_requirements({needs}, Changes({changes}))
    pins = [line.split()[0] for line in found.lock.splitlines() if "==" in line]
    print(json.dumps([found.direct, pins, found.changed, found.needed_by]))
except ModelportError as error:
    print(json.dumps(f"{{type(error).__name__}}: {{error}}"))
"""


DISTRIBUTIONS = [
    ("view", "1.0", ("base",)), ("view", "1.5", ()), ("base", "1.0", ()), ("upper", "1.0", ("view",)),
    ("lite", "1.0", ("base", "small")), ("lite", "2.0", ("base>=2",)), ("small", "3.1", ()), ("mine", "1.0", ()),
]  # fmt: skip


class Place(NamedTuple):
    """A folder of installed distributions, and the variables of an index that has more."""

    site: Path
    variables: dict[str, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    site, index = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("index")
    install(site, "view", {"view.py": ""}, ("base",))
    install(site, "base", {"base.py": ""})
    install(site, "upper", {"upper.py": ""}, ("view",))
    install(site, "mine", {"mine.py": ""}, url='{"url": "file:///home/me/mine", "dir_info": {"editable": true}}')
    for name, version, requires in DISTRIBUTIONS:
        wheel(index, name, version, requires)
    with served(index) as variables:
        yield Place(site, variables)


def found(place: Place, needs: str, changes: str) -> object:
    return json.loads(python(FIND.format(needs=needs, changes=changes), place.site, **place.variables))


VIEW = "{'view': ['code/model.py']}"
UPPER = "{'upper': ['code/model.py']}"


@pytest.mark.parametrize(
    ("needs", "changes", "result"),
    [
        (VIEW, "", [{"view": "1.0"}, ["base==1.0", "view==1.0"], {}]),
        (VIEW, "add=('Upper',)", [{"upper": "1.0", "view": "1.0"}, ["base==1.0", "upper==1.0", "view==1.0"],
                                  {"added": ["upper==1.0"]}]),
        (VIEW, "add=('small==3.1',)", [{"small": "3.1", "view": "1.0"}, ["base==1.0", "small==3.1", "view==1.0"],
                                       {"added": ["small==3.1"]}]),
        (VIEW, "add=('view==1.5',)", [{"view": "1.5"}, ["view==1.5"], {"added": ["view==1.5"]}]),
        (VIEW, "drop=('view',)", [{}, [], {"dropped": ["view"]}]),
        (UPPER, "drop=('base',)", [{"upper": "1.0"}, ["upper==1.0", "view==1.0"], {"dropped": ["base"]}]),
        ("{'nowhere.x': ['code/model.py'], 'base': ['code/model.py']}", "drop=('nowhere',)",
         [{"base": "1.0"}, ["base==1.0"], {"dropped": ["nowhere"]}]),
        (VIEW, "replace={'view': 'lite'}", [{"lite": "1.0"}, ["base==1.0", "lite==1.0", "small==3.1"],
                                            {"replaced": {"view": "lite==1.0"}}]),
        (UPPER, "replace={'view': 'lite==1.0'}",
         [{"upper": "1.0"}, ["base==1.0", "lite==1.0", "small==3.1", "upper==1.0"],
          {"replaced": {"view": "lite==1.0"}}]),
    ],
)  # fmt: skip
def test_changes_take_effect(place: Place, needs: str, changes: str, result: list[object]) -> None:
    answer = found(place, needs, changes)
    assert isinstance(answer, list), answer
    assert answer[:3] == result
    assert answer[3].keys() == answer[0].keys()


@pytest.mark.parametrize(
    ("needs", "changes", "said"),
    [
        (VIEW, "drop=('other',)", "other cannot be dropped or replaced: the model does not need it"),
        (VIEW, "replace={'other': 'lite'}", "other cannot be dropped or replaced: the model does not need it"),
        (VIEW, "drop=('view',), replace={'view': 'lite'}", "view is to be dropped, and something else as well"),
        (VIEW, "add=('small',)", "small is to be added and is not installed\n  hint: say which: small==VERSION"),
        (VIEW, "add=('small>=3',)", "'small>=3' is not a requirement to pin\n  hint: write NAME or NAME==VERSION"),
        (VIEW, "drop=('view==1.0',)", "'view==1.0' has a version, where only a name is meant"),
        (VIEW, "replace={'view': 'lite==2.0'}", "the requirements cannot be locked"),
        (VIEW, "add=('nowhere==1',)", "the requirements cannot be locked"),
        (VIEW, "add=('mine',)", "mine 1.0 was installed from mine, editable, not from the package index"),
    ],
)
def test_changes_that_make_no_sense_are_refused(place: Place, needs: str, changes: str, said: str) -> None:
    result = found(place, needs, changes)
    assert isinstance(result, str)
    assert result.startswith(f"PackError: {said}")
    assert "hint: " in result


def test_a_package_says_what_was_changed_by_hand(tmp_path: Path, lock: str) -> None:
    file = tmp_path / "plain.py"
    file.write_text("from modelport import Model\n\n\ndef f(x: float) -> float:\n    return x\n\n\nm = Model(f=f)\n")
    changes = Changes(add=("PyYAML",))
    info = Package.read(
        pack(model_from_file(file), "plain", tmp_path / "out", known_lock=lock, verify_in=None, requirements=changes)
    ).info
    (added,) = info["changed"]["added"]
    assert info["requirements"] == [added]
    assert added.startswith("pyyaml==")
    assert info["needed_by"] == {"pyyaml": []}
    assert "changed" not in Package.read(pack(model_from_file(file), "plain", tmp_path / "out", verify_in=None)).info


def test_changes_are_read_back_as_they_are_written() -> None:
    changes = Changes(add=("one==1",), drop=("two",), replace={"three": "four"})
    pins = {"one": "1", "four": "4"}
    again = Changes.from_json(changes.to_json(pins))
    assert again.to_json(pins) == changes.to_json(pins)


def test_no_changes_are_as_if_none_were_asked_for(lock: str) -> None:
    needs = {"sklearn": {"state/x.skops"}}
    assert find_requirements(needs, Changes(), known=lock) == find_requirements(needs, known=lock)
    with pytest.raises(PackError, match="which is not installed"):
        closure(["nothing-of-this-name"])
