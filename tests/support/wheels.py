"""Files out of others' wheels, fetched once for all tests of a checkout."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.commands import CACHE

from modelport.package.tools import run, uv


def file_of_wheel(requirement: str, path: str) -> Path:
    """Return the file at *path* in the wheel of a distribution, given as ``name==version --hash=...``."""
    kept = CACHE / requirement.partition(" ")[0].replace("==", "-") / Path(path).name
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.with_name("lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if not kept.is_file():
            with TemporaryDirectory(dir=kept.parent) as folder:
                _unpack(requirement, Path(folder))
                shutil.move(Path(folder, "unpacked", path), kept)
    return kept


def _unpack(requirement: str, folder: Path) -> None:
    (folder / "requirements.txt").write_text(f"{requirement}\n", "utf-8")
    install = uv("pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes")
    # Of the wheel, which may be for one Python on one machine, a file alone is used, which is for all.
    of = ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28"]
    done = run([*install, *of, "--target", str(folder / "unpacked"), "-r", str(folder / "requirements.txt")])
    assert done.returncode == 0, done.stderr
