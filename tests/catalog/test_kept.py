"""The kept index: what it says is what the entries say, whatever happened to them or to the file it lies in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.entries import write_catalog, write_entry

from modelport.catalog import index_document, load_catalog, load_profiles, model_document
from modelport.catalog.kept import kept_index
from modelport.errors import FormatError

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return write_catalog(tmp_path / "repository", 5) / "catalog"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def file_of(cache: Path) -> Path:
    (file,) = (cache / "catalog").iterdir()
    return file


def assert_true(catalog: Path, cache: Path) -> None:
    """Assert that the index says what the entries say, now and when it is asked again."""
    entries = load_catalog(catalog)
    for _ in range(2):
        index = kept_index(catalog, cache)
        assert index.document == index_document(entries)
        for entry in entries:
            assert index.model(str(entry.name)) == model_document(entry)
        assert index.model("nobody") is None
        profiles = load_profiles(catalog)
        assert (index.devices, index.networks) == (profiles.devices, profiles.networks)


def test_it_says_what_the_entries_say(catalog: Path, cache: Path) -> None:
    assert_true(catalog, cache)
    before = file_of(cache).stat().st_mtime_ns
    kept_index(catalog, cache)
    assert file_of(cache).stat().st_mtime_ns == before


def test_whatever_changes_is_seen(catalog: Path, cache: Path) -> None:
    models = catalog / "models"
    one, two, three, four, _ = sorted(models.iterdir())
    kept_index(catalog, cache)
    card = one / "card.md"
    card.write_text(card.read_text("utf-8").replace("Look", "Gaze"), "utf-8")  # of the same size
    assert_true(catalog, cache)
    version = next(iter((two / "versions").iterdir()))
    version.write_text(version.read_text("utf-8").replace("First version", "Our first version"), "utf-8")
    assert_true(catalog, cache)
    (three / "versions" / next(iter((three / "versions").iterdir())).name).unlink()
    shutil.rmtree(four)
    write_entry(models / "zz-newcomer", 7)
    text = (models / "zz-newcomer/model.yaml").read_text("utf-8")
    (models / "zz-newcomer/model.yaml").write_text(
        text.replace("name: amber-heartbeat", "name: zz-newcomer", 1), "utf-8"
    )
    assert_true(catalog, cache)
    (one / "model.yaml").write_text("name: broken\n", "utf-8")
    with pytest.raises(FormatError):
        kept_index(catalog, cache)


def test_devices_networks_and_variants_are_kept_too(tmp_path: Path, cache: Path) -> None:
    catalog = Path(shutil.copytree(EXAMPLES / "positive/a-catalog", tmp_path / "catalog"))
    index = kept_index(catalog, cache)
    assert set(index.devices) == {"board-1", "phone-1", "phone-2", "server-1"}
    assert set(index.networks) == {"cable", "campus"}
    forest = index.model("iris-forest") or {}
    assert [(one["version"], len(one["variants"])) for one in forest["variants"]] == [("2.0.0", 5)]
    assert "variants" not in (index.model("iris-trees") or {})
    rows = {row["name"]: row["variants"] for row in index.rows}
    assert (rows["iris-forest"], rows["iris-trees"]) == (["float32", "int8", "weight-int8", "onnx"], [])
    assert_true(catalog, cache)
    for change in (
        (catalog / "devices/phone-2.yaml").unlink,
        lambda: (catalog / "networks/campus.yaml").rename(catalog / "networks/lawn.yaml"),
        (catalog / "models/iris-forest/variants/2.0.0.yaml").unlink,
        lambda: shutil.rmtree(catalog / "networks"),
        lambda: shutil.copytree(EXAMPLES / "positive/a-catalog/networks", catalog / "networks"),
    ):
        change()
        assert_true(catalog, cache)
    (catalog / "devices/phone-1.yaml").write_text("title: x\n", "utf-8")
    with pytest.raises(FormatError, match="profiles in"):
        load_profiles(catalog)
    for _ in range(2):  # made, and read again
        index = kept_index(catalog, cache)
        assert set(index.devices) == {"board-1", "server-1"}
        assert set(index.networks) == {"cable", "campus"}
        ((file, problems),) = index.broken_profiles.items()
        assert file == "devices/phone-1.yaml"
        assert any("schema" in problem for problem in problems)


def test_an_edit_that_hides_its_time_is_seen(catalog: Path, cache: Path) -> None:
    kept_index(catalog, cache)
    card = next(iter(catalog.glob("models/*/card.md")))
    status = card.stat()
    card.write_text(card.read_text("utf-8").replace("Look", "Gaze"), "utf-8")
    os.utime(card, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert_true(catalog, cache)


@given(st.binary(max_size=40) | st.none(), st.floats(0, 1), st.integers(0, 60))
def test_a_torn_or_foreign_file_is_made_anew(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | None, place: float, length: int
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    catalog, cache = write_catalog(folder, 2) / "catalog", folder / "cache"
    kept_index(catalog, cache)
    file = file_of(cache)
    whole = file.read_bytes()
    start = int(place * len(whole))
    file.write_bytes(content if content is not None else whole[:start] + whole[start + length :])
    assert_true(catalog, cache)


def test_a_file_made_by_another_version_is_made_anew(catalog: Path, cache: Path) -> None:
    kept_index(catalog, cache)
    head, table = file_of(cache).read_bytes().split(b"\n", 1)
    words = head.split()
    other = json.loads(table.split(b"\n", 1)[0])
    assert len(words) == 3
    assert set(other) == {"states", "rows", "documents"}
    file_of(cache).write_bytes(b" ".join([words[0], b"0" * 64, words[2]]) + b"\n" + table)
    assert_true(catalog, cache)


def test_documents_that_were_replaced_meanwhile_are_read_from_the_entries(catalog: Path, cache: Path) -> None:
    kept_index(catalog, cache)
    index = kept_index(catalog, cache)
    file_of(cache).write_bytes(b"another's")
    for entry in load_catalog(catalog):
        assert index.model(str(entry.name)) == model_document(entry)


def test_where_nothing_can_be_written_it_works_without(catalog: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for cache in (tmp_path / "file", Path("/proc/nowhere"), Path("/dev/null/cache")):
        assert_true(catalog, cache)


def test_a_catalog_without_models_has_an_empty_index(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "catalog").mkdir()
    assert_true(tmp_path / "catalog", cache)


def test_a_warm_index_needs_neither_yaml_nor_jsonschema(catalog: Path, cache: Path) -> None:
    kept_index(catalog, cache)
    code = (
        "import sys; from pathlib import Path; from modelport.catalog.kept import kept_index;"
        f"assert kept_index(Path({str(catalog)!r}), Path({str(cache)!r})).rows;"
        "print(sorted({'yaml', 'jsonschema', 'packaging', 'modelport.model'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
