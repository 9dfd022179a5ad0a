"""Archives: the same files give the same bytes, and nothing a stranger packs gets out of the folder."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from modelport.errors import FormatError
from modelport.oci import make_tar, unpack_tar
from modelport.oci.names import check_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

parts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
names = st.lists(parts, min_size=1, max_size=4).map("/".join)
plain_names = st.lists(st.text("abcxyz0-_Àß日 ", min_size=1, max_size=8), min_size=1, max_size=4).map("/".join)


def are_fine(found: list[str]) -> bool:
    try:
        check_names(found)
    except FormatError:
        return False
    return True


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def tar_of(*members: tarfile.TarInfo | tuple[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Make any tar, hostile ones included."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return target.getvalue()


def special(kind: bytes, name: str = "evil", link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def unpack(raw: bytes, folder: Path, *, max_total: int = 10_000, max_members: int = 100) -> dict[str, bytes]:
    source, destination = folder / "a.tar", folder / "out"
    source.write_bytes(raw)
    unpack_tar(source, destination, max_total=max_total, max_members=max_members)
    return tree(destination)


@settings(max_examples=60, deadline=None)
@given(files=st.dictionaries(plain_names, st.binary(max_size=1200), max_size=5))
@example(files={"x" * 200 + "/" + "y" * 200: b"long", "ü/日本": b"", "a" * 100: b"1", "b" * 101: b"2"})
def test_what_is_packed_is_unpacked(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    assume(are_fine(sorted(files)))
    assert unpack(make_tar(files), tmp_path_factory.mktemp("tar")) == files


@settings(max_examples=200, deadline=None)
@given(
    name=names
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(["../x", "/x", "a/../../x", "a//b", "./a", "con", "a\\b"])
)
def test_no_name_leads_outside(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tar")
    try:
        unpack(tar_of((name, b"x")), folder)
    except FormatError:
        assert not (folder / "out").exists()
    outside = {path.name for path in folder.iterdir()} - {"a.tar", "out"}
    assert outside == set()


@settings(max_examples=300, deadline=None)
@given(
    raw=st.binary(max_size=1100)
    | st.tuples(st.integers(0, 2047), st.integers(1, 255)).map(
        lambda flip: bytes(b ^ flip[1] if n == flip[0] else b for n, b in enumerate(make_tar({"a/b": b"1", "ü": b"2"})))
    )
    | st.integers(0, 5000).map(lambda end: make_tar({"a/b": b"1", "ü": b"2"})[:end])
)
def test_damage_is_a_format_error_or_harmless(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tar")
    try:
        found = unpack(raw, folder)
    except FormatError:
        assert not (folder / "out").exists()
    else:
        assert len(found) <= 2


def test_equal_files_give_equal_bytes_whatever_their_order_time_and_mode(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    first = make_tar({"b": two, "a": one})
    one.chmod(0o755)
    os.utime(one, (1, 1))
    assert make_tar({"a": one, "b": b"2"}) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        members = [(m.name, m.mode, m.mtime, m.uid, m.gid, m.uname, m.gname, m.type) for m in archive]
    assert members == [(name, 0o644, 0, 0, 0, "", "", tarfile.REGTYPE) for name in ("a", "b")]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_other_tools_archives_are_read(form: int, tmp_path: Path) -> None:
    long = "d" * 90 + "/" + "n" * 90
    assert unpack(tar_of((long, b"1"), ("b", b"2"), form=form), tmp_path) == {long: b"1", "b": b"2"}


HOSTILE: dict[str, Callable[[], bytes]] = {
    "dot-dot": lambda: tar_of(("../x", b"")),
    "dot-dot inside": lambda: tar_of(("a/../../x", b"")),
    "absolute": lambda: tar_of(("/tmp/x", b"")),  # noqa: S108 - the point
    "backslash": lambda: tar_of(("a\\..\\x", b"")),
    "drive": lambda: tar_of(("c:x", b"")),
    "dot": lambda: tar_of(("./x", b"")),
    "double slash": lambda: tar_of(("a//x", b"")),
    "folder by slash": lambda: tar_of(("a/", b"")),
    "windows device": lambda: tar_of(("a/nul.txt", b"")),
    "trailing dot": lambda: tar_of(("a.", b"")),
    "control character": lambda: tar_of(("a\n", b"")),
    "not NFC": lambda: tar_of(("u\u0308", b"")),
    "not UTF-8": lambda: tar_of(("\udcff", b""), form=tarfile.GNU_FORMAT),
    "twice": lambda: tar_of(("a", b"1"), ("a", b"2")),
    "case twins": lambda: tar_of(("a", b"1"), ("A", b"2")),
    "case twin folders": lambda: tar_of(("a/x", b"1"), ("A/y", b"2")),
    "file and folder": lambda: tar_of(("a", b"1"), ("a/b", b"2")),
    "long part": lambda: tar_of(("x" * 256, b"")),
    "long name": lambda: tar_of(("/".join(["x" * 200] * 6), b"")),
    "symlink": lambda: tar_of(special(tarfile.SYMTYPE, link="/etc")),
    "hard link": lambda: tar_of(special(tarfile.LNKTYPE, link="/etc/passwd")),
    "folder": lambda: tar_of(special(tarfile.DIRTYPE)),
    "pipe": lambda: tar_of(special(tarfile.FIFOTYPE)),
    "device": lambda: tar_of(special(tarfile.CHRTYPE)),
    "block device": lambda: tar_of(special(tarfile.BLKTYPE)),
    "sparse": lambda: tar_of(special(tarfile.GNUTYPE_SPARSE)),
    "pax size": lambda: _with_pax({"size": "1"}),
    "pax link": lambda: _with_pax({"linkpath": "/etc"}),
    "pax sparse": lambda: _with_pax({"GNU.sparse.size": "1"}),
    "pax global": lambda: tar_of(special(tarfile.XGLTYPE)),
    "trailing data": lambda: tar_of(("a", b"1")) + b"x",
    "no end": lambda: tar_of(("a", b"1"))[:1024],
    "cut content": lambda: tar_of(("a", bytes(2000)))[:1600],
    "negative size": lambda: _with_field(124, b"-0000000001\0"),
    "binary size": lambda: _with_field(124, b"\x80" + b"\xff" * 11),
    "size with an 8": lambda: _with_field(124, b"00000000008\0"),
    "huge size": lambda: _with_field(124, b"77777777777\0"),
    "checksum": lambda: tar_of(("a", b"1")).replace(b"a", b"b", 1),
    "gzip": lambda: b"\x1f\x8b\x08" + bytes(600),
    "empty": lambda: b"",
    "text": lambda: b"hello" * 500,
}


def _with_pax(headers: dict[str, str]) -> bytes:
    info = tarfile.TarInfo("a")
    info.pax_headers = headers
    return tar_of(info)


def _with_field(offset: int, value: bytes) -> bytes:
    header = bytearray(tar_of(("a", b"1")))
    header[offset : offset + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header[:512]):06o}\0 ".encode()
    return bytes(header)


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives_are_refused_before_anything_is_written(case: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"a\.tar"):
        unpack(HOSTILE[case](), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_limits_are_kept(tmp_path: Path) -> None:
    raw = make_tar({str(n): b"12345" for n in range(4)})
    assert len(unpack(raw, tmp_path, max_total=20, max_members=4)) == 4
    for number, limits in enumerate([{"max_total": 19}, {"max_members": 3}]):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(FormatError, match="more than"):
            unpack(raw, folder, **limits)


def test_nothing_that_exists_is_overwritten_or_followed(tmp_path: Path) -> None:
    outside, destination = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    destination.mkdir()
    (destination / "folder").symlink_to(outside)
    (destination / "link").symlink_to(outside / "target")
    (destination / "file").write_bytes(b"old")
    for name in ("folder/x", "link", "file", "file/x"):
        with pytest.raises(FormatError, match="in the way"):
            unpack(make_tar({name: b"new"}), tmp_path)
    assert list(outside.iterdir()) == []
    assert (destination / "file").read_bytes() == b"old"


def test_what_could_not_be_unpacked_is_not_packed(tmp_path: Path) -> None:
    for name in ("../x", "", "a\\b", "\ud800"):
        with pytest.raises(FormatError):
            make_tar({name: b""})
    with pytest.raises(FormatError, match="regular file"):
        make_tar({"a": tmp_path})
