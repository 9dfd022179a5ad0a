"""Wheels in a layer: as their own lists have them, whatever happened to uv's cache; what killed builds left goes."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from modelport.errors import IntegrityError
from modelport.image.layers import Workshop
from modelport.image.own import service_pins
from modelport.image.record import check_records
from modelport.image.wheels import install, target_of
from modelport.oci import Layout

if TYPE_CHECKING:
    from pathlib import Path

TARGET = target_of("linux/amd64")
IDNA = [pin for pin in service_pins(set()) if pin.name == "idna"]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Give a small distribution, installed; its files are no links into anybody's cache."""
    folder = tmp_path / "installed"
    content = {"small/__init__.py": b"one = 1\n", "small/data.bin": b"\0\1"}
    lines = []
    for path, raw in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(raw)
        hashed = base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={hashed},{len(raw)}\n")
    (folder / "small-1.dist-info").mkdir()
    (folder / "small-1.dist-info/RECORD").write_text("".join([*lines, "small-1.dist-info/RECORD,,\n"]))
    for own in ("small-1.dist-info/INSTALLER", ".lock", "small/__pycache__/x.pyc"):
        (folder / own).parent.mkdir(exist_ok=True)
        (folder / own).write_text("the installer's own")
    return folder


def test_what_is_as_its_list_says_passes(installed: Path) -> None:
    check_records(installed)


def test_what_uv_installs_passes(tmp_path: Path) -> None:
    install(IDNA, tmp_path / "installed", target=TARGET, python="3.11")
    check_records(tmp_path / "installed")


def test_a_changed_file_is_said_with_the_way_out(installed: Path) -> None:
    (installed / "small/data.bin").write_bytes(b"\0\2")
    with pytest.raises(IntegrityError, match=r"small/data\.bin") as caught:
        check_records(installed)
    assert caught.value.hint == "uv cache clean small"


def test_a_file_that_no_wheel_has_is_said(installed: Path) -> None:
    (installed / "small/more.py").write_text("")
    with pytest.raises(IntegrityError, match="no wheel lists it"):
        check_records(installed)


def test_an_index_with_other_files_is_told_from_one_that_has_none(tmp_path: Path) -> None:
    (pin,) = IDNA
    with pytest.raises(IntegrityError, match="idna==") as caught:
        install(
            [type(pin)(pin.name, pin.version, (f"sha256:{'0' * 64}",))], tmp_path / "a", target=TARGET, python="3.11"
        )
    assert "index" in caught.value.hint


def test_uv_is_told_what_to_install_by_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "uv.toml").write_text("[pip]\nno-binary = [':all:']\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2001-01-01")
    install(IDNA, tmp_path / "installed", target=TARGET, python="3.11")
    assert (tmp_path / "installed/idna/__init__.py").is_file()


def test_what_killed_builds_left_is_removed_and_nothing_that_is_in_use(tmp_path: Path) -> None:
    dead, other = tmp_path / "building-00000000.d", tmp_path / "environments"
    for folder in (dead, other):
        folder.mkdir()
    dead.with_suffix("").touch()
    workshop = Workshop(Layout(tmp_path / "store"), tmp_path, TARGET, "3.11", str)
    made = workshop.wheels(IDNA)
    assert [one.name for one in made.distributions] == ["idna"]
    assert {one.name for one in tmp_path.iterdir()} == {"environments", "layers", "store"}
    assert workshop.wheels(IDNA) == made
