"""Fetching data by package name, from the real archives: what came is what the entry says, or nothing is kept."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from modelport.errors import FormatError, IntegrityError, SetupError
from modelport.package.data import fetch_data
from modelport.package.requirements import parse_lock

ROOT = Path(__file__).parents[2]


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return done.stdout if done.returncode == 0 else ""


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A small package for all architectures, as an item of an entry's data."""
    if shutil.which("apt-get") is None:
        pytest.fail("apt-get is not here: these tests want Debian, as `make test` does")
    folder = tmp_path_factory.mktemp("debian")
    policy = run("apt-cache", "policy", "netbase", folder=folder)
    found = re.search(r"^netbase:\n.*\n  Candidate: (\S+)$", policy, re.MULTILINE)
    run("apt-get", "-qq", "download", "netbase", folder=folder)
    files = list(folder.glob("*.deb"))
    if not found or not files:
        pytest.skip("Debian's package archive cannot be reached")
    digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
    return {
        "name": "services", "kind": "debian", "package": "netbase", "version": found[1], "sha256": digest,
        "path": "etc/services",
    }  # fmt: skip


@pytest.fixture(scope="module")
def pypi() -> dict[str, Any]:
    """A tiny pure wheel; which of the lock's hashes is its, the test finds out."""
    lock = parse_lock((ROOT / "requirements" / "dev.lock").read_text("utf-8"))
    (version,) = (v for name, v in lock if name == "iniconfig")
    return {
        "name": "wheel", "kind": "pypi", "package": "iniconfig", "version": version, "sha256": "",
        "path": "iniconfig/__init__.py", "hashes": lock["iniconfig", version],
    }  # fmt: skip


def test_a_debian_package_is_unpacked_and_kept(debian: dict[str, Any], tmp_path: Path) -> None:
    found = fetch_data(debian, tmp_path)
    assert "domain" in found.read_text("utf-8")
    assert found.is_relative_to(tmp_path / "data" / debian["sha256"])
    # What is there is not fetched again, whatever its version is said to be.
    assert fetch_data(debian | {"version": "0"}, tmp_path) == found


def test_another_debian_version_is_not_there(debian: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"netbase=0\.1 cannot be fetched") as caught:
        fetch_data(debian | {"version": "0.1"}, tmp_path)
    assert f"it has: {debian['version']}" in caught.value.hint


def test_another_digest_is_refused_and_nothing_is_kept(debian: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=f"has sha256 {debian['sha256']}, the entry says 0000"):
        fetch_data(debian | {"sha256": "0" * 64}, tmp_path)
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"path": "etc/nothing"}, SetupError, "holds no etc/nothing"),
        ({"path": "../../outside"}, FormatError, "leads outside"),
        ({"path": "/etc/passwd"}, FormatError, "leads outside"),
        ({"package": "-oAPT::Update::Pre-Invoke::=touch"}, FormatError, "is not a package"),
        ({"package": "net base"}, FormatError, "is not a package"),
        ({"version": "1 --option"}, FormatError, "is not a version"),
        ({"version": "1\n--index-url http://x"}, FormatError, "is not a version"),
        ({"sha256": "../../x"}, FormatError, "is not a sha256"),
    ],
)
def test_items_that_lead_elsewhere_are_refused(
    changes: dict[str, str], error: type[Exception], said: str, tmp_path: Path
) -> None:
    item = {
        "name": "services", "kind": "debian", "package": "netbase", "version": "1", "sha256": "0" * 64,
        "path": "etc/services",
    }  # fmt: skip
    (tmp_path / "data" / ("0" * 64) / "etc").mkdir(parents=True)
    with pytest.raises(error, match=said):
        fetch_data(item | changes, tmp_path)


def test_a_link_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data" / ("0" * 64)
    folder.mkdir(parents=True)
    (folder / "link").symlink_to("/etc/passwd")
    item = {"name": "x", "kind": "debian", "package": "x", "version": "1", "sha256": "0" * 64, "path": "link"}
    with pytest.raises(FormatError, match="leads outside"):
        fetch_data(item, tmp_path)


def test_a_wheel_is_unpacked(pypi: dict[str, Any], tmp_path: Path) -> None:
    kept = []
    for digest in pypi.pop("hashes"):
        try:
            kept.append(fetch_data(pypi | {"sha256": digest.partition(":")[2]}, tmp_path))
        except (SetupError, IntegrityError):
            continue  # that of the source distribution, which is never built
    (found,) = kept
    assert "IniConfig" in found.read_text("utf-8")


def test_a_wheel_with_another_digest_is_refused(pypi: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="does not have the sha256 that the entry says"):
        fetch_data(pypi | {"sha256": "0" * 64}, tmp_path)
    with pytest.raises(SetupError, match=r"iniconfig==0\.0\.1 cannot be fetched"):
        fetch_data(pypi | {"sha256": "0" * 64, "version": "0.0.1"}, tmp_path)
