"""One digest for one trained state: whoever packs it, where, when, and from what is unpacked of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.package.conftest import ROOT, adder
from tests.package.onnx_files import GOOD

from modelport.oci import Layout
from modelport.package import Package, load_package, pack
from modelport.package.modelpack import add_package, manifest_digest, unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KINDS = ROOT / "tests" / "projects" / "rebuilt"
LOCK = ROOT / "requirements" / "dev.lock"


def sources(folder: Path, *, time: int) -> Path:
    """Copy the models' files to *folder*, last changed at *time*."""
    shutil.copytree(KINDS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "scaled.onnx").write_bytes(GOOD)
    (folder / "LICENSE").write_text("Do as you please.\n", "utf-8")
    for one in folder.rglob("*"):
        os.utime(one, (time, time))
    return folder


def digests(kind: str, taken: Path, out: Path, *, umask: str = "022", **variables: str) -> dict[str, str]:
    """Pack in a process of its own, in *taken*'s folder, and return the digest of each model."""
    out.mkdir()
    command = [sys.executable, "-m", "tests.package.packed_digests", kind, str(taken), str(out), str(LOCK), umask]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k != "SOURCE_DATE_EPOCH"}
    paths = os.pathsep.join([str(ROOT / "registry"), str(ROOT)])
    done = subprocess.run(
        command,
        cwd=out,
        env=kept | {"PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.mark.parametrize("kind", ["several", "network"])
def test_the_same_state_gives_one_digest(kind: str, tmp_path: Path) -> None:
    taken = sources(tmp_path / "one", time=10**9)
    first = digests(kind, taken, tmp_path / "first", LC_ALL="C", PYTHONHASHSEED="1", PYTHONUTF8="0")

    # Elsewhere, later, as another user, in another locale and time zone.
    other = sources(tmp_path / "another place", time=1_700_000_000)
    variables = {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "HOME": str(tmp_path)}
    second = digests(kind, other, tmp_path / "second", umask="077", **variables)
    for name in first:
        assert contents(tmp_path / "second" / name) == contents(tmp_path / "first" / name)
    assert second == first

    # From what comes out of the artifact, without the files it was made of.
    shutil.rmtree(taken)
    shutil.rmtree(other)
    (tmp_path / "unpacked").mkdir()
    layout = Layout(tmp_path / "store")
    for name in first:
        root, _ = add_package(Package.read(tmp_path / "first" / name), layout)
        unpack(layout, root, tmp_path / "unpacked" / name)
    third = digests("again", tmp_path / "unpacked", tmp_path / "third", PYTHONHASHSEED="3", LC_ALL="POSIX")
    for name in first:
        assert contents(tmp_path / "third" / name) == contents(tmp_path / "first" / name)
    assert third == first


def test_modes_and_times_do_not_count(packed: Callable[[str], Package]) -> None:
    package = packed("adder")
    before = manifest_digest(package)
    for path in package.files():
        (package.folder / path).chmod(0o711)
        os.utime(package.folder / path, (0, 0))
    package.folder.chmod(0o700)
    assert manifest_digest(Package.read(package.folder)) == before


def test_the_name_the_state_and_the_trial_count(tmp_path: Path, cache: Path) -> None:
    model = adder()
    found = [
        manifest_digest(Package.read(pack(one, name, tmp_path / str(number), verify_in=where)))
        for number, (one, name, where) in enumerate(
            [(model, "adder", None), (model, "other", None), (model, "adder", cache)]
        )
    ]
    model.add_example("add", {"x": 2.0, "y": 2.0})
    found.append(manifest_digest(Package.read(pack(model, "adder", tmp_path / "more", verify_in=None))))
    assert len(set(found)) == len(found)


def test_a_package_that_was_loaded_can_be_packed_over_itself(packed: Callable[[str], Package]) -> None:
    package = packed("adder")
    before = contents(package.folder)
    pack(load_package(package.folder).model, "adder", package.folder, verify_in=None)
    assert contents(package.folder) == before
