"""The folder of the site: whatever its list says, nothing is removed or written that a build did not make there."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.errors import FormatError, InputError
from modelport_site.output import LIST_FILE, OutputFolder

if TYPE_CHECKING:
    from pathlib import Path

PRECIOUS = b"precious"
DIGEST = hashlib.sha256(PRECIOUS).hexdigest()


def write_list(folder: Path, groups: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LIST_FILE).write_text(json.dumps({"schema": "modelport/site-files/1", "groups": groups}), "utf-8")


def build(folder: Path, files: dict[str, bytes]) -> OutputFolder:
    site = OutputFolder.open(folder)
    site.put("pages", repr(files), lambda: files)
    site.close()
    return site


@pytest.mark.parametrize(
    "path",
    ["../IMPORTANT", "a/../../IMPORTANT", "{outside}/IMPORTANT", "/", "", ".", "..", "a//b", "./a", "a/", "a\0b",
     "a\nb", "\ud800", LIST_FILE],
)  # fmt: skip
def test_a_path_that_no_build_writes_makes_the_list_foreign(path: str, tmp_path: Path) -> None:
    out, important = tmp_path / "out", tmp_path / "IMPORTANT"
    important.write_bytes(PRECIOUS)
    path = path.format(outside=tmp_path)
    write_list(out, {"gone": {"key": "k", "files": {path: DIGEST}}})
    with pytest.raises(FormatError, match="modelport-site") as caught:
        OutputFolder.open(out)
    assert str(out) in caught.value.hint
    assert important.read_bytes() == PRECIOUS
    assert [p.name for p in out.iterdir()] == [LIST_FILE]


@pytest.mark.parametrize(
    "groups",
    [[], "x", None, {"a": []}, {"a": {}}, {"a": {"key": "k"}}, {"a": {"key": 1, "files": {}}},
     {"a": {"key": "k", "files": []}}, {"a": {"key": "k", "files": {"x": 1}}},
     {"a": {"key": "k", "files": {"x": "abc"}}}, {"a": {"key": "k", "files": {"x": DIGEST.upper()}}}],
)  # fmt: skip
def test_a_list_of_another_shape_is_named(groups: object, tmp_path: Path) -> None:
    write_list(tmp_path, groups)
    with pytest.raises(FormatError, match="modelport-site"):
        OutputFolder.open(tmp_path)


@given(
    document=st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.just(DIGEST),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["schema", "groups", "key", "files", "a", "../a"]), inner, max_size=3)
        ),
    )
)
def test_any_list_is_read_or_refused(document: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("any") / "out"
    write_list(out, document)
    (out.parent / "a").write_bytes(PRECIOUS)
    try:
        build(out, {"index.html": b"new"})
    except FormatError:
        assert not (out / "index.html").exists()
    assert (out.parent / "a").read_bytes() == PRECIOUS


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff", b"{"])
def test_a_list_that_is_no_json_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / LIST_FILE).write_bytes(content)
    with pytest.raises(FormatError, match="modelport-site"):
        OutputFolder.open(tmp_path)


def test_a_folder_in_the_place_of_the_list_is_named(tmp_path: Path) -> None:
    (tmp_path / LIST_FILE).mkdir()
    with pytest.raises(InputError, match="modelport-site"):
        OutputFolder.open(tmp_path)


def test_nothing_is_removed_through_a_symbolic_link(tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    build(out, {"a/page.html": PRECIOUS})
    (out / "a").rename(outside)
    (out / "a").symlink_to(outside, target_is_directory=True)
    with pytest.raises(InputError, match="symbolic link"):
        build(out, {})
    assert (outside / "page.html").read_bytes() == PRECIOUS


def test_nothing_is_written_through_a_symbolic_link(tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    outside.mkdir()
    build(out, {})
    (out / "a").symlink_to(outside, target_is_directory=True)
    with pytest.raises(InputError, match="symbolic link"):
        build(out, {"a/b/page.html": b"new"})
    assert list(outside.iterdir()) == []


def test_a_file_that_became_a_symbolic_link_is_made_again_and_its_target_stays(tmp_path: Path) -> None:
    out, important = tmp_path / "out", tmp_path / "IMPORTANT"
    important.write_bytes(PRECIOUS)
    build(out, {"page.html": PRECIOUS})
    (out / "page.html").unlink()
    (out / "page.html").symlink_to(important)
    build(out, {"page.html": PRECIOUS})
    assert not (out / "page.html").is_symlink()
    assert important.read_bytes() == PRECIOUS


def test_a_file_that_somebody_else_changed_is_not_removed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(out, {"a/mine.html": b"mine", "a/theirs.html": b"mine, too"})
    (out / "a/theirs.html").write_bytes(PRECIOUS)
    site = OutputFolder.open(out)
    site.close()
    assert site.removed == 1
    assert [p.name for p in (out / "a").iterdir()] == ["theirs.html"]
    assert (out / "a/theirs.html").read_bytes() == PRECIOUS


@pytest.mark.parametrize(("there", "path"), [("a", "a/b.html"), ("a/b.html/c", "a/b.html")])
def test_what_is_in_the_way_is_named(there: str, path: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(out, {})
    (out / there).parent.mkdir(parents=True, exist_ok=True)
    (out / there).write_bytes(PRECIOUS)
    with pytest.raises(InputError, match="in the way") as caught:
        build(out, {path: b"new"})
    assert caught.value.hint
    assert (out / there).read_bytes() == PRECIOUS
