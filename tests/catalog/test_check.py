from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.catalog import REPORTERS, Document, check_paths, read_yaml
from modelport.catalog.rules.shape import check_shape
from modelport.catalog.settings_file import read_settings
from modelport.schema import schema_document

if TYPE_CHECKING:
    from modelport.catalog import Problem

EXAMPLES = Path(__file__).parents[1] / "examples"
FOREST = EXAMPLES / "positive/a-catalog/models/iris-forest"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES / "positive/a-catalog", tmp_path / "catalog"))


def rules(problems: list[Problem]) -> list[str]:
    return [problem.rule for problem in problems]


def test_a_path_may_be_a_catalog_an_entry_or_a_file_of_an_entry(catalog: Path) -> None:
    entry = catalog / "models/iris-forest"
    (entry / "card.md").write_text("")
    for paths in (
        [], [catalog], [catalog / "models"], [entry], [entry / "model.yaml"], [entry / "card.md"], [entry / "versions"],
        [entry / "versions/1.0.0.yaml"], [entry, catalog, entry / "card.md"],
    ):  # fmt: skip
        (problem,) = check_paths(paths, catalog, root=catalog)
        assert (problem.file, problem.rule) == ("models/iris-forest/card.md", "file-empty")
    assert check_paths([catalog / "models/gpt"], catalog) == []


def test_one_entry_is_compared_with_the_rest_of_the_catalog(catalog: Path, tmp_path: Path) -> None:
    entry = tmp_path / "iris-forset"
    shutil.copytree(catalog / "models/iris-trees", entry)
    text = (entry / "model.yaml").read_text().replace("iris-trees", "iris-forset")
    (entry / "model.yaml").write_text(text)
    (first, second) = check_paths([entry], catalog)
    assert (first.rule, second.rule) == ("name-confusable", "version-digest")
    assert "iris-forest" in first.message
    assert "iris-trees 1.0.0" in second.message
    assert rules(check_paths([entry])) == []


