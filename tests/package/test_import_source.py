"""The files of a stranger's model: which are seen, and which folders and zips are refused."""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from typing import TYPE_CHECKING

import pytest

from modelport.errors import FormatError
from modelport.package.importers.source import Source, record_of

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_shows_its_plain_files_with_their_digests(tmp_path: Path) -> None:
    (tmp_path / "a b/.git").mkdir(parents=True)
    (tmp_path / "a b/.git/config").write_text("x", encoding="utf-8")
    (tmp_path / ".hidden").write_text("x", encoding="utf-8")
    (tmp_path / "a b/c.txt").write_text("hello", encoding="utf-8")
    digest = f"sha256:{hashlib.sha256(b'hello').hexdigest()}"
    with Source(tmp_path) as source:
        assert source.records() == [{"path": "a b/c.txt", "size": 5, "digest": digest}]
        assert source.read("a b/c.txt", limit=5) == b"hello"
        with pytest.raises(FormatError, match="has 5 bytes; at most 4 are read"):
            source.read("a b/c.txt", limit=4)
        with pytest.raises(FormatError, match=r"\.hidden is missing"):
            source.read(".hidden", limit=9)
    assert record_of(tmp_path / "a b/c.txt", "c.txt")["digest"] == digest
    with pytest.raises(FormatError, match="is not a name that a model's file has"):
        record_of(tmp_path / "a b/c.txt", "../c.txt")


def test_a_zip_whose_files_lie_in_one_folder_is_that_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.mkdir("model")
        archive.writestr("model/a.txt", "a")
        archive.writestr("model/b/c.txt", "c")
    with Source(tmp_path / "m.zip") as source:
        assert source.names == ["a.txt", "b/c.txt"]
        assert source.read("b/c.txt", limit=9) == b"c"
        with pytest.raises(FormatError, match="is a zip"):
            source.file("a.txt")


def test_too_many_and_too_deep_are_refused(tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(300):
        (many / f"{number}.txt").touch()
    with pytest.raises(FormatError, match="holds more than 256 files"):
        Source(many)
    deep = tmp_path / "deep"
    (deep / "/".join("d" * 12)).mkdir(parents=True)
    with pytest.raises(FormatError, match="lies more than 8 levels deep"):
        Source(deep)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(300):
            archive.writestr(f"{number}.txt", "")
    with pytest.raises(FormatError, match="it holds more than 256 files"):
        Source(tmp_path / "many.zip")


def test_members_that_overlap_or_are_encrypted_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "m.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.bin", b"x" * 1000)
        one = archive.infolist()[0]
        for name in ("b.bin", "c.bin"):  # the same bytes under other names, as zip bombs have them
            twin = zipfile.ZipInfo(name)
            twin.CRC, twin.compress_size, twin.file_size = one.CRC, one.compress_size, one.file_size
            twin.header_offset = one.header_offset
            archive.filelist.append(twin)
            archive.NameToInfo[name] = twin
    with pytest.raises(FormatError, match="its members overlap"):
        Source(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.bin", b"x")
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(content)
    with pytest.raises(FormatError, match=r"'a\.bin' is encrypted"):
        Source(file)


def test_a_zip_of_very_many_files_is_refused_at_once(tmp_path: Path) -> None:
    for count, message in ((15_000, "it holds more than 256 files"), (60_000, "its list of files is longer than")):
        with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
            for number in range(count):
                archive.writestr(f"{number}", b"")
        start = time.process_time()
        with pytest.raises(FormatError, match=message):
            Source(tmp_path / "many.zip")
        assert time.process_time() - start < 10


def test_a_name_that_an_entry_cannot_list_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    names = ["plot (1).png", "mod\u00e8le.txt", "a.txt", " b.txt"]
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        for name in [*names, ".git/config", "c/.hidden"]:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("x", encoding="utf-8")
            archive.writestr(name, "x")
    for place in (folder, tmp_path / "m.zip"):
        with Source(place) as source:
            assert source.names == ["a.txt"]
            assert source.left_out == sorted(names[:2] + names[3:])
        assert "left out, since an entry cannot list such names:  b.txt, mod" in caplog.messages[-1]


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2J", "a\\..\\b", "C:a", "a\u202egnp.exe"])
def test_a_name_that_may_lead_elsewhere_or_hides_something_is_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / os.fsdecode(name.encode())).touch()
    with pytest.raises(FormatError, match="is not a name that a model's file has"):
        Source(folder)
