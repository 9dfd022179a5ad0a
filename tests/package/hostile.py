"""What packages that mean harm are made with, and how their refusal is judged.

Every case is read in a process with limits (`hostile_reader`): at most 10 seconds of CPU (2 on a quiet machine; what
the bound is to catch takes minutes) and 256 MiB. Nothing may change but the folder that was asked for, and no code of a
package may have run: all of it would leave a mark.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[Path], object]

ROOT = Path(__file__).parents[2]
SECONDS, MEMORY = 10.0, 256 * 1024**2
MIB = 1024**2


class Reader:
    """The process that reads, with what it writes to stderr in a file of its own."""

    def __init__(self, log: Path) -> None:
        paths = os.pathsep.join([str(ROOT / "registry"), str(ROOT)])
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.package.hostile_reader"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=log.parent,
                env=os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
            )

    def read(self, how: str, path: Path, out: Path) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"how": how, "path": str(path), "out": str(out)}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        self.process.communicate(timeout=20)


def judge(reader: Reader, path: Path, said: str, stage: str = "read") -> None:
    """Read the folder *path*, and hold what happened against what should."""
    place = path.parent
    before = tree(place)
    answer = reader.read("folder", path, place / "out")
    message = answer["said"].replace(f"{path}/", "").replace(str(path), "PACKAGE")
    assert message.removeprefix("PACKAGE is not a package: ").startswith(said), answer
    assert answer["stage"] == stage
    assert answer["seconds"] < SECONDS, answer
    assert answer["memory"] < MEMORY, answer
    assert tree(place) == before
    assert not (place / "mark").exists()


def tree(place: Path) -> dict[str, tuple[int, int]]:
    """Return all that lies in *place*, with its mode and size."""
    return {str(one): ((s := one.lstat()).st_mode, s.st_size) for one in sorted(place.rglob("*"))}


def write(path: str, content: str | bytes) -> Change:
    def change(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)

    return change


def edit(path: str, **changes: object) -> Change:
    def change(folder: Path) -> None:
        document = json.loads((folder / path).read_text("utf-8"))
        (folder / path).write_text(json.dumps({**document, **changes}), "utf-8")

    return change


def instead(path: str, make: Change) -> Change:
    def change(folder: Path) -> None:
        (folder / path).unlink()
        make(folder / path)

    return change


def sparse(path: str, size: int) -> Change:
    def change(folder: Path) -> None:
        with (folder / path).open("ab") as file:
            file.truncate(size)

    return change