def test_a_working_copy_of_an_entry_is_not_its_own_rival(catalog: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere/iris-forest"
    shutil.copytree(catalog / "models/iris-forest", copy)
    assert check_paths([copy], catalog) == []


def test_files_are_named_from_the_root_or_in_full(catalog: Path, tmp_path: Path) -> None:
    (catalog / "models/gpt/x.txt").write_text("x")
    assert check_paths([catalog], root=tmp_path)[0].file == "catalog/models/gpt/x.txt"
    assert check_paths([catalog], root=tmp_path / "other")[0].file == str(catalog / "models/gpt/x.txt")


def test_extra_checks_see_versions_of_the_right_shape_alone(catalog: Path) -> None:
    seen: list[str] = []

    def check(document: Document) -> list[Problem]:
        seen.append(Path(document.file).name)
        return [document.problem(("signature",), "is not to my taste", rule="taste")]

    broken = catalog / "models/iris-forest/versions/1.0.0.yaml"
    broken.write_text(broken.read_text() + "extra: 1\n")
    found = check_paths([catalog / "models/iris-forest"], catalog, extra_checks=[check])
    assert seen == ["1.0.1.yaml", "2.0.0-rc.1.yaml", "2.0.0.yaml"]
    assert sorted(rules(found)) == ["schema-key", "taste", "taste", "taste"]


def test_what_python_leaves_beside_a_recipe_is_no_problem(catalog: Path) -> None:
    (catalog / "models/gpt/__pycache__").mkdir()
    assert check_paths([], catalog) == []


def test_devices_and_links_are_not_opened(catalog: Path) -> None:
    os.mkfifo(catalog / "models/gpt/versions")
    os.mkfifo(catalog / "models/opt/recipe.py")
    (catalog / "models/opt/recipe.lock").symlink_to("/dev/zero")
    (catalog / "models/more").symlink_to("gpt")
    found = check_paths([], catalog, root=catalog)
    assert {(p.file, p.rule) for p in found} >= {
        ("models/gpt/versions", "file-unexpected"),
        ("models/opt/recipe.py", "file-unexpected"),
        ("models/opt/recipe.lock", "file-symlink"),
        ("models/more", "file-symlink"),
    }


def test_names_of_files_cannot_tear_a_report_apart(catalog: Path) -> None:
    for name in (b"a\n::error::b", b"\x1b[31m", b"\xff.yaml"):
        for folder in ("models", "models/gpt", "models/iris-forest/versions"):
            Path(os.fsdecode(os.fsencode(catalog / folder) + b"/" + name)).write_text("x: 1")
    Path(os.fsdecode(os.fsencode(catalog / "models") + b"/\xfe")).mkdir()
    for report in REPORTERS.values():
        text = report(check_paths([], catalog))
        assert text.encode()
        assert "\n::error::b" not in text
        assert "\x1b" not in text


def test_sizes_have_exact_limits(catalog: Path) -> None:
    card = catalog / "models/gpt/card.md"
    card.write_bytes(b"x" * 65_536)
    assert check_paths([], catalog) == []
    card.write_bytes(b"x" * 65_537)
    assert rules(check_paths([], catalog)) == ["file-size"]


@pytest.mark.parametrize("name", ["model", "version", "variants", "device", "network"])
def test_the_schemas_are_closed_bounded_and_described(name: str) -> None:
    def walk(schema: dict[str, object], place: str) -> None:
        if schema.get("type") == "object" and isinstance(schema["additionalProperties"], dict):
            assert "maxProperties" in schema, place
            walk(dict(schema["additionalProperties"]), f"{place}.*")
        elif schema.get("type") == "object":
            assert schema["additionalProperties"] is False, place
        if schema.get("type") == "array":
            assert "maxItems" in schema, place
        if schema.get("type") == "string" and "$" not in str(schema.get("pattern", ""))[-3:]:
            assert "maxLength" in schema or schema.get("title") == "text", place
        for key, inner in dict(schema.get("properties", {})).items():  # type: ignore[call-overload]  # it is JSON
            assert "description" in inner, f"{place}.{key}"
            walk(inner, f"{place}.{key}")
        if isinstance(schema.get("items"), dict):
            walk(dict(schema["items"]), f"{place}[]")  # type: ignore[call-overload]  # it is JSON

    document = schema_document(name)
    walk(document, name)
    for key, inner in document["$defs"].items():
        walk(inner, key)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


KINDS = {
    "model.yaml": "model",
    "versions/1.0.0.yaml": "version",
    "variants/2.0.0.yaml": "variants",
    "../../devices/board-1.yaml": "device",
    "../../networks/cable.yaml": "network",
}


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_any_value_anywhere_is_told_of_in_words(name: str, data: st.DataObject) -> None:
    document = read_yaml((FOREST / name).read_bytes(), name)
    path = data.draw(st.sampled_from(sorted(document.lines, key=str)).filter(bool))
    value = document.value
    for part in path[:-1]:
        value = value[part]
    value[path[-1]] = data.draw(JSON)
    problems, sound = check_shape(document, KINDS[name])
    for problem in problems:
        assert "\n" not in str(problem)
        assert not any(noise in str(problem) for noise in ("anyOf", "oneOf", "valid under", "does not match", "{'type"))
    assert (not problems) == (sound.value == document.value)


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_mutated_files_never_raise(tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject) -> None:
    text = (FOREST / name).read_text()
    for _ in range(data.draw(st.integers(1, 4))):
        place, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 30))
        text = text[:place] + data.draw(st.text(max_size=3)) + text[place + length :]
    file = tmp_path_factory.mktemp("mutated") / "x.yaml"
    file.write_text(text, encoding="utf-8", errors="replace", newline="")
    for problem in check_paths([file]):
        assert str(problem).isprintable()


@given(st.text(), st.binary())
def test_any_settings_and_any_files_never_raise(text: str, content: bytes) -> None:
    for document in (read_settings(text.encode("utf-8", "replace"), "x"), read_settings(content, "x")):
        assert document.problems or isinstance(document.value, dict)


def test_a_profile_is_checked_by_its_file_its_folder_and_its_catalog(catalog: Path) -> None:
    file = catalog / "devices/board-1.yaml"
    file.write_text(file.read_text("utf-8").replace("cores: 4", "cores: four"), "utf-8")
    for paths in ([], [catalog], [catalog / "models"], [catalog / "devices"], [file], [file, catalog]):
        (problem,) = check_paths(paths, catalog, root=catalog)
        assert (problem.file, problem.path, problem.rule) == ("devices/board-1.yaml", "cores", "schema-type")
    assert check_paths([catalog / "networks"], catalog) == []


def test_an_entry_may_be_called_devices(catalog: Path) -> None:
    entry = catalog / "models/devices"
    (catalog / "models/gpt").rename(entry)
    text = (entry / "model.yaml").read_text("utf-8")
    (entry / "model.yaml").write_text(text.replace("name: gpt", "name: devices", 1), "utf-8")
    for paths in ([], [entry], [entry / "model.yaml"]):
        assert check_paths(paths, catalog) == []


def test_a_variants_file_is_checked_with_its_entry_and_the_devices_around(catalog: Path) -> None:
    (catalog / "devices/board-1.yaml").rename(catalog / "devices/board-7.yaml")
    file = catalog / "models/iris-forest/variants/2.0.0.yaml"
    for paths in ([], [file], [file.parent], [file.parent.parent]):
        assert set(rules(check_paths(paths, catalog))) == {"variants-device"}
    assert "variants-device" not in rules(check_paths([file]))  # no catalog, no devices to compare with
