"""The base: made of Debian packages without running any, the same on every machine, and whole."""

from __future__ import annotations

import io
import ssl
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.commands import CACHE
from tests.support.images import LOCK, confined, manifest_of, members, unpacked

from modelport.errors import FormatError, SetupError
from modelport.image.base.deb import parse_control, read_ar, read_deb
from modelport.image.base.lock import LockedDeb, lock_text, parse_lock
from modelport.image.base.make import TAG, make_base
from modelport.image.base.mirror import fetch
from modelport.oci import Layout
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEBS = parse_lock(LOCK.read_text("utf-8"))
WHERE = "usr/share/zoneinfo/"
ZONES = """
import datetime, zoneinfo
print(datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")).utcoffset())
for name in zoneinfo.available_timezones():
    print(zoneinfo.ZoneInfo(name))
"""


def packages(architecture: str) -> Iterator[tuple[LockedDeb, Path]]:
    """Yield the locked packages, which the base's fixture has fetched."""
    return ((one, CACHE / "debs" / one.digest.hex) for one in DEBS if one.architecture == architecture)


def test_the_lock_is_what_is_written_again() -> None:
    assert lock_text(DEBS) == LOCK.read_text("utf-8")
    assert {one.architecture for one in DEBS} == {"amd64", "arm64"}


@pytest.mark.parametrize(
    "line",
    [
        "amd64 bookworm pool/main/a.deb sha256:00",
        f"riscv64 bookworm pool/main/a.deb sha256:{'0' * 64}",
        f"amd64 bookworm http://host/pool/a.deb sha256:{'0' * 64}",
        f"amd64 bookworm pool/../../etc/a.deb sha256:{'0' * 64}",
    ],
)
def test_a_line_of_the_lock_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(FormatError, match="line 2"):
        parse_lock(f"# a comment\n{line}\n")


@pytest.mark.usefixtures("base")
def test_packages_are_read_as_dpkg_reads_them() -> None:
    for locked, file in packages("amd64"):
        deb = read_deb(file.read_bytes(), locked.file)
        control = subprocess.run(["dpkg-deb", "--field", str(file)], capture_output=True, check=True, text=True).stdout
        assert deb.fields == parse_control(control)
        tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(file)], capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            theirs = {m.name.removeprefix("./"): archive.extractfile(m) for m in archive if m.isfile() or m.islnk()}
            assert {p: n.source for p, n in deb.tree.items() if n.source is not None} == {
                path: content.read() for path, content in theirs.items() if content
            }


@given(st.binary(max_size=300))
def test_what_is_no_package_is_refused_and_nothing_else_happens(raw: bytes) -> None:
    for damaged in (raw, b"!<arch>\n" + raw):
        with pytest.raises(FormatError):
            read_deb(damaged, "some.deb")


def test_an_archive_that_ends_early_is_damaged() -> None:
    whole = b"!<arch>\n" + b"debian-binary".ljust(48) + b"4".ljust(10) + b"`\n" + b"2.0\n"
    assert dict(read_ar(whole, "a")) == {"debian-binary": b"2.0\n"}
    with pytest.raises(FormatError, match="early"):
        list(read_ar(whole[:-1], "a"))


def test_the_same_packages_give_the_same_digest(base: Path, tmp_path: Path) -> None:
    again = make_base(DEBS, Layout(tmp_path), CACHE / "debs")
    assert again.digest == Layout(base).resolve(TAG).digest


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_its_files_are_roots_and_none_gives_rights_away(base: Path, architecture: str) -> None:
    layout = Layout(base)
    _, manifest = manifest_of(layout, TAG, f"linux/{architecture}")
    there = members(layout, manifest)
    assert {(m.uid, m.gid, m.mtime) for m, _ in there.values()} == {(0, 0, 0)}
    assert {m.mode for m, _ in there.values() if m.isfile()} == {0o644, 0o755}
    assert {path: m.mode for path, (m, _) in there.items() if m.isdir() and m.mode != 0o755} == {
        "tmp": 0o1777,
        "var/tmp": 0o1777,
    }
    assert there["lib"][0].linkname == "usr/lib"
    assert there["usr/bin/python3"][0].linkname == "python3.11"
    assert b"nonroot:x:65532:65532" in there["etc/passwd"][1]
    programs = [path for path in there if path.startswith(("usr/bin/", "usr/sbin/"))]
    assert sorted(programs) == ["usr/bin/python3", "usr/bin/python3.11"]


def test_its_certificates_are_those_that_debian_puts_together(base: Path) -> None:
    layout = Layout(base)
    _, manifest = manifest_of(layout, TAG, "linux/amd64")
    bundle = members(layout, manifest)["etc/ssl/certs/ca-certificates.crt"][1].decode()
    ssl.create_default_context(cadata=bundle)  # it can be read
    (package,) = (file for one, file in packages("amd64") if one.file.startswith("ca-certificates_"))
    tree = read_deb(package.read_bytes(), "ca").tree
    single = [path for path in tree if path.startswith("usr/share/ca-certificates/") and path.endswith(".crt")]
    assert bundle.count("BEGIN CERTIFICATE") == len(single) > 100


def test_it_knows_every_time_zone_that_debian_does(base: Path, tmp_path: Path) -> None:
    root = unpacked(Layout(base), TAG, "amd64", tmp_path)
    settings = {"User": "65532:65532", "WorkingDir": "/", "Env": ["PATH=/usr/bin"]}
    told = subprocess.run(
        confined(root, settings, ["/usr/bin/python3.11", "-c", ZONES]), capture_output=True, check=True, text=True
    )
    summer, *zones = told.stdout.split()
    assert summer == "2:00:00"
    (package,) = (file for one, file in packages("amd64") if one.file.startswith("tzdata_"))
    tree = read_deb(package.read_bytes(), "tzdata").tree
    theirs = {path.removeprefix(WHERE) for path, node in tree.items() if node.source or node.target}
    assert set(zones) == {one for one in theirs if one[:1].isupper()}


def test_a_package_that_no_mirror_has_is_named_with_the_way_out(tmp_path: Path) -> None:
    gone = LockedDeb("amd64", "bookworm", "pool/main/n/none/none_1_amd64.deb", Digest("sha256", "0" * 64))
    with pytest.raises(SetupError, match=r"none_1_amd64\.deb") as caught:
        fetch([gone], tmp_path)
    assert "make base-lock" in caught.value.hint
