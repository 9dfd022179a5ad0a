from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelport.catalog import Entry, index_document, load_catalog, load_entry, model_document, search
from modelport.errors import FormatError, NotFoundError

EXAMPLES = Path(__file__).parents[1] / "examples"
CATALOG = EXAMPLES / "positive/a-catalog"


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return load_catalog(CATALOG)


def test_the_models_document_holds_the_entry(entries: list[Entry]) -> None:
    document = model_document(next(e for e in entries if str(e.name) == "iris-forest"))
    assert document["schema"] == "modelport/api-model/2"
    assert document["card"].startswith("# Iris forest")
    assert [v["version"] for v in document["versions"]] == ["2.0.0", "2.0.0-rc.1", "1.0.1", "1.0.0"]
    assert all("schema" not in v for v in document["versions"])
    assert (document["latest"], document["recipe"], document["successor"]) == ("2.0.0", False, "iris-trees")


def test_what_a_recipe_reads_is_not_published() -> None:
    document = model_document(load_entry(EXAMPLES / "positive/with-recipe"))
    assert document["recipe"] is True
    assert "data" not in document


def test_the_index_has_a_line_for_each_model(entries: list[Entry]) -> None:
    index = index_document(reversed(entries))
    assert [m["name"] for m in index["models"]] == ["gpt", "iris-forest", "iris-trees", "opt", "resnet-18", "resnet-19"]
    forest = index["models"][1]
    assert forest["latest"] == "2.0.0"
    assert forest["digest"] == "sha256:" + "c" * 64
    assert (forest["frameworks"], forest["inputs"], forest["outputs"]) == (
        ["scikit-learn"], ["sepal_length", "sepal_width"], ["species"],
    )  # fmt: skip
    assert index["models"][0]["latest"] is None
    assert json.dumps(index) == json.dumps(index_document(entries))


def test_search_wants_every_word_and_ranks_by_where_it_is(entries: list[Entry]) -> None:
    index = index_document(entries)
    assert [m["name"] for m in search(index, "RESNET")] == ["resnet-18", "resnet-19"]
    assert [m["name"] for m in search(index, "resnet-19")] == ["resnet-19"]
    assert [m["name"] for m in search(index, "trees")] == ["iris-trees"]
    assert search(index, "forest sepal_length")[0]["name"] == "iris-trees"  # the published one
    assert search(index, "forest nothing-of-the-kind") == []
    assert len(search(index, "")) == len(index["models"])
    assert len(search(index, " -/ ")) == len(index["models"])


def test_a_bad_entry_is_refused_with_all_its_problems() -> None:
    with pytest.raises(FormatError, match=r"card\.md: is missing[^~]*model\.yaml: is missing"):
        load_entry(EXAMPLES / "negative/files-missing")
    with pytest.raises(NotFoundError):
        load_entry(EXAMPLES / "nothing-here")
    with pytest.raises(NotFoundError):
        load_catalog(EXAMPLES / "nothing-here")


def test_an_entry_may_wait_for_its_first_version() -> None:
    assert load_entry(EXAMPLES / "negative/published-without-version").latest is None


def test_only_prereleases_still_have_a_latest(tmp_path: Path) -> None:
    entry = tmp_path / "iris-forest"
    (entry / "versions").mkdir(parents=True)
    for name in ("model.yaml", "card.md", "versions/2.0.0-rc.1.yaml"):
        (entry / name).write_bytes((CATALOG / "models/iris-forest" / name).read_bytes())
    assert str(getattr(load_entry(entry).latest, "version", None)) == "2.0.0-rc.1"


def test_what_is_internal_is_not_read_for_the_public(tmp_path: Path) -> None:
    entry = tmp_path / "models/iris-forest"
    entry.mkdir(parents=True)
    (entry / "card.md").write_text("x", encoding="utf-8")
    (entry / "model.yaml").write_bytes((EXAMPLES / "positive/internal.model.yaml").read_bytes())
    assert len(load_catalog(tmp_path)) == 1
    with pytest.raises(FormatError, match=r"iris-forest in .* must not be public"):
        load_catalog(tmp_path, audience="public")
